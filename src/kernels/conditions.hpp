// Where a kernel's function holds, and where a shorter one does: the table's lines, and the
// question to a block of operands. Internal linkage throughout: see ops/rules.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "kernels/kernels.hpp"
#include "ops/expressions.hpp"

namespace fastad {
namespace {

// Of the elements' own width, so that comparisons can be counted in the lanes that compare.
template <class T>
using Count = std::conditional_t<std::is_same_v<T, double>, std::uint64_t, std::uint32_t>;

// The derivative and the value that count where `holds`, and where a kernel's value or derivative
// counts at all: see the table.
struct Everywhere {
    static constexpr bool there = false;
};
template <Code code, std::size_t which>
struct Shorter : Everywhere {};
template <Code code>
struct Sooner : Everywhere {};
template <Code code>
struct Within : Everywhere {};
template <Code code, std::size_t which>
struct SlopeWithin : Everywhere {};
#define SHORTER(NAME, WHICH, CONDITION, DX)                                                     \
    template <>                                                                                 \
    struct Shorter<Code::NAME, WHICH> {                                                         \
        static constexpr bool there = true;                                                     \
        template <class T>                                                                      \
        static bool holds([[maybe_unused]] T x, [[maybe_unused]] T y, [[maybe_unused]] T ans) { \
            return CONDITION;                                                                   \
        }                                                                                       \
        template <class T>                                                                      \
        static T at([[maybe_unused]] T x, [[maybe_unused]] T y, [[maybe_unused]] T ans) {       \
            return DX;                                                                          \
        }                                                                                       \
    };
#define FASTAD_CONDITION(CONDITION)                                 \
    static constexpr bool there = true;                             \
    template <class T>                                              \
    static bool holds([[maybe_unused]] T x, [[maybe_unused]] T y) { \
        return CONDITION;                                           \
    }
#define SOONER(NAME, CONDITION, VALUE)                            \
    template <>                                                   \
    struct Sooner<Code::NAME> {                                   \
        FASTAD_CONDITION(CONDITION)                               \
        template <class T>                                        \
        static T at([[maybe_unused]] T x, [[maybe_unused]] T y) { \
            return VALUE;                                         \
        }                                                         \
    };
#define WITHIN(NAME, CONDITION)     \
    template <>                     \
    struct Within<Code::NAME> {     \
        FASTAD_CONDITION(CONDITION) \
    };
#define SLOPE_WITHIN(NAME, WHICH, CONDITION) \
    template <>                              \
    struct SlopeWithin<Code::NAME, WHICH> {  \
        FASTAD_CONDITION(CONDITION)          \
    };
#include "ops/elementwise.def"
#undef FASTAD_CONDITION

// So many elements are asked for their conditions before they are computed.
constexpr std::size_t block = 256;

// Operands of a loop, of which one may be a number for all elements.
template <Spread spread, class T>
struct Operands {
    const T* x;
    const T* y;
    T x_at(std::size_t i) const { return spread == Spread::X ? *x : x[i]; }
    T y_at(std::size_t i) const { return spread == Spread::Y ? *y : y[i]; }
    Operands from(std::size_t at) const {
        return {spread == Spread::X ? x : x + at, spread == Spread::Y ? y : y + at};
    }
};
template <class Condition, Spread spread, class T>
bool all_hold(std::size_t n, const Operands<spread, T>& in) {
    Count<T> others = 0;
    for (std::size_t i = 0; i < n; ++i)
        others |= Condition::template holds<T>(in.x_at(i), in.y_at(i)) ? 0u : 1u;
    return others == 0;
}

}  // namespace
}  // namespace fastad
