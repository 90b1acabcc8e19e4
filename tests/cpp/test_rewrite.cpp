// What is rewritten before a program is planned, against the functions themselves.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "programs.hpp"

namespace fastad::testing {

FASTAD_TEST(facts_on_signs_and_orders_hold_bit_for_bit) {
    constexpr double largest = std::numeric_limits<double>::max();
    constexpr double least = std::numeric_limits<double>::denorm_min();
    const double numbers[] = {0.0, -0.0, 1.0, -1.0, 0.3, -7.5, largest, -largest, least, -least};
    const auto same = [](double a, double b) {
        return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
    };
    std::size_t held = 0;
    for (std::size_t i = 0; i < elementwise_operations; ++i) {
        const Op& op = operation(static_cast<Code>(i));
        const auto value = op.elementwise.value;
        for (const double x : numbers)
            for (const double y : numbers) {
                if (op.commutes) CHECK_TEXT(same(value(x, y), value(y, x)), op.name);
                if (op.negates) CHECK_TEXT(same(value(x, y), -x), op.name);
                if (op.odd[0]) CHECK_TEXT(same(value(-x, y), -value(x, y)), op.name);
                if (op.odd[1]) CHECK_TEXT(same(value(x, -y), -value(x, y)), op.name);
                if (op.commutes && op.odd[0] && op.odd[1])
                    CHECK_TEXT(same(value(x, y), x * y), op.name);
                if (op.divides && std::abs(y) >= 0.3 && std::abs(y) < largest)
                    CHECK_NEAR(x * value(1.0, y) / largest, value(x, y) / largest, 1e-15);
            }
        held += op.commutes + op.negates + op.odd[0] + op.odd[1] + op.divides + op.by_value;
        if (!op.by_value) continue;
        for (const double x : {0.3, -7.5})
            for (const double y : {1.7, -0.2}) {
                const double ans = value(x, y);
                CHECK_NEAR(op.elementwise.partial[1](x, y, ans),
                           -ans * op.elementwise.partial[0](x, y, ans), 1e-14);
            }
    }
    CHECK(held > 8);
}

FASTAD_TEST(arrays_of_one_number_that_nobody_else_holds_are_numbers) {
    Random random(1);
    auto f = [](const Values& x) { return sum(apply(Code::exp, x[0] * x[0])); };
    for (const std::vector<Extent>& shape : {std::vector<Extent>{5}, {3, 4}, {700}}) {
        const Values first = {drawn(shape, random)}, second = {drawn(shape, random)};
        check_same(with_gradients(f), first, {first, second}, 1e-13);
        const auto program = record(with_gradients(f), first);
        CHECK_TEXT(program->print().find("load once") == std::string::npos, program->print());
    }
    auto g = [](const Values& x) {
        const std::vector<double> minus(6, -1.0), two(6, 2.0),
            mixed = {1.0, 1.0, 1.0, 1.0, 1.0, 2.0};
        return Values{x[0] * array(minus), x[0] * array(two), array(mixed) * x[0],
                      x[0] - array(two), apply(Code::less, x[0], array(two))};
    };
    const Values first = {drawn({6}, random)}, second = {drawn({6}, random)};
    check_same(g, first, {first, second}, 0.0);
    CHECK(record(g, first)->print().find("negative(") != std::string::npos);
}

FASTAD_TEST(an_array_of_one_number_that_somebody_holds_is_read_where_it_lies) {
    Random random(2);
    const Value held = array(std::vector<double>(6, 1.0));
    const Value narrow = drawn({6}, random);
    auto f = [&](const Values& x) { return Values{x[0] * held}; };
    const auto program = record(f, {narrow});
    for (const double number : {1.0, 3.0, -1.0}) {
        auto* items = reinterpret_cast<double*>(host::describe(held).data);
        std::fill_n(items, 6, number);
        const Values got = replay(*program, {narrow}), expected = f({narrow});
        CHECK(numbers_of(got[0]) == numbers_of(expected[0]));
    }
    // A view whose array somebody holds is not the program's own either.
    const Extent shape[1] = {6};
    const Value one = array(std::vector<double>{1.0});
    auto g = [&](const Values& x) { return Values{x[0] * host::broadcast(one, shape, 1)}; };
    const auto second = record(g, {narrow});
    *reinterpret_cast<double*>(host::describe(one).data) = 5.0;
    CHECK(numbers_of(replay(*second, {narrow})[0]) == numbers_of(g({narrow})[0]));
}

FASTAD_TEST(negatives_pass_through_products_bit_for_bit) {
    auto f = [](const Values& x) {
        const Value a = x[0], b = x[1], minus = apply(Code::negative, a);
        const Value product = minus * b, both = minus * apply(Code::negative, b);
        const Value quotient = product / apply(Code::negative, b * b + weak(1.0));
        return Values{b + product,
                      product + b,
                      b - product,
                      product - b,
                      both,
                      product * b + a,
                      quotient - minus,
                      apply(Code::negative, product) + apply(Code::negative, quotient),
                      apply(Code::negative, minus) * b,
                      (product - quotient) * minus,
                      (minus + product) - (product - a)};
    };
    Random random(7);
    const auto pair = [&](double a, double b) { return Values{strong(a), strong(b)}; };
    const std::vector<Values> numbers = {pair(0.3, 0.7),  pair(0.0, 0.0),   pair(-0.0, 0.0),
                                         pair(0.0, -0.0), pair(-0.0, -0.0), pair(-1.5, 2.0)};
    const auto program = record(f, numbers[0]);
    for (const Values& xs : numbers) {
        const Values got = replay(*program, xs), expected = f(xs);
        for (std::size_t k = 0; k < got.size(); ++k) {
            CHECK(got[k].number() == expected[k].number());
            CHECK(std::signbit(got[k].number()) == std::signbit(expected[k].number()));
        }
    }
    const Values arrays = {drawn({40}, random), drawn({40}, random)};
    check_same(f, arrays, {arrays, {drawn({40}, random), drawn({40}, random)}}, 0.0);
    auto chain = [](const Values& x) {
        const Value down = apply(Code::negative, x[0]) * x[1] * x[0] / x[1];
        return Values{x[1] + down};
    };
    CHECK(record(chain, arrays)->print().find("negative(") == std::string::npos);
}

FASTAD_TEST(one_division_serves_both_gradients_of_a_quotient) {
    Random random(9);
    auto f = [](const Values& x) { return sum(apply(Code::sin, x[0] / x[1]) / x[1]); };
    for (const std::vector<Extent>& shape : {std::vector<Extent>{7}, {3, 300}}) {
        const Values first = {drawn(shape, random), drawn(shape, random)};
        const Values second = {drawn(shape, random), drawn(shape, random)};
        check_same(with_gradients(f), first, {first, second}, 1e-12);
        const std::string text = record(with_gradients(f), first)->print();
        CHECK_TEXT(text.find("divide'") == std::string::npos, text);
    }
    const Values numbers = {strong(0.3), strong(0.7)};
    auto g = [](const Values& x) { return apply(Code::sin, x[0] / x[1]) / x[1]; };
    check_same(with_gradients(g), numbers, {numbers, {strong(-1.3), strong(0.2)}}, 1e-14);
    // What the user divides keeps its bits.
    auto h = [](const Values& x) {
        return Values{apply(operation(Code::divide), std::vector<Value>{weak(1.0), x[1]}.data(), 2,
                            nullptr, Form::Operator),
                      apply(operation(Code::divide), x.data(), 2, nullptr, Form::Operator)};
    };
    check_same(h, numbers, {{strong(49.0), strong(49.0)}, {strong(5.0), strong(49.0)}}, 0.0);
}

FASTAD_TEST(what_the_user_and_a_rule_compute_alike_is_computed_once) {
    Random random(13);
    auto f = [](const Values& x) {
        const Value sine = apply(operation(Code::sin), &x[0], 1, nullptr, Form::Function);
        const Value cosine = apply(operation(Code::cos), &x[0], 1, nullptr, Form::Function);
        return sum(sine * x[0] - cosine);
    };
    const Values first = {drawn({40}, random)}, second = {drawn({40}, random)};
    check_same(with_gradients(f), first, {first, second}, 1e-13);
    const std::string text = record(with_gradients(f), first)->print();
    CHECK_TEXT(text.find(" and derivative") == text.rfind(" and derivative"), text);
    const Values numbers = {weak(0.4)};
    auto g = [](const Values& x) {
        const Value y = apply(operation(Code::exp), &x[0], 1, nullptr, Form::Function);
        return Values{y, apply(Code::exp, x[0]), y * apply(Code::exp, x[0])};
    };
    check_same(g, numbers, {numbers, {weak(-0.3)}}, 1e-14);
}

FASTAD_TEST(a_number_spread_over_an_array_stays_a_number) {
    Random random(11);
    const Extent shape[2] = {5, 80};
    auto f = [&](const Values& x) {
        const Value spread =
            shaped::broadcast(apply(Code::exp, x[1]), Meta{DType::Float64, true, 2, shape});
        const Value sine = apply(Code::sin, spread), cosine = apply(Code::cos, spread);
        return Values{x[0] * spread, sine + cosine, apply(Code::maximum, spread, x[0]),
                      sum(spread * spread), spread + weak(1.0)};
    };
    const Values first = {drawn({5, 80}, random), strong(0.3)};
    const Values second = {drawn({5, 80}, random), strong(-0.8)};
    check_same(f, first, {first, second}, 1e-13);
    auto g = [&](const Values& x) {
        const Value spread = shaped::broadcast(sum(x[0]), Meta{DType::Float64, true, 2, shape});
        return sum(apply(Code::tanh, x[0] / spread) + apply(Code::sqrt, spread));
    };
    check_same(with_gradients(g), {first[0]}, {{first[0]}, {second[0]}}, 1e-12);
}

}  // namespace fastad::testing
