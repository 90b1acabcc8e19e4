// The fused loops in every instruction set against the rules on Value, over layouts and lengths.
#include <cstring>
#include <limits>

#include "check.hpp"
#include "kernels/kernels.hpp"
#include "reverse/adjoint.hpp"
#include "samples.hpp"
#include "trace.hpp"

namespace fastad::testing {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr Extent lengths[] = {0, 1, 3, 511, 512, 513, 1000};

std::vector<const char*> instruction_sets() {
    const std::string before = kernels().instruction_set;
    std::vector<const char*> sets;
    for (const char* name : {"baseline", "avx2", "avx512"})
        if (use_kernels(name)) sets.push_back(name);
    use_kernels(before.c_str());
    return sets;
}

class Using {
  public:
    explicit Using(const char* set) : before_(kernels().instruction_set) {
        CHECK(use_kernels(set));
        CHECK(std::string(kernels().instruction_set) == set);
    }
    ~Using() { use_kernels(before_); }

  private:
    const char* before_;
};

std::vector<double> draw(Code code, std::size_t argument, Extent n, Random& random) {
    std::vector<double> numbers;
    for (Extent i = 0; i < n; ++i) numbers.push_back(sample(code, argument, random));
    return numbers;
}

std::vector<double> cotangents(Extent n, Random& random) {
    std::vector<double> numbers;
    for (Extent i = 0; i < n; ++i) numbers.push_back(random.between(-1.0, 1.0));
    return numbers;
}

// The operand in one of several layouts, always with these elements.
enum class Layout { Contiguous, Strided, Reversed };
Value laid(const std::vector<double>& numbers, Layout layout, DType dtype = DType::Float64) {
    const Extent n = static_cast<Extent>(numbers.size());
    if (layout == Layout::Contiguous) return array({n}, numbers, dtype);
    const Extent step = layout == Layout::Strided ? 2 : 1;
    std::vector<double> room(static_cast<std::size_t>(n * step + 1), nan);
    for (Extent i = 0; i < n; ++i) {
        const Extent place = layout == Layout::Strided ? 2 * i + 1 : n - i;
        room[static_cast<std::size_t>(place)] = numbers[static_cast<std::size_t>(i)];
    }
    const Value base = array({static_cast<Extent>(room.size())}, room, dtype);
    return layout == Layout::Strided ? strided(base, {n}, {2}, n ? 1 : 0)
                                     : strided(base, {n}, {-1}, n);
}

// Runs one kernel over operands that lie as given; operands that the rule does not read are left
// out, or are NaN where `poison` asks for it.
template <class T>
std::vector<double> run(const Op& op, std::size_t which, const Value& g, const Value& x,
                        const Value& y, const Value& ans, const Value& out, bool accumulate,
                        bool poison) {
    const std::vector<Extent> shape = shape_of(g);
    const int rank = static_cast<int>(shape.size());
    const std::uint8_t uses = op.elementwise.uses[which];
    Operand lanes[5];
    const Value* values[4] = {&g, &x, &y, &ans};
    const Value poisoned = filled(shape, nan, dtype_of(g));
    for (std::size_t k = 0; k < 4; ++k) {
        const bool read = k == 0 || (uses & (1u << (k - 1)));
        if (read)
            CHECK(lay_out(*values[k], shape.data(), rank, lanes[k]));
        else if (poison && (k < 2 || k == 3 || op.arity == 2))
            CHECK(lay_out(poisoned, shape.data(), rank, lanes[k]));
    }
    Meta target;
    target.dtype = dtype_of(out);
    target.array = true;
    const std::vector<Extent> out_shape = shape_of(out);
    target.rank = static_cast<int>(out_shape.size());
    target.shape = out_shape.data();
    lay_out_target(as_array(out)->data, target, shape.data(), rank, sizeof(T), lanes[4]);
    elementwise_adjoint<T>(op.code, which, shape.data(), rank, lanes[0], lanes[1], lanes[2],
                           lanes[3], lanes[4], accumulate);
    return numbers_of(out);
}

std::vector<double> values_of(const Op& op, const std::vector<double>& x,
                              const std::vector<double>& y) {
    std::vector<double> ans;
    for (std::size_t i = 0; i < x.size(); ++i) ans.push_back(op.elementwise.value(x[i], y[i]));
    return ans;
}

// Loops have elementary functions of their own, within 2 ulp; partials have the C library's. They
// agree to a few ulp of the largest number on the way, which may cancel.
bool same_function(double a, double b, double largest = 0.0) {
    return same_number(a, b) || std::abs(a - b) <= 8.0 * std::numeric_limits<double>::epsilon() *
                                                       std::max(std::abs(b), largest);
}

void check_same(const std::vector<double>& got, const std::vector<double>& expected, const Op& op,
                std::size_t which, const char* what, double largest = 0.0) {
    CHECK(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i)
        CHECK_TEXT(same_function(got[i], expected[i], largest),
                   op.name << " argument " << which << ", " << what << ", element " << i << " of "
                           << got.size() << ": " << got[i] << " and " << expected[i] << " ("
                           << kernels().instruction_set << ")");
}

// A program's gradients on the fused path and by the rules, for every instruction set. Sums are
// taken in another order, so they agree to rounding only.
void check_fused_is_generic(const Op& op, const Functions& f, const std::vector<Value>& xs,
                            double tolerance, const char* what) {
    std::vector<Value> expected;
    {
        const GenericOnly generic;
        expected = gradients(f, xs);
    }
    for (const char* set : instruction_sets()) {
        const Using kernels_of(set);
        const std::vector<Value> got = gradients(f, xs);
        for (std::size_t k = 0; k < xs.size(); ++k) {
            CHECK(shape_of(got[k]) == shape_of(xs[k]));
            CHECK(dtype_of(got[k]) == dtype_of(xs[k]));
            const std::vector<double> a = numbers_of(got[k]), b = numbers_of(expected[k]);
            for (std::size_t i = 0; i < a.size(); ++i)
                CHECK_TEXT(
                    tolerance == 0.0 ? same_derivative(a[i], b[i]) : near(a[i], b[i], tolerance),
                    op.name << ", " << what << ", argument " << k << ", element " << i << " of "
                            << a.size() << ": " << a[i] << " and " << b[i] << " (" << set << ")");
        }
    }
}

// Each element gets a cotangent of its own, so that a shifted lane is noticed.
Functions weighted(const Op& op, const Value& weights) {
    return [&op, weights](const std::vector<Value>& xs) {
        return apply(op, xs.data(), op.arity) * weights;
    };
}

}  // namespace

FASTAD_TEST(kernels_exist_for_this_machine) {
    CHECK(!instruction_sets().empty());
    CHECK(!use_kernels("no such set"));
    CHECK(use_kernels(kernels().instruction_set));
}

FASTAD_TEST(kernels_equal_partials_for_all_lengths) {
    for (const char* set : instruction_sets()) {
        const Using kernels_of(set);
        each_elementwise([&](const Op& op) {
            Random random(static_cast<std::uint64_t>(op.code) + 1);
            for (const Extent n : lengths) {
                const std::vector<double> x = draw(op.code, 0, n, random),
                                          y = draw(op.code, 1, n, random),
                                          g = cotangents(n, random);
                const std::vector<double> ans = values_of(op, x, y);
                for (std::size_t k = 0; k < op.arity; ++k) {
                    std::vector<double> first, added;
                    for (std::size_t i = 0; i < x.size(); ++i) {
                        first.push_back(g[i] * op.elementwise.partial[k](x[i], y[i], ans[i]));
                        added.push_back(0.75 + first[i]);
                    }
                    for (const bool poison : {false, true}) {
                        check_same(run<double>(op, k, array(g), array(x), array(y), array(ans),
                                               filled({n}, nan), false, poison),
                                   first, op, k, "first write");
                        check_same(run<double>(op, k, array(g), array(x), array(y), array(ans),
                                               filled({n}, 0.75), true, poison),
                                   added, op, k, "accumulated", 0.75);
                    }
                    const Value donated = array(g);
                    check_same(run<double>(op, k, donated, array(x), array(y), array(ans), donated,
                                           false, false),
                               first, op, k, "out is g");
                }
            }
        });
    }
}

FASTAD_TEST(value_loops_equal_values_and_have_the_same_bits_everywhere) {
    for (std::size_t code = 0; code < elementwise_operations; ++code) {
        const Op& op = operation(static_cast<Code>(code));
        Random random(code + 100);
        for (const std::size_t n : {std::size_t{1}, std::size_t{3}, std::size_t{513}}) {
            std::vector<double> x = draw(op.code, 0, static_cast<Extent>(n), random),
                                y = draw(op.code, 1, static_cast<Extent>(n), random);
            if (n > 1) x[1] = nan;
            for (std::size_t spread = 0; spread < (op.arity == 2 ? 3u : 1u); ++spread) {
                std::vector<double> first;
                std::vector<float> first32;
                const std::vector<float> x32(x.begin(), x.end()), y32(y.begin(), y.end());
                for (const char* set : instruction_sets()) {
                    const Using kernels_of(set);
                    std::vector<double> got(n);
                    std::vector<float> got32(n);
                    CHECK_TEXT(kernels().float64.value[code][spread], op.name << " has no loop");
                    kernels().float64.value[code][spread](n, x.data(), y.data(), got.data());
                    kernels().float32.value[code][spread](n, x32.data(), y32.data(), got32.data());
                    std::vector<double> in_place = spread == 1 ? y : x;
                    kernels().float64.value[code][spread](
                        n, spread == 1 ? x.data() : in_place.data(),
                        spread == 1 ? in_place.data() : y.data(), in_place.data());
                    for (std::size_t i = 0; i < n; ++i) {
                        const double a = spread == 1 ? x[0] : x[i], b = spread == 2 ? y[0] : y[i];
                        const double largest =
                            op.arity == 2 ? std::max(std::abs(a), std::abs(b)) : 0.0;
                        CHECK_TEXT(same_function(got[i], op.elementwise.value(a, b), largest),
                                   op.name << " of " << a << ", " << b << ": " << got[i] << " and "
                                           << op.elementwise.value(a, b) << " (" << set << ")");
                        CHECK_TEXT(same_number(got[i], in_place[i]), op.name << " in place");
                        if (!first.empty()) {
                            CHECK_TEXT(same_number(got[i], first[i]), op.name << " on " << set);
                            CHECK_TEXT(std::memcmp(&got32[i], &first32[i], sizeof(float)) == 0 ||
                                           (std::isnan(got32[i]) && std::isnan(first32[i])),
                                       op.name << " of single precision on " << set);
                        }
                    }
                    first = got;
                    first32 = got32;
                }
            }
        }
    }
}

FASTAD_TEST(value_loops_of_large_angles_are_the_library_s) {
    for (const char* set : instruction_sets()) {
        const Using kernels_of(set);
        std::vector<double> x(600, 0.5), got(600);
        x[7] = 1e22;
        x[599] = -3e6;
        for (const Code code : {Code::sin, Code::cos, Code::tan}) {
            std::vector<double> in_place = x;
            const auto loop = kernels().float64.value[static_cast<std::size_t>(code)][0];
            loop(in_place.size(), in_place.data(), nullptr, in_place.data());
            for (const std::size_t i : {std::size_t{7}, std::size_t{599}})
                CHECK(same_number(in_place[i], operation(code).elementwise.value(x[i], 0.0)));
        }
        const Value g = filled({600}, 1.0);
        check_same(
            run<double>(operation(Code::sin), 0, g, array(x), Value(), Value(), filled({600}, nan),
                        false, false),
            [&] {
                std::vector<double> cosines;
                for (const double number : x) cosines.push_back(std::cos(number));
                return cosines;
            }(),
            operation(Code::sin), 0, "large angles");
    }
}

// An element is the same whatever stands beside it, although hard ones change how a block is done.
FASTAD_TEST(value_loops_look_at_each_element_alone) {
    constexpr std::size_t n = 600;
    for (const char* set : instruction_sets()) {
        const Using kernels_of(set);
        for (std::size_t code = 0; code < elementwise_operations; ++code) {
            const Op& op = operation(static_cast<Code>(code));
            Random random(code + 300);
            const std::vector<double> x = draw(op.code, 0, n, random),
                                      y = draw(op.code, 1, n, random);
            const auto check = [&](auto number) {
                using T = decltype(number);
                const auto& loops = kernels().loops<T>();
                const std::vector<T> a(x.begin(), x.end()), b(y.begin(), y.end());
                for (std::size_t spread = 0; spread < (op.arity == 2 ? 3u : 1u); ++spread) {
                    std::vector<T> alone(n), beside(n), slope(n), slope_beside(n);
                    const auto loop = loops.value[code][spread];
                    loop(n, a.data(), b.data(), alone.data());
                    if (spread == 0 && loops.both[code])
                        loops.both[code](n, a.data(), alone.data(), slope.data());
                    for (const double hard : {nan, 0.0, -1e300, 3e-310, -740.0}) {
                        std::vector<T> c = a, d = b;
                        for (const std::size_t place : {std::size_t{7}, n - 1}) {
                            if (spread != 1) c[place] = static_cast<T>(hard);
                            if (spread == 1) d[place] = static_cast<T>(hard);
                        }
                        loop(n, c.data(), d.data(), beside.data());
                        if (spread == 0 && loops.both[code])
                            loops.both[code](n, c.data(), beside.data(), slope_beside.data());
                        for (std::size_t i = 0; i < n; ++i) {
                            if (i == 7 || i == n - 1) continue;
                            CHECK_TEXT(same_number(static_cast<double>(alone[i]),
                                                   static_cast<double>(beside[i])),
                                       op.name << " beside " << hard << " (" << set << ")");
                            CHECK(same_number(static_cast<double>(slope[i]),
                                              static_cast<double>(slope_beside[i])));
                        }
                    }
                }
            };
            check(double{});
            check(float{});
        }
    }
}

FASTAD_TEST(kernels_read_strided_operands) {
    for (const char* set : instruction_sets()) {
        const Using kernels_of(set);
        each_elementwise([&](const Op& op) {
            Random random(static_cast<std::uint64_t>(op.code) + 2);
            for (const Extent n : {Extent{0}, Extent{1}, Extent{3}, Extent{513}}) {
                const std::vector<double> x = draw(op.code, 0, n, random),
                                          y = draw(op.code, 1, n, random),
                                          g = cotangents(n, random);
                const std::vector<double> ans = values_of(op, x, y);
                for (std::size_t k = 0; k < op.arity; ++k) {
                    const std::vector<double> expected =
                        run<double>(op, k, array(g), array(x), array(y), array(ans),
                                    filled({n}, nan), false, false);
                    for (const Layout layout : {Layout::Strided, Layout::Reversed}) {
                        check_same(run<double>(op, k, laid(g, layout), laid(x, layout),
                                               laid(y, Layout::Reversed), laid(ans, layout),
                                               filled({n}, nan), false, false),
                                   expected, op, k, "strided");
                        check_same(run<double>(op, k, array(g), laid(x, layout), array(y),
                                               array(ans), filled({n}, nan), false, false),
                                   expected, op, k, "one strided operand");
                    }
                }
            }
        });
    }
}

FASTAD_TEST(kernels_of_single_precision_equal_partials) {
    for (const char* set : instruction_sets()) {
        const Using kernels_of(set);
        each_elementwise([&](const Op& op) {
            Random random(static_cast<std::uint64_t>(op.code) + 3);
            for (const Extent n : lengths) {
                // Rounded first, so that both sides see the same operands.
                const Value xs = array({n}, draw(op.code, 0, n, random), DType::Float32);
                const Value ys = array({n}, draw(op.code, 1, n, random), DType::Float32);
                const Value gs = array({n}, cotangents(n, random), DType::Float32);
                const std::vector<double> x = numbers_of(xs), y = numbers_of(ys),
                                          g = numbers_of(gs);
                const Value as = array({n}, values_of(op, x, y), DType::Float32);
                const std::vector<double> ans = numbers_of(as);
                for (std::size_t k = 0; k < op.arity; ++k) {
                    const std::vector<double> got = run<float>(
                        op, k, gs, xs, ys, as, filled({n}, nan, DType::Float32), false, true);
                    for (std::size_t i = 0; i < got.size(); ++i)
                        CHECK_TEXT(near(got[i],
                                        g[i] * op.elementwise.partial[k](x[i], y[i], ans[i]), 4e-5),
                                   op.name << " argument " << k << " at " << x[i] << ", " << y[i]);
                }
            }
        });
    }
}

FASTAD_TEST(kernels_reduce_where_the_target_was_broadcast) {
    for (const char* set : instruction_sets()) {
        const Using kernels_of(set);
        const Op& op = operation(Code::multiply);
        Random random(7);
        const struct {
            std::vector<Extent> whole, target;
        } cases[] = {{{4, 5}, {5}},          {{4, 5}, {4, 1}},       {{4, 5}, {1, 1}},
                     {{4, 5}, {}},           {{3, 4, 5}, {4, 1}},    {{3, 4, 5}, {3, 1, 5}},
                     {{3, 4, 5}, {1, 4, 1}}, {{2, 600}, {2, 1}},     {{600, 2}, {2}},
                     {{1, 700}, {1}},        {{3, 1, 4}, {1, 1, 4}}, {{0, 5}, {5}},
                     {{5, 0}, {5, 1}},       {{1, 1}, {}},           {{2, 1, 3}, {1}}};
        for (const auto& c : cases) {
            Extent n = 1;
            for (const Extent length : c.whole) n *= length;
            const std::vector<double> g = cotangents(n, random), y = cotangents(n, random);
            std::vector<double> products;
            for (std::size_t i = 0; i < g.size(); ++i) products.push_back(g[i] * y[i]);
            Meta target;
            target.array = true;
            target.rank = static_cast<int>(c.target.size());
            target.shape = c.target.data();
            const std::vector<double> expected =
                numbers_of(host::fit(array(c.whole, products), target));
            const std::vector<double> got =
                run<double>(op, 0, array(c.whole, g), Value(), array(c.whole, y), Value(),
                            filled(c.target, 0.0), true, false);
            CHECK(got.size() == expected.size());
            for (std::size_t i = 0; i < got.size(); ++i) CHECK_NEAR(got[i], expected[i], 1e-13);
        }
    }
}

FASTAD_TEST(kernels_read_operands_of_other_types) {
    const std::vector<double> g = {1.0, 2.0, 3.0}, y = {0.0, 1.0, 1.0};
    for (const DType dtype : {DType::Bool, DType::Int32, DType::Int64, DType::Float32})
        CHECK(run<double>(operation(Code::multiply), 0, array(g), Value(), array({3}, y, dtype),
                          Value(), filled({3}, nan), false,
                          false) == (std::vector<double>{0.0, 2.0, 3.0}));
    Operand lane;
    const Extent shape[1] = {3};
    CHECK(!lay_out(complex_array({3}, {1.0, 2.0, 3.0}), shape, 1, lane));
    CHECK(!lay_out(array({1.0, 2.0}), shape, 1, lane));
    CHECK(!lay_out(filled({2, 3}, 1.0), shape, 1, lane));
}

FASTAD_TEST(basic_loops_equal_plain_ones) {
    for (const char* set : instruction_sets()) {
        const Using kernels_of(set);
        Random random(11);
        for (const Extent n : lengths) {
            const std::vector<double> source = cotangents(n, random);
            std::vector<double> target = cotangents(n, random), expected = target;
            double total = 0.0;
            for (std::size_t i = 0; i < source.size(); ++i) {
                expected[i] += source[i];
                total += source[i];
            }
            kernels().float64.add(source.size(), source.data(), target.data());
            CHECK(target == expected);
            CHECK_NEAR(kernels().float64.sum(source.size(), source.data()), total, 1e-12);
            kernels().float64.scale(source.size(), 3.0, source.data(), target.data(), true);
            for (std::size_t i = 0; i < source.size(); ++i) expected[i] += 3.0 * source[i];
            CHECK(target == expected);
            kernels().float64.scale(source.size(), -1.5, source.data(), target.data(), false);
            for (std::size_t i = 0; i < source.size(); ++i) expected[i] = -1.5 * source[i];
            CHECK(target == expected);
        }
    }
}

FASTAD_TEST(fused_sweep_equals_generic_sweep_contiguous) {
    each_elementwise([&](const Op& op) {
        Random random(static_cast<std::uint64_t>(op.code) + 4);
        for (const Extent n : lengths) {
            const std::vector<double> x = draw(op.code, 0, n, random),
                                      y = draw(op.code, 1, n, random);
            std::vector<Value> xs = {array(x)};
            if (op.arity == 2) xs.push_back(array(y));
            check_fused_is_generic(op, weighted(op, array(cotangents(n, random))), xs, 0.0,
                                   "contiguous");
        }
    });
}

FASTAD_TEST(fused_sweep_equals_generic_sweep_strided) {
    each_elementwise([&](const Op& op) {
        Random random(static_cast<std::uint64_t>(op.code) + 5);
        for (const Layout layout : {Layout::Strided, Layout::Reversed}) {
            const std::vector<double> x = draw(op.code, 0, 520, random),
                                      y = draw(op.code, 1, 520, random);
            std::vector<Value> xs = {laid(x, layout)};
            if (op.arity == 2) xs.push_back(laid(y, Layout::Contiguous));
            check_fused_is_generic(op, weighted(op, laid(cotangents(520, random), layout)), xs, 0.0,
                                   "strided");
        }
        // A transposed matrix: no order of axes suits both operands.
        const Value base = array({6, 7}, draw(op.code, 0, 42, random));
        std::vector<Value> xs = {strided(base, {7, 6}, {1, 7}, 0)};
        if (op.arity == 2) xs.push_back(array({7, 6}, draw(op.code, 1, 42, random)));
        check_fused_is_generic(op, weighted(op, array({7, 6}, cotangents(42, random))), xs, 0.0,
                               "transposed");
    });
}

FASTAD_TEST(fused_sweep_equals_generic_sweep_broadcast) {
    const std::vector<Extent> shapes[] = {{1, 9}, {8, 1}, {9}, {1}, {}, {1, 1}};
    each_elementwise([&](const Op& op) {
        Random random(static_cast<std::uint64_t>(op.code) + 6);
        const Value weights = array({8, 9}, cotangents(72, random));
        for (const auto& shape : shapes)
            for (std::size_t small = 0; small < op.arity; ++small) {
                std::vector<Value> xs;
                for (std::size_t k = 0; k < op.arity; ++k) {
                    const std::vector<Extent> own = k == small ? shape : std::vector<Extent>{8, 9};
                    Extent n = 1;
                    for (const Extent length : own) n *= length;
                    xs.push_back(array(own, draw(op.code, k, n, random)));
                }
                check_fused_is_generic(op, weighted(op, weights), xs, 1e-12, "broadcast");
            }
        if (op.arity == 2) {  // a number beside an array, both traced
            const std::vector<Value> xs = {strong(sample(op.code, 0, random)),
                                           array({8, 9}, draw(op.code, 1, 72, random))};
            check_fused_is_generic(op, weighted(op, weights), xs, 1e-12, "a number");
        }
    });
}

FASTAD_TEST(fused_sweep_equals_generic_sweep_single_precision) {
    each_elementwise([&](const Op& op) {
        Random random(static_cast<std::uint64_t>(op.code) + 7);
        for (const Extent n : {Extent{0}, Extent{3}, Extent{600}}) {
            std::vector<Value> xs = {array({n}, draw(op.code, 0, n, random), DType::Float32)};
            if (op.arity == 2)
                xs.push_back(array({n}, draw(op.code, 1, n, random), DType::Float32));
            const Value weights = array({n}, cotangents(n, random), DType::Float32);
            check_fused_is_generic(op, weighted(op, weights), xs, 1e-4, "single precision");
        }
    });
}

FASTAD_TEST(fused_sweep_accumulates_into_shared_operands) {
    each_elementwise([&](const Op& op) {
        Random random(static_cast<std::uint64_t>(op.code) + 8);
        const Extent n = 17;
        const Value x = array(draw(op.code, 0, n, random)), y = array(draw(op.code, 1, n, random));
        const Value weights = array(cotangents(n, random));
        // x takes part three times: an addition, then the operation twice.
        auto f = [&](const std::vector<Value>& xs) {
            return xs[0] * weights + weighted(op, weights)(xs) +
                   apply(Code::sin, apply(op, xs.data(), op.arity));
        };
        std::vector<Value> xs = {x};
        if (op.arity == 2) xs.push_back(y);
        check_fused_is_generic(op, f, xs, 1e-12, "three uses");
        if (op.arity == 2 && op.code != Code::power && op.code != Code::float_power) {
            auto same = [&](const std::vector<Value>& one) {
                return apply(op.code, one[0], one[0]);
            };
            check_fused_is_generic(op, same, {y}, 1e-12, "both operands one box");
        }
    });
}

FASTAD_TEST(a_donated_cotangent_does_not_reach_others) {
    // The result of exp is used twice, so its cotangent is accumulated and then reused as that of
    // x; the seed belongs to the caller and must stay what it was.
    const Value seed = array({1.0, 2.0, 3.0});
    Trace trace;
    const Value x = trace.box(array({0.1, 0.2, 0.3}));
    const Value e = apply(Code::exp, x);
    const Value y = apply(Code::tanh, e + e * e);
    const std::vector<double> once = numbers_of(trace.sweep(y, seed, x));
    CHECK(numbers_of(seed) == (std::vector<double>{1.0, 2.0, 3.0}));
    CHECK(numbers_of(trace.sweep(y, seed, x)) == once);
    for (std::size_t i = 0; i < 3; ++i) {
        const double a = std::exp(0.1 * static_cast<double>(i + 1)), t = std::tanh(a + a * a);
        CHECK_NEAR(once[i], static_cast<double>(i + 1) * (1.0 - t * t) * (a + 2.0 * a * a), 1e-13);
    }
}

}  // namespace fastad::testing
