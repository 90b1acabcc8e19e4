// The table's expressions on numbers: Rule<code>::value and Rule<code>::derivative<which>.
// Internal linkage throughout: see ops/rules.hpp.
#pragma once

#include "ops/rules.hpp"

namespace fastad {
namespace {

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
#define FASTAD_VALUE_ONLY(NAME, ARITY, VALUE)                                         \
    template <>                                                                       \
    struct Rule<Code::NAME> {                                                         \
        static constexpr std::size_t arity = ARITY;                                   \
        template <class T>                                                            \
        static auto value([[maybe_unused]] const T& x, [[maybe_unused]] const T& y) { \
            return VALUE;                                                             \
        }                                                                             \
    };
#define ZERO(NAME, ARITY, VALUE) FASTAD_VALUE_ONLY(NAME, ARITY, VALUE)
#define TEST(NAME, ARITY, VALUE) FASTAD_VALUE_ONLY(NAME, ARITY, VALUE)
#include "ops/elementwise.def"
#undef FASTAD_VALUE_ONLY

}  // namespace
}  // namespace fastad
