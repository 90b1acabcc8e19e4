// One cotangent backwards over the tape: what sweep.cpp, which walks, and contributions.cpp, where
// the rules run, share.
#pragma once

#include <cmath>
#include <limits>
#include <unordered_map>

#include "reverse/sweep.hpp"
#include "strict.hpp"

namespace fastad {

// One word a node. A double, or a mark in a signalling NaN, which arithmetic never yields: 0 for a
// node that no cotangent has reached, else the number of a held value.
using Slot = std::uint64_t;
constexpr Slot mark = 0x7FF4000000000000u;
constexpr Slot untouched = mark;

inline bool is_mark(Slot slot) noexcept { return (slot >> 48) == (mark >> 48); }
inline double as_double(Slot slot) noexcept {
    double number;
    __builtin_memcpy(&number, &slot, sizeof number);
    return number;
}
inline Slot as_slot(double number) noexcept {
    if (std::isnan(number)) number = std::numeric_limits<double>::quiet_NaN();
    Slot slot;
    __builtin_memcpy(&slot, &number, sizeof slot);
    return slot;
}

class Sweep {
  public:
    Sweep(Tape& tape, std::uint32_t entries, bool consume)
        : tape_(tape), consume_(consume), slots_(entries, untouched) {}

    void seed(std::uint32_t entry, const Value& cotangent) { add_value(entry, cotangent); }
    void run();
    Value result(std::uint32_t entry) {
        if (entry >= slots_.size() || slots_[entry] == untouched) return {};
        return look(entry);
    }

  private:
    // Contributions that are single elements of an array, boxed: joined into one scatter when the
    // array is reached, since one dense array an element would make a loop over x[i] quadratic.
    struct Pending {
        std::vector<Extent> offsets;
        std::vector<Value> values;
    };

    // Returns how much work it was, in units of an entry; 0 for one.
    std::size_t visit(std::uint32_t i);
    void run_audited();
    const Op& op_of(std::uint32_t i) const;
    std::vector<std::uint32_t> operands_of(std::uint32_t i) const;

    void hold(std::uint32_t entry, Value value) {
        std::size_t place;
        if (!free_.empty()) {
            place = free_.back();
            free_.pop_back();
            held_[place] = std::move(value);
        } else {
            place = held_.size();
            held_.push_back(std::move(value));
        }
        slots_[entry] = mark | (place + 1);
    }
    Value& held(std::uint32_t entry) noexcept { return held_[(slots_[entry] & 0xFFFFFFFFu) - 1]; }

    void join_pending(std::uint32_t entry);
    Value take(std::uint32_t entry);
    Value look(std::uint32_t entry);

    void add_number(std::uint32_t entry, double number) {
        Slot& slot = slots_[entry];
        if (slot == untouched)
            slot = as_slot(number);
        else if (!is_mark(slot)) [[likely]]
            slot = as_slot(as_double(slot) + number);
        else
            add_value(entry, Value::strong(number));
    }
    void add_value(std::uint32_t entry, Value value);
    void add_scaled(std::uint32_t entry, const Value& g, double partial) {
        if (partial == 1.0) return add_value(entry, g);
        add_value(entry, strict_ ? strict_product(g, Value::weak(partial))
                                 : apply(Code::multiply, g, Value::weak(partial)));
    }
    static Value strict_term(const Op& op, Value coefficient, const Value& g) {
        if (op.root)
            coefficient =
                apply(Code::where, apply(Code::isinf, coefficient), Value::weak(0.0), coefficient);
        return strict_product(g, coefficient);
    }
    double strict_number(double g, double partial, std::uint32_t i) const {
        if (g == 0.0) return 0.0;
        if (std::isinf(partial) && operation(tape_.scalar_code(i)).root) return 0.0;
        return g * partial;
    }
    void element(const Entry& entry, const Value& g);
    Value* writable(std::uint32_t entry);

    // Large elementwise records from this one on downwards, together: how much work it was, or 0
    // where there are no two of them (stretch.cpp).
    static constexpr std::size_t long_enough = 4096;  // elements
    template <class T>
    class Stretch;
    std::size_t stretch(std::uint32_t i, const Meta& meta);
    template <class T>
    std::size_t stretch(std::uint32_t i, const Meta& meta);

    void record(const Record& record, Value g, const Meta& meta);
    void elementwise(const Record& record, Value g, const Meta& meta);
    // A new array for an adjoint, or one that this sweep has done with.
    Value room(const Meta& meta);
    void spare(Value value, std::size_t size);
    template <class T>
    bool flat(const Record& record, std::size_t which, std::uint32_t node, Value& g,
              const Meta& meta, bool last);
    template <class T>
    bool fused(const Record& record, std::size_t which, std::uint32_t node, Value& g,
               const Meta& meta, bool last);
    void structural(const Record& record, Value g, const Meta& meta);
    bool in_place(const Call& call, std::size_t argnum, std::uint32_t node, const Value& g);
    void foreign(const Record& record, const Value& g, const Meta& meta);
    void pointwise(const Record& record, const Value& g, const Meta& meta);
    template <class T>
    bool product(std::uint32_t node, const Value& g, Value& partial, const Meta& meta);

    Tape& tape_;
    bool consume_;
    bool together_ = false;  // stretches of records, not one by one
    const bool strict_ = Modes::here(Modes::strict_zero) != 0;
    Prints::Cursor prints_ = tape_.prints();
    std::vector<Slot, buffer::Allocator<Slot>> slots_;
    std::vector<Value> held_;
    std::vector<std::size_t> free_;
    static constexpr std::size_t most_spares = 4;
    Value spares_[most_spares];
    std::size_t spare_count_ = 0;
    std::unordered_map<std::uint32_t, Pending> pending_;
    // Cotangents of the parts of a primitive with several results, until all have come.
    std::unordered_map<std::uint32_t, std::vector<Value>> bundles_;
};

}  // namespace fastad
