// The words of the table's expressions on dual numbers: a value, and its slope along a tangent. An
// expression of a derivative on them gives the derivative and its own tangent at once.
// Internal linkage throughout: see ops/rules.hpp.
#pragma once

#include "kernels/conditions.hpp"

namespace fastad {
namespace {

template <class T>
struct Dual {
    T value, slope;
};

template <class T>
inline Dual<T> dual(Dual<T> x) {
    return x;
}
template <class T>
inline Dual<T> dual(Const c) {
    return {static_cast<T>(c.number), T(0)};
}

template <class T>
inline Dual<T> operator-(Dual<T> x) {
    return {-x.value, -x.slope};
}
template <class T>
inline Dual<T> operator+(Dual<T> x, Dual<T> y) {
    return {x.value + y.value, x.slope + y.slope};
}
template <class T>
inline Dual<T> operator-(Dual<T> x, Dual<T> y) {
    return {x.value - y.value, x.slope - y.slope};
}
template <class T>
inline Dual<T> operator*(Dual<T> x, Dual<T> y) {
    return {x.value * y.value, x.slope * y.value + x.value * y.slope};
}
template <class T>
inline Dual<T> operator/(Dual<T> x, Dual<T> y) {
    const T ratio = x.value / y.value;
    return {ratio, (x.slope - ratio * y.slope) / y.value};
}
// Beside a literal, which has no slope.
#define FASTAD_DUAL_CONST(OP, SLOPE_OF_X, SLOPE_OF_Y) \
    template <class T>                                \
    inline Dual<T> operator OP(Dual<T> x, Const c) {  \
        return {x.value OP c, SLOPE_OF_X};            \
    }                                                 \
    template <class T>                                \
    inline Dual<T> operator OP(Const c, Dual<T> y) {  \
        const T ans = c OP y.value;                   \
        return {ans, SLOPE_OF_Y};                     \
    }
FASTAD_DUAL_CONST(+, x.slope, y.slope)
FASTAD_DUAL_CONST(-, x.slope, -y.slope)
FASTAD_DUAL_CONST(*, x.slope* c, c* y.slope)
FASTAD_DUAL_CONST(/, x.slope / c, -(ans* y.slope) / y.value)
#undef FASTAD_DUAL_CONST

// The table's own functions: by their lines in it. What value and slope have in common, as the
// reduction of an angle, compilers compute once.
template <Code code, class T>
inline Dual<T> dual_of(Dual<T> x) {
    const T ans = Rule<code>::template value<T>(x.value, x.value);
    const auto slope = Rule<code>::template derivative<0, T>(x.value, x.value, ans);
    return {ans, static_cast<T>(slope) * x.slope};
}
template <Code code, class T>
inline Dual<T> dual_of(Dual<T> x, Dual<T> y) {
    const T ans = Rule<code>::template value<T>(x.value, y.value);
    const auto by_x = Rule<code>::template derivative<0, T>(x.value, y.value, ans);
    const auto by_y = Rule<code>::template derivative<1, T>(x.value, y.value, ans);
    return {ans, static_cast<T>(by_x) * x.slope + static_cast<T>(by_y) * y.slope};
}
#define FASTAD_DUAL_STILL_1(NAME, TYPE, RESULT)                               \
    template <class T>                                                        \
    inline TYPE NAME(Dual<T> x) {                                             \
        return RESULT(Rule<Code::NAME>::template value<T>(x.value, x.value)); \
    }
#define FASTAD_DUAL_STILL_2(NAME, TYPE, RESULT)                               \
    template <class T>                                                        \
    inline TYPE NAME(Dual<T> x, Dual<T> y) {                                  \
        return RESULT(Rule<Code::NAME>::template value<T>(x.value, y.value)); \
    }
#define UNARY(NAME, VALUE, DX)         \
    template <class T>                 \
    inline Dual<T> NAME(Dual<T> x) {   \
        return dual_of<Code::NAME>(x); \
    }
#define BINARY(NAME, VALUE, DX, DY)             \
    template <class T>                          \
    inline Dual<T> NAME(Dual<T> x, Dual<T> y) { \
        return dual_of<Code::NAME>(x, y);       \
    }
#define ZERO(NAME, ARITY, VALUE) FASTAD_DUAL_STILL_##ARITY(NAME, Dual<T>, still)
#define TEST(NAME, ARITY, VALUE) FASTAD_DUAL_STILL_##ARITY(NAME, bool, static_cast<bool>)
template <class T>
inline Dual<T> still(T value) {
    return {value, T(0)};
}
#include "ops/elementwise.def"
#undef FASTAD_DUAL_STILL_1
#undef FASTAD_DUAL_STILL_2
template <class T>
inline Dual<T> phase(Dual<T> x) {
    return still(phase(x.value));
}
template <class T>
inline bool is_zero(Dual<T> x) {
    return x.value == 0;
}

// The words for hard places: each slope by numbers that neither cancel nor overflow on the way.

template <class T>
inline Dual<T> exp_by_expm1(Dual<T> x, Dual<T> ans) {
    const T e = exp_by_expm1(x.value, ans.value);
    return {e, e * x.slope};
}
template <class T>
inline Dual<T> sech_squared(Dual<T> x, Dual<T> ans) {
    const T s = sech_squared(x.value, ans.value);
    return {s, -2 * ans.value * s * x.slope};
}
template <class T>
inline Dual<T> sec_squared(Dual<T> x, Dual<T> ans) {
    const T s = sec_squared(x.value, ans.value);
    return {s, 2 * ans.value * s * x.slope};
}
template <class T>
inline Dual<T> one_minus_square(Dual<T> x) {
    return {one_minus_square(x.value), -2 * x.value * x.slope};
}
template <class T>
inline Dual<T> inverse_root_one_minus_square(Dual<T> x) {
    const T q = inverse_root_one_minus_square(x.value);
    return {q, x.value * q * q * q * x.slope};
}
template <class T>
inline Dual<T> inverse_root_square_minus_one(Dual<T> x) {
    const T q = inverse_root_square_minus_one(x.value);
    return {q, -(x.value * q) * (q * q) * x.slope};
}
template <class T>
inline Dual<T> inverse_one_plus_square(Dual<T> x) {
    const T q = inverse_one_plus_square(x.value);
    const T ratio = absolute(x.value) > remote<T> ? 1 / x.value : x.value * q;
    return {q, -2 * ratio * q * x.slope};
}
template <class T>
inline Dual<T> inverse_root_one_plus_square(Dual<T> x) {
    const T q = inverse_root_one_plus_square(x.value);
    const T ratio = absolute(x.value) > remote<T> ? sign(x.value) : x.value * q;
    return {q, -ratio * (q * q) * x.slope};
}
template <class T>
inline Dual<T> over_square_sum(Dual<T> x, Dual<T> y) {
    const T p = over_square_sum(x.value, y.value);
    const T q = over_square_sum(y.value, x.value);
    return {p, (q - p) * (q + p) * x.slope - 2 * p * q * y.slope};
}
template <class T>
inline Dual<T> over_hypot(Dual<T> x, Dual<T> y, Dual<T> ans) {
    const T p = over_hypot(x.value, y.value, ans.value);
    const T q = over_hypot(y.value, x.value, ans.value);
    return {p, q * (q * x.slope - p * y.slope) / ans.value};
}
// A slope by the exponent is computed where there is one: it takes a logarithm.
template <class T>
inline Dual<T> power_by_base(Dual<T> x, Dual<T> y, Dual<T> ans) {
    const T less = y.value - 1;
    Dual<T> result{power_by_base(x.value, y.value, ans.value), T(0)};
    if (x.slope != 0) result.slope = y.value * power_by_base(x.value, less) * x.slope;
    if (y.slope != 0) {
        const T base = x.value == 0 && y.value == 0 ? T(1) : x.value;
        const T whole = power(base, less);
        result.slope += (whole + y.value * power_by_exponent(base, less, whole)) * y.slope;
    }
    return result;
}
template <class T>
inline Dual<T> power_by_exponent(Dual<T> x, Dual<T> y, Dual<T> ans) {
    const T logarithm = log(x.value == 0 ? T(1) : x.value);
    const T by = power_by_exponent(x.value, y.value, ans.value);
    Dual<T> result{by, logarithm * by * y.slope};
    if (x.slope != 0) {
        const T over = x.value == 0 ? T(0) : ans.value / x.value;
        result.slope += (over + logarithm * power_by_base(x.value, y.value)) * x.slope;
    }
    return result;
}
template <class T>
inline Dual<T> difference(Dual<T> x, Dual<T> y) {
    const bool same = x.value == y.value && x.value - x.value != 0;
    return {difference(x.value, y.value), same ? T(0) : x.slope - y.slope};
}
template <class T>
inline Dual<T> logistic(Dual<T> x) {
    return {logistic(x.value), logistic(x.value) * logistic(-x.value) * x.slope};
}

template <class T>
inline Dual<T> where(bool condition, Dual<T> a, Dual<T> b) {
    return condition ? a : b;
}
template <class T>
inline Dual<T> where(bool condition, Dual<T> a, Const b) {
    return condition ? a : dual<T>(b);
}
template <class T>
inline Dual<T> where(bool condition, Const a, Dual<T> b) {
    return condition ? dual<T>(a) : b;
}

// The product of a cotangent and a derivative, with its tangent; false where the C library is
// nearer than the functions here, or a tangent is no number.
template <Code code, std::size_t which, class T>
bool dual_adjoint(std::size_t n, const T* const* in, T* out, T* slope) {
    const T* g = in[0];
    const T* dg = in[1];
    // A pointer that the rule does not read is replaced, so that loads are always defined.
    const T* x = in[2] ? in[2] : g;
    const T* dx = in[3] ? in[3] : dg;
    const T* y = in[4] ? in[4] : g;
    const T* dy = in[5] ? in[5] : dg;
    const T* ans = in[6] ? in[6] : g;
    const T* da = in[7] ? in[7] : dg;
    if constexpr (SlopeWithin<code, which>::there) {
        if (!all_hold<SlopeWithin<code, which>>(n, Operands<Spread::Neither, T>{x, y}))
            return false;
    }
#if defined(__clang__)
    _Pragma("clang loop vectorize(assume_safety)")
#else
    _Pragma("GCC ivdep")
#endif
        for (std::size_t i = 0; i < n; ++i) {
        const Dual<T> d = dual<T>(Rule<code>::template derivative<which, Dual<T>>(
            {x[i], dx[i]}, {y[i], dy[i]}, {ans[i], da[i]}));
        const T product = g[i] * d.value;
        slope[i] = dg[i] * d.value + g[i] * d.slope;
        out[i] = product;
    }
    // A zero tangent beside an infinite derivative: the rule leaves out what has no tangent.
    unsigned long none = 0;
    for (std::size_t i = 0; i < n; ++i) none |= slope[i] != slope[i] ? 1UL : 0UL;
    return !none;
}

}  // namespace
}  // namespace fastad
