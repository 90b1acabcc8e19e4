// Derivatives that have a shorter form where all of a block is ordinary: the same bits by either.
#include "check.hpp"
#include "kernels/kernels.hpp"
#include "samples.hpp"
#include "trace.hpp"

namespace fastad::testing {

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
            }
            std::vector<double> added(700, 0.5);
            loop(700, g.data(), x.data(), nullptr, ans.data(), added.data(), true);
            for (std::size_t i = 0; i < 700; ++i) CHECK_NEAR(added[i], 0.5 + mixed[i], 1e-15);
        }
    }
    use_kernels(before.c_str());
}

}  // namespace fastad::testing
