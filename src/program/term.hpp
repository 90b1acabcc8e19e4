// Operations of kind Term: a cotangent times the derivative of an elementwise operation.
#pragma once

#include "ops/op.hpp"

namespace fastad::program {

// Of values without boxes: the cotangent, x, y and ans. Empty where they are not arrays of one
// floating type and numbers, or where the derivative is smaller than the cotangent: then it is
// cheaper to have it on its own.
Value term_value(const Op& term, const Value* values);

}  // namespace fastad::program
