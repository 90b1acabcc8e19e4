// Every elementwise operation: partials, rules and masks, against differences and each other.
#include <cmath>
#include <limits>

#include "check.hpp"
#include "samples.hpp"
#include "trace.hpp"

namespace fastad::testing {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

double partial_at(Code code, std::size_t which, double x, double y = 0.0) {
    const Elementwise& e = operation(code).elementwise;
    return e.partial[which](x, y, e.value(x, y));
}

}  // namespace

FASTAD_TEST(elementwise_partials_equal_central_differences) {
    std::size_t operations = 0;
    each_elementwise([&](const Op& op) {
        ++operations;
        const Elementwise& e = op.elementwise;
        Random random(static_cast<std::uint64_t>(op.code) + 1);
        for (int trial = 0; trial < 50; ++trial) {
            const double at[2] = {sample(op.code, 0, random), sample(op.code, 1, random)};
            for (std::size_t k = 0; k < op.arity; ++k) {
                const double h = 1e-5;
                double low[2] = {at[0], at[1]}, high[2] = {at[0], at[1]};
                low[k] -= h;
                high[k] += h;
                const double difference =
                    (e.value(high[0], high[1]) - e.value(low[0], low[1])) / (high[k] - low[k]);
                const double partial = e.partial[k](at[0], at[1], e.value(at[0], at[1]));
                CHECK_TEXT(near(partial, difference, 1e-6),
                           op.name << " argument " << k << " at " << at[0] << ", " << at[1] << ": "
                                   << partial << " and " << difference);
            }
        }
    });
    CHECK(operations >= 40);
}

FASTAD_TEST(elementwise_rules_on_value_equal_partials) {
    each_elementwise([&](const Op& op) {
        const Elementwise& e = op.elementwise;
        Random random(static_cast<std::uint64_t>(op.code) + 1000);
        for (int trial = 0; trial < 20; ++trial) {
            const double x = sample(op.code, 0, random), y = sample(op.code, 1, random);
            const double ans = e.value(x, y);
            for (std::size_t k = 0; k < op.arity; ++k) {
                const double number = number_of(e.rule[k](weak(x), weak(y), weak(ans)));
                const Value whole = e.rule[k](array({x, x}), array({y, y}), array({ans, ans}));
                const double partial = e.partial[k](x, y, ans);
                CHECK_TEXT(same_derivative(number, partial), op.name << " argument " << k);
                for (const double element : numbers_of(whole))
                    CHECK_TEXT(same_derivative(element, partial), op.name << " argument " << k);
                if (e.constant[k])
                    CHECK_TEXT(same_number(e.coefficient[k], partial),
                               op.name << " argument " << k);
            }
        }
    });
}

FASTAD_TEST(elementwise_operands_outside_the_mask_are_not_read) {
    each_elementwise([&](const Op& op) {
        const Elementwise& e = op.elementwise;
        Random random(static_cast<std::uint64_t>(op.code) + 2000);
        const double x = sample(op.code, 0, random), y = sample(op.code, 1, random);
        const double ans = e.value(x, y);
        for (std::size_t k = 0; k < op.arity; ++k) {
            const double all = e.partial[k](x, y, ans);
            const double a = e.uses[k] & reads_x ? x : nan;
            const double b = e.uses[k] & reads_y ? y : nan;
            const double c = e.uses[k] & reads_ans ? ans : nan;
            CHECK_TEXT(same_number(e.partial[k](a, b, c), all), op.name << " argument " << k);
            CHECK_TEXT(same_derivative(number_of(e.rule[k](weak(a), weak(b), weak(c))), all),
                       op.name << " argument " << k << ", the rule on Value");
            CHECK_TEXT(!e.constant[k] || e.uses[k] == 0, op.name << " argument " << k);
        }
    });
}

FASTAD_TEST(elementwise_kept_operands_are_those_of_the_mask) {
    // What the gate leaves out is empty, and the generic sweep reads nothing else.
    each_elementwise([&](const Op& op) {
        const GenericOnly generic;
        Random random(static_cast<std::uint64_t>(op.code) + 3000);
        const double x = sample(op.code, 0, random), y = sample(op.code, 1, random);
        const double ans = op.elementwise.value(x, y);
        for (std::size_t k = 0; k < op.arity; ++k) {
            auto f = [&](const Value& v) {
                const Value args[2] = {k == 0 ? v : array({x, x}), k == 1 ? v : array({y, y})};
                return apply(op, args, op.arity);
            };
            const double at = k == 0 ? x : y;
            const double expected = op.elementwise.partial[k](x, y, ans);
            for (const double g : numbers_of(gradient(f, array({at, at}))))
                CHECK_TEXT(same_derivative(g, expected), op.name << " argument " << k);
            CHECK_TEXT(same_derivative(number_of(gradient(f, strong(at))),
                                       static_cast<double>(op.arity) * expected),
                       op.name << " argument " << k << ", a number (among two elements)");
        }
    });
}

FASTAD_TEST(elementwise_forward_equals_reverse) {
    each_elementwise([&](const Op& op) {
        Random random(static_cast<std::uint64_t>(op.code) + 4000);
        const double x = sample(op.code, 0, random), y = sample(op.code, 1, random);
        for (std::size_t k = 0; k < op.arity; ++k) {
            auto f = [&](const Value& v) {
                const Value args[2] = {k == 0 ? v : weak(x), k == 1 ? v : weak(y)};
                return apply(op, args, op.arity);
            };
            const double at = k == 0 ? x : y;
            CHECK_TEXT(near(number_of(derivative(f, weak(at), weak(1.0))),
                            number_of(gradient(f, weak(at))), 1e-14),
                       op.name << " argument " << k);
        }
    });
}

FASTAD_TEST(elementwise_second_order_equals_differences_of_first) {
    each_elementwise([&](const Op& op) {
        Random random(static_cast<std::uint64_t>(op.code) + 5000);
        for (int trial = 0; trial < 5; ++trial) {
            const double x = sample(op.code, 0, random), y = sample(op.code, 1, random);
            for (std::size_t k = 0; k < op.arity; ++k)
                for (const bool arrays : {false, true}) {
                    auto first = [&](const Value& v) {
                        return gradient(
                            [&](const Value& w) {
                                const Value args[2] = {k == 0 ? w : weak(x), k == 1 ? w : weak(y)};
                                return apply(op, args, op.arity);
                            },
                            v);
                    };
                    const double at = k == 0 ? x : y, h = 1e-5;
                    auto value = [&](double number) {
                        return arrays ? array({number}) : weak(number);
                    };
                    const double second = number_of(gradient(first, value(at)));
                    const double difference =
                        (number_of(first(value(at + h))) - number_of(first(value(at - h)))) /
                        (2.0 * h);
                    CHECK_TEXT(near(second, difference, 1e-5),
                               op.name << " argument " << k << " at " << x << ", " << y << ": "
                                       << second << " and " << difference);
                }
        }
    });
}

FASTAD_TEST(elementwise_special_points) {
    CHECK(partial_at(Code::maximum, 0, 1.0, 1.0) == 0.5);
    CHECK(partial_at(Code::maximum, 1, 1.0, 1.0) == 0.5);
    CHECK(partial_at(Code::minimum, 0, 1.0, 2.0) == 1.0);
    CHECK(partial_at(Code::minimum, 1, 1.0, 2.0) == 0.0);
    CHECK(partial_at(Code::power, 0, 0.0, 0.0) == 0.0);
    CHECK(partial_at(Code::power, 0, 0.0, 1.0) == 1.0);
    CHECK(partial_at(Code::power, 0, 0.0, 2.0) == 0.0);
    CHECK(partial_at(Code::power, 0, -3.0, 3.0) == 27.0);
    CHECK(partial_at(Code::power, 1, 0.0, 2.0) == 0.0);
    CHECK(partial_at(Code::absolute, 0, 0.0) == 0.0);
    CHECK(partial_at(Code::absolute, 0, -2.0) == -1.0);
    CHECK(partial_at(Code::sqrt, 0, 0.0) == inf);
    CHECK(partial_at(Code::copysign, 0, -2.0, 3.0) == -1.0);
    CHECK(partial_at(Code::heaviside, 1, 0.0, 3.0) == 1.0);
    CHECK(partial_at(Code::logaddexp, 0, 800.0, 800.0) == 0.5 ||
          near(partial_at(Code::logaddexp, 0, 800.0, 800.0), 0.5, 1e-12));
    CHECK(partial_at(Code::remainder, 1, -7.0, 3.0) == 3.0);
    CHECK(partial_at(Code::fmod, 1, -7.0, 3.0) == 2.0);
}

FASTAD_TEST(a_constant_exponent_of_two_takes_the_rule_of_square) {
    Trace trace;
    const Value x = trace.box(array({-3.0, 0.0, 2.0}));
    const Value y = apply(Code::power, x, Value::integer(2));
    CHECK(numbers_of(y) == (std::vector<double>{9.0, 0.0, 4.0}));
    CHECK(trace.tape().print().find("square") != std::string::npos);
    CHECK(numbers_of(trace.sweep(y, ones_like(y), x)) == (std::vector<double>{-6.0, 0.0, 4.0}));
    // At a negative base the exponent's own derivative is not asked for and cannot spoil the
    // result.
    const Value z = apply(Code::power, trace.box(weak(-3.0)), weak(3.0));
    CHECK(number_of(z) == -27.0);
}

FASTAD_TEST(zero_operations_and_tests_are_not_recorded) {
    Trace trace;
    const Value x = trace.box(array({-1.5, 2.5}));
    const Value s = trace.box(weak(-1.5));
    const std::uint32_t before = trace.tape().size();
    for (std::size_t i = 0; i < operation_count; ++i) {
        const Op& op = operation(static_cast<Code>(i));
        if (op.kind() != OpKind::Zero && op.kind() != OpKind::Test) continue;
        for (const Value& v : {x, s}) {
            const Value args[2] = {v, weak(1.0)};
            const Value ans = apply(op, args, op.arity);
            CHECK_TEXT(!ans.is_box(), op.name);
            if (op.kind() == OpKind::Test) CHECK_TEXT(dtype_of(ans) == DType::Bool, op.name);
        }
    }
    CHECK(trace.tape().size() == before);
}

FASTAD_TEST(facts_on_infinity_hold_at_the_ends_of_the_numbers) {
    constexpr double largest = std::numeric_limits<double>::max();
    constexpr double least = std::numeric_limits<double>::denorm_min();
    const double finite[] = {0.0, -0.0, 1.0, -1.0, 0.3, -7.5, largest, -largest, least, -least};
    std::size_t held = 0;
    for (std::size_t i = 0; i < elementwise_operations; ++i) {
        const Op& op = operation(static_cast<Code>(i));
        const auto value = op.elementwise.value;
        for (const double x : finite)
            for (const double y : finite) {
                if (op.finite) CHECK_TEXT(std::isfinite(value(x, y)), op.name << " at " << x);
                for (const double odd : {inf, -inf, nan}) {
                    if (op.passes[0]) CHECK_TEXT(!std::isfinite(value(odd, y)), op.name);
                    if (op.passes[1]) CHECK_TEXT(!std::isfinite(value(x, odd)), op.name);
                }
            }
        held += op.finite || op.passes[0];
    }
    CHECK(held > 20);
}

FASTAD_TEST(complex_derivatives_follow_the_convention) {
    // A holomorphic f contributes g * f'(x), without a conjugate.
    const Complex z(0.4, -0.7);
    const struct {
        Code code;
        Complex expected;
    } cases[] = {{Code::exp, std::exp(z)},
                 {Code::sin, std::cos(z)},
                 {Code::log, 1.0 / z},
                 {Code::square, 2.0 * z},
                 {Code::reciprocal, -1.0 / (z * z)}};
    for (const auto& c : cases) {
        Trace trace;
        const Value x = trace.box(complex_array({1}, {z}));
        const Value y = apply(c.code, x);
        const Complex g = complexes_of(trace.sweep(y, complex_array({1}, {1.0}), x))[0];
        CHECK_TEXT(std::abs(g - c.expected) < 1e-14, operation(c.code).name);
    }
    // absolute(z): g * conj(z) / |z|; the gradient of a real function.
    Trace trace;
    const Value x = trace.box(scalar(DType::Complex128, z));
    const Value y = apply(Code::absolute, x);
    const Value g = trace.sweep(y, strong(1.0), x);
    CHECK(dtype_of(g) == DType::Complex128);
    CHECK(std::abs(complexes_of(g)[0] - std::conj(z) / std::abs(z)) < 1e-14);
}

FASTAD_TEST(a_real_argument_has_a_real_cotangent) {
    Trace trace;
    const Value x = trace.box(array({1.0, 2.0}));
    const Value y = x * scalar(DType::Complex128, Complex(3.0, 4.0));
    CHECK(dtype_of(y) == DType::Complex128);
    const Value g = trace.sweep(apply(Code::imag, y), array({1.0, 1.0}), x);
    CHECK(dtype_of(g) == DType::Float64);
    CHECK(numbers_of(g) == (std::vector<double>{4.0, 4.0}));
}

FASTAD_TEST(a_single_precision_array_keeps_its_dtype) {
    auto f = [](const Value& x) { return sum(apply(Code::tanh, x * weak(0.5)) / weak(3.0)); };
    const Value x = array({3}, {0.25, -1.0, 2.0}, DType::Float32);
    const Value g = gradient(f, x);
    CHECK(dtype_of(g) == DType::Float32);
    const Value h = gradient([&](const Value& v) { return sum(gradient(f, v)); }, x);
    CHECK(dtype_of(h) == DType::Float32);
    for (std::size_t i = 0; i < 3; ++i) {
        const double t = std::tanh(0.5 * numbers_of(x)[i]);
        CHECK_NEAR(numbers_of(g)[i], (1.0 - t * t) / 6.0, 1e-6);
        CHECK_NEAR(numbers_of(h)[i], -t * (1.0 - t * t) / 6.0, 1e-6);
    }
}

}  // namespace fastad::testing
