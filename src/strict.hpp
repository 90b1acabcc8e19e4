// Products under strict_zero.
#pragma once

#include <cmath>

#include "ops/op.hpp"

namespace fastad {

// Where the first factor is exactly zero so is the product, also with what is not finite. A finite
// factor stays: the product's derivative by the first is no zero.
inline Value strict_product(const Value& g, const Value& coefficient) {
    if (coefficient.is_number() && std::isfinite(coefficient.number()))
        return apply(Code::multiply, g, coefficient);
    const Value none = apply(Code::logical_and, apply(Code::equal, g, Value::weak(0.0)),
                             apply(Code::logical_not, apply(Code::isfinite, coefficient)));
    return apply(Code::multiply, g, apply(Code::where, none, Value::weak(0.0), coefficient));
}

}  // namespace fastad
