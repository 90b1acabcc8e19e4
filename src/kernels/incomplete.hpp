// The incomplete gamma function by its shape, for shapes that are not large.
#pragma once

#include <cstddef>

namespace fastad::incomplete {

// The derivative of P(a, x) by a, for many; p, q and next_psi are P(a, x), 1 - P(a, x) and
// digamma(a + 1), which is not lost to rounding for small a.
// q may be null. NaN for a <= 0 or x < 0. False, and results without meaning, where a shape is too
// large, or where q is wanted and null: behind the bulk of the density.
bool gamma_by_shape(std::size_t n, const double* a, const double* x, const double* p,
                    const double* q, const double* next_psi, double* result);

}  // namespace fastad::incomplete
