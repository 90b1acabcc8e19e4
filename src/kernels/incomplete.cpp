// The incomplete gamma function by its shape. Both of its forms are differentiated in logarithms,
// so that their scale is SciPy's own P or Q and nothing cancels in a tail. Larger shapes than the
// largest take more terms than their integral has nodes.
#include "kernels/incomplete.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fastad::incomplete {

namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr int most_terms = 10000;

// d log P / da. DLMF 8.7.1: P = x^a exp(-x) / gamma(a + 1) times the sum of x^n / (a + 1)_n; by a
// each term has minus the sum of 1 / (a + j), j <= n.
double slope_of_lower(double a, double x, double next_psi) {
    double term = 1.0, sum = 1.0, harmonic = 0.0, weighted = 0.0;
    for (int n = 1; n < most_terms; ++n) {
        const double below = 1.0 / (a + n);
        term *= x * below;
        harmonic += below;
        sum += term;
        weighted += term * harmonic;
        if (a + n > x && term * harmonic <= epsilon / 16 * weighted) break;
    }
    return (std::log(x) - next_psi) - weighted / sum;
}

// d log Q / da. DLMF 8.9.2: gamma(a, x) is x^a exp(-x) over the continued fraction
// b_0 - 1 (1 - a) / (b_1 - 2 (2 - a) / (b_2 - ...)), b_i = x + 1 - a + 2 i, which is evaluated by
// Lentz's method together with the derivative of its logarithm.
double slope_of_upper(double a, double x, double next_psi) {
    double b = x + 1.0 - a;
    double c = b, dc = -1.0, d = 0.0, dd = 0.0;
    double slope = -1.0 / b;
    for (int i = 1; i < most_terms; ++i) {
        const double by = -i * (i - a), dby = i;
        b += 2.0;
        const double over = b + by * d;
        const double dover = -1.0 + dby * d + by * dd;
        const double inverse = 1.0 / c;
        dc = -1.0 + (dby - by * dc * inverse) * inverse;
        c = b + by * inverse;
        d = 1.0 / over;
        dd = -dover * d * d;
        const double change = dc / c - dover * d;
        slope += change;
        if (std::abs(c * d - 1.0) <= epsilon && std::abs(change) <= epsilon / 4 * std::abs(slope))
            break;
    }
    return (std::log(x) - slope) - (next_psi - 1.0 / a);
}

bool is_upper(double a, double x) { return x > a + 1.0 + std::sqrt(a); }

}  // namespace

void gamma_by_shape(std::size_t n, const double* const* in, double* out) {
    for (std::size_t i = 0; i < n; ++i) {
        const double a = in[0][i], x = in[1][i], part = in[2][i], next_psi = in[3][i];
        if (!(a > 0.0 && x >= 0.0 && a <= largest_shape))
            out[i] = std::numeric_limits<double>::quiet_NaN();
        else if (x == 0.0 || std::isinf(x))
            out[i] = 0.0;
        else if (is_upper(a, x))
            out[i] = -part * slope_of_upper(a, x, next_psi);
        else
            out[i] = part * slope_of_lower(a, x, next_psi);
    }
}

}  // namespace fastad::incomplete
