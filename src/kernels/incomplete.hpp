// The incomplete gamma function by its shape, for shapes that are not large.
#pragma once

#include <cstddef>

namespace fastad::incomplete {

// The derivative of P(a, x) by a, for many: of a, x, the smaller part of P and Q = 1 - P, and
// digamma(a + 1), which is not lost to rounding for small a. Q is the smaller part where
// x > a + 1 + sqrt(a). NaN for a <= 0, x < 0, and for shapes beyond the largest.
constexpr double largest_shape = 200.0;
void gamma_by_shape(std::size_t n, const double* const* in, double* out);

}  // namespace fastad::incomplete
