// Tangents of elementwise operations by the kernels of the sweep.
#pragma once

#include "ops/op.hpp"

namespace fastad {

// The tangent of ans: the sum of each tangent times the derivative for its operand, coefficient,
// product and sum in one pass over memory. `rule` is the operation whose derivatives apply. Empty
// where an operand is a box, complex, or of a type that kernels do not read.
Value fused_tangent(const Op& rule, const Value* inner, const Value* tangents, const Value& ans);

// The same for tangents with a leading axis of this width, over a record's kept operands and,
// behind them, result: all float64, as the result is.
Value fused_tangents(const Op& rule, const Value* kept, const Value* tangents, const Meta& ans,
                     Extent width);

}  // namespace fastad
