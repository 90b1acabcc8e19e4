// The words of the table's expressions on numbers: literals, functions and conditions.
//
// Everything here has internal linkage: kernel units are compiled for newer instruction sets, and a
// function that the linker could share with them would carry those instructions into baseline code.
#pragma once

#include <cstdint>

#include "ops/op.hpp"
#ifdef FASTAD_KERNELS
#include "kernels/vector_math.hpp"
#endif

namespace fastad {
namespace {

// A literal of the table. Its own type, since a plain 0.5 would convert silently and wrongly to a
// symbolic type that also takes integers.
struct Const {
    double number;
    template <class T>
        requires(std::is_floating_point_v<T>)
    constexpr operator T() const noexcept {
        return static_cast<T>(number);
    }
};
constexpr Const operator""_c(long double number) { return {static_cast<double>(number)}; }
constexpr Const operator""_c(unsigned long long number) { return {static_cast<double>(number)}; }
constexpr Const operator-(Const c) { return {-c.number}; }

// Arithmetic between a literal and a number, in the number's own precision.
#define FASTAD_CONST_OPERATOR(OP)             \
    template <class T>                        \
        requires(std::is_floating_point_v<T>) \
    inline T operator OP(Const c, T x) {      \
        return static_cast<T>(c.number) OP x; \
    }                                         \
    template <class T>                        \
        requires(std::is_floating_point_v<T>) \
    inline T operator OP(T x, Const c) {      \
        return x OP static_cast<T>(c.number); \
    }
FASTAD_CONST_OPERATOR(+)
FASTAD_CONST_OPERATOR(-)
FASTAD_CONST_OPERATOR(*)
FASTAD_CONST_OPERATOR(/)
#undef FASTAD_CONST_OPERATOR

// Functions of the table on numbers. Builtins, since the library's inline overloads have linkage.
#define FASTAD_NUMBER1(NAME, BUILTIN)                               \
    inline double NAME(double x) { return __builtin_##BUILTIN(x); } \
    inline float NAME(float x) { return __builtin_##BUILTIN##f(x); }
#define FASTAD_NUMBER2(NAME, BUILTIN)                                            \
    inline double NAME(double x, double y) { return __builtin_##BUILTIN(x, y); } \
    inline float NAME(float x, float y) { return __builtin_##BUILTIN##f(x, y); }
FASTAD_NUMBER1(absolute, fabs)
FASTAD_NUMBER1(sqrt, sqrt)
FASTAD_NUMBER1(floor, floor)
FASTAD_NUMBER1(ceil, ceil)
FASTAD_NUMBER1(trunc, trunc)
FASTAD_NUMBER1(rint, rint)
FASTAD_NUMBER2(nextafter, nextafter)
FASTAD_NUMBER2(copysign, copysign)
FASTAD_NUMBER2(library_fmod, fmod)
#ifdef FASTAD_KERNELS  // in loops; the C library's elsewhere
#undef FASTAD_NUMBER1
#undef FASTAD_NUMBER2
#define FASTAD_NUMBER1(NAME, BUILTIN)                                    \
    FASTAD_INLINED double NAME(double x) { return vector::NAME(x); }     \
    FASTAD_INLINED float NAME(float x) {                                 \
        return static_cast<float>(vector::NAME(static_cast<double>(x))); \
    }
#define FASTAD_NUMBER2(NAME, BUILTIN)                                                            \
    FASTAD_INLINED double NAME(double x, double y) { return vector::NAME(x, y); }                \
    FASTAD_INLINED float NAME(float x, float y) {                                                \
        return static_cast<float>(vector::NAME(static_cast<double>(x), static_cast<double>(y))); \
    }
#endif
FASTAD_NUMBER1(exp, exp)
FASTAD_NUMBER1(exp2, exp2)
FASTAD_NUMBER1(expm1, expm1)
FASTAD_NUMBER1(log, log)
FASTAD_NUMBER1(log2, log2)
FASTAD_NUMBER1(log10, log10)
FASTAD_NUMBER1(log1p, log1p)
FASTAD_NUMBER1(sin, sin)
FASTAD_NUMBER1(cos, cos)
FASTAD_NUMBER1(tan, tan)
FASTAD_NUMBER1(arcsin, asin)
FASTAD_NUMBER1(arccos, acos)
FASTAD_NUMBER1(arctan, atan)
FASTAD_NUMBER1(sinh, sinh)
FASTAD_NUMBER1(cosh, cosh)
FASTAD_NUMBER1(tanh, tanh)
FASTAD_NUMBER1(arcsinh, asinh)
FASTAD_NUMBER1(arccosh, acosh)
FASTAD_NUMBER1(arctanh, atanh)
FASTAD_NUMBER1(cbrt, cbrt)
FASTAD_NUMBER2(hypot, hypot)
FASTAD_NUMBER2(power, pow)
FASTAD_NUMBER2(arctan2, atan2)
FASTAD_NUMBER2(fmod, fmod)
#ifdef FASTAD_KERNELS
FASTAD_NUMBER1(exp_of_moderate, )
FASTAD_NUMBER1(exp2_of_moderate, )
FASTAD_NUMBER1(log_of_normal, )
FASTAD_NUMBER1(log2_of_normal, )
FASTAD_NUMBER1(log10_of_normal, )
FASTAD_NUMBER1(log_of_one_and, )
FASTAD_NUMBER1(expm1_of_moderate, )
FASTAD_NUMBER1(log1p_of_moderate, )
FASTAD_NUMBER2(power_of_moderate, )
FASTAD_NUMBER2(remainder, )
FASTAD_NUMBER2(floor_divide_of_few, )
#endif
#undef FASTAD_NUMBER1
#undef FASTAD_NUMBER2

template <class T>
concept Number = std::is_floating_point_v<T>;

inline bool is_zero(Number auto x) { return x == 0; }
inline bool equal(Number auto x, Number auto y) { return x == y; }
template <Number T>
inline T sign(T x) {
    const T still = x == 0 ? T(0) : x;  // NaN stays
    return x > 0 ? T(1) : (x < 0 ? T(-1) : still);
}
template <Number T>
inline T phase(T x) {
    return sign(x);
}
template <Number T>
inline T maximum(T x, T y) {
    return (x > y || x != x) ? x : y;
}
template <Number T>
inline T minimum(T x, T y) {
    return (x < y || x != x) ? x : y;
}
template <Number T>
inline T fmax(T x, T y) {
    const T larger = x >= y ? x : y;
    return y != y ? x : (x != x ? y : larger);
}
template <Number T>
inline T fmin(T x, T y) {
    const T smaller = x <= y ? x : y;
    return y != y ? x : (x != x ? y : smaller);
}
#ifndef FASTAD_KERNELS
template <Number T>
inline T log_of_one_and(T x) {
    return log1p(x);
}
#endif
template <Number T>
inline T logaddexp(T x, T y) {
    return maximum(x, y) + log_of_one_and(exp(x == y ? T(0) : -absolute(x - y)));
}
template <Number T>
inline T logaddexp2(T x, T y) {
    return maximum(x, y) +
           Const{1.4426950408889634074} * log_of_one_and(exp2(x == y ? T(0) : -absolute(x - y)));
}
// y at zero, else whether x is positive.
template <Number T>
inline T heaviside(T x, T y) {
    const T side = x > 0 ? T(1) : T(0);
    const T defined = x == x ? side : x;
    return x == 0 ? y : defined;
}
#ifndef FASTAD_KERNELS
template <Number T>
inline T remainder(T x, T y) {
    const T rest = fmod(x, y);
    if (rest == 0) return copysign(rest, y);
    return (rest < 0) != (y < 0) ? rest + y : rest;
}
#endif
// As numpy.floor_divide: the quotient of what remainder() leaves. In the numbers' own precision,
// which shows in quotients that are wider.
template <Number T>
inline T floor_divide(T x, T y) {
    const T rest = library_fmod(x, y);
    if (y == 0) return x / y;
    T quotient = (x - rest) / y;
    if (rest != 0 && (rest < 0) != (y < 0)) quotient -= 1;
    if (quotient == 0) return copysign(T(0), x / y);
    const T whole = floor(quotient);
    return quotient - whole > T(0.5) ? whole + 1 : whole;
}
// The distance to the next number away from zero.
template <Number T>
inline T spacing(T x) {
    const T limit = static_cast<T>(__builtin_inf());
    const T away = x < 0 ? -limit : limit;
    return x - x == 0 ? nextafter(x, away) - x : static_cast<T>(__builtin_nan(""));
}
template <Number T>
inline T copysign(Const c, T x) {
    return copysign(static_cast<T>(c.number), x);
}
inline Const where(bool condition, Const a, Const b) { return condition ? a : b; }
template <Number T>
inline T where(bool condition, T a, Const b) {
    return condition ? a : static_cast<T>(b.number);
}
template <Number T>
inline T where(bool condition, Const a, T b) {
    return condition ? static_cast<T>(a.number) : b;
}

// Words for derivatives that the plain formula loses to cancellation, overflow or underflow. A
// branch is taken by the element alone, never by its neighbours: every kernel gives the same bits.

// As far down as 1 - ans * ans and the like are trusted: what is lost is below 1e-14 and 3e-7.
template <Number T>
constexpr T trusted = std::is_same_v<T, double> ? T(1.0 / 64) : T(1.0 / 4);
// Beyond it the square of a number plus one is that square, which does not overflow yet.
template <Number T>
constexpr T remote = T(1e9);
// The smallest normal number.
template <Number T>
constexpr T tiny =
    static_cast<T>(std::is_same_v<T, double> ? __DBL_MIN__ : static_cast<double>(__FLT_MIN__));
template <Number T>
constexpr T largest =
    static_cast<T>(std::is_same_v<T, double> ? __DBL_MAX__ : static_cast<double>(__FLT_MAX__));
// Neither overflowed nor rounded to a subnormal number; of NaN true.
template <Number T>
inline bool is_normal(T x) {
    const T size = absolute(x);
    return !(size < tiny<T> || size > largest<T>);
}

template <Number T>
inline bool positive_normal(T x) {
    return (x >= tiny<T>)&(x <= largest<T>);
}
// Whether x^y is far from both ends of the range, without computing it.
template <Number T>
inline bool moderate_power(T x, T y) {
    return (x >= T(0x1p-15)) & (x <= T(0x1p15)) & (absolute(y) <= T(64));
}
#ifdef FASTAD_KERNELS
// Where the vector code holds of an angle.
template <Number T>
inline bool narrow_angle(T x) {
    return absolute(x) <= static_cast<T>(vector::widest_angle);
}
// Whether the sum of x and one is neither small nor large.
template <Number T>
inline bool moderate_sum(T x) {
    return (x >= T(-0x1.fffffp-1)) & (x <= T(0x1p20));
}
#endif
// Whether there are few whole multiples of y in x.
template <Number T>
inline bool few_multiples(T x, T y) {
    const T size = absolute(y);
    return (absolute(x) <= size * T(0x1p22)) & (size <= largest<T> * T(0x1p-24)) & (size > 0);
}
// Whether both are finite, and not both subnormal or zero.
template <Number T>
inline bool some_direction(T x, T y) {
    const T width = absolute(x), height = absolute(y);
    return (width <= largest<T> / 4) & (height <= largest<T> / 4) &
           ((width >= 4 * tiny<T>) | (height >= 4 * tiny<T>));
}
// Far from both ends of the range: fourth powers, and quotients of two such numbers, are normal. Of
// NaN false: to the power of one it has a derivative.
template <Number T>
inline bool ordinary(T x) {
    constexpr T most = static_cast<T>(std::is_same_v<T, double> ? 0x1p250 : 0x1p30);
    const T size = absolute(x);
    return (size >= 1 / most) & (size <= most);
}

template <Number T>
inline T exp_by_expm1(T x, T ans) {
    const T sum = ans + 1;
    return sum > trusted<T> ? sum : exp(x);
}
template <Number T>
inline T sech_squared(T x, T ans) {
    const T difference = 1 - ans * ans;
    if (difference > trusted<T>) return difference;
    const T e = exp(-2 * absolute(x));
    const T q = 1 / (1 + e);
    return 4 * e * q * q;
}
template <Number T>
inline T sec_squared(T, T ans) {
    return 1 + ans * ans;
}
template <Number T>
inline T one_minus_square(T x) {
    return (1 - x) * (1 + x);
}
template <Number T>
inline T inverse_root_one_minus_square(T x) {
    return 1 / sqrt(one_minus_square(x));
}
// One over the root, or where it is far over that. A root that only some elements need keeps
// compilers from vectorising.
template <Number T>
inline T inverse_root(bool is_far, T far, T square) {
    const T factor = is_far ? far : T(1);
    return 1 / (sqrt(is_far ? T(1) : square) * factor);
}
template <Number T>
inline T inverse_root_square_minus_one(T x) {
    const T square = (x - 1) * (x + 1);
    const T defined = x < 1 ? x - 1 : square;
    return inverse_root(x > remote<T>, x, defined);
}
template <Number T>
inline T inverse_one_plus_square(T x) {
    const bool far = absolute(x) > remote<T>;
    const T inverse = 1 / (far ? x : 1 + x * x);
    return far ? inverse * inverse : inverse;
}
template <Number T>
inline T inverse_root_one_plus_square(T x) {
    const T size = absolute(x);
    return inverse_root(size > remote<T>, size, 1 + x * x);
}
// x / (x * x + y * y); near the ends of the range by the larger of the two, which is scaled if its
// inverse would overflow.
template <Number T>
inline T over_square_sum(T x, T y) {
    const T sum = x * x + y * y;
    if (ordinary(sum)) return x / sum;
    const bool by_x = absolute(x) > absolute(y);
    const T large = by_x ? x : y;
    const T ratio = (by_x ? y : x) / large;
    const T scale = absolute(large) < tiny<T> * 16 ? T(0x1p30) : T(1);
    const T inverse = 1 / (large * scale * (1 + ratio * ratio));
    return (by_x ? inverse : ratio * inverse) * scale;
}
// x / hypot(x, y), also where the root over- or underflows.
template <Number T>
inline T over_hypot(T x, T y, T ans) {
    if (is_normal(ans) || ans == 0) return x / ans;
    const T scale = ans > 1 ? T(0x1p-8) : T(0x1p100);
    if (x - x != 0 && y - y == 0) return sign(x);
    return (x * scale) / hypot(x * scale, y * scale);
}
// By multiplication for the exponents that derivatives of small whole powers have.
template <Number T>
inline T whole_power(T x, T exponent) {
    if (exponent == 2) return x * x;
    if (exponent == 3) return x * x * x;
    if (exponent == 4) return (x * x) * (x * x);
    if (exponent == -2) return 1 / (x * x);
    if (exponent == -3) return 1 / (x * x * x);
    return power(x, exponent);
}
// x^(y-1) by multiplication where that is a square, a cube or their like; from ans, which is x^y,
// elsewhere. Without a branch.
template <Number T>
inline T lesser_power(T x, T y, T ans) {
    const T exponent = y - 1;
    const T square = x * x, cube = square * x;
    const T two = exponent == 2 ? square : ans;
    const T three = exponent == 3 ? cube : two;
    const T top = exponent == 4 ? square * square : three;
    const T not_two = exponent == 2 ? T(1) : x;
    const T nor_three = exponent == 3 ? T(1) : not_two;
    return top / (exponent == 4 ? T(1) : nor_three);
}
// Whether that is right: nothing near the ends of the range, or zero to a whole power.
template <Number T>
inline bool has_lesser_power(T x, T y, T ans) {
    const T exponent = y - 1;
    const bool multiplied = (exponent == 2) | (exponent == 3) | (exponent == 4);
    return (ordinary(x) & (multiplied | ordinary(ans))) | (multiplied & (x == 0));
}
// y x^(y-1); by the square of a root where the power itself over- or underflows.
template <Number T>
inline T power_by_base(T x, T y) {
    const T exponent = y == 0 ? T(1) : y - 1;
    const T whole = whole_power(x, exponent);
    if (is_normal(whole)) return y * whole;
    const T root = power(absolute(x), exponent / 2);
    const T product = y * root * root;
    return __builtin_signbit(whole) ? -product : product;
}
template <Number T>
inline T power_by_base(T x, T y, T ans) {
    return has_lesser_power(x, y, ans) ? y * lesser_power(x, y, ans) : power_by_base(x, y);
}
template <Number T>
inline T power_by_exponent(T x, T y, T ans) {
    const T logarithm = log(x == 0 ? T(1) : x);
    if (is_normal(ans) || x == 0) return logarithm * ans;
    const T root = power(absolute(x), y / 2);
    const T product = logarithm * root * root;
    return __builtin_signbit(ans) ? -product : product;
}
// x - y, zero at equal infinities.
template <Number T>
inline T difference(T x, T y) {
    return x == y ? T(0) : x - y;
}
// 1 / (1 + exp(-x)), of e = exp(-|x|).
template <Number T>
inline T logistic_by(T x, T e) {
    const T q = 1 / (1 + e);
    return x < 0 ? e * q : q;
}
template <Number T>
inline T logistic(T x) {
    return logistic_by(x, exp(-absolute(x)));
}
#ifdef FASTAD_KERNELS
template <Number T>
inline T logistic_of_moderate(T x) {
    return logistic_by(x, exp_of_moderate(-absolute(x)));
}
#endif

}  // namespace
}  // namespace fastad
