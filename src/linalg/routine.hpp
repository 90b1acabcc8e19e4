// Functions over whole matrices, in the form of the loops of NumPy's generalized ufuncs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/arrays.hpp"

namespace fastad {

struct Op;

struct Routine {
    static constexpr std::size_t most_operands = 4, most_axes = 2, most_names = 4;
    struct Operand {
        DType dtype = DType::Float64;
        std::uint8_t rank = 0;
        std::uint8_t axes[most_axes] = {};  // numbers of their names
    };
    // run(places, lengths, strides, data). lengths: how many times, then of each named axis;
    // strides: of each operand from one time to the next, then of each along its axes. Where it
    // fails (a singular matrix) it raises the invalid flag, else no flag that means nothing.
    void (*run)(char** places, const Extent* lengths, const Extent* strides, void* data) = nullptr;
    void* data = nullptr;
    Operand operands[most_operands];  // arguments, then results
    std::size_t arguments = 0, results = 0, names = 0;
    // The length of the last name, of which the arguments have no axis, by that of the first.
    Extent (*derived)(Extent first) = nullptr;
    bool stacks = true;                  // of matrices, not single ones alone
    const Routine* otherwise = nullptr;  // with the same operands, tried where this one fails

    bool same_operands(const Routine& other) const noexcept;
    // Runs it; false where it failed. Other flags than that of a failure may stand then.
    bool operator()(char** places, const Extent* lengths, const Extent* strides) const;
};

// Where a routine's operands lie.
struct RoutineShape {
    Extent lengths[1 + Routine::most_names] = {};
    int stack_rank = 0;
    const Extent* stack = nullptr;  // the axes before those of the routine; borrowed
    std::size_t work = 0;           // multiplications, roughly

    // Strides of an operand in C order; where it is no stack, those that are given, if any.
    void strides_of(const Routine& routine, std::size_t operand, const Extent* given,
                    Extent* strides) const noexcept;
    std::size_t size_of(const Routine::Operand& operand) const noexcept;
    // The shape of an operand; its rank is returned.
    int shape_of(const Routine::Operand& operand, Extent* shape) const noexcept;
};

// Whether a routine takes arguments of these spaces: of its types, of lengths that agree, not
// empty.
bool fits(const Routine& routine, const Meta* arguments, RoutineShape& shape) noexcept;

// The core's own routines, by name; null for others.
const Routine* own_routine(const char* name) noexcept;

namespace host {

// What computes the value of a registered operation on arrays of these spaces, the first operands;
// an option after them selects among several. Null where none does.
const Routine* routine(const Op& op, const Meta* metas, const Value* values, std::size_t count,
                       RoutineShape& shape);

}  // namespace host
}  // namespace fastad
