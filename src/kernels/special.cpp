#include "kernels/special.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/incomplete.hpp"

namespace fastad {

namespace {

// B_2, B_4, ...
constexpr double bernoulli[] = {1.0 / 6,       -1.0 / 30,      1.0 / 42, -1.0 / 30,
                                5.0 / 66,      -691.0 / 2730,  7.0 / 6,  -3617.0 / 510,
                                43867.0 / 798, -174611.0 / 330};

// For x > 0: upwards by DLMF 5.15.5, to where the series of DLMF 5.15.8 is exact.
inline double trigamma_above_zero(double x) {
    constexpr double shifts = 8.0;
    constexpr double far = 1e60;  // from here on squares of squares overflow, and are not needed
    const double z = x + shifts;
    const double w = 1.0 / (z * z);
    double series = 0.0;
    for (int k = 9; k >= 0; --k) series = series * w + bernoulli[k];
    const double tail = (series * w + 1.0) / z + 0.5 * w;
    double between = 0.0;
    for (int k = 7; k > 1; k -= 2) {
        const double p = (x + k) * (x + k), q = (x + (k - 1)) * (x + (k - 1));
        between += (p + q) / (p * q);
    }
    const double near = (tail + between) + 1.0 / ((x + 1.0) * (x + 1.0));
    return (x < far ? near : tail) + 1.0 / (x * x);
}

// psi'. Below zero by reflection, DLMF 5.15.6, whose terms are far apart.
void trigamma(std::size_t n, const double* const* in, double* out) {
    const double* x = in[0];
    for (std::size_t i = 0; i < n; ++i)
        out[i] = trigamma_above_zero(x[i] < 0.0 ? 1.0 - x[i] : x[i]);
    for (std::size_t i = 0; i < n; ++i) {
        if (!(x[i] < 0.0)) continue;
        constexpr double pi = 3.141592653589793;
        const double sine = std::sin(pi * (x[i] - std::rint(x[i]))) / pi;
        out[i] = 1.0 / (sine * sine) - out[i];
    }
}

// psi(a + b) - psi(a), these two given behind a and b. Where they cancel, for a, b > 0, the
// difference is shifted upwards by DLMF 5.5.2, each step a difference of inverses, to where DLMF
// 5.11.2 holds; its terms are differences of powers of 1 / a and 1 / (a + b), taken by their factor
// b.
double psi_gap(double a, double b, double at_a, double at_both) {
    constexpr double remote = 20.0;  // from here on the series is exact to rounding
    const double plain = at_both - at_a;
    const bool cancels = a > 0.0 && b > 0.0 && !std::isinf(a) && !std::isinf(b) &&
                         std::abs(plain) < 0.3 * std::abs(at_a);
    if (!cancels) return plain;
    double total = 0.0, low = std::max(a, 1e-300);
    for (; low < remote; low += 1.0) total += b / (low * (low + b));
    const double u = 1.0 / low, v = 1.0 / (low + b);
    const double gap = u * (v * b);  // u - v
    total += std::log1p(b / low) + gap / 2;
    // powers: the sum of u^(m - i) v^i, i <= m, for m = 1, 3, ...
    const double square = v * v;
    double power = u, powers = u + v;
    for (int k = 1; k <= 8; ++k) {
        total += bernoulli[k - 1] / (2 * k) * gap * powers;
        const double next = power * u * u;
        powers = next + power * u * v + square * powers;
        power = next;
    }
    return total;
}

void psi_gaps(std::size_t n, const double* const* in, double* out) {
    for (std::size_t i = 0; i < n; ++i) out[i] = psi_gap(in[0][i], in[1][i], in[2][i], in[3][i]);
}

// T(v) = psi((v + 1) / 2) - psi(v / 2) - 1 / v by T(v) = 1 / (v (v + 1)) - T(v + 1) and its
// asymptotic series, whose terms are those of tanh(s / 2) (DLMF 4.33.3).
double student_gap(double df) {
    constexpr double tanh[] = {1.0 / 2,  -1.0 / 4,   1.0 / 2,    -17.0 / 8,
                               31.0 / 2, -691.0 / 4, 5461.0 / 2, -929569.0 / 16};
    constexpr int shifts = 20;
    if (!(df > 0.0)) return std::numeric_limits<double>::quiet_NaN();
    const double last = df + shifts;
    const double w = 1.0 / (last * last);
    double total = 0.0;
    for (int k = 7; k >= 0; --k) total = (total + tanh[k]) * w;
    for (int k = shifts - 1; k >= 0; --k) total = 1.0 / ((df + k) * (df + k + 1)) - total;
    return total;
}

void student_gaps(std::size_t n, const double* const* in, double* out) {
    for (std::size_t i = 0; i < n; ++i) out[i] = student_gap(in[0][i]);
}

}  // namespace

const SpecialFunction special_functions[special_function_count] = {
    {"trigamma", 1, trigamma},
    {"student_gap", 1, student_gaps},
    {"psi_gap", 4, psi_gaps},
    {"gamma_by_shape", 4, incomplete::gamma_by_shape}};

}  // namespace fastad
