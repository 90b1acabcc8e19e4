// The sweep's bookkeeping: what is touched, shared, pending, scattered, bundled or batched.
#include <cmath>
#include <limits>

#include "check.hpp"
#include "forward/columns.hpp"
#include "samples.hpp"
#include "trace.hpp"

namespace fastad::testing {

namespace {
constexpr double inf = std::numeric_limits<double>::infinity();
Value sin(const Value& x) { return apply(Code::sin, x); }
Value sqrt(const Value& x) { return apply(Code::sqrt, x); }
}  // namespace

// Trap 5.
FASTAD_TEST(trap_5_untouched_is_not_zero) {
    for (const Value& zero : {weak(0.0), array({0.0})}) {
        auto unused = [](const Value& x) {
            sqrt(x);  // infinite slope, but nothing depends on it
            return x * weak(3.0);
        };
        CHECK(number_of(gradient(unused, zero)) == 3.0);
        auto reached = [](const Value& x) { return x * weak(3.0) + sqrt(x) * weak(0.0); };
        CHECK(std::isnan(number_of(gradient(reached, zero))));  // 0 * inf, as in NumPy
        auto alone = [](const Value& x) { return sqrt(x); };
        CHECK(number_of(gradient(alone, zero)) == inf);
    }
}

FASTAD_TEST(an_input_that_nothing_reaches_has_no_cotangent) {
    Trace trace;
    const Value x = trace.box(weak(1.0)), y = trace.box(array({1.0})), z = trace.box(weak(2.0));
    const Value ans = z * z;
    const std::vector<Value> g =
        trace.sweep(std::vector{ans}, std::vector{weak(1.0)}, std::vector{x, y, z});
    CHECK(g[0].empty() && g[1].empty() && number_of(g[2]) == 4.0);
    // Recorded after the output: beyond the sweep's start.
    const Value late = trace.box(weak(1.0));
    CHECK(trace.sweep(ans, weak(1.0), late).empty());
}

FASTAD_TEST(a_nan_cotangent_is_no_mark) {
    for (const Value& x : {weak(2.0), array({2.0})}) {
        Trace trace;
        const Value b = trace.box(x);
        const Value y = b * weak(2.0);
        double payload;
        const std::uint64_t signalling = 0x7FF4000000000001u;  // what the sweep's marks look like
        static_assert(sizeof payload == sizeof signalling);
        __builtin_memcpy(&payload, &signalling, sizeof payload);
        const Value g = x.is_number() ? weak(payload) : array({payload});
        CHECK(std::isnan(number_of(trace.sweep(y, g, b))));
    }
}

// Trap 6.
FASTAD_TEST(trap_6_a_cotangent_shared_by_two_operands) {
    const Value seed = array({1.0, 2.0});
    Trace trace;
    const Value x = trace.box(array({3.0, 4.0})), y = trace.box(array({5.0, 6.0}));
    const Value both = x + y;  // one array of cotangents for x and for y
    const Value ans = both + x * y + x;
    for (int i = 0; i < 2; ++i) {
        const std::vector<Value> g =
            trace.sweep(std::vector{ans}, std::vector{seed}, std::vector{x, y});
        CHECK(numbers_of(g[0]) == (std::vector<double>{7.0, 16.0}));
        CHECK(numbers_of(g[1]) == (std::vector<double>{4.0, 10.0}));
        CHECK(numbers_of(seed) == (std::vector<double>{1.0, 2.0}));
    }
}

FASTAD_TEST(an_operand_that_comes_twice) {
    for (const Value& x : {weak(3.0), strong(3.0), array({3.0}), array({1}, {3.0}, DType::Float32),
                           filled({}, 3.0)}) {
        const auto twice = [](const Value& v) { return v + v; };
        const auto product = [](const Value& v) { return v * v; };
        const auto difference = [](const Value& v) { return v - v; };
        const auto quotient = [](const Value& v) { return v / v; };
        CHECK(number_of(gradient(twice, x)) == 2.0);
        CHECK(number_of(gradient(product, x)) == 6.0);
        CHECK(number_of(gradient(difference, x)) == 0.0);
        CHECK_NEAR(number_of(gradient(quotient, x)), 0.0, 1e-7);
        CHECK(number_of(gradient([&](const Value& v) { return gradient(product, v); }, x)) == 2.0);
        const Value g = gradient(product, x);
        CHECK(shape_of(g) == shape_of(x) && dtype_of(g) == dtype_of(x));
        CHECK(host::describe(g).array == host::describe(x).array);
    }
}

FASTAD_TEST(broadcast_seeds_are_read_only) {
    const Extent shape[1] = {3};
    const Value seed = host::broadcast(weak(1.0), shape, 1);
    Trace trace;
    const Value x = trace.box(array({1.0, 2.0, 3.0}));
    const Value y = x + x * x + x;
    CHECK(numbers_of(trace.sweep(y, seed, x)) == (std::vector<double>{4.0, 6.0, 8.0}));
    CHECK(numbers_of(seed) == (std::vector<double>{1.0, 1.0, 1.0}));
}

FASTAD_TEST(several_outputs_add_up) {
    Trace trace;
    const Value x = trace.box(weak(2.0)), a = trace.box(array({1.0, 2.0}));
    const Value y = x * x, z = a * x;
    const std::vector<Value> g = trace.sweep(
        std::vector{y, z, y, x}, std::vector{weak(1.0), array({1.0, 10.0}), weak(2.0), weak(0.5)},
        std::vector{x, a});
    CHECK(number_of(g[0]) == 12.0 + 21.0 + 0.5);
    CHECK(numbers_of(g[1]) == (std::vector<double>{2.0, 20.0}));
}

FASTAD_TEST(elements_scatter_into_their_array) {
    Trace trace;
    const Value x = trace.box(array({1.0, 2.0, 3.0, 4.0}));
    const Value y = trace.element(x, 0) * trace.element(x, 3) + trace.element(x, 3);
    CHECK(numbers_of(trace.sweep(y, weak(1.0), x)) == (std::vector<double>{4.0, 0.0, 0.0, 2.0}));
    // Beside a dense cotangent, which arrives first, belongs to the caller, or comes twice.
    const Value ans = sum(x * x);
    const Value seed = array({10.0, 10.0, 10.0, 10.0});
    const Value g = trace.sweep(std::vector{y, ans, x}, std::vector{weak(1.0), weak(1.0), seed},
                                std::vector{x})[0];
    CHECK(numbers_of(g) == (std::vector<double>{16.0, 14.0, 16.0, 20.0}));
    CHECK(numbers_of(seed) == (std::vector<double>{10.0, 10.0, 10.0, 10.0}));
    CHECK(numbers_of(x) == (std::vector<double>{1.0, 2.0, 3.0, 4.0}));
}

FASTAD_TEST(getitem_scatters_into_its_array) {
    const Value x = array({3, 4}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    auto f = [](const Value& v) {
        const Value row = item(v, 1);  // integer
        const Value block =
            apply(Code::getitem, v, index({Item::slice(0, 2), Item::slice(1, 4, 2)}));
        const Value corner = apply(Code::getitem, v, index({Item::at(-1), Item::at(0)}));
        const Value rows =
            apply(Code::getitem, v, array({3}, {2, 0, 2}, DType::Int64));  // repeated
        return sum(row * row) + sum(block) + corner * corner + sum(rows);
    };
    const std::vector<double> expected = {1 + 0, 1 + 1,  1,      1 + 1, 10, 12 + 1,
                                          14,    16 + 1, 2 + 18, 2,     2,  2};
    CHECK(numbers_of(gradient(f, x)) == expected);
    // The Hessian's diagonal, by pending contributions and scatter.
    const Value h = gradient([&](const Value& v) { return sum(gradient(f, v)); }, x);
    CHECK(numbers_of(h) == (std::vector<double>{0, 0, 0, 0, 2, 2, 2, 2, 2, 0, 0, 0}));
}

FASTAD_TEST(pending_elements_at_order_2) {
    // f(x) = sum over i of x[i]^2 x[i+1], by integer indices on one axis.
    auto f = [](const Value& x) {
        Value total = weak(0.0);
        for (Extent i = 0; i < 4; ++i) total = total + item(x, i) * item(x, i) * item(x, i - 4);
        return total;
    };
    const std::vector<double> at = {1.0, -2.0, 0.5, 3.0, 1.5};
    auto slow = [&](const Value& x) { return numbers_of(gradient(f, x)); };
    const Value direction = array({0.3, -1.0, 0.7, 0.2, 2.0});
    const std::vector<double> hv = numbers_of(
        gradient([&](const Value& x) { return sum(gradient(f, x) * direction); }, array(at)));
    const double h = 1e-6;
    std::vector<double> high = at, low = at;
    for (std::size_t i = 0; i < 5; ++i) {
        high[i] += h * numbers_of(direction)[i];
        low[i] -= h * numbers_of(direction)[i];
    }
    const std::vector<double> a = slow(array(high)), b = slow(array(low));
    for (std::size_t i = 0; i < 5; ++i) CHECK_NEAR(hv[i], (a[i] - b[i]) / (2.0 * h), 1e-8);
    // At order 3 too.
    const Value third = gradient(
        [&](const Value& y) {
            return sum(
                gradient([&](const Value& x) { return sum(gradient(f, x) * direction); }, y) *
                direction);
        },
        array(at));
    CHECK(shape_of(third) == (std::vector<Extent>{5}));
    // The cubic form's third derivative along the direction: 6 f(direction), by Euler.
    double along = 0.0;
    for (std::size_t i = 0; i < 5; ++i) along += numbers_of(third)[i] * numbers_of(direction)[i];
    CHECK_NEAR(along, 6.0 * number_of(f(direction)), 1e-12);
}

FASTAD_TEST(pending_elements_beside_dense_contributions_at_order_2) {
    auto f = [](const Value& x) {
        return item(x, 0) * item(x, 2) + sum(x * x * x) + item(x, 2) * sum(sin(x));
    };
    auto first = [&](const Value& x) { return gradient(f, x); };
    const Value v = array({1.0, -1.0, 2.0});
    const Value hv =
        gradient([&](const Value& x) { return sum(first(x) * v); }, array({0.2, 0.4, 0.6}));
    const Value jv = derivative(first, array({0.2, 0.4, 0.6}), v);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK_NEAR(numbers_of(hv)[i], numbers_of(jv)[i], 1e-14);
    }
    const std::vector<double> at = {0.2, 0.4, 0.6}, w = {1.0, -1.0, 2.0};
    for (std::size_t i = 0; i < 3; ++i) {
        double expected = 6.0 * at[i] * w[i] - at[2] * std::sin(at[i]) * w[i];
        expected += std::cos(at[i]) * w[2];  // d/dx2 of the slope by x[2] * sum(sin x)
        if (i == 0) expected += w[2];
        if (i == 2) {
            expected += w[0];
            for (std::size_t j = 0; j < 3; ++j) expected += std::cos(at[j]) * w[j];
        }
        CHECK_NEAR(numbers_of(hv)[i], expected, 1e-13);
    }
}

FASTAD_TEST(elements_and_dense_contributions_with_a_boxed_cotangent) {
    Trace inner;
    const Value x = inner.box(array({1.0, 2.0, 3.0}));
    const Value y = inner.element(x, 1) * inner.element(x, 1);
    const Value z = sum(x * x);
    const Value g = gradient(
        [&](const Value& c) {
            return sum(inner.sweep(std::vector{y, z}, std::vector{c, c * c}, std::vector{x})[0]);
        },
        weak(3.0));
    CHECK(number_of(g) == 4.0 + 12.0 * 6.0);
    // Only one of the two is boxed.
    const Value h = gradient(
        [&](const Value& c) {
            return sum(
                inner.sweep(std::vector{y, z}, std::vector{c, strong(1.0)}, std::vector{x})[0]);
        },
        weak(3.0));
    CHECK(number_of(h) == 4.0);
    const Value k = gradient(
        [&](const Value& c) {
            return sum(
                inner.sweep(std::vector{y, z}, std::vector{strong(1.0), c}, std::vector{x})[0]);
        },
        weak(3.0));
    CHECK(number_of(k) == 12.0);
}

FASTAD_TEST(a_consuming_sweep_drops_what_the_tape_keeps) {
    Trace trace;
    const long before = live_objects();
    {
        const Value x = trace.box(array({1.0, 2.0}));
        const Value y = sin(sin(sin(x)));
        const Value g = trace.sweep(y, array({1.0, 1.0}), x, true);
        CHECK(!g.empty());
    }
    CHECK(live_objects() == before);
}

FASTAD_TEST(foreign_primitives_of_every_order) {
    Primitive cube;
    cube.value = [](const Value* args) { return args[0] * args[0] * args[0]; };
    cube.vjp = [](std::size_t, const Value& g, const Value&, const Value* args) {
        return g * weak(3.0) * args[0] * args[0];
    };
    cube.jvp = cube.vjp;
    const Op op = foreign("cube", cube);
    auto f = [&](const Value& x) { return sum(apply(op, &x, 1)); };
    for (const Value& x : {weak(2.0), array({2.0}), filled({1, 1}, 2.0)}) {
        CHECK_NEAR(number_of(gradient(f, x)), 12.0, 1e-15);
        auto first = [&](const Value& v) { return gradient(f, v); };
        CHECK_NEAR(number_of(gradient(first, x)), 12.0, 1e-15);
        auto second = [&](const Value& v) { return gradient(first, v); };
        CHECK_NEAR(number_of(gradient(second, x)), 6.0, 1e-15);
        CHECK_NEAR(number_of(derivative(f, x, ones_like(x))), 12.0, 1e-15);
    }
}

FASTAD_TEST(foreign_primitives_with_wrong_rules_are_named) {
    Primitive wrong;
    wrong.value = [](const Value* args) { return args[0] * weak(2.0); };
    wrong.vjp = [](std::size_t, const Value&, const Value&, const Value*) {
        return array({1.0, 2.0});
    };
    const Op op = foreign("wrong", wrong);
    CHECK_THROWS(gradient([&](const Value& x) { return apply(op, &x, 1); }, array({1.0, 2.0, 3.0})),
                 Error);
    Primitive odd;
    odd.value = [](const Value*) { return tuple({1}); };
    const Op returns_tuple = foreign("odd", odd);
    CHECK_THROWS(gradient([&](const Value& x) { return apply(returns_tuple, &x, 1); }, weak(1.0)),
                 Error);
    // Its function sees a box of the level that records it.
    Trace trace;
    const Value x = trace.box(weak(3.0));
    Primitive sneaky;
    sneaky.value = [&](const Value* args) { return args[0] * x; };
    const Op op3 = foreign("sneaky", sneaky);
    CHECK_THROWS(apply(op3, &x, 1), Error);
}

FASTAD_TEST(primitives_with_several_results) {
    // (a * b, a + b), of which a sweep may reach both, one or none.
    Primitive pair;
    pair.value = [](const Value* args) { return bundle({args[0] * args[1], args[0] + args[1]}); };
    pair.vjp = [](std::size_t argnum, const Value& g, const Value&, const Value* args) {
        const std::vector<Value> parts = host::tuple_items(g);
        Value total;
        if (!parts.empty() && !parts[0].empty()) total = parts[0] * args[1 - argnum];
        if (parts.size() > 1 && !parts[1].empty())
            total = total.empty() ? parts[1] : total + parts[1];
        return total;
    };
    const Op op = foreign("pair", pair);
    for (const bool arrays : {false, true}) {
        auto value = [&](double number) { return arrays ? array({number}) : weak(number); };
        Trace trace;
        const Value args[2] = {trace.box(value(3.0)), trace.box(value(5.0))};
        const std::vector<Value> results = host::tuple_items(apply(op, args, 2));
        CHECK(number_of(results[0]) == 15.0 && number_of(results[1]) == 8.0);
        const std::vector<Value> inputs = {args[0], args[1]};
        const Value one = value(1.0), ten = value(10.0);
        std::vector<Value> g = trace.sweep(results, std::vector{one, ten}, inputs);
        CHECK(number_of(g[0]) == 15.0 && number_of(g[1]) == 13.0);
        g = trace.sweep(std::vector{results[1]}, std::vector{ten}, inputs);
        CHECK(number_of(g[0]) == 10.0 && number_of(g[1]) == 10.0);
        g = trace.sweep(std::vector{results[0]}, std::vector{one}, inputs);
        CHECK(number_of(g[0]) == 5.0 && number_of(g[1]) == 3.0);
        // Twice the same part, and order 2.
        const Value square = results[0] * results[0] + results[0];
        g = trace.sweep(std::vector{square}, std::vector{one}, inputs);
        CHECK(number_of(g[0]) == 31.0 * 5.0);
        auto f = [&](const Value& x) {
            const Value both[2] = {x, x * x};
            const std::vector<Value> r = host::tuple_items(apply(op, both, 2));
            return r[0] * r[1];  // x^3 (x + x^2)
        };
        const Value h = gradient([&](const Value& x) { return gradient(f, x); }, value(2.0));
        CHECK_NEAR(number_of(h), 12.0 * 4.0 + 20.0 * 8.0, 1e-14);
    }
}

FASTAD_TEST(a_rule_that_closes_over_a_box_of_its_own_level) {
    // A user's mistake, but one that must not corrupt memory: the rule records while the tape is
    // swept.
    Trace trace;
    const Value x = trace.box(weak(3.0));
    Primitive closing;
    closing.value = [](const Value* args) { return args[0] * weak(2.0); };
    closing.vjp = [&](std::size_t, const Value& g, const Value&, const Value*) {
        Value v = g * x;
        for (int i = 0; i < 5000; ++i) v = v + array({1.0}) * x * weak(0.0);  // makes the tape grow
        return sum(v);
    };
    const Op op = foreign("closing", closing);
    const Value args[1] = {x};
    Value y = apply(op, args, 1);
    y = y * y;
    try {
        trace.sweep(y, weak(1.0), x);
    } catch (const Error&) {
        // Refusing is right, too.
    }
}

FASTAD_TEST(a_cotangent_that_is_a_box_of_the_swept_tape) {
    Trace trace;
    const Value x = trace.box(weak(3.0));
    Value y = x;
    for (int i = 0; i < 255; ++i) y = sin(y) * y + x;  // each sweep step records anew
    try {
        trace.sweep(y, x * x, x);
    } catch (const Error&) {
    }
}

FASTAD_TEST(many_operands) {
    // More operands than bits in a mask.
    std::vector<Value> xs;
    for (int i = 0; i < 40; ++i) xs.push_back(weak(static_cast<double>(i)));
    auto f = [](const std::vector<Value>& values) {
        std::vector<Value> args = {Value::integer(0)};
        args.insert(args.end(), values.begin(), values.end());
        const Value stacked = apply(operation(Code::stack), args.data(), args.size());
        return sum(stacked * stacked);
    };
    const std::vector<Value> g = gradients(f, xs);
    for (int i = 0; i < 40; ++i)
        CHECK(number_of(g[static_cast<std::size_t>(i)]) == 2.0 * static_cast<double>(i));
    std::vector<Value> mixed = {Value::integer(0)};
    for (int i = 0; i < 40; ++i) mixed.push_back(array({static_cast<double>(i), 1.0}));
    const Value h = gradient(
        [&](const Value& x) {
            std::vector<Value> args = mixed;
            args[38] = x;
            args[40] = x * x;
            const Value joined = apply(operation(Code::concatenate), args.data(), args.size());
            return sum(joined * joined);
        },
        array({2.0, 3.0}));
    CHECK(numbers_of(h) == (std::vector<double>{2 * 2.0 + 4 * 8.0, 2 * 3.0 + 4 * 27.0}));
}

namespace {
Value program_of_many_kinds(Trace& trace, const std::vector<Value>& in) {
    const Value s = in[0], a = in[1], m = in[2];
    const Value first = trace.element(a, 1) * s + sin(s);
    const Value v = a * s + apply(Code::tanh, a) * first;  // (3,)
    const Value w = apply(Code::dot, m, v);                // (2,)
    const Value t = apply(Code::reshape, m, tuple({6}));
    const Value p = sum(t * t) * apply(Code::getitem, v, index({Item::slice(0, 2)}));  // (2,)
    const Value column = apply(Code::sum, m * v, Value::integer(1));                   // (2,)
    return w + p + column * item(v, 2) + apply(Code::expand_dims, sum(v), Value::integer(0));
}
std::vector<Value> inputs_of_many_kinds(Trace& trace) {
    return {trace.box(weak(0.7)), trace.box(array({0.1, -0.5, 0.9})),
            trace.box(array({2, 3}, {1, 2, 3, -1, 0.5, 2}))};
}
}  // namespace

FASTAD_TEST(every_structural_operation_has_a_batch_rule) {
    for (std::size_t i = elementwise_operations; i < operation_count; ++i) {
        const Op& op = operation(static_cast<Code>(i));
        const Structural& own = op.structural;
        if (!own.vjp) continue;  // an index, a part of several results
        CHECK_TEXT(own.vjp_batch || own.scatters, op.name);
    }
}

FASTAD_TEST(rows_of_a_jacobian_are_those_of_single_sweeps) {
    // More rows than are swept together.
    Trace trace;
    const Extent n = 700;
    std::vector<double> numbers;
    Random random(6);
    for (Extent i = 0; i < n; ++i) numbers.push_back(random.between(-1.0, 1.0));
    const Value x = trace.box(array(numbers)), s = trace.box(weak(0.3));
    const Value unused = trace.box(array({1.0}));
    Value y = x;
    for (int i = 0; i < 20; ++i) y = apply(Code::tanh, y * s + x);
    std::vector<Value> rows;
    CHECK(reverse_rows(trace.tape(), y.traced().index,
                       {x.traced().index, s.traced().index, unused.traced().index}, rows));
    CHECK(shape_of(rows[0]) == (std::vector<Extent>{n, n}));
    CHECK(shape_of(rows[1]) == (std::vector<Extent>{n}) && rows[2].empty());
    const std::vector<double> whole = numbers_of(rows[0]), by_s = numbers_of(rows[1]);
    for (const std::size_t at : {std::size_t{0}, std::size_t{123}, std::size_t{699}}) {
        std::vector<double> seed(numbers.size(), 0.0);
        seed[at] = 1.0;
        const std::vector<Value> single =
            trace.sweep(std::vector{y}, std::vector{array(seed)}, {x, s});
        CHECK_NEAR(by_s[at], number_of(single[1]), 1e-13);
        const std::vector<double> expected = numbers_of(single[0]);
        for (std::size_t i = 0; i < expected.size(); ++i)
            CHECK_NEAR(whole[at * expected.size() + i], expected[i], 1e-13);
    }
}

FASTAD_TEST(columns_from_sweeps_forwards_are_rows_from_sweeps_backwards) {
    Trace trace;
    const std::vector<Value> in = inputs_of_many_kinds(trace);
    const Value out = program_of_many_kinds(trace, in);
    std::vector<std::uint32_t> entries;
    for (const Value& input : in) entries.push_back(input.traced().index);
    for (const std::size_t most_bytes : {std::size_t{1} << 20, std::size_t{200}, std::size_t{1}}) {
        std::vector<Value> columns;
        CHECK(forward_columns(trace.tape(), out.traced().index, entries, most_bytes, columns));
        for (std::size_t row = 0; row < 2; ++row) {
            const std::vector<Value> single =
                trace.sweep(std::vector{out},
                            std::vector{array({row == 0 ? 1.0 : 0.0, row == 0 ? 0.0 : 1.0})}, in);
            for (std::size_t k = 0; k < in.size(); ++k) {
                const std::vector<double> expected = numbers_of(single[k]);
                const std::vector<double> got = numbers_of(columns[k]);
                CHECK(got.size() == 2 * expected.size());
                for (std::size_t i = 0; i < expected.size(); ++i)
                    CHECK_NEAR(got[row * expected.size() + i], expected[i], 1e-13);
            }
        }
    }
}

FASTAD_TEST(a_batched_sweep_equals_one_by_one) {
    Trace trace;
    const std::vector<Value> in = inputs_of_many_kinds(trace);
    const Value out = program_of_many_kinds(trace, in);
    CHECK(shape_of(out) == (std::vector<Extent>{2}));
    Random random(5);
    for (const Extent width : {Extent{1}, Extent{2}, Extent{5}}) {
        std::vector<double> g;
        for (Extent i = 0; i < 2 * width; ++i) g.push_back(random.between(-1.0, 1.0));
        std::vector<Value> batched;
        std::vector<std::uint32_t> entries;
        for (const Value& input : in) entries.push_back(input.traced().index);
        CHECK(reverse_batch(trace.tape(), {{out.traced().index, array({width, 2}, g)}}, width,
                            entries, batched));
        for (Extent row = 0; row < width; ++row) {
            const auto at = static_cast<std::size_t>(2 * row);
            const std::vector<Value> single =
                trace.sweep(std::vector{out}, std::vector{array({g[at], g[at + 1]})}, in);
            for (std::size_t k = 0; k < in.size(); ++k) {
                const std::vector<double> expected = numbers_of(single[k]);
                const std::vector<double> got = numbers_of(batched[k]);
                CHECK(got.size() == expected.size() * static_cast<std::size_t>(width));
                for (std::size_t i = 0; i < expected.size(); ++i)
                    CHECK_NEAR(got[static_cast<std::size_t>(row) * expected.size() + i],
                               expected[i], 1e-13);
            }
        }
    }
}

}  // namespace fastad::testing
