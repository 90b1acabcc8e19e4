// The loops behind kernels.hpp, compiled once for each instruction set under FASTAD_KERNELS' name.
// Internal linkage throughout: see ops/rules.hpp.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/conditions.hpp"
#include "kernels/duals.hpp"
#include "kernels/kernels.hpp"
#include "ops/expressions.hpp"

// out may be g itself (a donated buffer): elements with the same index are the only ones that meet.
#if defined(__clang__)
#define FASTAD_SAME_INDEX _Pragma("clang loop vectorize(assume_safety)")
#else
#define FASTAD_SAME_INDEX _Pragma("GCC ivdep")
#endif

namespace fastad {
namespace {

template <Code code, std::size_t which>
struct Derivative {
    template <class T>
    static T at(T x, T y, T ans) {
        return static_cast<T>(Rule<code>::template derivative<which, T>(x, y, ans));
    }
};
template <class D, class T>
void terms(std::size_t n, const T* g, const T* x, const T* y, const T* ans, T* out,
           bool accumulate) {
    if (accumulate) {
        FASTAD_SAME_INDEX
        for (std::size_t i = 0; i < n; ++i) out[i] += g[i] * D::at(x[i], y[i], ans[i]);
    } else {
        FASTAD_SAME_INDEX
        for (std::size_t i = 0; i < n; ++i) out[i] = g[i] * D::at(x[i], y[i], ans[i]);
    }
}

// A block of which all but a few elements take the shorter derivative: these are brought together,
// so that they go through the long loop alone. An element has the same bits either way.
template <Code code, std::size_t which, class T>
void shorter_terms(std::size_t n, const T* g, const T* x, const T* y, const T* ans, T* out,
                   bool accumulate) {
    using Long = Derivative<code, which>;
    using Short = Shorter<code, which>;
    Count<T> others = 0;
    for (std::size_t i = 0; i < n; ++i)
        others += Short::template holds<T>(x[i], y[i], ans[i]) ? 0u : 1u;
    if (others == 0) return terms<Short>(n, g, x, y, ans, out, accumulate);
    if (others > block / 8) return terms<Long>(n, g, x, y, ans, out, accumulate);
    std::uint16_t places[block + 1];
    T in[4][block / 8], made[block / 8];
    std::size_t count = 0;
    for (std::size_t i = 0; i < n; ++i) {
        places[count] = static_cast<std::uint16_t>(i);
        count += Short::template holds<T>(x[i], y[i], ans[i]) ? 0u : 1u;
    }
    // Before the shorter loop runs, which may write over g. There is at least one.
    std::size_t k = 0;
    do {
        const std::size_t i = places[k];
        in[0][k] = g[i];
        in[1][k] = x[i];
        in[2][k] = y[i];
        in[3][k] = ans[i];
        if (accumulate) made[k] = out[i];
    } while (++k < count);
    terms<Long>(count, in[0], in[1], in[2], in[3], made, accumulate);
    terms<Short>(n, g, x, y, ans, out, accumulate);
    for (k = 0; k < count; ++k) out[places[k]] = made[k];
}

template <Code code, std::size_t which, class T>
void adjoint(std::size_t n, const T* g, const T* x, const T* y, const T* ans, T* out,
             bool accumulate) {
    // A pointer that the rule does not read is replaced by g, so that loads are always defined.
    const T* px = x ? x : g;
    const T* py = y ? y : g;
    const T* pa = ans ? ans : g;
    if constexpr (SlopeWithin<code, which>::there) {
        using Condition = SlopeWithin<code, which>;
        const auto partial = operation(code).elementwise.partial[which];
        const Operands<Spread::Neither, T> operands{px, py};
        for (std::size_t at = 0; at < n; at += block) {
            const std::size_t count = std::min(block, n - at);
            if (all_hold<Condition>(count, operands.from(at))) {
                terms<Derivative<code, which>>(count, g + at, px + at, py + at, pa + at, out + at,
                                               accumulate);
                continue;
            }
            for (std::size_t i = at; i < at + count; ++i) {
                const T slope = Condition::template holds<T>(px[i], py[i])
                                    ? Derivative<code, which>::at(px[i], py[i], pa[i])
                                    : static_cast<T>(partial(static_cast<double>(px[i]),
                                                             static_cast<double>(py[i]),
                                                             static_cast<double>(pa[i])));
                const T term = g[i] * slope;
                out[i] = accumulate ? out[i] + term : term;
            }
        }
        return;
    }
    if constexpr (Shorter<code, which>::there) {
        for (std::size_t at = 0; at < n; at += block)
            shorter_terms<code, which>(std::min(block, n - at), g + at, px + at, py + at, pa + at,
                                       out + at, accumulate);
    } else {
        terms<Derivative<code, which>>(n, g, px, py, pa, out, accumulate);
    }
}

// A truth as a number by selection, which vectorises; a conversion of bool does not.
template <class T, class V>
T number(V value) {
    if constexpr (std::is_same_v<V, bool>)
        return value ? T(1) : T(0);
    else
        return static_cast<T>(value);
}

template <Code code>
struct Plain {
    template <class T>
    static T at(T x, T y) {
        return number<T>(Rule<code>::template value<T>(x, y));
    }
};
template <class F, Spread spread, class T>
void values(std::size_t n, const Operands<spread, T>& in, T* out) {
    if constexpr (spread == Spread::X) {
        const T fixed = *in.x;
        FASTAD_SAME_INDEX
        for (std::size_t i = 0; i < n; ++i) out[i] = F::at(fixed, in.y[i]);
    } else if constexpr (spread == Spread::Y) {
        const T fixed = *in.y;
        FASTAD_SAME_INDEX
        for (std::size_t i = 0; i < n; ++i) out[i] = F::at(in.x[i], fixed);
    } else {
        FASTAD_SAME_INDEX
        for (std::size_t i = 0; i < n; ++i) out[i] = F::at(in.x[i], in.y[i]);
    }
}

template <Code code, Spread spread, class T>
void value(std::size_t n, const T* x, const T* y, T* out) {
    const Operands<spread, T> operands{x, Rule<code>::arity == 1 ? x : y};
    if constexpr (Within<code>::there) {
        const auto exact = operation(code).elementwise.value;
        for (std::size_t at = 0; at < n; at += block) {
            const std::size_t count = std::min(block, n - at);
            const Operands<spread, T> here = operands.from(at);
            if (all_hold<Within<code>>(count, here)) {
                values<Plain<code>>(count, here, out + at);
                continue;
            }
            for (std::size_t i = 0; i < count; ++i) {
                const T a = here.x_at(i), b = here.y_at(i);
                out[at + i] =
                    Within<code>::template holds<T>(a, b)
                        ? Plain<code>::at(a, b)
                        : static_cast<T>(exact(static_cast<double>(a), static_cast<double>(b)));
            }
        }
    } else if constexpr (Sooner<code>::there) {
        for (std::size_t at = 0; at < n; at += block) {
            const std::size_t count = std::min(block, n - at);
            const Operands<spread, T> here = operands.from(at);
            if (all_hold<Sooner<code>>(count, here))
                values<Sooner<code>>(count, here, out + at);
            else
                values<Plain<code>>(count, here, out + at);
        }
    } else {
        values<Plain<code>>(n, operands, out);
    }
}

template <Code code, vector::Both (*function)(double) noexcept, class T>
void both(std::size_t n, const T* x, T* out, T* derivative) {
    const auto pairs = [](std::size_t count, const T* from, T* values, T* slopes) {
        FASTAD_SAME_INDEX
        for (std::size_t i = 0; i < count; ++i) {
            const vector::Both pair = function(static_cast<double>(from[i]));
            values[i] = static_cast<T>(pair.value);
            slopes[i] = static_cast<T>(pair.derivative);
        }
    };
    if constexpr (Within<code>::there) {
        const Elementwise& exact = operation(code).elementwise;
        const Operands<Spread::Neither, T> operands{x, x};
        for (std::size_t at = 0; at < n; at += block) {
            const std::size_t count = std::min(block, n - at);
            pairs(count, x + at, out + at, derivative + at);
            if (all_hold<Within<code>>(count, operands.from(at))) continue;
            for (std::size_t i = at; i < at + count; ++i) {
                if (Within<code>::template holds<T>(x[i], x[i])) continue;
                const double point = static_cast<double>(x[i]);
                out[i] = static_cast<T>(exact.value(point, 0.0));
                derivative[i] = static_cast<T>(exact.partial[0](point, 0.0, 0.0));
            }
        }
    } else {
        pairs(n, x, out, derivative);
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

template <class T, class Lane>
Lane sum_in_lanes(std::size_t n, const T* source) {
    Lane lanes[8] = {};
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (std::size_t lane = 0; lane < 8; ++lane)
            lanes[lane] += static_cast<Lane>(source[i + lane]);
    for (std::size_t lane = 0; i < n; ++i, ++lane) lanes[lane] += static_cast<Lane>(source[i]);
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
           ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

template <class T>
bool finite(std::size_t n, const T* x) {
    constexpr T largest = std::numeric_limits<T>::max();
    Count<T> others = 0;
    for (std::size_t i = 0; i < n; ++i) others |= absolute(x[i]) <= largest ? 0u : 1u;
    return others == 0;
}

// What an element has of an extremum's cotangent if it attains it, and if not.
template <class T>
struct Share {
    T hit, miss;
};
template <class T>
Share<T> share(T g, Count<T> ties) {
    const double part = 1.0 / static_cast<double>(ties);
    const double none = 0.0 / static_cast<double>(ties);  // NaN without ties
    const double whole = static_cast<double>(g);
    return {static_cast<T>(whole * (ties ? part : none)), static_cast<T>(whole * none)};
}

template <class T>
void extremum_rows(std::size_t rows, std::size_t length, const T* x, const T* ans, const T* g,
                   T* out, bool accumulate) {
    for (std::size_t row = 0; row < rows; ++row, x += length, out += length) {
        const T best = ans[row];
        const Share<T> alone = share<T>(g[row], 1);
        Count<T> ties = 0;
        if (accumulate) {
            for (std::size_t i = 0; i < length; ++i) ties += x[i] == best ? 1u : 0u;
            const Share<T> each = share<T>(g[row], ties);
            FASTAD_SAME_INDEX
            for (std::size_t i = 0; i < length; ++i) out[i] += x[i] == best ? each.hit : each.miss;
            continue;
        }
        FASTAD_SAME_INDEX
        for (std::size_t i = 0; i < length; ++i) {
            ties += x[i] == best ? 1u : 0u;
            out[i] = x[i] == best ? alone.hit : alone.miss;
        }
        if (ties == 1) [[likely]]
            continue;
        const Share<T> each = share<T>(g[row], ties);
        FASTAD_SAME_INDEX
        for (std::size_t i = 0; i < length; ++i) out[i] = x[i] == best ? each.hit : each.miss;
    }
}

// Rows of a few elements, many at a time: each step goes through a lane of rows, without branches.
template <class T, std::size_t length>
void extremum_short_rows(std::size_t rows, const T* x, const T* ans, const T* g, T* out,
                         bool accumulate) {
    constexpr std::size_t block = 128;
    alignas(64) T ties[block], hit[block], miss[block];
    for (std::size_t start = 0; start < rows; start += block) {
        const std::size_t n = std::min(block, rows - start);
        const T* from = x + start * length;
        const T* best = ans + start;
        T* to = out + start * length;
        for (std::size_t row = 0; row < n; ++row) {
            T count = 0;
            for (std::size_t i = 0; i < length; ++i)
                count += from[row * length + i] == best[row] ? T(1) : T(0);
            ties[row] = count;
        }
        for (std::size_t row = 0; row < n; ++row) {
            const double count = static_cast<double>(ties[row]);
            const double whole = static_cast<double>(g[start + row]);
            const double none = 0.0 / count;  // NaN without ties
            hit[row] = static_cast<T>(whole * (count > 0.0 ? 1.0 / count : none));
            miss[row] = static_cast<T>(whole * none);
        }
        if (accumulate) {
            FASTAD_SAME_INDEX
            for (std::size_t row = 0; row < n; ++row)
                for (std::size_t i = 0; i < length; ++i)
                    to[row * length + i] +=
                        from[row * length + i] == best[row] ? hit[row] : miss[row];
        } else {
            FASTAD_SAME_INDEX
            for (std::size_t row = 0; row < n; ++row)
                for (std::size_t i = 0; i < length; ++i)
                    to[row * length + i] =
                        from[row * length + i] == best[row] ? hit[row] : miss[row];
        }
    }
}

// The same down the columns, some at a time so that what is known of each stays in cache.
template <class T>
void extremum_columns(std::size_t length, std::size_t columns, const T* x, const T* ans, const T* g,
                      T* out, bool accumulate) {
    constexpr std::size_t block = 256;
    alignas(64) Count<T> ties[block];
    alignas(64) T hit[block], miss[block];
    for (std::size_t start = 0; start < columns; start += block) {
        const std::size_t n = std::min(block, columns - start);
        const T* best = ans + start;
        for (std::size_t j = 0; j < n; ++j) {
            const Share<T> alone = share<T>(g[start + j], 1);
            ties[j] = 0;
            hit[j] = alone.hit;
            miss[j] = alone.miss;
        }
        for (std::size_t i = 0; i < length; ++i) {
            const T* from = x + i * columns + start;
            T* to = out + i * columns + start;
            for (std::size_t j = 0; j < n; ++j) ties[j] += from[j] == best[j] ? 1u : 0u;
            if (accumulate) continue;
            FASTAD_SAME_INDEX
            for (std::size_t j = 0; j < n; ++j) to[j] = from[j] == best[j] ? hit[j] : miss[j];
        }
        if (!accumulate && std::all_of(ties, ties + n, [](Count<T> many) { return many == 1; }))
            continue;
        for (std::size_t j = 0; j < n; ++j) {
            const Share<T> each = share<T>(g[start + j], ties[j]);
            hit[j] = each.hit;
            miss[j] = each.miss;
        }
        for (std::size_t i = 0; i < length; ++i) {
            const T* from = x + i * columns + start;
            T* to = out + i * columns + start;
            if (accumulate) {
                FASTAD_SAME_INDEX
                for (std::size_t j = 0; j < n; ++j) to[j] += from[j] == best[j] ? hit[j] : miss[j];
            } else {
                FASTAD_SAME_INDEX
                for (std::size_t j = 0; j < n; ++j) to[j] = from[j] == best[j] ? hit[j] : miss[j];
            }
        }
    }
}

template <class T>
void extremum(std::size_t before, std::size_t length, std::size_t after, const T* x, const T* ans,
              const T* g, T* out, bool accumulate) {
    if (after == 1) {
        switch (length) {
            case 2: return extremum_short_rows<T, 2>(before, x, ans, g, out, accumulate);
            case 3: return extremum_short_rows<T, 3>(before, x, ans, g, out, accumulate);
            case 4: return extremum_short_rows<T, 4>(before, x, ans, g, out, accumulate);
            default: return extremum_rows(before, length, x, ans, g, out, accumulate);
        }
    }
    for (std::size_t outer = 0; outer < before; ++outer) {
        const std::size_t place = outer * length * after;
        extremum_columns(length, after, x + place, ans + outer * after, g + outer * after,
                         out + place, accumulate);
    }
}

template <class T>
constexpr LoopTable<T> loop_table() {
    LoopTable<T> table{};
#define FASTAD_VALUES_1(NAME) \
    table.value[static_cast<std::size_t>(Code::NAME)][0] = &value<Code::NAME, Spread::Neither, T>;
#define FASTAD_VALUES_2(NAME)                                                                \
    FASTAD_VALUES_1(NAME)                                                                    \
    table.value[static_cast<std::size_t>(Code::NAME)][1] = &value<Code::NAME, Spread::X, T>; \
    table.value[static_cast<std::size_t>(Code::NAME)][2] = &value<Code::NAME, Spread::Y, T>;
#define UNARY(NAME, VALUE, DX)                                                           \
    FASTAD_VALUES_1(NAME)                                                                \
    table.adjoint[static_cast<std::size_t>(Code::NAME)][0] = &adjoint<Code::NAME, 0, T>; \
    table.dual[static_cast<std::size_t>(Code::NAME)][0] = &dual_adjoint<Code::NAME, 0, T>;
#define BINARY(NAME, VALUE, DX, DY)                                                        \
    FASTAD_VALUES_2(NAME)                                                                  \
    table.adjoint[static_cast<std::size_t>(Code::NAME)][0] = &adjoint<Code::NAME, 0, T>;   \
    table.adjoint[static_cast<std::size_t>(Code::NAME)][1] = &adjoint<Code::NAME, 1, T>;   \
    table.dual[static_cast<std::size_t>(Code::NAME)][0] = &dual_adjoint<Code::NAME, 0, T>; \
    table.dual[static_cast<std::size_t>(Code::NAME)][1] = &dual_adjoint<Code::NAME, 1, T>;
#define ZERO(NAME, ARITY, VALUE) FASTAD_VALUES_##ARITY(NAME)
#define TEST(NAME, ARITY, VALUE) FASTAD_VALUES_##ARITY(NAME)
#define TOGETHER(NAME, FUNCTION) \
    table.both[static_cast<std::size_t>(Code::NAME)] = &both<Code::NAME, vector::FUNCTION, T>;
#include "ops/elementwise.def"
    table.add = &add<T>;
    table.scale = &scale<T>;
    table.sum = &sum_in_lanes<T, T>;
    table.total = &sum_in_lanes<T, double>;
    table.finite = &finite<T>;
    table.extremum = &extremum<T>;
    return table;
}

}  // namespace

extern const Kernels FASTAD_KERNELS;
constinit const Kernels FASTAD_KERNELS = {FASTAD_KERNELS_NAME, loop_table<double>(),
                                          loop_table<float>()};

}  // namespace fastad
