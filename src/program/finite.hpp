// Infinities and NaN: which operations make them of finite numbers, and which pass them on. A
// replay finds its errors in its results, so a value that may become infinite is looked at unless a
// consumer passes that on.
#pragma once

#include "ops/op.hpp"

namespace fastad::program {

inline bool creates_infinity(const Op& op) noexcept {
    if (op.kind == OpKind::Test) return false;
    switch (op.code) {
        case Code::negative:
        case Code::positive:
        case Code::absolute:
        case Code::fabs:
        case Code::sin:
        case Code::cos:
        case Code::arctan:
        case Code::tanh:
        case Code::arcsinh:
        case Code::maximum:
        case Code::minimum:
        case Code::fmax:
        case Code::fmin:
        case Code::copysign:
        case Code::sign:
        case Code::floor:
        case Code::ceil:
        case Code::trunc:
        case Code::rint:
        case Code::where:
        case Code::max:
        case Code::min:
        case Code::getitem:
        case Code::stack: return false;
        default: return true;
    }
}

// Whether the result is infinite or NaN wherever this operand is.
inline bool passes_infinity(const Op& op, std::size_t operand) noexcept {
    switch (op.code) {
        case Code::add:
        case Code::subtract:
        case Code::multiply:
        case Code::negative:
        case Code::positive:
        case Code::absolute:
        case Code::fabs:
        case Code::square:
        case Code::sin:
        case Code::cos:
        case Code::sum:
        case Code::mean:
        case Code::dot:
        case Code::matmul: return true;
        case Code::divide: return operand == 0;
        default: return false;
    }
}

}  // namespace fastad::program
