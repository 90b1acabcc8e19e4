// What reductions need: sums and extrema of many elements, and their state between blocks.
#pragma once

#include <algorithm>
#include <vector>

#include "program/plan.hpp"

namespace fastad::program {
namespace {

// A sum in pairs of blocks of 128, each in eight lanes, as NumPy takes it.
template <class T>
T pairwise(const LoopTable<T>& loops, const T* x, std::size_t count) {
    if (count <= 128) return static_cast<T>(loops.sum(count, x));
    const std::size_t half = count / 2 / 8 * 8;
    return pairwise(loops, x, half) + pairwise(loops, x + half, count - half);
}

template <class T>
T better(Reduction reduction, T a, T b) {
    if (a != a || b != b) return a != a ? a : b;
    return (reduction == Reduction::Max ? a > b : a < b) ? a : b;
}

// The elementwise operation that chooses the better of each two.
template <class T>
ValueLoop<T> larger_or_smaller(const LoopTable<T>& loops, Reduction reduction) {
    const Code pairs = reduction == Reduction::Max ? Code::maximum : Code::minimum;
    return loops.value[static_cast<std::size_t>(pairs)][0];
}

// By the loop of the elementwise operation: halves against each other.
template <class T>
T extremum(const LoopTable<T>& loops, Reduction reduction, const T* x, std::size_t count) {
    constexpr std::size_t few = 16, most = 512;
    T best[most];
    std::size_t width = count;
    if (count > few) {
        const ValueLoop<T> loop = larger_or_smaller(loops, reduction);
        width = std::min(most, count / 2);
        loop(width, x, x + width, best);
        for (std::size_t at = 2 * width; at < count; at += width)
            loop(std::min(width, count - at), best, x + at, best);
        for (; width > few; width = (width + 1) / 2)
            loop(width / 2, best, best + (width + 1) / 2, best);
        x = best;
    }
    T result = x[0];
    for (std::size_t i = 1; i < width; ++i) result = better(reduction, result, x[i]);
    return result;
}

// A sum whose roundings are added up beside it.
template <class T>
struct Total {
    T sum = 0, lost = 0;

    void add(T part) {
        const T next = sum + part;
        lost += (sum < 0 ? -sum : sum) >= (part < 0 ? -part : part) ? (sum - next) + part
                                                                    : (part - next) + sum;
        sum = next;
    }
    T value() const { return sum + lost; }
};

// The state of a reduction between blocks.
template <class T>
struct Reduced {
    Total<T> total;
    T best = 0;
    std::vector<T> columns;
};

}  // namespace
}  // namespace fastad::program
