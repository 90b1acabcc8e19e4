// The words of the table's expressions on symbols: what an expression reads, how it is printed, and
// the rule on values that it is. Those on numbers are in ops/rules.hpp.
#pragma once

#include <cstdio>
#include <string>

#include "ops/op.hpp"
#include "ops/rules.hpp"

namespace fastad {
namespace {

// Which operands an expression reads.
struct Uses {
    std::uint8_t mask = 0;
};
// The expression as it is printed.
struct Text {
    std::string text;
    bool compound = false;
};
std::string wrapped(const Text& t) { return t.compound ? "(" + t.text + ")" : t.text; }
Text number_text(Const c) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.6g", c.number);
    return {digits, false};
}
Value number_value(Const c) { return Value::weak(c.number); }

// The table's own names as functions on the three symbolic types.
#define FASTAD_SYMBOLIC1(NAME)                                                       \
    [[maybe_unused]] Uses NAME(Uses x) { return x; }                                 \
    [[maybe_unused]] Text NAME(const Text& x) { return {#NAME "(" + x.text + ")"}; } \
    [[maybe_unused]] Value NAME(const Value& x) { return apply(Code::NAME, x); }
#define FASTAD_SYMBOLIC2(NAME)                                 \
    [[maybe_unused]] Uses NAME(Uses x, Uses y) {               \
        return {static_cast<std::uint8_t>(x.mask | y.mask)};   \
    }                                                          \
    [[maybe_unused]] Text NAME(const Text& x, const Text& y) { \
        return {#NAME "(" + x.text + ", " + y.text + ")"};     \
    }                                                          \
    [[maybe_unused]] Value NAME(const Value& x, const Value& y) { return apply(Code::NAME, x, y); }
#define FASTAD_SYMBOLIC_ARITY_1(NAME) FASTAD_SYMBOLIC1(NAME)
#define FASTAD_SYMBOLIC_ARITY_2(NAME) FASTAD_SYMBOLIC2(NAME)
#define UNARY(NAME, VALUE, DX) FASTAD_SYMBOLIC1(NAME)
#define BINARY(NAME, VALUE, DX, DY) FASTAD_SYMBOLIC2(NAME)
#define ZERO(NAME, ARITY, VALUE) FASTAD_SYMBOLIC_ARITY_##ARITY(NAME)
#define TEST(NAME, ARITY, VALUE) FASTAD_SYMBOLIC_ARITY_##ARITY(NAME)
#include "ops/elementwise.def"

Uses phase(Uses x) { return x; }
Text phase(const Text& x) { return {"conj(sign(" + x.text + "))"}; }
Uses is_zero(Uses x) { return x; }
Text is_zero(const Text& x) { return {x.text + " == 0", true}; }
Value is_zero(const Value& x) { return equal(x, Value::weak(0.0)); }

#define FASTAD_SYMBOLIC_OPERATOR(OP, FUNCTION)                                                    \
    [[maybe_unused]] Uses operator OP(Uses x, Uses y) { return FUNCTION(x, y); }                  \
    [[maybe_unused]] Uses operator OP(Uses x, Const) { return x; }                                \
    [[maybe_unused]] Uses operator OP(Const, Uses x) { return x; }                                \
    [[maybe_unused]] Text operator OP(const Text& x, const Text& y) {                             \
        return {wrapped(x) + " " #OP " " + wrapped(y), true};                                     \
    }                                                                                             \
    [[maybe_unused]] Text operator OP(const Text& x, Const c) { return x OP number_text(c); }     \
    [[maybe_unused]] Text operator OP(Const c, const Text& x) { return number_text(c) OP x; }     \
    [[maybe_unused]] Value operator OP(const Value& x, const Value& y) { return FUNCTION(x, y); } \
    [[maybe_unused]] Value operator OP(const Value& x, Const c) {                                 \
        return FUNCTION(x, number_value(c));                                                      \
    }                                                                                             \
    [[maybe_unused]] Value operator OP(Const c, const Value& x) {                                 \
        return FUNCTION(number_value(c), x);                                                      \
    }
FASTAD_SYMBOLIC_OPERATOR(+, add)
FASTAD_SYMBOLIC_OPERATOR(-, subtract)
FASTAD_SYMBOLIC_OPERATOR(*, multiply)
FASTAD_SYMBOLIC_OPERATOR(/, divide)
Uses operator-(Uses x) { return x; }
Text operator-(const Text& x) { return {"-" + wrapped(x), true}; }
Value operator-(const Value& x) { return negative(x); }

// where() over every mixture of symbols and literals.
Uses uses_of(Uses x) { return x; }
Uses uses_of(Const) { return {}; }
Text text_of(const Text& x) { return x; }
Text text_of(Const c) { return number_text(c); }
Value value_of(const Value& x) { return x; }
Value value_of(Const c) { return number_value(c); }
template <class A, class B>
Uses where(Uses condition, const A& a, const B& b) {
    return {static_cast<std::uint8_t>(condition.mask | uses_of(a).mask | uses_of(b).mask)};
}
template <class A, class B>
Text where(const Text& condition, const A& a, const B& b) {
    return {"where(" + condition.text + ", " + text_of(a).text + ", " + text_of(b).text + ")"};
}
template <class A, class B>
Value where(const Value& condition, const A& a, const B& b) {
    return apply(Code::where, condition, value_of(a), value_of(b));
}

Value phase(const Value& x) {
    const DType dtype = meta_of(x).dtype;
    if (!is_complex(dtype)) return sign(x);
    // Brought to where neither the absolute value nor the quotient under- or overflows.
    const Value given = absolute(x);
    const Const small{dtype == DType::Complex64 ? 1e-30 : 1e-290};
    const Value factor =
        where(less(given, value_of(small)), Const{0x1p60}, where(isinf(given), Const{0x1p-4}, 1_c));
    const Value scaled = x * factor;
    const Value size = absolute(scaled);
    const Value safe = apply(Code::where, equal(size, Value::weak(0.0)), Value::weak(1.0), size);
    return divide(apply(Code::conjugate, scaled), safe);
}

// The words of ops/rules.hpp for hard places, on symbols. As a Value each is written so that its
// own derivatives neither cancel nor overflow, at every order, and that NumPy does not warn of
// numbers that are not in the result.
Uses united(Uses x, Uses y) { return {static_cast<std::uint8_t>(x.mask | y.mask)}; }

Uses exp_by_expm1(Uses x, Uses ans) { return united(x, ans); }
Text exp_by_expm1(const Text& x, const Text&) { return exp(x); }
Value exp_by_expm1(const Value& x, const Value&) { return exp(x); }

// 1 / cosh(x)^2, whose derivatives keep their digits both near zero and far out.
Uses sech_squared(Uses x, Uses ans) { return united(x, ans); }
Text sech_squared(const Text& x, const Text&) { return {"1 / cosh(" + x.text + ")**2", true}; }
Value sech_squared(const Value& x, const Value&) {
    // Where cosh would overflow, its inverse's square is long zero. NaN stays.
    const DType dtype = meta_of(x).dtype;
    const bool half = dtype == DType::Float16;
    const bool single = dtype == DType::Float32 || dtype == DType::Complex64;
    const Const bound{half ? 11.0 : (single ? 88.0 : 700.0)};
    const Value along = is_complex(dtype) ? apply(Code::real, x) : x;
    const Value near = where(less(value_of(bound), absolute(along)), bound, x);
    const Value sech = 1_c / cosh(near);
    return sech * sech;
}

Uses one_minus_square(Uses x) { return x; }
Text one_minus_square(const Text& x) { return {"1 - " + x.text + "**2", true}; }
Value one_minus_square(const Value& x) {
    return where(less(absolute(x), value_of(0.5_c)), 1_c - x * x, (1_c - x) * (1_c + x));
}

// Of complex numbers the tangent nears i and -i, and its square -1.
Uses sec_squared(Uses x, Uses ans) { return united(x, ans); }
Text sec_squared(const Text&, const Text& ans) { return 1_c + ans * ans; }
Value sec_squared(const Value& x, const Value& ans) {
    if (!is_complex(meta_of(x).dtype)) return 1_c + ans * ans;
    return sech_squared(x * host::imaginary(1.0), ans);
}

// sqrt(1 + x), in which an imaginary part of -0 on the branch cut keeps its sign: 0 - 0 is 0.
Value one_plus_root(const Value& x) { return sqrt(-(-x - 1_c)); }

Uses inverse_root_square_minus_one(Uses x) { return x; }
Text inverse_root_square_minus_one(const Text& x) {
    return {"1 / (sqrt(" + x.text + " - 1) * sqrt(" + x.text + " + 1))", true};
}
Value inverse_root_square_minus_one(const Value& x) {
    if (!is_complex(meta_of(x).dtype)) return 1_c / (sqrt(x - 1_c) * sqrt(x + 1_c));
    return 1_c / (sqrt(x - 1_c) * one_plus_root(x));
}

Uses inverse_root_one_minus_square(Uses x) { return x; }
Text inverse_root_one_minus_square(const Text& x) {
    return {"1 / sqrt(1 - " + x.text + "**2)", true};
}
Value inverse_root_one_minus_square(const Value& x) {
    if (!is_complex(meta_of(x).dtype)) return 1_c / sqrt(one_minus_square(x));
    // Roots of factors do not overflow; near zero their derivatives cancel.
    const Value small = less(absolute(x), value_of(0.5_c));
    const Value near = where(small, x, 0_c);
    return 1_c / where(small, sqrt(1_c - near * near), one_plus_root(-x) * one_plus_root(x));
}

Uses inverse_one_plus_square(Uses x) { return x; }
Text inverse_one_plus_square(const Text& x) { return {"1 / (1 + " + x.text + "**2)", true}; }
Value inverse_one_plus_square(const Value& x) {
    if (is_complex(meta_of(x).dtype)) return 1_c / (1_c + x * x);
    const Value inverse = 1_c / hypot(x, value_of(1_c));
    return inverse * inverse;
}

Uses inverse_root_one_plus_square(Uses x) { return x; }
Text inverse_root_one_plus_square(const Text& x) {
    return {"1 / sqrt(1 + " + x.text + "**2)", true};
}
Value inverse_root_one_plus_square(const Value& x) {
    if (!is_complex(meta_of(x).dtype)) return 1_c / hypot(x, value_of(1_c));
    // Even in x. A product with i keeps the sign of a real part that is zero, if that is positive.
    const Value right = where(apply(Code::signbit, apply(Code::real, x)), -x, x);
    const Value turned = right * host::imaginary(1.0);
    return 1_c / (one_plus_root(turned) * one_plus_root(-turned));
}

Uses over_square_sum(Uses x, Uses y) { return united(x, y); }
Text over_square_sum(const Text& x, const Text& y) {
    return {x.text + " / (" + x.text + "**2 + " + y.text + "**2)", true};
}
// By the larger of the two and their ratio: no square of either is formed.
struct ByLarger {
    Value large, first, ratio;  // first: the ratio of x to the larger
    ByLarger(const Value& x, const Value& y) {
        const Value by_x = greater(absolute(x), absolute(y));
        large = where(by_x, x, y);
        ratio = where(by_x, y, x) / large;
        first = where(by_x, 1_c, ratio);
    }
};
Value over_square_sum(const Value& x, const Value& y) {
    const ByLarger by(x, y);
    return by.first / (1_c + by.ratio * by.ratio) / by.large;
}

Uses over_hypot(Uses x, Uses y, Uses ans) { return united(united(x, y), ans); }
Text over_hypot(const Text& x, const Text&, const Text& ans) { return x / ans; }
Value over_hypot(const Value& x, const Value& y, const Value&) {
    const ByLarger by(x, y);
    return sign(by.large) * by.first / hypot(by.ratio, value_of(1_c));
}

Uses power_by_base(Uses x, Uses y, Uses ans) { return united(united(x, y), ans); }
Text power_by_base(const Text& x, const Text& y, const Text&) {
    return {y.text + " * power(" + x.text + ", " + y.text + " - 1)", true};
}
// Without a number that NumPy would warn of and power() would not: a negative power by the inverse.
Value whole_power(const Value& x, double exponent) {
    if (exponent < 0.0) return whole_power(1_c / x, -exponent);
    const Value square = x * x;
    return exponent == 2.0 ? square : (exponent == 3.0 ? square * x : square * square);
}
bool has_whole_power(const Value& x, const Value& y) {
    if (!y.is_number()) return false;
    // A double as the exponent makes doubles of a narrower base.
    const DType dtype = meta_of(x).dtype;
    if (y.kind() == Kind::Strong && dtype != DType::Float64 && dtype != DType::Complex128)
        return false;
    const double exponent = y.number() - 1.0;
    return exponent == 2.0 || exponent == 3.0 || exponent == 4.0 || exponent == -2.0 ||
           exponent == -3.0;
}
Value power_by_base(const Value& x, const Value& y, const Value&) {
    if (has_whole_power(x, y)) return y * whole_power(x, y.number() - 1.0);
    if (!y.is_box()) return y * power(x, where(is_zero(y), 1_c, y - 1_c));
    // Zero at an exponent of zero, also of a base of zero; elsewhere there 1 / x by the exponent.
    const Value base = where(logical_and(is_zero(y), is_zero(x)), 1_c, x);
    return y * power(base, y - 1_c);
}
Uses power_by_exponent(Uses x, Uses y, Uses ans) { return united(united(x, y), ans); }
Text power_by_exponent(const Text& x, const Text&, const Text& ans) { return log(x) * ans; }
Value power_by_exponent(const Value& x, const Value&, const Value& ans) {
    const Value base = where(is_zero(x), 1_c, x);
    // A negative number has a logarithm among the complex ones, where its powers lie.
    const bool lifted = is_complex(meta_of(ans).dtype) && !is_complex(meta_of(x).dtype);
    return log(lifted ? base + host::imaginary(0.0) : base) * ans;
}

Uses difference(Uses x, Uses y) { return united(x, y); }
Text difference(const Text& x, const Text& y) { return x - y; }
Value difference(const Value& x, const Value& y) {
    const Value same = logical_and(equal(x, y), isinf(x));
    return where(same, 0_c, x) - where(same, 0_c, y);
}
Uses logistic(Uses x) { return x; }
Text logistic(const Text& x) { return {"1 / (1 + exp(-" + wrapped(x) + "))", true}; }
Value logistic(const Value& x) {
    const Value negative = less(x, value_of(0_c));
    const Value e = exp(where(negative, 1_c, -1_c) * x);
    const Value q = 1_c / (1_c + e);
    return where(negative, e * q, q);
}

}  // namespace
}  // namespace fastad
