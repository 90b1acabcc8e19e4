// Structural operations: every rule against central differences, forward mode and the second order.
#include <cmath>

#include "check.hpp"
#include "samples.hpp"
#include "trace.hpp"

namespace fastad::testing {
namespace {

Value drawn(const std::vector<Extent>& shape, Random& random) {
    std::size_t size = 1;
    for (const Extent length : shape) size *= static_cast<std::size_t>(length);
    std::vector<double> numbers;
    for (std::size_t i = 0; i < size; ++i) numbers.push_back(random.between(-1.0, 1.0));
    return array(shape, numbers);
}

// A number that tells all elements of f's result apart, and is not linear in them.
Value measured(const Value& ans) {
    Random random(99);
    const Value real = is_complex(meta_of(ans).dtype) ? apply(Code::absolute, ans) : ans;
    const Value weights = drawn(shape_of(ans), random);
    return sum(apply(Code::sin, real * (shape_of(ans).empty() ? weak(1.5) : weights)) * weak(2.0));
}

Value moved(const Value& x, const Value& direction, double h) {
    return host::describe(x).array ? copy_of(x + direction * weak(h), dtype_of(x))
                                   : x + direction * weak(h);
}

// Reverse, forward, and both orders of nesting, against differences along a direction.
void check_rule(const char* what, const Functions& f, const std::vector<Value>& xs) {
    Random random(17);
    const double h = 1e-5;
    for (std::size_t k = 0; k < xs.size(); ++k) {
        const std::vector<Extent> shape = shape_of(xs[k]);
        const Value direction =
            host::describe(xs[k]).array ? drawn(shape, random) : strong(random.between(0.5, 1.0));
        auto at = [&](const Value& x) {
            std::vector<Value> all = xs;
            all[k] = x;
            return measured(f(all));
        };
        const double slope = (number_of(at(moved(xs[k], direction, h))) -
                              number_of(at(moved(xs[k], direction, -h)))) /
                             (2.0 * h);
        const Value g = gradient(at, xs[k]);
        CHECK_TEXT(shape_of(g) == shape && dtype_of(g) == dtype_of(xs[k]) &&
                       host::describe(g).array == host::describe(xs[k]).array,
                   what << " argument " << k);
        const double reverse = number_of(sum(g * direction));
        const double forward = number_of(derivative(at, xs[k], direction));
        CHECK_TEXT(near(reverse, slope, 1e-7), what << " argument " << k << ", reverse " << reverse
                                                    << ", differences " << slope);
        CHECK_TEXT(near(forward, reverse, 1e-12),
                   what << " argument " << k << ", forward " << forward << ", reverse " << reverse);

        auto along = [&](const Value& x) { return sum(gradient(at, x) * direction); };
        auto pushed = [&](const Value& x) { return derivative(at, x, direction); };
        const double curvature = (number_of(along(moved(xs[k], direction, h))) -
                                  number_of(along(moved(xs[k], direction, -h)))) /
                                 (2.0 * h);
        const double second[4] = {number_of(sum(gradient(along, xs[k]) * direction)),
                                  number_of(derivative(along, xs[k], direction)),
                                  number_of(sum(gradient(pushed, xs[k]) * direction)),
                                  number_of(derivative(pushed, xs[k], direction))};
        for (const double value : second)
            CHECK_TEXT(near(value, curvature, 1e-6), what << " argument " << k << ", second order "
                                                          << value << ", differences "
                                                          << curvature);
        const GenericOnly generic;
        CHECK_TEXT(near(number_of(sum(gradient(at, xs[k]) * direction)), reverse, 1e-12),
                   what << " argument " << k << ", by the rules alone");
    }
}

template <class... Parameters>
Functions with(Code code, const Parameters&... parameters) {
    const std::vector<Value> rest = {parameters...};
    return [code, rest](const std::vector<Value>& xs) {
        std::vector<Value> args = xs;
        args.insert(args.end(), rest.begin(), rest.end());
        return apply(operation(code), args.data(), args.size());
    };
}

Value keepdims() { return Value::integer(1); }

}  // namespace

FASTAD_TEST(reductions) {
    Random random(1);
    for (const Code code : {Code::sum, Code::mean, Code::max, Code::min}) {
        const char* name = operation(code).name.c_str();
        const Value x = drawn({3, 4, 2}, random);
        const bool extremum = code == Code::max || code == Code::min;
        auto reduce = [&](const Value& axis, bool keep) {
            std::vector<Value> rest = {axis, Value()};
            if (!extremum) rest.push_back(Value());
            if (keep) rest.push_back(keepdims());
            return [code, rest](const std::vector<Value>& xs) {
                std::vector<Value> args = xs;
                args.insert(args.end(), rest.begin(), rest.end());
                return apply(operation(code), args.data(), args.size());
            };
        };
        check_rule(name, with(code), {x});
        for (const bool keep : {false, true}) {
            check_rule(name, reduce(none(), keep), {x});
            check_rule(name, reduce(Value::integer(1), keep), {x});
            check_rule(name, reduce(Value::integer(-1), keep), {x});
            check_rule(name, reduce(tuple({0, 2}), keep), {x});
            check_rule(name, reduce(tuple({0, 1, 2}), keep), {x});
        }
        check_rule(name, with(code), {drawn({5}, random)});
        check_rule(name, with(code), {filled({}, 0.3)});
    }
}

FASTAD_TEST(an_extremum_shares_its_cotangent_among_ties) {
    auto largest = [](const Value& x) { return apply(Code::max, x); };
    CHECK(numbers_of(gradient(largest, array({1.0, 3.0, 3.0, 2.0}))) ==
          (std::vector<double>{0.0, 0.5, 0.5, 0.0}));
    auto rows = [](const Value& x) { return apply(Code::min, x, Value::integer(1)); };
    CHECK(numbers_of(gradient(rows, array({2, 2}, {1.0, 1.0, 4.0, 2.0}))) ==
          (std::vector<double>{0.5, 0.5, 0.0, 1.0}));
}

FASTAD_TEST(rearrangements) {
    Random random(2);
    const Value x = drawn({2, 3, 4}, random);
    check_rule("reshape", with(Code::reshape, tuple({4, 6})), {x});
    check_rule("reshape", with(Code::reshape, tuple({-1, 2})), {x});
    check_rule("ravel", with(Code::ravel), {x});
    check_rule("transpose", with(Code::transpose), {x});
    check_rule("transpose", with(Code::transpose, tuple({1, 2, 0})), {x});
    check_rule("transpose", with(Code::transpose, tuple({-1, 0, 1})), {x});
    check_rule("swapaxes", with(Code::swapaxes, Value::integer(0), Value::integer(-1)), {x});
    check_rule("moveaxis", with(Code::moveaxis, Value::integer(0), Value::integer(2)), {x});
    check_rule("squeeze", with(Code::squeeze), {drawn({2, 1, 3, 1}, random)});
    check_rule("expand_dims", with(Code::expand_dims, Value::integer(1)), {x});
    check_rule("copy", with(Code::copy), {x});
    check_rule("broadcast_to", with(Code::broadcast_to, tuple({5, 2, 3, 4})), {x});
    check_rule("broadcast_to", with(Code::broadcast_to, tuple({3, 4})), {drawn({3, 1}, random)});
    check_rule("broadcast_to", with(Code::broadcast_to, tuple({3, 4})), {filled({}, 0.7)});
    check_rule("broadcast_to", with(Code::broadcast_to, tuple({2, 2})), {strong(0.7)});
}

FASTAD_TEST(strided_inputs_of_structural_operations) {
    Random random(3);
    const Value base = drawn({4, 6}, random);
    const Value turned = strided(base, {6, 4}, {1, 6}, 0);
    const Value reversed = strided(base, {4, 3}, {6, -2}, 5);
    for (const Value& x : {turned, reversed}) {
        check_rule("sum", with(Code::sum, Value::integer(0)), {x});
        check_rule("reshape", with(Code::reshape, tuple({-1})), {x});
        check_rule("getitem", with(Code::getitem, index({Item::slice(1, 3)})), {x});
        check_rule("transpose", with(Code::transpose), {x});
    }
    check_rule("matmul", with(Code::matmul), {turned, base});
}

FASTAD_TEST(indexing) {
    Random random(4);
    const Value x = drawn({4, 5}, random);
    check_rule("getitem", with(Code::getitem, Value::integer(-1)), {x});
    check_rule("getitem", with(Code::getitem, index({Item::at(1), Item::at(2)})), {x});
    check_rule("getitem", with(Code::getitem, index({Item::slice(1, 4, 2), Item::all()})), {x});
    check_rule("getitem", with(Code::getitem, index({Item::all(), Item::slice(4, -1, -2)})), {x});
    check_rule("getitem", with(Code::getitem, index({Item::slice(2, 2)})), {x});
    check_rule("getitem", with(Code::getitem, array({4}, {0, 3, 0, 1}, DType::Int64)), {x});
    check_rule("getitem", with(Code::getitem, Value::integer(2)), {drawn({5}, random)});
    const Value like = filled({4, 5}, 0.0);
    auto scatter = [&](const Value& at) {
        return [like, at](const std::vector<Value>& xs) {
            return apply(Code::scatter, like, at, xs[0]);
        };
    };
    check_rule("scatter", scatter(array({3}, {2, 0, 2}, DType::Int64)), {drawn({3, 5}, random)});
    check_rule("scatter", scatter(index({Item::all(), Item::at(1)})), {drawn({4}, random)});
}

FASTAD_TEST(choices) {
    Random random(5);
    const Value pick = array({2, 3}, {1, 0, 1, 0, 0, 1}, DType::Bool);
    auto where = [&](const std::vector<Value>& xs) {
        return apply(Code::where, pick, xs[0], xs[1]);
    };
    check_rule("where", where, {drawn({2, 3}, random), drawn({2, 3}, random)});
    check_rule("where", where, {drawn({3}, random), drawn({2, 1}, random)});
    check_rule("where", where, {strong(0.3), drawn({2, 3}, random)});
    check_rule("where", where, {filled({}, 0.3), strong(0.4)});
    // The branch that is not taken has cotangent zero, whatever it holds.
    auto guarded = [&](const Value& x) {
        return apply(Code::where, array({2}, {1, 0}, DType::Bool), x,
                     apply(Code::log, x) * weak(0.0));
    };
    CHECK(numbers_of(gradient(guarded, array({2.0, 1.0}))) == (std::vector<double>{1.0, 0.0}));

    const Value x = array({-2.0, -0.3, 0.4, 2.5});
    check_rule("clip", with(Code::clip, weak(-1.0), weak(1.0)), {x});
    check_rule("clip", with(Code::clip, none(), weak(1.0)), {x});
    auto bounds = [&](const std::vector<Value>& xs) { return apply(Code::clip, x, xs[0], xs[1]); };
    check_rule("clip", bounds, {strong(-1.0), array({1.0, 1.1, 1.2, 1.3})});
}

FASTAD_TEST(joining) {
    Random random(6);
    for (const Extent axis : {Extent{0}, Extent{1}, Extent{-1}}) {
        auto join = [axis](Code code) {
            return [axis, code](const std::vector<Value>& xs) {
                std::vector<Value> args = {Value::integer(static_cast<double>(axis))};
                args.insert(args.end(), xs.begin(), xs.end());
                return apply(operation(code), args.data(), args.size());
            };
        };
        const Value a = drawn({2, 3}, random), b = drawn({2, 3}, random);
        check_rule("concatenate", join(Code::concatenate), {a, b, a});
        check_rule("stack", join(Code::stack), {a, b, a});
        if (axis == 0) {
            check_rule("concatenate", join(Code::concatenate), {drawn({1, 3}, random), b});
            check_rule("stack", join(Code::stack), {strong(0.1), strong(0.2), strong(0.3)});
        } else {
            check_rule("concatenate", join(Code::concatenate), {drawn({2, 5}, random), b});
        }
    }
}

FASTAD_TEST(matrix_products_of_all_ranks) {
    Random random(7);
    const std::vector<Extent> left[] = {{3}, {2, 3}, {4, 2, 3}};
    const std::vector<Extent> right[] = {{3}, {3, 5}, {4, 3, 5}};
    for (const auto& a : left)
        for (const auto& b : right) {
            const std::string text =
                std::to_string(a.size()) + " and " + std::to_string(b.size()) + " axes";
            check_rule(("dot of " + text).c_str(), with(Code::dot),
                       {drawn(a, random), drawn(b, random)});
            check_rule(("matmul of " + text).c_str(), with(Code::matmul),
                       {drawn(a, random), drawn(b, random)});
        }
    check_rule("dot with a number", with(Code::dot), {strong(0.4), drawn({2, 3}, random)});
    check_rule("dot with a number", with(Code::dot), {drawn({2, 3}, random), filled({}, 0.4)});
    check_rule("matmul, broadcast", with(Code::matmul),
               {drawn({2, 1, 2, 3}, random), drawn({4, 3, 2}, random)});
    auto itself = [](const std::vector<Value>& xs) { return apply(Code::matmul, xs[0], xs[0]); };
    check_rule("matmul with itself", itself, {drawn({3, 3}, random)});
}

FASTAD_TEST(complex_parts) {
    Random random(8);
    // From real numbers to complex ones and back.
    const Value rotation =
        complex_array({3}, {Complex(0.6, 0.8), Complex(-0.3, 1.1), Complex(2.0, -0.4)});
    for (const Code code : {Code::real, Code::imag, Code::angle, Code::absolute}) {
        auto f = [&](const std::vector<Value>& xs) {
            const Value z = xs[0] * rotation + complex_array({}, {Complex(0.2, 2.5)});
            return apply(code, z * z);
        };
        check_rule(operation(code).name.c_str(), f, {drawn({3}, random)});
    }
    auto conjugate = [&](const std::vector<Value>& xs) {
        const Value z = xs[0] * rotation;
        return apply(Code::real, z * apply(Code::conjugate, z) * rotation);
    };
    check_rule("conjugate", conjugate, {drawn({3}, random)});
    auto degrees = [&](const std::vector<Value>& xs) {
        return apply(Code::angle, xs[0] + complex_array({}, {Complex(0.0, 2.0)}),
                     Value::integer(1)) *
               weak(0.01);
    };
    check_rule("angle in degrees", degrees, {drawn({2}, random)});
}

FASTAD_TEST(casts) {
    auto f = [](const Value& x) {
        return sum(apply(Code::astype, x * x, host::dtype_object(DType::Float32)));
    };
    const Value g = gradient(f, array({1.0, 2.0}));
    CHECK(dtype_of(g) == DType::Float64);
    CHECK(numbers_of(g) == (std::vector<double>{2.0, 4.0}));
    auto widened = [](const Value& x) {
        return apply(Code::astype, x, host::dtype_object(DType::Float64)) * array({0.1, 0.2});
    };
    CHECK(dtype_of(gradient(widened, array({2}, {1.0, 2.0}, DType::Float32))) == DType::Float32);
    // An integer array has cotangents of float64.
    const Value h = gradient([](const Value& x) { return sum(x * x * weak(0.5)); },
                             array({2}, {3.0, 4.0}, DType::Int64));
    CHECK(dtype_of(h) == DType::Float64);
    CHECK(numbers_of(h) == (std::vector<double>{3.0, 4.0}));
}

FASTAD_TEST(empty_arrays) {
    for (const std::vector<Extent>& shape : {std::vector<Extent>{0}, {0, 3}, {2, 0}}) {
        const Value g = gradient(
            [](const Value& x) { return sum(apply(Code::exp, x) * x + x * weak(2.0)) + weak(1.0); },
            filled(shape, 0.0));
        CHECK(shape_of(g) == shape);
    }
    // A number that meets an empty array gets a sum over nothing.
    CHECK(number_of(gradient([](const Value& s) { return sum(s * array({})); }, weak(2.0))) == 0.0);
    CHECK(numbers_of(gradient([](const Value& s) { return sum(s * filled({0, 2}, 1.0)); },
                              array({1.0, 2.0}))) == (std::vector<double>{0.0, 0.0}));
}

}  // namespace fastad::testing
