// Elementary functions as straight-line code, so that a plain loop over one of them is vectorised.
//
// No branch, table or call inside: compilers turn each into selects for whatever registers the unit
// is compiled for. Contraction is off, so every instruction set gives the same bits. Errors stay
// below 2 ulp (tests/test_vector_math.py states them, against mpmath), special values are NumPy's.
// Not for directed rounding or flush-to-zero. Floating-point flags mean nothing afterwards.
//
// Polynomials are Chebyshev fits of the stated functions, made with 60 digits; the reductions are
// the usual ones (Muller, Elementary Functions, 3rd ed., chapters 4, 6 and 11). Internal linkage:
// see ops/rules.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

// A loop with a call in it does not vectorise, and compilers stop inlining where a unit has grown.
#define FASTAD_INLINED __attribute__((always_inline)) inline

namespace fastad {
namespace {
namespace vector {

using Bits = std::uint64_t;
FASTAD_INLINED Bits bits_of(double x) noexcept { return __builtin_bit_cast(Bits, x); }
FASTAD_INLINED double of_bits(Bits bits) noexcept { return __builtin_bit_cast(double, bits); }
FASTAD_INLINED double size_of(double x) noexcept {
    return of_bits(bits_of(x) & 0x7FFFFFFFFFFFFFFFu);
}
FASTAD_INLINED Bits sign_of(double x) noexcept { return bits_of(x) & 0x8000000000000000u; }
FASTAD_INLINED double with_sign(double x, Bits sign) noexcept { return of_bits(bits_of(x) | sign); }
// The leading 26 bits: their square is exact, and so is what is left.
FASTAD_INLINED double head_of(double x) noexcept {
    return of_bits(bits_of(x) & 0xFFFFFFFFF8000000u);
}

constexpr double infinity = __builtin_inf();
constexpr double not_a_number = __builtin_nan("");
// Added to a number below 2^51, it leaves the nearest integer in the low bits.
constexpr double rounder = 0x1.8p52;
constexpr double log2_e = 1.4426950408889634;
constexpr double ln2_high = 0x1.62e42fefa2000p-1;  // 40 bits: its product with an exponent is exact
constexpr double ln2_low = 0x1.9ef35793c7673p-41;
constexpr Bits exponent_of_one = 1023;
constexpr Bits significand = 0x000FFFFFFFFFFFFFu;

FASTAD_INLINED double power_of_two(Bits exponent) noexcept {
    return of_bits((exponent + exponent_of_one) << 52);
}

// A polynomial of up to 16 coefficients, the constant first, in halves: no product waits for all
// that stand before it, as it does in Horner's form.
struct Powers {
    double one, two, four, eight;
    FASTAD_INLINED explicit Powers(double x) noexcept
        : one(x), two(x * x), four(two * two), eight(four * four) {}
};
template <std::size_t first, std::size_t count, std::size_t n>
FASTAD_INLINED double terms_of(const double (&c)[n], const Powers& x) noexcept {
    if constexpr (count == 1)
        return c[first];
    else if constexpr (count == 2)
        return c[first] + c[first + 1] * x.one;
    else if constexpr (count <= 4)
        return terms_of<first, 2>(c, x) + terms_of<first + 2, count - 2>(c, x) * x.two;
    else if constexpr (count <= 8)
        return terms_of<first, 4>(c, x) + terms_of<first + 4, count - 4>(c, x) * x.four;
    else
        return terms_of<first, 8>(c, x) + terms_of<first + 8, count - 8>(c, x) * x.eight;
}
template <std::size_t n>
FASTAD_INLINED double polynomial(const double (&c)[n], double x) noexcept {
    return terms_of<0, n>(c, Powers(x));
}

// (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2.
FASTAD_INLINED double exp_tail(double r) noexcept {
    constexpr double coefficients[] = {0.5000000000000001,     0.16666666666666669,
                                       0.041666666666623824,   0.008333333333330039,
                                       0.0013888888917367081,  0.00019841269863171557,
                                       2.4801521057868204e-05, 2.7557268276905696e-06,
                                       2.7620201591031547e-07, 2.5100472505694996e-08};
    return polynomial(coefficients, r);
}

// Halves of an exponent between -4096 and 4095, without an arithmetic shift of 64 bits.
struct Halves {
    Bits first, second;
};
FASTAD_INLINED Halves halves(Bits k) noexcept {
    const Bits first = ((k + 4096) >> 1) - 2048;
    return {first, k - first};
}

// 2^k (1 + r + r^2 q): in two steps, so that overflow and denormal results come out by themselves.
FASTAD_INLINED double scaled_exp(double r, Bits k) noexcept {
    const double p = 1.0 + (r + r * r * exp_tail(r));
    const Halves half = halves(k);
    return p * power_of_two(half.first) * power_of_two(half.second);
}

// |x| cut at limit, NaN kept.
FASTAD_INLINED double clamp(double x, double limit) noexcept {
    return size_of(x) > limit ? with_sign(limit, sign_of(x)) : x;
}

FASTAD_INLINED double exp(double x0) noexcept {
    const double x = clamp(x0, 760.0);
    const double rounded = x * log2_e + rounder;
    const double k = rounded - rounder;
    const double r = (x - k * ln2_high) - k * ln2_low;
    return scaled_exp(r, bits_of(rounded) - bits_of(rounder));
}

FASTAD_INLINED double exp2(double x0) noexcept {
    const double x = clamp(x0, 1100.0);
    const double rounded = x + rounder;
    const double k = rounded - rounder;
    const double f = x - k;
    const double r = f * 0.69314718055994531;
    return scaled_exp(r, bits_of(rounded) - bits_of(rounder));
}

// Half of exp(x) - 1: it does not overflow before sinh does. Arguments are cut where the result is
// infinite, or -1/2.
FASTAD_INLINED double half_expm1(double x0) noexcept {
    const double low = x0 < -60.0 ? -60.0 : x0;
    const double x = low > 710.6 ? 710.6 : low;
    const double rounded = x * log2_e + rounder;
    const double k = rounded - rounder;
    const double high = x - k * ln2_high;
    const double low_part = k * ln2_low;
    const double r = high - low_part;
    const double c = (high - r) - low_part;
    // 2^(k - 2), doubled below: k is up to 1025.
    const double s = power_of_two(bits_of(rounded) - bits_of(rounder) - 2);
    return 2.0 * (((s - 0.25) + s * r) + s * (r * r * exp_tail(r) + c));
}

FASTAD_INLINED double expm1(double x) noexcept {
    const double result = 2.0 * half_expm1(x);
    return size_of(x) < 0x1p-54 ? x : result;
}

// m in [sqrt(1/2), sqrt(2)) and k with x = 2^k m, for normal positive x.
struct Parts {
    double m, k;
};
FASTAD_INLINED Parts parts_of(double x) noexcept {
    constexpr Bits root = 0x3FE6A09E667F3BCDu;  // sqrt(1/2)
    const Bits shifted = bits_of(x) + ((exponent_of_one << 52) - root);
    // The exponent as a double: put under 2^52.
    const double k = of_bits((shifted >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0);
    return {of_bits((shifted & significand) + root), k};
}

// (log((1 + s) / (1 - s)) - 2 s) / s for z = s^2.
FASTAD_INLINED double log_tail(double z) noexcept {
    constexpr double coefficients[] = {0.3999999999989889,  0.28571428626253836,
                                       0.22222211089379496, 0.1818289243253687,
                                       0.15331611722055008, 0.14617807153417325};
    const double p = polynomial(coefficients, z);
    return (p * z + 0.666666666666667) * z;
}

// log(x) as the user's edges have it.
FASTAD_INLINED double log_edges(double x, double result) noexcept {
    const double finite = x < infinity ? result : x;  // infinity and NaN
    const double defined = x < 0.0 ? not_a_number : finite;
    return x == 0.0 ? -infinity : defined;
}

// As parts_of, for denormal x too.
FASTAD_INLINED Parts split(double x) noexcept {
    const bool tiny = x < 0x1p-1022;
    const Parts parts = parts_of(tiny ? x * 0x1p54 : x);
    return {parts.m, tiny ? parts.k - 54.0 : parts.k};
}

// k ln(2) + log(1 + f).
FASTAD_INLINED double log_sum(double f, double k) noexcept {
    const double s = f / (2.0 + f);
    const double half_square = 0.5 * f * f;
    const double tail = s * (half_square + log_tail(s * s));
    return k * ln2_high - ((half_square - (tail + k * ln2_low)) - f);
}

FASTAD_INLINED double log(double x) noexcept {
    const Parts parts = split(x);
    return log_edges(x, log_sum(parts.m - 1.0, parts.k));
}

// log(u + lost) + more ln(2), for normal positive u of which little was lost.
FASTAD_INLINED double log_of_sum(double u, double lost, double more) noexcept {
    const Parts parts = parts_of(u);
    const double cut = parts.k > 1000.0 ? 1000.0 : parts.k;  // where nothing of it counts any more
    const Bits k = bits_of(cut + rounder) - bits_of(rounder);
    return log_sum((parts.m - 1.0) + lost * power_of_two(Bits{0} - k), parts.k + more);
}

FASTAD_INLINED double log1p(double x) noexcept {
    const double u = 1.0 + x;
    // What the sum lost; the larger of the two stands first.
    const double lost = x >= 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
    const double result = log_edges(u, log_of_sum(u, lost, 0.0));
    return size_of(x) < 0x1p-54 ? x : result;
}

// log(1 + f) in two parts times a constant in two parts, plus k times another.
FASTAD_INLINED double log_in_base(double x, double inverse_high, double inverse_low,
                                  double unit_high, double unit_low) noexcept {
    const Parts parts = split(x);
    const double f = parts.m - 1.0;
    const double s = f / (2.0 + f);
    const double half_square = 0.5 * f * f;
    // The leading part keeps 26 bits, so that its product with inverse_high is exact.
    const double high = head_of(f - half_square);
    const double low = ((f - high) - half_square) + s * (half_square + log_tail(s * s));
    const double first = high * inverse_high;
    const double rest = high * inverse_low + low * (inverse_high + inverse_low);
    const double whole = parts.k * unit_high;
    const double sum = whole + first;
    // Of k * unit and the fraction, the first is the larger unless it is zero.
    const double lost = (whole - sum) + first;
    return log_edges(x, sum + (lost + (rest + parts.k * unit_low)));
}
FASTAD_INLINED double log2(double x) noexcept {
    return log_in_base(x, 0x1.7154764000000p+0, 0x1.2b82fe1777d10p-28, 1.0, 0.0);
}
FASTAD_INLINED double log10(double x) noexcept {
    return log_in_base(x, 0x1.bcb7b14000000p-2, 0x1.26e50e32a6ab7p-30, 0x1.34413509f6000p-2,
                       0x1.9fef311f12b36p-42);
}

// Up to here k pi/2 is exact in three parts of 33 bits; beyond, the loop asks the C library.
constexpr double widest_angle = 0x1p20;

// x - k pi/2 as high + low, and k.
struct Angle {
    double high, low;
    Bits k;
};
FASTAD_INLINED Angle reduce(double x) noexcept {
    const double rounded = x * 0.63661977236758134 + rounder;
    const double k = rounded - rounder;
    const double a = x - k * 0x1.921fb54400000p+0;
    const double b = k * 0x1.0b4611a600000p-34;
    // What a difference loses, if only its first operand is a multiple of the other's last bit.
    // That holds of a, a multiple of the last bit of x. Where a and b cancel nothing is lost, so
    // that of the difference of tail and c nothing counts that is lost in its turn.
    const double first = a - b;
    const double over = b + (first - a);
    const double tail = over + k * 0x1.3198a2e000000p-69;  // to be subtracted
    const double high = first - tail;
    const double low = ((first - high) - tail) - k * 0x1.b839a252049c1p-104;
    return {high, low, bits_of(rounded) - bits_of(rounder)};
}

// sin and cos of a reduced angle, each as the sum of two parts.
struct Circle {
    double sin, sin_low, cos, cos_low;
};
FASTAD_INLINED Circle circle(const Angle& angle) noexcept {
    const double r = angle.high, z = r * r;
    constexpr double sine[] = {-0.16666666666666666,    0.008333333333330936,
                               -0.00019841269836740532, 2.7557316093198404e-06,
                               -2.5051129896450185e-08, 1.5917988979397435e-10};
    const double s = polynomial(sine, z);
    constexpr double cosine[] = {0.041666666666666664,  -0.0013888888888887389,
                                 2.48015872987544e-05,  -2.755731726587808e-07,
                                 2.087614504941318e-09, -1.138254464534925e-11};
    const double c = polynomial(cosine, z);
    const double half = 0.5 * z;
    const double one = 1.0 - half;
    return {r, r * z * s + angle.low * one, one,
            ((1.0 - one) - half) + (z * z * c - r * angle.low)};
}

// sin(x + quarter pi/2).
FASTAD_INLINED double sin_at(double x, Bits quarter) noexcept {
    const Angle angle = reduce(x);
    const Circle at = circle(angle);
    const Bits k = angle.k + quarter;
    const double sine = at.sin + at.sin_low, cosine = at.cos + at.cos_low;
    const double value = (k & 1) != 0 ? cosine : sine;
    return of_bits(bits_of(value) ^ ((k & 2) << 62));
}
FASTAD_INLINED double sin(double x) noexcept {
    const double result = sin_at(x, 0);
    return size_of(x) < 0x1p-26 ? x : result;
}
FASTAD_INLINED double cos(double x) noexcept { return sin_at(x, 1); }

// A value and its derivative from one reduction or exponential: of the value the same bits.
struct Both {
    double value, derivative;
};
FASTAD_INLINED Both sin_and_cos(double x) noexcept {
    const Angle angle = reduce(x);
    const Circle at = circle(angle);
    const double sine = at.sin + at.sin_low, cosine = at.cos + at.cos_low;
    const bool odd = (angle.k & 1) != 0;
    const double s = of_bits(bits_of(odd ? cosine : sine) ^ ((angle.k & 2) << 62));
    const double c = of_bits(bits_of(odd ? sine : cosine) ^ (((angle.k + 1) & 2) << 62));
    return {size_of(x) < 0x1p-26 ? x : s, c};
}
FASTAD_INLINED double tan(double x) noexcept {
    const Angle angle = reduce(x);
    const Circle at = circle(angle);
    const bool odd = (angle.k & 1) != 0;
    const double top = odd ? at.cos : at.sin, top_low = odd ? at.cos_low : at.sin_low;
    const double base = odd ? at.sin : at.cos, base_low = odd ? at.sin_low : at.cos_low;
    const double a = top + top_low, a_low = (top - a) + top_low;
    const double b = base + base_low, b_low = (base - b) + base_low;
    const double quotient = a / b;
    const double value = quotient + (a_low - quotient * b_low) / b;
    const double result = of_bits(bits_of(value) ^ ((angle.k & 1) << 63));
    return size_of(x) < 0x1p-26 ? x : result;
}

// tanh(x) where x is small.
FASTAD_INLINED double tanh_near(double x, double size) noexcept {
    const double z = x * x;
    constexpr double coefficients[] = {
        -0.3333333333333333,   0.133333333333333,       -0.05396825396820246,
        0.021869488533106933,  -0.008863235436488816,   0.0035921263429187526,
        -0.001455814847162585, 0.0005898782173076279,   -0.0002383621884472743,
        9.427184746741846e-05, -3.3322336173464084e-05, 7.629436710983691e-06};
    const double p = polynomial(coefficients, z);
    const double small = x + x * z * p;
    // Below 2^-27 the square is lost, or a denormal that would be slow.
    return size < 0x1p-27 ? x : small;
}
// Half of exp(x) for x >= 0: cut where it is infinite, for which its exponent is that of infinity.
FASTAD_INLINED double half_exp(double x0) noexcept {
    const double x = x0 > 710.5 ? 710.5 : x0;
    const double rounded = x * log2_e + rounder;
    const double k = rounded - rounder;
    const double r = (x - k * ln2_high) - k * ln2_low;
    const double p = 1.0 + (r + r * r * exp_tail(r));
    return p * power_of_two(bits_of(rounded) - bits_of(rounder) - 1);
}
FASTAD_INLINED Both tanh_and_slope(double x) noexcept {
    const double size = size_of(x);
    const double rest = 1.0 / (half_exp(2.0 * size) + 0.5);
    const double large = with_sign(1.0 - rest, sign_of(x));
    const double near = tanh_near(x, size);
    return {size < 0.5625 ? near : large, rest * (2.0 - rest)};
}
FASTAD_INLINED double tanh(double x) noexcept { return tanh_and_slope(x).value; }

FASTAD_INLINED double sinh(double x) noexcept {
    const double size = size_of(x), z = x * x;
    constexpr double coefficients[] = {0.16666666666666666,    0.008333333333333333,
                                       0.00019841269841269773, 2.755731922404061e-06,
                                       2.5052108363972185e-08, 1.6059048410081293e-10,
                                       7.646624280324513e-13,  2.8445596736423237e-15};
    const double p = polynomial(coefficients, z);
    const double small = x + x * z * p;
    const double e = half_expm1(size);
    const double rest = e < 0x1p60 ? e / (2.0 * e + 1.0) : 0.5;
    const double large = with_sign(e + rest, sign_of(x));
    const double near = size < 0x1p-27 ? x : small;
    const double result = size < 1.0 ? near : large;
    return x - x == 0.0 ? result : x;  // infinite and NaN
}
FASTAD_INLINED double cosh(double x0) noexcept {
    const double x = clamp(x0, 760.0);
    const double size = size_of(x);
    const double rounded = size * log2_e + rounder;
    const double k = rounded - rounder;
    const double r = (size - k * ln2_high) - k * ln2_low;
    const double half = scaled_exp(r, bits_of(rounded) - bits_of(rounder) - 1);
    return half + 0.25 / half;
}

FASTAD_INLINED double arctan(double x) noexcept {
    const double size = size_of(x);
    const bool middle = size > 0.41421356237309503, far = size > 2.4142135623730949;
    // tan(pi/4 + t) and tan(pi/2 + t): t from a quotient.
    const double top_middle = middle ? size - 1.0 : size;
    const double base_middle = middle ? size + 1.0 : 1.0;
    const double top = far ? -1.0 : top_middle, base = far ? size : base_middle;
    const double t = top / base, z = t * t;
    constexpr double coefficients[] = {
        -0.3333333333333333,   0.199999999999998,   -0.14285714285659326,  0.11111111105106705,
        -0.09090908751076636,  0.0769229630497447,  -0.06666423628069258,  0.058789145444006215,
        -0.052303478730160745, 0.04551108126325172, -0.034558092551413795, 0.01627194475162406};
    const double p = polynomial(coefficients, z);
    const double high_middle = middle ? 0x1.921fb54442d18p-1 : 0.0;
    const double low_middle = middle ? 0x1.1a62633145c07p-55 : 0.0;
    const double high = far ? 0x1.921fb54442d18p+0 : high_middle;
    const double low = far ? 0x1.1a62633145c07p-54 : low_middle;
    const double result = with_sign(high + (t + (t * z * p + low)), sign_of(x));
    return size < 0x1p-27 ? x : result;
}

// (arcsin(t) / t - 1) / z for z = t^2 <= 1/4.
FASTAD_INLINED double arcsin_tail(double z) noexcept {
    constexpr double coefficients[] = {
        0.16666666666666669,  0.07499999999998425,  0.04464285714637338,  0.030381944137085216,
        0.022372173002005596, 0.017352391265909227, 0.013971235301124539, 0.011478952690257387,
        0.010324318288744113, 0.00545087818772055,  0.017419357964884856, -0.014881409392818066,
        0.02877844261259304};
    return polynomial(coefficients, z);
}
FASTAD_INLINED double arcsin(double x) noexcept {
    const double size = size_of(x);
    const bool outer = size > 0.5;
    const double z = outer ? 0.5 * (1.0 - size) : x * x;  // negative beyond 1: its root is NaN
    const double t = outer ? __builtin_sqrt(z) : size;
    // What the root lost, over 2 t: t^2 in two parts, of 26 bits each.
    const double head = head_of(t);
    const double lost = outer && z > 0.0 ? (z - head * head) / (t + head) - (t - head) : 0.0;
    const double bend = t * z * arcsin_tail(z);
    const double inner = size + bend;
    const double far =
        0x1.921fb54442d18p+0 - (2.0 * t + (2.0 * (bend + lost) - 0x1.1a62633145c07p-54));
    const double value = with_sign(outer ? far : inner, sign_of(x));
    const double result = size < 0x1p-27 ? x : value;
    return size <= 1.0 ? result : not_a_number;
}
FASTAD_INLINED double arccos(double x) noexcept {
    const double size = size_of(x);
    const bool outer = size > 0.5;
    const double z = outer ? 0.5 * (1.0 - size) : x * x;
    const double t = outer ? __builtin_sqrt(z) : x;
    const double head = head_of(t);
    const double lost = outer && z > 0.0 ? (z - head * head) / (t + head) - (t - head) : 0.0;
    const double bend = t * z * arcsin_tail(z);
    // pi/2 - arcsin(x); 2 arcsin(t); pi - 2 arcsin(t).
    const double inner = 0x1.921fb54442d18p+0 - (x - (0x1.1a62633145c07p-54 - bend));
    const double near_one = 2.0 * (t + (bend + lost));
    const double near_minus =
        0x1.921fb54442d18p+1 - (2.0 * t + (2.0 * (bend + lost) - 0x1.1a62633145c07p-53));
    const double far = x > 0.0 ? near_one : near_minus;
    const double value = outer ? far : inner;
    return size <= 1.0 ? value : not_a_number;
}

// The root of high + low, in two parts.
struct Root {
    double high, low;
};
FASTAD_INLINED Root root_of(double high, double low) noexcept {
    const double root = __builtin_sqrt(high);
    const double head = head_of(root);
    const double rest = ((high - head * head) - (root - head) * (root + head)) + low;
    return {root, 0.5 * rest / root};
}

FASTAD_INLINED double arcsinh(double x) noexcept {
    const double size = size_of(x), z = x * x;
    constexpr double coefficients[] = {
        -0.16666666666666666,  0.0749999999999864,     -0.044642857140252436,
        0.030381944248546365,  -0.022372151449922602,  0.017352587715192564,
        -0.013962235682232248, 0.011526210169674886,   -0.009591452221670122,
        0.0076223094274731834, -0.0049927171981288725, 0.0018854117654944328};
    const double small = x + x * z * polynomial(coefficients, z);
    const double near = size < 0x1p-27 ? x : small;
    // log(x + sqrt(x^2 + 1)), the sum and the root in two parts; log(2 x) far out.
    const bool far = size > 0x1p28;
    const double a = far ? 1.0 : size;
    const double head = head_of(a), square = head * head;
    const double sum = square + 1.0;
    const double lost = square > 1.0 ? (square - sum) + 1.0 : (1.0 - sum) + square;
    const Root root = root_of(sum, lost + (a - head) * (a + head));
    const double whole = root.high + a;
    const double u = far ? size : whole;
    const double rest = far ? 0.0 : ((root.high - whole) + a) + root.low;
    const double large = log_of_sum(u, rest, far ? 1.0 : 0.0);
    const double value = size < 0.5 ? near : with_sign(large, sign_of(x));
    return x - x == 0.0 ? value : x;
}

FASTAD_INLINED double arccosh(double x) noexcept {
    const bool far = x > 0x1p28;
    const double t = far ? 1.0 : x - 1.0;
    // log(1 + t + sqrt(t^2 + 2 t)), sums and root in two parts.
    const double head = head_of(t), square = head * head, twice = 2.0 * t;
    const double sum = square + twice;
    const double lost = square > twice ? (square - sum) + twice : (twice - sum) + square;
    const Root root = root_of(sum, lost + (t - head) * (t + head));
    const double arc = root.high + t;
    const double arc_lost = root.high > t ? (root.high - arc) + t : (t - arc) + root.high;
    const double whole = 1.0 + arc;
    const double whole_lost = arc > 1.0 ? (arc - whole) + 1.0 : (1.0 - whole) + arc;
    const double u = far ? x : whole;
    const double rest = far ? 0.0 : whole_lost + (arc_lost + root.low);
    const double result = log_of_sum(u, rest, far ? 1.0 : 0.0);
    const double finite = x < infinity ? result : x;  // infinity and NaN
    const double defined = x < 1.0 ? not_a_number : finite;
    return x == 1.0 ? 0.0 : defined;
}

FASTAD_INLINED double arctanh(double x) noexcept {
    const double size = size_of(x), z = x * x;
    constexpr double coefficients[] = {
        0.3333333333333334,  0.19999999999988882, 0.14285714288195786, 0.11111110894155087,
        0.09090918911391245, 0.07692044266759952, 0.0667117797972965,  0.058309531156888986,
        0.05659941737747049, 0.02691354505095676, 0.11454754511026302, -0.10951650742813121,
        0.19745426478662007};
    const double small = x + x * z * polynomial(coefficients, z);
    const double near = size < 0x1p-27 ? x : small;
    // log((1 + x) / (1 - x)) / 2: the difference is exact.
    const double ratio = 2.0 * size / (1.0 - size);
    const double u = 1.0 + ratio;
    const double finite = 0.5 * log_of_sum(u, (ratio - u) + 1.0, 0.0);
    const double large = size < 1.0 ? finite : infinity;
    const double value = size < 0.5 ? near : with_sign(large, sign_of(x));
    return size <= 1.0 ? value : not_a_number;
}

FASTAD_INLINED double cbrt(double x) noexcept {
    const double size = size_of(x);
    const Parts parts = split(size);
    // 2^k m = 2^(3 q) z: k by its third, rounded.
    const double third = parts.k * 0.33333333333333331 + rounder;
    const double q = third - rounder;
    const double rest = parts.k - 3.0 * q;
    const double up = rest > 0.5 ? 2.0 : 1.0, down = rest < -0.5 ? 0.5 : 1.0;
    const double z = parts.m * (up * down);
    // About z^(-1/3), and from it z^(1/3) to 22 bits, cut there: its square is exact.
    constexpr double coefficients[] = {2.206957948519664,  -3.8312469723329565, 6.45902692631935,
                                       -7.347261573037583, 5.4639807078525795,  -2.5538034001412053,
                                       0.6816887816549342, -0.07934244520313598};
    const double root_up = rest > 0.5 ? 0.79370052598409974 : 1.0;
    const double root_down = rest < -0.5 ? 1.2599210498948732 : 1.0;
    const double w = polynomial(coefficients, parts.m) * (root_up * root_down);
    const double t = head_of(z * w * w);
    const double quotient = z / (t * t);
    const double e = quotient - t;
    const double step = e * 0.33333333333333331;
    const double root = t + (step - step * step * w);
    const double scaled = root * power_of_two(bits_of(third) - bits_of(rounder));
    const double result = with_sign(scaled, sign_of(x));
    return size > 0.0 && size < infinity ? result : x;  // also of NaN
}

FASTAD_INLINED double hypot(double x, double y) noexcept {
    const double a = size_of(x), b = size_of(y);
    const double larger = a > b ? a : b, smaller = a > b ? b : a;
    const bool huge = larger > 0x1p500, small = larger < 0x1p-500;
    const double down = huge ? 0x1p-600 : 1.0, scale = small ? 0x1p600 : down;
    const double up = huge ? 0x1p600 : 1.0, back = small ? 0x1p-600 : up;
    const double u = larger * scale, v = smaller * scale;
    const double value = __builtin_sqrt(u * u + v * v) * back;
    const double other = a == infinity ? a : value;
    return b == infinity ? b : other;
}

}  // namespace vector
}  // namespace
}  // namespace fastad
