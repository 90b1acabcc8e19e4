// Formulas of operations along axes of an array: how one is planned, and one run of it.
#pragma once

#include "python/formulas.hpp"

namespace fastad::python {

// An array in C order as [outer][length][inner]: each line has `length` elements.
struct Along {
    std::size_t outer = 1, length = 1, inner = 1;
    std::size_t lines() const { return outer * inner; }
    std::size_t size() const { return outer * length * inner; }
    std::size_t of(Extent extent) const {
        return extent == Extent::Full ? size() : extent == Extent::Kept ? lines() : 1;
    }
    static constexpr std::size_t most = 8192;  // elements; of more NumPy's buffers decide the bits
};

// What its formulas are of: the array, the result, and the result's cotangent.
constexpr std::size_t along_given = 3;

// Puts steps that spread where what there is for each line meets the elements, and finds how much
// each step gives, and where that may lie: where something lay that is not read any more. The
// result and its cotangent are of this extent. False where the formula sums what is no array.
bool plan_along(Formula& formula, Extent ans, bool cotangent);

// False where a condition does not hold; what is written then means nothing. exact: no step may
// raise a flag, since the function warns then, or does not.
bool run_along(const Formula& formula, const double* const* given, const Along& along, bool exact,
               double* out);

// The value of such an operation; empty where no formula holds, or where the function has a warning
// to give.
Value value_along(const Op& op, const Value* values, std::size_t count);

}  // namespace fastad::python
