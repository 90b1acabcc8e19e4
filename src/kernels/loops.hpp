// The loops behind kernels.hpp, compiled once for each instruction set under FASTAD_KERNELS' name.
// Internal linkage throughout: see ops/rules.hpp.

#include "kernels/kernels.hpp"
#include "ops/rules.hpp"

// out may be g itself (a donated buffer): elements with the same index are the only ones that meet.
#if defined(__clang__)
#define FASTAD_SAME_INDEX _Pragma("clang loop vectorize(assume_safety)")
#else
#define FASTAD_SAME_INDEX _Pragma("GCC ivdep")
#endif

namespace fastad {
namespace {

// The expressions themselves.
template <Code>
struct Rule;
#define UNARY(NAME, VALUE, DX)                                        \
    template <>                                                       \
    struct Rule<Code::NAME> {                                         \
        static constexpr std::size_t arity = 1;                       \
        template <class T>                                            \
        static auto value([[maybe_unused]] const T& x, const T&) {    \
            return VALUE;                                             \
        }                                                             \
        template <std::size_t which, class T>                         \
        static auto derivative([[maybe_unused]] const T& x, const T&, \
                               [[maybe_unused]] const T& ans) {       \
            return DX;                                                \
        }                                                             \
    };
#define BINARY(NAME, VALUE, DX, DY)                                                      \
    template <>                                                                          \
    struct Rule<Code::NAME> {                                                            \
        static constexpr std::size_t arity = 2;                                          \
        template <class T>                                                               \
        static auto value([[maybe_unused]] const T& x, [[maybe_unused]] const T& y) {    \
            return VALUE;                                                                \
        }                                                                                \
        template <std::size_t which, class T>                                            \
        static auto derivative([[maybe_unused]] const T& x, [[maybe_unused]] const T& y, \
                               [[maybe_unused]] const T& ans) {                          \
            if constexpr (which == 0)                                                    \
                return DX;                                                               \
            else                                                                         \
                return DY;                                                               \
        }                                                                                \
    };
#define ZERO(NAME, ARITY)
#define TEST(NAME, ARITY)

#include "ops/elementwise.def"
#undef UNARY
#undef BINARY

template <Code code, std::size_t which, class T>
void adjoint(std::size_t n, const T* g, const T* x, const T* y, const T* ans, T* out,
             bool accumulate) {
    // A pointer that the rule does not read is replaced by g, so that loads are always defined.
    const T* px = x ? x : g;
    const T* py = y ? y : g;
    const T* pa = ans ? ans : g;
    if (accumulate) {
        FASTAD_SAME_INDEX
        for (std::size_t i = 0; i < n; ++i)
            out[i] += g[i] * static_cast<T>(
                                 Rule<code>::template derivative<which, T>(px[i], py[i], pa[i]));
    } else {
        FASTAD_SAME_INDEX
        for (std::size_t i = 0; i < n; ++i)
            out[i] = g[i] *
                     static_cast<T>(Rule<code>::template derivative<which, T>(px[i], py[i], pa[i]));
    }
}

template <class T>
void add(std::size_t n, const T* source, T* target) {
    for (std::size_t i = 0; i < n; ++i) target[i] += source[i];
}

template <class T>
void scale(std::size_t n, T factor, const T* source, T* target, bool accumulate) {
    if (accumulate)
        for (std::size_t i = 0; i < n; ++i) target[i] += factor * source[i];
    else
        for (std::size_t i = 0; i < n; ++i) target[i] = factor * source[i];
}

template <class T>
T sum(std::size_t n, const T* source) {
    T lanes[8] = {};
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += source[i + lane];
    for (std::size_t lane = 0; i < n; ++i, ++lane) lanes[lane] += source[i];
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
           ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

template <class T>
constexpr LoopTable<T> loop_table() {
    LoopTable<T> table{};
#define UNARY(NAME, VALUE, DX) \
    table.adjoint[static_cast<std::size_t>(Code::NAME)][0] = &adjoint<Code::NAME, 0, T>;
#define BINARY(NAME, VALUE, DX, DY)                                                      \
    table.adjoint[static_cast<std::size_t>(Code::NAME)][0] = &adjoint<Code::NAME, 0, T>; \
    table.adjoint[static_cast<std::size_t>(Code::NAME)][1] = &adjoint<Code::NAME, 1, T>;
#include "ops/elementwise.def"
#undef UNARY
#undef BINARY
#undef ZERO
#undef TEST
    table.add = &add<T>;
    table.scale = &scale<T>;
    table.sum = &sum<T>;
    return table;
}

}  // namespace

extern const Kernels FASTAD_KERNELS;
constinit const Kernels FASTAD_KERNELS = {FASTAD_KERNELS_NAME, loop_table<double>(),
                                          loop_table<float>()};

}  // namespace fastad
