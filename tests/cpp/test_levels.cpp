// Nested levels: random programs of any order against exact dual numbers, and traps that nesting
// sets.
#include <cmath>
#include <thread>

#include "check.hpp"
#include "samples.hpp"
#include "trace.hpp"

namespace fastad::testing {
namespace {

// The reference: dual numbers over dual numbers, one type for each level, so that no level can be
// taken for another one.
template <class T>
struct Dual {
    T value{};
    T tangent{};
};
// The ones on Value too, which those on Dual would hide.
using testing::operator+;
using testing::operator-;
using testing::operator*;
using testing::operator/;

double constant(double, double number) { return number; }
template <class T>
Dual<T> constant(const Dual<T>& like, double number) {
    return {constant(like.value, number), constant(like.value, 0.0)};
}
Value constant(const Value&, double number) { return weak(number); }

template <class T>
Dual<T> operator+(const Dual<T>& a, const Dual<T>& b) {
    return {a.value + b.value, a.tangent + b.tangent};
}
template <class T>
Dual<T> operator-(const Dual<T>& a, const Dual<T>& b) {
    return {a.value - b.value, a.tangent - b.tangent};
}
template <class T>
Dual<T> operator*(const Dual<T>& a, const Dual<T>& b) {
    return {a.value * b.value, a.tangent * b.value + a.value * b.tangent};
}
template <class T>
Dual<T> operator/(const Dual<T>& a, const Dual<T>& b) {
    const T quotient = a.value / b.value;
    return {quotient, (a.tangent - quotient * b.tangent) / b.value};
}
using std::cos;
using std::sin;
using std::sqrt;
using std::tanh;
Value sin(const Value& x) { return apply(Code::sin, x); }
Value tanh(const Value& x) { return apply(Code::tanh, x); }
Value sqrt(const Value& x) { return apply(Code::sqrt, x); }
template <class T>
Dual<T> cos(const Dual<T>& a);
template <class T>
Dual<T> sin(const Dual<T>& a) {
    return {sin(a.value), cos(a.value) * a.tangent};
}
template <class T>
Dual<T> cos(const Dual<T>& a) {
    return {cos(a.value), (constant(a.value, 0.0) - sin(a.value)) * a.tangent};
}
template <class T>
Dual<T> tanh(const Dual<T>& a) {
    const T t = tanh(a.value);
    return {t, (constant(t, 1.0) - t * t) * a.tangent};
}
template <class T>
Dual<T> sqrt(const Dual<T>& a) {
    const T root = sqrt(a.value);
    return {root, a.tangent / (root + root)};
}

// A program over registers; the first two hold its argument and a value that it closes over.
enum class Do {
    Add,
    Subtract,
    Multiply,
    Sin,
    Tanh,
    Quotient,
    Square,
    Scale,
    Root,
    Sum,
    Dot,
    Items,
    Matrix,
    Choose,
    Inner,
    count
};
struct Step {
    Do what;
    std::size_t a, b;
    double c;
    std::vector<Step> inner;
};
using Program = std::vector<Step>;

Program draw(Random& random, int steps, int depth) {
    Program program;
    for (int i = 0; i < steps; ++i) {
        Step step{static_cast<Do>(random.below(static_cast<std::size_t>(Do::count))),
                  0,
                  0,
                  random.between(-1.5, 1.5),
                  {}};
        const std::size_t registers = 2 + static_cast<std::size_t>(i);
        step.a = random.below(3) ? registers - 1 : random.below(registers);
        step.b = random.below(registers);
        if (step.what == Do::Inner) {
            if (depth == 0)
                step.what = Do::Tanh;
            else
                step.inner = draw(random, 4, depth - 1);
        }
        program.push_back(step);
    }
    return program;
}

// The array lane does in one go what the reference does one number at a time.
template <class T>
T through_arrays(const Step& step, const T& a, const T& b) {
    const T c = constant(a, step.c);
    switch (step.what) {
        case Do::Sum:
            return tanh(a) * c + tanh(b) * constant(a, 0.5) + tanh(a * b) * constant(a, -1.25);
        case Do::Dot: return a * b + b * sin(a);
        case Do::Items: return a * c * (b * constant(a, 1.5)) + b * constant(a, 1.5);
        case Do::Matrix:  // [[a, b], [c, a]] squared, summed
            return a * a + b * c + a * b + b * a + c * a + a * c + c * b + a * a;
        default: return step.c > 0 ? a * a : b + b;
    }
}
Value through_arrays(const Step& step, const Value& a, const Value& b) {
    const Value c = weak(step.c), first = Value::integer(0);
    switch (step.what) {
        case Do::Sum:
            return sum(tanh(apply(Code::stack, first, a, b, a * b)) * array({step.c, 0.5, -1.25}));
        case Do::Dot:
            return apply(Code::dot, apply(Code::stack, first, a, b),
                         apply(Code::stack, first, b, sin(a)));
        case Do::Items: {
            const Value both = apply(Code::stack, first, a, b) * array({step.c, 1.5});
            return item(both, 0) * item(both, -1) + item(both, 1);
        }
        case Do::Matrix: {
            const Value flat = apply(Code::stack, first, a, b, c, a);
            const Value square = apply(Code::reshape, flat, tuple({2, 2}));
            return sum(apply(Code::matmul, square, square));
        }
        default: {
            const Value both = apply(Code::stack, first, a, b);
            const Value chosen =
                apply(Code::where,
                      array({2}, {step.c > 0 ? 1.0 : 0.0, step.c > 0 ? 0.0 : 1.0}, DType::Bool),
                      both * both, weak(0.0));
            const Value other = step.c > 0 ? weak(0.0) : b + b;
            return (step.c > 0 ? sum(chosen) : sum(chosen) * weak(0.0)) + other;
        }
    }
}

template <class T, int depth>
T run(const Program& program, const T& x, const T& closed);

// The derivative of the inner program with respect to its argument; the other value is constant to
// it, but not to the levels around.
template <int depth, class T>
T inner_derivative(const Step& step, const T& a, const T& b) {
    const Dual<T> at{a, constant(a, 1.0)}, beside{b, constant(b, 0.0)};
    return run<Dual<T>, depth - 1>(step.inner, at, beside).tangent;
}
template <int depth>
Value inner_derivative(const Step& step, const Value& a, const Value& b) {
    auto f = [&](const Value& t) { return run<Value, depth - 1>(step.inner, t, b); };
    const auto way = static_cast<int>(std::abs(step.c) * 1000.0) % 3;
    if (way == 0) return gradient(f, a);
    if (way == 1) return derivative(f, a, weak(1.0));
    auto over_array = [&](const Value& t) { return f(item(t, 0)); };
    return item(gradient(over_array, apply(Code::stack, Value::integer(0), a)), 0);
}

template <class T, int depth>
T run(const Program& program, const T& x, const T& closed) {
    std::vector<T> registers = {x, closed};
    for (const Step& step : program) {
        const T a = registers[step.a], b = registers[step.b];
        T result = a;
        switch (step.what) {
            case Do::Add: result = a + b; break;
            case Do::Subtract: result = a - b; break;
            case Do::Multiply: result = a * b; break;
            case Do::Sin: result = sin(a); break;
            case Do::Tanh: result = tanh(a); break;
            case Do::Quotient: result = a / (constant(a, 1.0) + b * b); break;
            case Do::Square:
                if constexpr (std::is_same_v<T, Value>)
                    result = apply(Code::power, a, Value::integer(2));
                else
                    result = a * a;
                break;
            case Do::Scale: result = a * constant(a, step.c); break;
            case Do::Root: result = sqrt(constant(a, 1.0) + a * a); break;
            case Do::Inner:
                if constexpr (depth > 0) result = inner_derivative<depth>(step, a, b);
                break;
            default: result = through_arrays(step, a, b);
        }
        registers.push_back(result);
    }
    return registers.back();
}

constexpr int depth = 2;

// The order'th derivative by the reference.
template <int order, class T>
T exact(const Program& program, const T& x) {
    if constexpr (order == 0) {
        return run<T, depth>(program, x, constant(x, 0.7));
    } else {
        return exact<order - 1>(program, Dual<T>{x, constant(x, 1.0)}).tangent;
    }
}
// By levels, each of which is reverse or forward as a bit of `modes` says.
Value by_levels(const Program& program, int order, unsigned modes, const Value& x) {
    if (order == 0) return run<Value, depth>(program, x, weak(0.7));
    auto f = [&](const Value& v) { return by_levels(program, order - 1, modes >> 1, v); };
    return modes & 1u ? derivative(f, x, weak(1.0)) : gradient(f, x, modes & 8u);
}

template <int order>
void check_programs(std::uint64_t seed, int programs) {
    int compared = 0;
    for (int i = 0; i < programs; ++i) {
        Random random(seed + static_cast<std::uint64_t>(i));
        const Program program = draw(random, 7, depth);
        const double x = random.between(-1.2, 1.2);
        const double expected = exact<order>(program, x);
        if (!std::isfinite(expected) || std::abs(expected) > 1e7) continue;
        ++compared;
        const auto modes = static_cast<unsigned>(random.below(16));
        const Value at = random.below(2) ? weak(x) : strong(x);
        const double got = number_of(by_levels(program, order, modes, at));
        CHECK_TEXT(near(got, expected, 1e-8), "program " << i << " of seed " << seed << ", order "
                                                         << order << ", modes " << modes << ": "
                                                         << got << " and " << expected);
    }
    CHECK_TEXT(compared > programs / 2, compared << " of " << programs);
}

}  // namespace

FASTAD_TEST(random_programs_of_order_1) { check_programs<1>(1000, 400); }
FASTAD_TEST(random_programs_of_order_2) { check_programs<2>(2000, 300); }
FASTAD_TEST(random_programs_of_order_3) { check_programs<3>(3000, 150); }

FASTAD_TEST(high_orders_of_sine) {
    Function f = [](const Value& x) { return sin(x); };
    const double expected[] = {std::cos(0.3), -std::sin(0.3), -std::cos(0.3),
                               std::sin(0.3), std::cos(0.3),  -std::sin(0.3)};
    for (const double value : expected) {
        f = [f](const Value& x) { return gradient(f, x); };
        CHECK_NEAR(number_of(f(weak(0.3))), value, 1e-14);
    }
}

// Trap 1.
FASTAD_TEST(trap_1_no_scalar_partials_over_a_boxed_operand) {
    // d/dx [x * d/dy (x * y * y)] = d/dx [2 x^2 y] = 4 x y.
    auto f = [](const Value& x) {
        return x * gradient([&](const Value& y) { return x * y * y; }, weak(5.0));
    };
    CHECK_NEAR(number_of(gradient(f, weak(3.0))), 60.0, 1e-15);

    Trace outer;
    const Value x = outer.box(weak(3.0));
    Trace inner;
    const Value y = inner.box(weak(5.0));
    const Value product = x * y;
    const std::uint32_t index = product.traced().index;
    CHECK(inner.owns(product));
    CHECK(inner.tape().is_array_entry(index));  // a generic record, although all values are float64
    CHECK(!inner.tape().is_array_entry((y * y).traced().index));
    const Value g = inner.sweep(product, weak(1.0), y);
    CHECK(outer.owns(g));
    CHECK(number_of(g) == 3.0);
    CHECK(number_of(outer.sweep(g, weak(1.0), x)) == 1.0);
}

// Trap 2.
FASTAD_TEST(trap_2_a_boxed_cotangent_meets_scalar_records) {
    Trace inner;
    const Value x = inner.box(weak(0.4));
    const Value y = sin(x) * x;  // scalar records only
    const double slope = std::cos(0.4) * 0.4 + std::sin(0.4);
    // The pullback is linear in its cotangent; a later level differentiates through it.
    for (int i = 0; i < 2; ++i) {
        const Value g =
            gradient([&](const Value& c) { return inner.sweep(y, c * c, x); }, weak(1.5));
        CHECK_NEAR(number_of(g), 3.0 * slope, 1e-14);
    }
    const Value t = derivative([&](const Value& c) { return inner.sweep(y, c * c * c, x); },
                               weak(2.0), weak(1.0));
    CHECK_NEAR(number_of(t), 12.0 * slope, 1e-14);
}

FASTAD_TEST(trap_2_a_boxed_cotangent_meets_element_records) {
    Trace inner;
    const Value x = inner.box(array({1.0, 2.0, 3.0}));
    const Value y = inner.element(x, 0) * inner.element(x, 2) + inner.element(x, 2);
    const Value weights = array({1.0, 10.0, 100.0});
    // d/dc of sum(weights * c^2 * (x2, 0, x0 + 1)).
    const Value g = gradient(
        [&](const Value& c) { return sum(inner.sweep(y, c * c, x) * weights); }, weak(0.5));
    CHECK_NEAR(number_of(g), 203.0, 1e-14);
}

// Trap 3.
FASTAD_TEST(trap_3_weak_and_strong_numbers_cross_the_lanes) {
    const Value x = array({2}, {1.0, 2.0}, DType::Float32);
    Trace trace;
    const Value w = trace.box(weak(3.0)), s = trace.box(strong(3.0)), a = trace.box(x);
    CHECK(w.traced().value.kind() == Kind::Weak);
    CHECK((w * w + weak(1.0)).traced().value.kind() == Kind::Weak);
    CHECK((w * s).traced().value.kind() == Kind::Strong);
    CHECK(dtype_of(w * a) == DType::Float32);
    CHECK(dtype_of(s * a) == DType::Float64);
    const Value y = sum(w * a) + sum(s * a);
    const std::vector<Value> g =
        trace.sweep(std::vector{y}, std::vector{strong(1.0)}, std::vector{w, s, a});
    CHECK(number_of(g[0]) == 3.0 && dtype_of(g[0]) == DType::Float64);
    CHECK(number_of(g[1]) == 3.0 && dtype_of(g[1]) == DType::Float64);
    CHECK(numbers_of(g[2]) == (std::vector<double>{6.0, 6.0}) && dtype_of(g[2]) == DType::Float32);
}

FASTAD_TEST(trap_3_single_precision_and_complex_scalars_take_the_array_lane) {
    Trace trace;
    const Value f = trace.box(scalar(DType::Float32, 3.0));
    const Value z = trace.box(scalar(DType::Complex128, Complex(1.0, 2.0)));
    const Value x = trace.box(weak(2.0));
    CHECK(trace.tape().is_array_entry(f.traced().index));
    CHECK(trace.tape().is_array_entry(z.traced().index));
    CHECK(!trace.tape().is_array_entry(x.traced().index));
    CHECK(dtype_of(f * x) == DType::Float32);
    const Value y = apply(Code::real, z * z * x) + f * f * x;
    const std::vector<Value> g =
        trace.sweep(std::vector{y}, std::vector{strong(1.0)}, std::vector{f, z, x});
    CHECK(dtype_of(g[0]) == DType::Float32 && number_of(g[0]) == 12.0);
    CHECK(complexes_of(g[1])[0] == Complex(4.0, 8.0));
    CHECK(dtype_of(g[2]) == DType::Float64 && number_of(g[2]) == -3.0 + 9.0);
}

FASTAD_TEST(trap_3_numbers_become_arrays_and_numbers_again) {
    auto f = [](const Value& x) {
        const Value v = x * array({1.0, 2.0, 3.0});   // number -> array
        const Value s = apply(Code::dot, v, v);       // array -> number
        return s * x + sum(apply(Code::sin, v * s));  // both together
    };
    auto number = [](double x) {
        double total = 14.0 * x * x * x;
        for (const double w : {1.0, 2.0, 3.0}) total += std::sin(w * x * 14.0 * x * x);
        return total;
    };
    const double h = 1e-6, x = 0.37;
    CHECK_NEAR(number_of(gradient(f, weak(x))), (number(x + h) - number(x - h)) / (2 * h), 1e-7);
    auto first = [&](const Value& v) { return gradient(f, v); };
    CHECK_NEAR(number_of(gradient(first, weak(x))),
               (number_of(first(weak(x + 1e-5))) - number_of(first(weak(x - 1e-5)))) / 2e-5, 1e-6);
}

// Trap 4.
FASTAD_TEST(trap_4_a_worker_thread_closes_over_an_outer_box) {
    // d/dx [x * d/dy (x * y^2) at 5] = 20 x, which is 30 at 1.5.
    auto f = [](const Value& x) {
        Value inner;
        std::thread worker(
            [&] { inner = gradient([&](const Value& y) { return x * y * y; }, weak(5.0)); });
        worker.join();
        return x * inner;
    };
    CHECK(number_of(gradient(f, weak(1.5))) == 30.0);
}

FASTAD_TEST(serial_numbers_rise_with_every_level) {
    std::uint64_t last = 0;
    for (int i = 0; i < 5; ++i) {
        Trace outer;
        CHECK(outer.tape().serial > last);
        Forward middle;
        Trace inner;
        CHECK(inner.tape().serial > outer.tape().serial + 1);
        last = inner.tape().serial;
    }
}

FASTAD_TEST(values_of_lower_levels_are_constants) {
    Trace outer;
    const Value x = outer.box(weak(3.0));
    {
        Trace inner;
        const Value y = inner.box(weak(4.0));
        const Value g = inner.sweep(x * x + y, weak(1.0), y);
        CHECK(number_of(g) == 1.0);
        CHECK(!inner.owns(x * x));
        CHECK(inner.sweep(std::vector{x * x}, std::vector{weak(1.0)}, std::vector{y})[0].empty());
    }
    CHECK(number_of(outer.sweep(x * x, weak(1.0), x)) == 6.0);
}

FASTAD_TEST(tests_and_indices_see_through_all_levels) {
    auto f = [](const Value& x) {
        return gradient(
            [&](const Value& y) {
                const Value positive = apply(Code::greater, y * x, weak(0.0));
                CHECK(!positive.is_box() && number_of(positive) == 1.0);
                const Value a = array({10.0, 20.0, 30.0});
                return y * apply(Code::getitem, a * y, apply(Code::rint, x)) * x;
            },
            weak(2.0));
    };
    // y * 20 y * x: derivative 40 y x = 80 x.
    CHECK(number_of(f(weak(1.0))) == 80.0);
}

FASTAD_TEST(forward_over_reverse_equals_reverse_over_forward) {
    auto f = [](const Value& x) { return sum(apply(Code::exp, x * x) * apply(Code::sin, x)); };
    const Value x = array({0.1, -0.4, 0.9}), v = array({1.0, 2.0, -1.0});
    const std::vector<double> a =
        numbers_of(derivative([&](const Value& y) { return gradient(f, y); }, x, v));
    const std::vector<double> b =
        numbers_of(gradient([&](const Value& y) { return derivative(f, y, v); }, x));
    const std::vector<double> c =
        numbers_of(gradient([&](const Value& y) { return sum(gradient(f, y) * v); }, x));
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK_NEAR(a[i], b[i], 1e-13);
        CHECK_NEAR(a[i], c[i], 1e-13);
    }
}

}  // namespace fastad::testing
