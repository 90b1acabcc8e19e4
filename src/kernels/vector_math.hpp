// Elementary functions as straight-line code, so that a plain loop over one of them is vectorised.
//
// No branch, table or call inside: compilers turn each into selects for whatever registers the unit
// is compiled for. Contraction is off, so every instruction set gives the same bits. Where a
// comment names no range a function is for all arguments: special values are NumPy's, and errors
// stay below 2 ulp (tests/test_vector_math.py states them, against mpmath). Whoever calls one with
// a range asks the C library, or a function without one, beyond it. Not for directed rounding or
// flush-to-zero. Floating-point flags mean nothing afterwards.
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

// A number in two parts.
struct Pair {
    double high, low;
};

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

// exp(r) - 1 and exp(r) for |r| <= ln(2) / 2.
FASTAD_INLINED double expm1_near(double r) noexcept { return r + r * r * exp_tail(r); }
FASTAD_INLINED double exp_near(double r) noexcept { return 1.0 + expm1_near(r); }

// p 2^k: in two steps, so that overflow and denormal results come out by themselves.
FASTAD_INLINED double scaled(double p, Bits k) noexcept {
    const Halves half = halves(k);
    return p * power_of_two(half.first) * power_of_two(half.second);
}

// p 2^k for the k that `rounded` has in its low bits, if the result is a normal number.
FASTAD_INLINED double shifted(double p, double rounded) noexcept {
    return of_bits(bits_of(p) + (bits_of(rounded) << 52));
}

// x as k units and a rest r of at most half a unit; `lost` is what r has lost.
struct Reduced {
    double r, lost, rounded;
    FASTAD_INLINED Bits k() const noexcept { return bits_of(rounded) - bits_of(rounder); }
};
// By ln(2).
FASTAD_INLINED Reduced reduced(double x) noexcept {
    const double rounded = x * log2_e + rounder;
    const double k = rounded - rounder;
    const double high = x - k * ln2_high, low = k * ln2_low;
    const double r = high - low;
    return {r, (high - r) - low, rounded};
}
// By 1, and the rest times ln(2).
FASTAD_INLINED Reduced reduced_power(double x) noexcept {
    const double rounded = x + rounder;
    return {(x - (rounded - rounder)) * 0.69314718055994531, 0.0, rounded};
}

// |x| cut at limit, NaN kept.
FASTAD_INLINED double clamp(double x, double limit) noexcept {
    return size_of(x) > limit ? with_sign(limit, sign_of(x)) : x;
}

FASTAD_INLINED double exp(double x) noexcept {
    const Reduced at = reduced(clamp(x, 760.0));
    return scaled(exp_near(at.r), at.k());
}
// The same where neither the result nor its half exponents leave the normal numbers: |x| <= 708.
FASTAD_INLINED double exp_of_moderate(double x) noexcept {
    const Reduced at = reduced(x);
    return shifted(exp_near(at.r), at.rounded);
}

FASTAD_INLINED double exp2(double x) noexcept {
    const Reduced at = reduced_power(clamp(x, 1100.0));
    return scaled(exp_near(at.r), at.k());
}
// The same of |x| <= 1020.
FASTAD_INLINED double exp2_of_moderate(double x) noexcept {
    const Reduced at = reduced_power(x);
    return shifted(exp_near(at.r), at.rounded);
}

// s exp(x) - t, where s is t times the power of two that x was reduced by.
FASTAD_INLINED double expm1_of(const Reduced& at, double s, double t) noexcept {
    return ((s - t) + s * at.r) + s * (at.r * at.r * exp_tail(at.r) + at.lost);
}
// Arguments are cut where the result is infinite, or -1.
FASTAD_INLINED double expm1(double x0) noexcept {
    const double low = x0 < -60.0 ? -60.0 : x0;
    const Reduced at = reduced(low > 710.6 ? 710.6 : low);
    // 2^(k - 2), doubled below: k is up to 1025.
    const double result = 4.0 * expm1_of(at, power_of_two(at.k() - 2), 0.25);
    return size_of(x0) < 0x1p-54 ? x0 : result;
}
// The same of |x| <= 700. A zero gets its sign back.
FASTAD_INLINED double expm1_of_moderate(double x) noexcept {
    const Reduced at = reduced(x);
    return of_bits(bits_of(expm1_of(at, shifted(1.0, at.rounded), 1.0)) | sign_of(x));
}

// m in [sqrt(1/2), sqrt(2)) and k with x = 2^k m, for normal positive x.
constexpr Bits root_bits = 0x3FE6A09E667F3BCDu;  // sqrt(1/2)
constexpr Bits exponent_field = 0x7FF0000000000000u;
struct Parts {
    double m, k;
};
FASTAD_INLINED Parts parts_of(double x) noexcept {
    const Bits shifted = bits_of(x) + ((exponent_of_one << 52) - root_bits);
    // The exponent as a double: put under 2^52.
    const double k = of_bits((shifted >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0);
    return {of_bits((shifted & significand) + root_bits), k};
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

FASTAD_INLINED double log_of_normal(double x) noexcept {
    const Parts parts = parts_of(x);
    return log_sum(parts.m - 1.0, parts.k);
}

// log(u + lost) + more ln(2), for normal positive u of which little was lost.
FASTAD_INLINED double log_of_sum(double u, double lost, double more) noexcept {
    const Parts parts = parts_of(u);
    const double cut = parts.k > 1000.0 ? 1000.0 : parts.k;  // where nothing of it counts any more
    const Bits k = bits_of(cut + rounder) - bits_of(rounder);
    return log_sum((parts.m - 1.0) + lost * power_of_two(Bits{0} - k), parts.k + more);
}

// log(1 + x) for x between -1 + 2^-20 and 2^20. A zero gets its sign back.
FASTAD_INLINED double log1p_of_moderate(double x) noexcept {
    const double u = 1.0 + x;
    const Parts parts = parts_of(u);
    // What the sum lost, as m has it: over 2^k.
    const Bits k = (bits_of(u) + ((exponent_of_one << 52) - root_bits)) & exponent_field;
    const double inverse = of_bits((2 * exponent_of_one << 52) - k);
    const double result = log_sum((parts.m - 1.0) + (x - (u - 1.0)) * inverse, parts.k);
    return of_bits(bits_of(result) | sign_of(x));
}

// log(1 + t) for t between 0 and 1.
FASTAD_INLINED double log_of_one_and(double t) noexcept {
    const double u = 1.0 + t;
    const bool large = u > 1.4142135623730951;
    const double lost = t - (u - 1.0);
    const double f = (large ? 0.5 * u : u) - 1.0;
    return log_sum(f + (large ? 0.5 * lost : lost), large ? 1.0 : 0.0);
}

FASTAD_INLINED double log1p(double x) noexcept {
    const double u = 1.0 + x;
    // What the sum lost; the larger of the two stands first.
    const double lost = x >= 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
    const double result = log_edges(u, log_of_sum(u, lost, 0.0));
    return size_of(x) < 0x1p-54 ? x : result;
}

// log(1 + f) in two parts times a constant in two parts, plus k times another.
FASTAD_INLINED double log_in_base(const Parts& parts, double inverse_high, double inverse_low,
                                  double unit_high, double unit_low) noexcept {
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
    return sum + (lost + (rest + parts.k * unit_low));
}
FASTAD_INLINED double log2_of(const Parts& parts) noexcept {
    return log_in_base(parts, 0x1.7154764000000p+0, 0x1.2b82fe1777d10p-28, 1.0, 0.0);
}
FASTAD_INLINED double log10_of(const Parts& parts) noexcept {
    return log_in_base(parts, 0x1.bcb7b14000000p-2, 0x1.26e50e32a6ab7p-30, 0x1.34413509f6000p-2,
                       0x1.9fef311f12b36p-42);
}
FASTAD_INLINED double log2(double x) noexcept { return log_edges(x, log2_of(split(x))); }
FASTAD_INLINED double log10(double x) noexcept { return log_edges(x, log10_of(split(x))); }
FASTAD_INLINED double log2_of_normal(double x) noexcept { return log2_of(parts_of(x)); }
FASTAD_INLINED double log10_of_normal(double x) noexcept { return log10_of(parts_of(x)); }

// Up to here k pi/2 is exact in two parts of 36 bits; beyond, the C library is asked.
constexpr double widest_angle = 204800.0;

// x - k pi/2 as high - low, and k in the low bits.
struct Angle {
    double high, low;
    Bits k;
};
FASTAD_INLINED Angle reduce(double x) noexcept {
    const double rounded = x * 0.63661977236758134 + rounder;
    const double k = rounded - rounder;
    const double a = x - k * 0x1.921fb54440000p+0;
    const double b = k * 0x1.68c234c4c0000p-39;
    // What the difference loses: a is a multiple of the last bit of x, and where both cancel
    // nothing is lost.
    const double high = a - b;
    const double lost = b + (high - a);
    return {high, lost + k * 0x1.98a2e03707345p-77, bits_of(rounded)};
}

// sin and cos of a reduced angle, each as a first part less the second. So a zero keeps its sign.
struct Circle {
    double sin, sin_low, cos, cos_low;
};
FASTAD_INLINED Circle circle(const Angle& angle) noexcept {
    const double r = angle.high, z = r * r;
    constexpr double sine[] = {0.16666666666666666,    -0.008333333333330936,
                               0.00019841269836740532, -2.7557316093198404e-06,
                               2.5051129896450185e-08, -1.5917988979397435e-10};
    const double s = polynomial(sine, z);
    constexpr double cosine[] = {0.041666666666666664,  -0.0013888888888887389,
                                 2.48015872987544e-05,  -2.755731726587808e-07,
                                 2.087614504941318e-09, -1.138254464534925e-11};
    const double c = polynomial(cosine, z);
    const double half = 0.5 * z;
    const double one = 1.0 - half;
    return {r, r * z * s + angle.low, one, (half - (1.0 - one)) - (z * z * c + r * angle.low)};
}

// sin(r + k pi/2), of the sine and the cosine of r.
FASTAD_INLINED double turned(double sine, double cosine, Bits k) noexcept {
    return of_bits(bits_of((k & 1) != 0 ? cosine : sine) ^ ((k & 2) << 62));
}
// A value and its derivative from one reduction or exponential: of the value the same bits.
struct Both {
    double value, derivative;
};
FASTAD_INLINED Both sin_and_cos(double x) noexcept {
    const Angle angle = reduce(x);
    const Circle at = circle(angle);
    const double sine = at.sin - at.sin_low, cosine = at.cos - at.cos_low;
    return {turned(sine, cosine, angle.k), turned(sine, cosine, angle.k + 1)};
}
FASTAD_INLINED double sin(double x) noexcept { return sin_and_cos(x).value; }
FASTAD_INLINED double cos(double x) noexcept { return sin_and_cos(x).derivative; }
FASTAD_INLINED double tan(double x) noexcept {
    const Angle angle = reduce(x);
    const Circle at = circle(angle);
    const bool odd = (angle.k & 1) != 0;
    const double top = odd ? at.cos : at.sin, top_low = odd ? at.cos_low : at.sin_low;
    const double base = odd ? at.sin : at.cos, base_low = odd ? at.sin_low : at.cos_low;
    const double a = top - top_low, a_low = (top - a) - top_low;
    const double b = base - base_low, b_low = (base - b) - base_low;
    const double quotient = a / b;
    const double value = quotient + (a_low - quotient * b_low) / b;
    const double result = of_bits(bits_of(value) ^ ((angle.k & 1) << 63));
    return size_of(x) < 0x1p-26 ? x : result;
}

// Half of exp(x) for x >= 0: cut where it is infinite, for which its exponent is that of infinity.
FASTAD_INLINED Pair half_exp(double x) noexcept {
    const Reduced at = reduced(x > 710.5 ? 710.5 : x);
    const double rest = expm1_near(at.r), p = 1.0 + rest;
    const double scale = power_of_two(at.k() - 1);
    return {p * scale, ((1.0 - p) + rest) * scale};
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
FASTAD_INLINED Both tanh_and_slope(double x) noexcept {
    const double size = size_of(x);
    const double rest = 1.0 / (half_exp(2.0 * size).high + 0.5);
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
    const Pair half = half_exp(size);
    const double low = half.high < infinity ? half.low : 0.0;
    const double large = with_sign(half.high - (0.25 / half.high - low), sign_of(x));
    const double near = size < 0x1p-27 ? x : small;
    const double result = size < 1.0 ? near : large;
    return x - x == 0.0 ? result : x;  // infinite and NaN
}
FASTAD_INLINED double cosh(double x) noexcept {
    const Reduced at = reduced(size_of(clamp(x, 760.0)));
    const double half = scaled(exp_near(at.r), at.k() - 1);
    return half + 0.25 / half;
}

// Beyond these arguments pi/4 and pi/2 are taken off: tan(1/2) and its inverse, so that the
// quotient errs by less than a last bit of the result.
constexpr double middle_tangent = 0.54630248984379048, far_tangent = 1.8304877217124519;
// (arctan(t) / t - 1) / z for z = t^2, |t| <= tan(1/2).
FASTAD_INLINED double arctan_tail(double z) noexcept {
    constexpr double coefficients[] = {
        -0.3333333333333333,  0.1999999999999975,   -0.1428571428565996,  0.11111111106440559,
        -0.09090908880689706, 0.07692302002035409,  -0.06666566380882898, 0.05881145170061687,
        -0.05252924023329122, 0.046999305061193444, -0.04078261437672442, 0.03161201840803579,
        -0.01855470856047846, 0.005831682862199122};
    return polynomial(coefficients, z);
}
// arctan(y / x) for x, y >= 0 as high + low + t + bend.
struct Slope {
    double high, low, t, bend;
};
FASTAD_INLINED Slope slope_of(double y, double x) noexcept {
    const bool middle = y > middle_tangent * x, far = y > far_tangent * x;
    // tan(pi/4 + t) and tan(pi/2 + t): t from a quotient.
    const double top_middle = middle ? y - x : y;
    const double base_middle = middle ? y + x : x;
    const double top = far ? -x : top_middle, base = far ? y : base_middle;
    const double t = top / base, z = t * t;
    const double high_middle = middle ? 0x1.921fb54442d18p-1 : 0.0;
    const double low_middle = middle ? 0x1.1a62633145c07p-55 : 0.0;
    return {far ? 0x1.921fb54442d18p+0 : high_middle, far ? 0x1.1a62633145c07p-54 : low_middle, t,
            t * z * arctan_tail(z)};
}
FASTAD_INLINED double arctan(double x) noexcept {
    const double size = size_of(x);
    const Slope at = slope_of(size, 1.0);
    const double result = with_sign(at.high + (at.t + (at.bend + at.low)), sign_of(x));
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
// arcsin(t) as t + bend + lost: t is x, or beyond 1/2 the root of (1 - |x|) / 2, half of the arc
// that lacks to pi/2. Beyond 1 it is NaN.
struct Arc {
    bool outer;
    double t, bend, lost;
};
FASTAD_INLINED Arc arc_of(double x) noexcept {
    const double size = size_of(x);
    const bool outer = size > 0.5;
    const double z = outer ? 0.5 * (1.0 - size) : x * x;
    const double t = outer ? __builtin_sqrt(z) : x;
    // What the root lost, over 2 t: t^2 in two parts, of 26 bits each.
    const double head = head_of(t);
    const double lost = outer && z > 0.0 ? (z - head * head) / (t + head) - (t - head) : 0.0;
    return {outer, t, t * z * arcsin_tail(z), lost};
}
FASTAD_INLINED double arcsin(double x) noexcept {
    const double size = size_of(x);
    const Arc at = arc_of(size);
    const double inner = size + at.bend;
    const double far =
        0x1.921fb54442d18p+0 - (2.0 * at.t + (2.0 * (at.bend + at.lost) - 0x1.1a62633145c07p-54));
    const double value = with_sign(at.outer ? far : inner, sign_of(x));
    const double result = size < 0x1p-27 ? x : value;
    return size <= 1.0 ? result : not_a_number;
}
FASTAD_INLINED double arccos(double x) noexcept {
    const Arc at = arc_of(x);
    // pi/2 - arcsin(x); 2 arcsin(t); pi - 2 arcsin(t).
    const double inner = 0x1.921fb54442d18p+0 - (x - (0x1.1a62633145c07p-54 - at.bend));
    const double near_one = 2.0 * (at.t + (at.bend + at.lost));
    const double near_minus =
        0x1.921fb54442d18p+1 - (2.0 * at.t + (2.0 * (at.bend + at.lost) - 0x1.1a62633145c07p-53));
    const double far = x > 0.0 ? near_one : near_minus;
    const double value = at.outer ? far : inner;
    return size_of(x) <= 1.0 ? value : not_a_number;
}

// The root of high + low, in two parts.
FASTAD_INLINED Pair root_of(double high, double low) noexcept {
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
    const Pair root = root_of(sum, lost + (a - head) * (a + head));
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
    const Pair root = root_of(sum, lost + (t - head) * (t + head));
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
    // log((1 + x) / (1 - x)) / 2 = k ln(2) / 2 + s + s^3 / 3 + ...: the difference is exact, and
    // the quotient is needed as a power of two only.
    const double above = 1.0 + size, below = 1.0 - size, lost = size - (above - 1.0);
    const double rough = static_cast<double>(static_cast<float>(above) / static_cast<float>(below));
    const Parts parts = parts_of(rough);
    const double nearly = below * power_of_two(bits_of(parts.k + rounder) - bits_of(rounder));
    const double s = ((above - nearly) + lost) / (above + nearly);
    const double finite =
        parts.k * (0.5 * ln2_high) + (s + (0.5 * s * log_tail(s * s) + parts.k * (0.5 * ln2_low)));
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

// x less the nearest whole multiple of y, exactly, and that multiple.
struct Division {
    double quotient, rest;
};
FASTAD_INLINED Division nearest_multiple(double x, double y) noexcept {
    const double quotient = (x / y + rounder) - rounder;
    // Both products are exact, and so is what each leaves.
    const double head = head_of(y);
    return {quotient, (x - quotient * head) - quotient * (y - head)};
}
// That and what follows from it holds of few_multiples.
FASTAD_INLINED double fmod(double x, double y) noexcept {
    const double size = size_of(y);
    const double rest = nearest_multiple(size_of(x), size).rest;
    return with_sign(size_of(rest < 0.0 ? rest + size : rest), sign_of(x));
}
FASTAD_INLINED double remainder(double x, double y) noexcept {
    const double rest = nearest_multiple(x, y).rest;
    const double turned = of_bits(bits_of(rest) ^ sign_of(y));
    const double value = turned < 0.0 ? rest + y : rest;
    return rest == 0.0 ? with_sign(0.0, sign_of(y)) : value;
}
FASTAD_INLINED double floor_divide_of_few(double x, double y) noexcept {
    const Division nearest = nearest_multiple(x, y);
    const double turned = of_bits(bits_of(nearest.rest) ^ sign_of(y));
    const double value = nearest.quotient - (turned < 0.0 ? 1.0 : 0.0);
    return value == 0.0 ? with_sign(0.0, sign_of(x) ^ sign_of(y)) : value;
}

// The angle of the point (x, y), if both are finite and one is a normal number.
FASTAD_INLINED double arctan2(double y, double x) noexcept {
    const Slope at = slope_of(size_of(y), size_of(x));
    // On the left it is what lacks to pi.
    const Bits left = sign_of(x);
    const double whole = left != 0 ? 0x1.921fb54442d18p+1 - at.high : at.high;
    const double part = left != 0 ? 0x1.1a62633145c07p-53 - at.low : at.low;
    const double t = of_bits(bits_of(at.t) ^ left), bend = of_bits(bits_of(at.bend) ^ left);
    return with_sign(size_of(whole + (t + (bend + part))), sign_of(y));
}

// 3/2 log(2^k m) in two parts, of relative error 2^-64: log(m) = 2/3 s (3 + z + z^2 (3/5 + ...))
// for s = (m - 1) / (m + 1) and z = s^2.
constexpr double unit_high = 0x1.0a2b23f3ba000p+0;  // 3/2 ln(2): its product with k is exact
constexpr double unit_low = 0x1.6e6d035dab1adp-41;
FASTAD_INLINED Pair log_in_two(const Parts& parts) noexcept {
    const double f = parts.m - 1.0, base = parts.m + 1.0, lost = parts.m - (base - 1.0);
    const double inverse = 1.0 / base;
    const double s = f * inverse, head = head_of(s), base_head = head_of(base);
    const double rest = ((f - head * base_head) - head * ((base - base_head) + lost)) * inverse;
    const double square = head * head, more = rest * (head + s), z = square + more;
    constexpr double coefficients[] = {0.6,
                                       0.4285714285714405,
                                       0.3333333333248435,
                                       0.27272727502971605,
                                       0.23076892456343187,
                                       0.20002206357338018,
                                       0.17559372811383578,
                                       0.1758457654214663};
    const double small = more + z * z * polynomial(coefficients, z);
    const double sum = head_of((3.0 + square) + small);
    const double sum_low = small - ((sum - 3.0) - square);
    const double first = head * sum, second = rest * sum + sum_low * s;
    const double whole = parts.k * unit_high, high = whole + first;
    return {high, ((whole - high) + first) + (second + parts.k * unit_low)};
}
// y times such a logarithm, in two parts.
FASTAD_INLINED Pair product_of(const Pair& log, double y) noexcept {
    const double y_head = head_of(y), log_head = head_of(log.high);
    const double log_low = (log.high - log_head) + log.low;
    return {y_head * log_head, (y - y_head) * log_head + y * log_low};
}
// exp(2/3 (high + low)) = 2^k p; k in the low bits.
struct Scaled {
    double p, rounded;
};
FASTAD_INLINED Scaled exp_of_two(const Pair& x) noexcept {
    const double rounded = x.high * 0.9617966939259756 + rounder;
    const double k = rounded - rounder;
    const double r = (((x.high - k * unit_high) - k * unit_low) + x.low) * 0.66666666666666663;
    return {exp_near(r), rounded};
}
// x^y for |y| <= 64 and x between 2^-15 and 2^15.
FASTAD_INLINED double power_of_moderate(double x, double y) noexcept {
    const Scaled value = exp_of_two(product_of(log_in_two(parts_of(x)), y));
    return shifted(value.p, value.rounded);
}
FASTAD_INLINED double power(double x, double y) noexcept {
    const double size = size_of(x), y_size = size_of(y);
    const Pair log = log_in_two(split(size));
    const double rough = y * log.high;
    const bool beyond = size_of(rough) > 1200.0;  // the result is zero or infinite
    const Pair product = product_of(log, y);
    const Scaled parts =
        exp_of_two({beyond ? clamp(rough, 1200.0) : product.high, beyond ? 0.0 : product.low});
    const double value = scaled(parts.p, bits_of(parts.rounded) - bits_of(rounder));
    // Zero and infinity as the base; 1 to any power; any number to the power of 0.
    const bool grows = y > 0.0;
    const double of_zero = grows ? 0.0 : infinity, of_infinity = grows ? infinity : 0.0;
    const double beside = size == 0.0 ? of_zero : value;
    const double of_base = size == infinity ? of_infinity : beside;
    const double of_number = x == x ? of_base : x;
    const double of_one = size == 1.0 ? 1.0 : of_number;
    const double known = y == y ? of_one : y;
    // Of a negative base: whole and odd exponents.
    const double trimmed = y_size < 0x1p52 ? (y_size + 0x1p52) - 0x1p52 : y_size;
    const double y_half = 0.5 * y_size;
    const double half_trimmed = y_half < 0x1p52 ? (y_half + 0x1p52) - 0x1p52 : y_half;
    const double odd = trimmed == y_size ? y_half - half_trimmed : 0.0;
    const Bits sign = size_of(odd) > 0.0 ? sign_of(x) : Bits{0};  // NaN of infinities
    const double fraction = y_size - trimmed;                     // NaN where y is infinite
    const double undefined = x < 0.0 && size < infinity ? fraction : 0.0;
    const double negative = undefined != 0.0 && undefined == undefined ? not_a_number : known;
    const double result = with_sign(negative, sign);
    return x == 1.0 || y == 0.0 ? 1.0 : result;
}

}  // namespace vector
}  // namespace
}  // namespace fastad
