// Programs: recorded on the test host and replayed, against the operations themselves.
#include <cmath>
#include <limits>
#include <thread>

#include "program/threads.hpp"
#include "programs.hpp"

namespace fastad::testing {

FASTAD_TEST(programs_of_numbers) {
    auto f = [](const Values& x) {
        Value total = x[0];
        for (int i = 0; i < 20; ++i)
            total = total * x[1] + apply(Code::sin, total) / weak(4.0) - x[0] * x[1];
        return Values{total, total * weak(1.0), apply(Code::less, x[0], x[1])};
    };
    check_same(f, {weak(0.3), weak(0.7)}, {{weak(0.3), weak(0.7)}, {weak(-0.4), weak(0.2)}});
}

FASTAD_TEST(negatives_are_taken_up_by_sums_and_differences_bit_for_bit) {
    auto f = [](const Values& x) {
        const Value minus = apply(Code::negative, x[0]), product = x[0] * x[1];
        return Values{x[1] + minus,
                      minus + x[1],
                      x[1] - minus,
                      minus - x[1],
                      x[1] + apply(Code::negative, product),
                      minus + apply(Code::negative, x[1]),
                      apply(Code::negative, product) - apply(Code::negative, minus)};
    };
    Random random(5);
    const auto pair = [&](double a, double b) { return Values{strong(a), strong(b)}; };
    check_same(
        f, pair(0.3, 0.7),
        {pair(0.0, 0.0), pair(-0.0, 0.0), pair(0.0, -0.0), pair(-0.0, -0.0), pair(1e300, 1e-300)},
        0.0);
    check_same(f, {drawn({40}, random), drawn({40}, random)},
               {{drawn({40}, random), drawn({40}, random)}}, 0.0);
    const auto program = record(f, pair(0.3, 0.7));
    for (const Values& xs : {pair(0.0, -0.0), pair(-0.0, 0.0), pair(-0.0, -0.0), pair(0.0, 0.0)}) {
        const Values got = replay(*program, xs), expected = f(xs);
        for (std::size_t k = 0; k < got.size(); ++k)
            CHECK(std::signbit(got[k].number()) == std::signbit(expected[k].number()));
    }
    CHECK(program->print().find("negative(%0)") != std::string::npos);  // minus - x[1] reads it
    CHECK(program->print().find("subtract(%1, %0)") != std::string::npos);
}

FASTAD_TEST(programs_of_arrays_in_blocks) {
    Random random(1);
    for (const std::vector<Extent>& shape :
         {std::vector<Extent>{7}, {1300}, {3, 5}, {600, 3}, {4, 1, 6}, {2, 700}}) {
        auto f = [](const Values& x) {
            const Value y = apply(Code::exp, x[0]) * x[0] + apply(Code::tanh, x[0] / weak(3.0));
            return Values{y, sum(y), y - x[0] / (y * y + weak(1.0))};
        };
        check_same(f, {drawn(shape, random)}, {{drawn(shape, random)}, {drawn(shape, random)}},
                   1e-13);
    }
}

FASTAD_TEST(programs_broadcast_and_reduce) {
    Random random(2);
    const std::vector<std::vector<std::vector<Extent>>> cases = {{{6, 5}, {5}},
                                                                 {{6, 5}, {6, 1}},
                                                                 {{300, 4}, {4}},
                                                                 {{300, 4}, {300, 1}},
                                                                 {{3, 4, 5}, {4, 1}}};
    for (const auto& shapes : cases)
        for (const Value& axis : {Value::integer(0), Value::integer(1), Value::integer(-1)}) {
            auto f = [axis](const Values& x) {
                const Value y = x[0] * x[1] + apply(Code::square, x[1]);
                return Values{shaped::sum(y, axis, false), shaped::sum(y, axis, true),
                              apply(Code::max, y, axis)};
            };
            const Values first = {drawn(shapes[0], random), drawn(shapes[1], random)};
            const Values second = {drawn(shapes[0], random), drawn(shapes[1], random)};
            check_same(f, first, {first, second}, 1e-13);
        }
}

FASTAD_TEST(programs_of_captured_arrays) {
    Random random(4);
    for (const std::vector<Extent>& shape : {std::vector<Extent>{5}, {3, 5}, {2, 1, 6}, {700}}) {
        const Value w = drawn(shape, random), v = drawn({shape.back()}, random);
        auto f = [&](const Values& x) {
            const Value y = apply(Code::sin, w * x[0]) + v;
            return Values{sum(w * x[0]), sum(y), y, apply(Code::max, v - x[0])};
        };
        check_same(f, {weak(0.3)}, {{weak(0.3)}, {weak(-0.4)}}, 1e-13);
    }
}

FASTAD_TEST(programs_of_derivatives) {
    Random random(3);
    auto f = [](const Values& x) {
        return sum(apply(Code::tanh, apply(Code::dot, x[0], x[1])) * item(x[1], 0));
    };
    const Values first = {drawn({4, 3}, random), drawn({3}, random)};
    const Values second = {drawn({4, 3}, random), drawn({3}, random)};
    check_same(with_gradients(f), first, {first, second}, 1e-13);
}

FASTAD_TEST(programs_of_every_elementwise_operation) {
    for (std::size_t code = 0; code < elementwise_operations; ++code) {
        const Op& op = operation(static_cast<Code>(code));
        Random random(code + 7);
        auto f = [&op](const Values& x) { return Values{apply(op, x.data(), op.arity)}; };
        std::vector<Values> given;
        for (int k = 0; k < 2; ++k) {
            Values xs;
            for (std::size_t i = 0; i < op.arity; ++i) {
                std::vector<double> numbers;
                for (int j = 0; j < 11; ++j) numbers.push_back(sample(op.code, i, random));
                xs.push_back(array(numbers));
            }
            given.push_back(xs);
        }
        check_same(f, given[0], given, 1e-14);
    }
}

FASTAD_TEST(a_failed_guard_is_named_and_infinities_are_doubted) {
    auto f = [](const Values& x) {
        const Value larger = apply(Code::greater, x[0], weak(1.0));
        const bool branch = number_of(read(larger, Read::Truth)) != 0.0;
        return Values{branch ? x[0] * x[0] : weak(1.0) / x[0]};
    };
    const auto above = record(f, {weak(2.0)}), below = record(f, {weak(0.5)});
    Values out(1);
    const Value high = weak(3.0), low = weak(0.25), zero = weak(0.0);
    CHECK(above->run(&low, out.data()) == 0);
    CHECK(below->run(&high, out.data()) == 0);
    CHECK(above->run(&high, out.data()) == Program::complete && out[0].number() == 9.0);
    CHECK(below->run(&low, out.data()) == Program::complete && out[0].number() == 4.0);
    CHECK(below->run(&zero, out.data()) == Program::doubtful);
}

FASTAD_TEST(a_guard_of_an_input_that_no_operation_reads) {
    auto f = [](const Values& x) {
        const bool branch = number_of(read(x[1], Read::Truth)) != 0.0;
        return Values{branch ? x[0] : weak(7.0)};
    };
    const auto truly = record(f, {weak(2.0), weak(1.0)}),
               falsely = record(f, {weak(2.0), weak(0.0)});
    const Value on[2] = {weak(3.0), weak(4.0)}, off[2] = {weak(3.0), weak(0.0)};
    Values out(1);
    CHECK(truly->run(on, out.data()) == Program::complete && out[0].number() == 3.0);
    CHECK(truly->run(off, out.data()) == 0);
    CHECK(falsely->run(off, out.data()) == Program::complete && out[0].number() == 7.0);
    CHECK(falsely->run(on, out.data()) == 0);
}

FASTAD_TEST(whole_parts_that_are_read_are_guarded) {
    auto f = [](const Values& x) {
        const double part = std::floor(number_of(read(x[0], Read::Floor)));
        return Values{x[0] * weak(part)};
    };
    const auto program = record(f, {weak(2.5)});
    const Value near = weak(2.75), next = weak(3.0), lower = weak(1.999);
    Values out(1);
    CHECK(program->run(&near, out.data()) == Program::complete && out[0].number() == 5.5);
    CHECK(program->run(&next, out.data()) == 0);
    CHECK(program->run(&lower, out.data()) == 0);
}

FASTAD_TEST(an_escaped_value_kills_a_recording) {
    Recording* recording = Recording::open();
    {
        const Value x = recording->input(weak(2.0));
        read(x, Read::Float);
        CHECK(!recording->dead().empty());
        CHECK(number_of(x * x) == 4.0);
        CHECK(!recording->finish({x}));
    }
    recording->close();
}

FASTAD_TEST(one_program_in_many_threads) {
    auto f = [](const Values& x) {
        return Values{sum(apply(Code::exp, x[0]) * x[0]), x[0] * weak(3.0)};
    };
    Random random(5);
    const Value x = drawn({900}, random);
    const auto program = record(f, {x});
    const std::vector<double> expected = numbers_of(replay(*program, {x})[0]);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int i = 0; i < 6; ++i)
        threads.emplace_back([&] {
            for (int k = 0; k < 200; ++k) {
                Values outputs(2);
                if (program->run(&x, outputs.data()) != Program::complete ||
                    numbers_of(outputs[0]) != expected)
                    ++wrong;
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
}

FASTAD_TEST(parts_of_a_group_on_any_number_of_threads) {
    auto f = [](const Values& x) {
        const Value y = apply(Code::tanh, x[0]) * apply(Code::sin, x[0]);
        return Values{y, sum(y), shaped::sum(y, Value::integer(0), false),
                      shaped::sum(y, Value::integer(1), false), apply(Code::max, y)};
    };
    Random random(6);
    for (const std::vector<Extent>& shape : {std::vector<Extent>{900, 100}, {50, 2000}}) {
        const Value x = drawn(shape, random);
        const auto program = record(f, {x});
        program::set_threads(1);
        const Values alone = replay(*program, {x}), expected = f({x});
        for (const std::size_t threads : {2u, 5u}) {
            program::set_threads(threads);
            for (int k = 0; k < 20; ++k) {
                const Values got = replay(*program, {x});
                for (std::size_t i = 0; i < got.size(); ++i)
                    CHECK(numbers_of(got[i]) == numbers_of(alone[i]));
            }
        }
        program::set_threads(1);
        for (std::size_t i = 0; i < alone.size(); ++i) {
            const std::vector<double> a = numbers_of(alone[i]), b = numbers_of(expected[i]);
            for (std::size_t k = 0; k < a.size(); ++k) CHECK_NEAR(a[k], b[k], 1e-11);
        }
    }
}

FASTAD_TEST(threads_that_replay_beside_threads_of_a_group) {
    auto f = [](const Values& x) { return Values{sum(apply(Code::exp, x[0]) * x[0])}; };
    Random random(7);
    const Value x = drawn({300000}, random);
    const auto program = record(f, {x});
    program::set_threads(3);
    const std::vector<double> expected = numbers_of(replay(*program, {x})[0]);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            for (int k = 0; k < 10; ++k) {
                Values outputs(1);
                if (program->run(&x, outputs.data()) != Program::complete ||
                    numbers_of(outputs[0]) != expected)
                    ++wrong;
            }
        });
    for (std::thread& thread : threads) thread.join();
    program::set_threads(1);
    CHECK(wrong == 0);
}

FASTAD_TEST(a_program_of_numbers_is_small) {
    auto f = [](const Values& x) {
        Value total = x[0];
        for (int i = 0; i < 20000; ++i) total = total * x[1] - x[0];
        return Values{total};
    };
    const auto program = record(f, {weak(0.3), weak(0.7)});
    CHECK(program->instructions() == 40000);
    CHECK(program->bytes() < 48 * program->instructions());
    check_same(f, {weak(0.3), weak(0.7)}, {{weak(-0.3), weak(0.4)}});
}

// Steps of a recurrence: each has a product and a group like the others', on other memory.
FASTAD_TEST(equal_groups_are_kept_once) {
    constexpr int steps = 60;
    Random random(7);
    auto f = [](const Values& x) {
        Value y = x[0];
        for (int i = 0; i < steps; ++i)
            y = apply(Code::tanh, apply(Code::dot, y, x[1]) + x[2] * weak(0.1)) * weak(0.9);
        return Values{y, sum(y)};
    };
    auto given = [&] {
        return Values{drawn({3, 4}, random), drawn({4, 4}, random), drawn({4}, random)};
    };
    const Values first = given();
    const auto program = record(f, first);
    CHECK(program->steps().products.size() == steps);
    CHECK(program->steps().matrices.size() == 1);
    CHECK(program->steps().groups.size() <= 4);
    CHECK(program->bytes() - program->steps().arena < 100 * program->instructions());
    CHECK(!program->print().empty());
    check_same(f, first, {first, given(), given()}, 1e-13);
}

// Views at other offsets, and numbers in other slots, are addresses of one group.
FASTAD_TEST(equal_groups_on_views_and_numbers) {
    Random random(8);
    auto f = [](const Values& x) {
        Value total = weak(0.0);
        for (int i = 0; i < 8; ++i) {
            const Value row = item(x[0], i);
            const Value y = apply(Code::exp, row * total) + row;
            total = total + sum(y) * weak(0.01);
        }
        return Values{total, item(x[0], 3) * total};
    };
    const Values first = {drawn({8, 5}, random)};
    const auto program = record(f, first);
    CHECK(program->steps().groups.size() < 8);
    check_same(f, first, {first, {drawn({8, 5}, random)}}, 1e-13);
}

// What is not planned yet is compared as it was recorded; planned or not, it is the same.
FASTAD_TEST(graphs_stay_as_they_were_recorded) {
    auto f = [](const Values& x) {
        const Value y = x[0] - (-x[1]);
        return Values{y * y + apply(Code::power, x[0], weak(2.0)) * weak(1.0), y * y};
    };
    const auto a = record(f, {weak(1.0), weak(2.0)}), b = record(f, {weak(3.0), weak(5.0)});
    program::Graph unpacked = a->graph();
    unpacked.unpack();
    CHECK(unpacked.size() == a->graph().size());
    unpacked.pack();
    CHECK(program::difference(unpacked, b->graph()).empty());
    CHECK(a->print() == b->print());
    CHECK(a->print() == a->print());
}

FASTAD_TEST(differences_between_recordings_are_named) {
    auto scaled = [](double factor) {
        return [factor](const Values& x) { return Values{x[0] * weak(factor)}; };
    };
    const auto a = record(scaled(2.0), {weak(1.0)}), b = record(scaled(2.0), {weak(5.0)}),
               c = record(scaled(3.0), {weak(1.0)});
    CHECK(program::difference(a->graph(), b->graph()).empty());
    CHECK(!program::difference(a->graph(), c->graph()).empty());
    CHECK(!a->print().empty());
}

}  // namespace fastad::testing
