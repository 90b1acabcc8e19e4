// A forward level: each of its boxes carries a tangent beside its value.
#pragma once

#include "level.hpp"

namespace fastad {

class ForwardLevel final : public Level {
  public:
    static ForwardLevel* open();
    void close() noexcept;

    Value record(const Applied& applied, Value ans) override;
    // Value and tangent in one pass, where the operands below are plain numbers and arrays.
    Value term(const Op& term, const Value* values) override;
    bool add_into(const Value& present, const Value& more) override;
    // An input; the tangent has its shape and dtype.
    Value input(Value value, Value tangent) {
        return box(serial, std::move(value), 0, std::move(tangent));
    }
    static const Value& tangent(const Traced& traced) noexcept { return traced.attached; }

  private:
    Value record_tuple(const Applied& applied, const Value* tangents, const Value& ans);
};

// The tangent of the result for tangents of some operands (empty: none).
Value elementwise_tangent(const Call& call, const Value* tangents);
Value structural_tangent(const Call& call, const Value* tangents);

}  // namespace fastad
