// Derivatives that have a shorter form where all of a block is ordinary: the same bits by either.
#include <cmath>
#include <iterator>
#include <limits>

#include "check.hpp"
#include "kernels/kernels.hpp"
#include "samples.hpp"
#include "trace.hpp"

namespace fastad::testing {

namespace {

// What an element gives in a block of its like, which goes through one loop as a whole.
double among_its_like(AdjointLoop<double> loop, double g, double x, double y, double ans) {
    const std::vector<double> all_g(256, g), all_x(256, x), all_y(256, y), all_ans(256, ans);
    std::vector<double> out(256);
    loop(256, all_g.data(), all_x.data(), all_y.data(), all_ans.data(), out.data(), false);
    return out[255];
}

}  // namespace

FASTAD_TEST(shorter_derivatives_have_the_bits_of_the_long_ones) {
    const std::string before = kernels().instruction_set;
    for (const char* set : {"baseline", "avx2", "avx512"}) {
        if (!use_kernels(set)) continue;
        for (const Code code : {Code::tanh, Code::expm1}) {
            const AdjointLoop<double> loop =
                kernels().float64.adjoint[static_cast<std::size_t>(code)][0];
            Random random(5);
            std::vector<double> x, ans, g;
            for (std::size_t i = 0; i < 700; ++i) {
                x.push_back(random.between(-1.5, 1.5));
                ans.push_back(operation(code).elementwise.value(x[i], 0.0));
                g.push_back(random.between(-1.0, 1.0));
            }
            std::vector<double> ordinary(700), mixed(700);
            loop(700, g.data(), x.data(), nullptr, ans.data(), ordinary.data(), false);
            // One element of each block, far out on the side where the plain form cancels.
            for (const std::size_t i : {std::size_t{7}, std::size_t{300}, std::size_t{699}}) {
                x[i] = -9.0;
                ans[i] = operation(code).elementwise.value(x[i], 0.0);
            }
            loop(700, g.data(), x.data(), nullptr, ans.data(), mixed.data(), false);
            for (std::size_t i = 0; i < 700; ++i) {
                const double exact = g[i] * operation(code).elementwise.partial[0](x[i], 0, ans[i]);
                CHECK_NEAR(mixed[i], exact, 1e-14 * std::abs(exact));
                if (x[i] != -9.0) CHECK(mixed[i] == ordinary[i]);
                CHECK(mixed[i] == among_its_like(loop, g[i], x[i], 0.0, ans[i]));
            }
            std::vector<double> in_place = g;
            loop(700, in_place.data(), x.data(), nullptr, ans.data(), in_place.data(), false);
            CHECK(in_place == mixed);
            std::vector<double> added(700, 0.5);
            loop(700, g.data(), x.data(), nullptr, ans.data(), added.data(), true);
            for (std::size_t i = 0; i < 700; ++i) CHECK_NEAR(added[i], 0.5 + mixed[i], 1e-15);
        }
    }
    use_kernels(before.c_str());
}

// Of two operands: some in each block at an end of the range, at zero, infinite or no number.
FASTAD_TEST(shorter_derivatives_of_two_operands_have_the_bits_of_the_long_ones) {
    const std::string before = kernels().instruction_set;
    constexpr double inf = std::numeric_limits<double>::infinity();
    constexpr double odd[][2] = {
        {0.0, 3.0},    {-0.0, 4.0},      {0.0, 0.5},          {1e-300, 1.5},      {1e300, 1.0},
        {inf, 2.0},    {1.5, inf},       {-2.0, 0.5},         {-2.0, 3.0},        {0.0, -1.0},
        {1e200, 3.0},  {2.0, -2000.0},   {0.0, 0.0},          {3.0, 0.0},         {1e-200, 4.0},
        {4e-320, 2.0}, {1e-160, 1e-170}, {std::nan(""), 2.0}, {2.0, std::nan("")}};
    constexpr double whole[] = {3.0, 4.0, 5.0, -1.0, -2.0, 1.0, 0.0, 2.0};
    for (const char* set : {"baseline", "avx2", "avx512"}) {
        if (!use_kernels(set)) continue;
        for (const Code code : {Code::power, Code::float_power, Code::arctan2, Code::hypot})
            for (std::size_t which = 0; which < 2; ++which) {
                const Elementwise& own = operation(code).elementwise;
                const AdjointLoop<double> loop =
                    kernels().float64.adjoint[static_cast<std::size_t>(code)][which];
                constexpr std::size_t n = 900;
                Random random(6);
                std::vector<double> x, y, ans, g;
                for (std::size_t i = 0; i < n; ++i) {
                    x.push_back(random.between(0.1, 3.0));
                    y.push_back(i % 3 ? random.between(-3.0, 3.0) : whole[i / 3 % 8]);
                    ans.push_back(own.value(x[i], y[i]));
                    g.push_back(random.between(-1.0, 1.0));
                }
                std::vector<double> ordinary(n), mixed(n);
                loop(n, g.data(), x.data(), y.data(), ans.data(), ordinary.data(), false);
                const std::vector<double> first_x = x, first_y = y;
                // A few in each block, and in the third one many.
                for (std::size_t i = 0; i < n; i += i / 256 == 2 ? 3 : 41) {
                    const std::size_t kind = i % std::size(odd);
                    x[i] = odd[kind][0];
                    y[i] = odd[kind][1];
                    ans[i] = own.value(x[i], y[i]);
                }
                loop(n, g.data(), x.data(), y.data(), ans.data(), mixed.data(), false);
                std::vector<double> added(n, 0.5), in_place = g;
                loop(n, g.data(), x.data(), y.data(), ans.data(), added.data(), true);
                loop(n, in_place.data(), x.data(), y.data(), ans.data(), in_place.data(), false);
                for (std::size_t i = 0; i < n; ++i) {
                    const double exact = g[i] * own.partial[which](x[i], y[i], ans[i]);
                    if (std::isnan(exact))
                        CHECK(std::isnan(mixed[i]));
                    else if (std::isinf(exact))
                        CHECK(mixed[i] == exact);
                    else
                        CHECK_NEAR(mixed[i], exact, 1e-14 * std::abs(exact));
                    if (x[i] == first_x[i] && y[i] == first_y[i]) CHECK(mixed[i] == ordinary[i]);
                    if (std::isnan(exact)) continue;
                    CHECK(mixed[i] == among_its_like(loop, g[i], x[i], y[i], ans[i]));
                    CHECK(added[i] == 0.5 + mixed[i]);
                    CHECK(in_place[i] == mixed[i]);
                }
            }
    }
    use_kernels(before.c_str());
}

// From the power itself or by multiplication: what x^(y-1) would give.
FASTAD_TEST(derivatives_of_powers_need_no_power) {
    const Elementwise& own = operation(Code::power).elementwise;
    Random random(7);
    for (int i = 0; i < 2000; ++i) {
        const double x = std::exp(random.between(-300.0, 300.0));
        const double y = i % 2 ? random.between(-2.3, 2.3) : std::floor(random.between(-4.0, 6.0));
        const double exact = y * std::pow(x, y == 0.0 ? 1.0 : y - 1.0);
        const double found = own.partial[0](x, y, std::pow(x, y));
        // The exponent of the reference is rounded, which the logarithm makes larger.
        const double error = 3e-15 + 4.5e-16 * std::abs(std::log(x));
        if (std::abs(exact) > 1e-305 && std::abs(exact) < 1e305)
            CHECK_NEAR(found, exact, error * std::abs(exact));
    }
}

}  // namespace fastad::testing
