// A level that records into nodes of Python's own: autograd's Node classes.
#pragma once

#include "python/hosted.hpp"

namespace fastad::python {

class GraphLevel final : public Level {
  public:
    // One that sees everything records tests and operations of derivative zero as well, and does
    // not differentiate: rules leave its boxes in place.
    static GraphLevel* open(bool everything);
    void close() noexcept;

    Value record(const Applied& applied, Value ans) override;
    bool sees(const Op& op) override { return everything_ || Level::sees(op); }
    bool differentiates() const noexcept override { return !everything_; }
    // An index has no derivative, and one that does not differentiate loses none.
    bool read(const Traced& box, Read why) override {
        return (everything_ && why == Read::Index) || Level::read(box, why);
    }
    bool needs_rules() const noexcept override { return false; }  // its nodes say what they need
    Value input(Value value, PyObject* node) {
        return box(serial, std::move(value), 0, Value::share(core(node)));
    }
    static const Value& node(const Traced& traced) noexcept { return traced.attached; }
    // The living graph that this box is of; null for boxes of other levels.
    static GraphLevel* of(const Traced& traced) noexcept;

  private:
    bool everything_ = false;
};

}  // namespace fastad::python
