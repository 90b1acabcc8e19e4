// The core's own routines: systems with a triangular matrix, and the adjoint of Cholesky's factor.
#include <algorithm>
#include <cstring>
#include <vector>

#include "linalg/blocks.hpp"
#include "linalg/invalid.hpp"
#include "linalg/routine.hpp"

namespace fastad {

namespace linalg {

namespace {

constexpr Extent item = sizeof(double);

Doubles in_order(double* data, Extent columns) {
    return {reinterpret_cast<char*>(data), columns * item, item};
}

void copy(Extent rows, Extent columns, const Doubles& from, const Doubles& to) {
    if (from.data == to.data && from.row == to.row && from.column == to.column) return;
    for (Extent i = 0; i < rows; ++i) {
        if (from.by_rows() && to.by_rows())
            std::memcpy(to.at(i), from.at(i), static_cast<std::size_t>(columns * item));
        else
            for (Extent j = 0; j < columns; ++j) to(i, j) = from(i, j);
    }
}

// Whether nothing stands above the diagonal.
bool is_lower(Extent size, const Doubles& t) {
    if (t.by_rows()) {
        for (Extent i = 0; i + 1 < size; ++i) {
            const double* row = t.at(i);
            double found = 0.0;  // NaN, too, is found
            for (Extent j = i + 1; j < size; ++j) found = row[j] == 0.0 ? found : 1.0;
            if (found != 0.0) return false;
        }
        return true;
    }
    for (Extent j = 1; j < size; ++j)
        for (Extent i = 0; i < j; ++i)
            if (!(t(i, j) == 0.0)) return false;
    return true;
}

bool is_regular(Extent size, const Doubles& t) {
    for (Extent i = 0; i < size; ++i)
        if (t(i, i) == 0.0) return false;
    return true;
}

// Columns x of t x = b by substitution. It fails where t is not triangular, or singular.
void solve_triangular(char** places, const Extent* lengths, const Extent* strides, void*) {
    const Extent size = lengths[1], columns = lengths[2];
    for (Extent time = 0; time < lengths[0]; ++time) {
        const Doubles t{places[0] + time * strides[0], strides[3], strides[4]};
        const Doubles b{places[1] + time * strides[1], strides[5], strides[6]};
        const Doubles x{places[2] + time * strides[2], strides[7], strides[8]};
        const bool lower = is_lower(size, t);
        if (!(lower || is_lower(size, t.transposed())) || !is_regular(size, t))
            return raise_invalid();
        copy(size, columns, b, x);
        std::vector<double> scratch(substitution_scratch(size, columns));
        substitute(Products(), size, columns, t, lower, x, scratch.data());
    }
    clear_all_flags();
}

// The cotangent of the lower triangle of l l^T from that of l, in place, row by row from the last.
void sweep_rows(Extent size, const Doubles& l, const Doubles& w) {
    for (Extent j = size; j-- > 0;) {
        const double pivot = l(j, j);
        double sum = w(j, j);
        double* own = w.at(j);
        const double* row = l.at(j);
        for (Extent i = j + 1; i < size; ++i) {
            double* below = w.at(i);
            const double factor = below[j] /= pivot;
            const double* known = l.at(i);
            sum -= factor * known[j];
            for (Extent p = 0; p < j; ++p) {
                own[p] -= factor * known[p];
                below[p] -= factor * row[p];
            }
        }
        own[j] = sum / (2.0 * pivot);
        const double factor = 2.0 * own[j];
        for (Extent p = 0; p < j; ++p) own[p] -= factor * row[p];
    }
}

// The same block by block (Murray 2016, section 3.3): nearly all of it is products.
void sweep_blocks(const Products& product, Extent size, const Doubles& l, const Doubles& w) {
    constexpr Extent block = 32;
    if (size <= block || !product) return sweep_rows(size, l, w);
    std::vector<double> turned_memory(static_cast<std::size_t>(block * size));
    std::vector<double> part(static_cast<std::size_t>(size * size));
    for (Extent end = size; end > 0;) {
        const Extent begin = std::max<Extent>(0, end - block), width = end - begin;
        const Extent below = size - end;
        const Doubles own = l.from(begin, begin), own_w = w.from(begin, begin);
        // What stands below the block, transposed, times the block's inverse.
        const Doubles turned = in_order(turned_memory.data(), below);
        if (below) {
            copy(width, below, w.from(end, begin).transposed(), turned);
            substitute(product, width, below, own.transposed(), false, turned, part.data());
            copy(below, width, turned.transposed(), w.from(end, begin));
            product(width, below, width, turned, l.from(end, begin), in_order(part.data(), width));
            subtract(width, width, part.data(), own_w);
        }
        sweep_rows(width, own, own_w);
        if (begin) {
            if (below) {
                product(below, width, begin, turned.transposed(), l.from(begin, 0),
                        in_order(part.data(), begin));
                subtract(below, begin, part.data(), w.from(end, 0));
                product(width, below, begin, turned, l.from(end, 0), in_order(part.data(), begin));
                subtract(width, begin, part.data(), w.from(begin, 0));
            }
            double symmetric[block * block];
            for (Extent i = 0; i < width; ++i)
                for (Extent j = 0; j <= i; ++j)
                    symmetric[i * width + j] = symmetric[j * width + i] =
                        i == j ? 2.0 * own_w(i, i) : own_w(i, j);
            product(width, width, begin, in_order(symmetric, width), l.from(begin, 0),
                    in_order(part.data(), begin));
            subtract(width, begin, part.data(), w.from(begin, 0));
        }
        end = begin;
    }
}

// The cotangent of a from that of its Cholesky factor l, within symmetric matrices.
void cholesky_adjoint(char** places, const Extent* lengths, const Extent* strides, void*) {
    const Extent size = lengths[1];
    const Products product;
    std::vector<double> memory;
    for (Extent time = 0; time < lengths[0]; ++time) {
        Doubles l{places[0] + time * strides[0], strides[3], strides[4]};
        const Doubles g{places[1] + time * strides[1], strides[5], strides[6]};
        const Doubles w{places[2] + time * strides[2], strides[7], strides[8]};
        if (!l.by_rows()) {
            memory.resize(static_cast<std::size_t>(size * size));
            const Doubles rows = in_order(memory.data(), size);
            copy(size, size, l, rows);
            l = rows;
        }
        for (Extent i = 0; i < size; ++i)
            for (Extent j = 0; j < size; ++j) w(i, j) = j <= i ? g(i, j) : 0.0;
        sweep_blocks(product, size, l, w);
        for (Extent i = 0; i < size; ++i)
            for (Extent j = 0; j < i; ++j) w(j, i) = w(i, j) *= 0.5;
    }
    clear_all_flags();
}

Routine make(decltype(Routine::run) run, std::initializer_list<Routine::Operand> operands,
             std::size_t names, bool stacks) {
    Routine routine;
    routine.run = run;
    std::copy(operands.begin(), operands.end(), routine.operands);
    routine.arguments = operands.size() - 1;
    routine.results = 1;
    routine.names = names;
    routine.stacks = stacks;
    return routine;
}

}  // namespace

}  // namespace linalg

const Routine* own_routine(const char* name) noexcept {
    constexpr Routine::Operand square{DType::Float64, 2, {0, 0}},
        columns{DType::Float64, 2, {0, 1}};
    static const Routine triangular =
        linalg::make(linalg::solve_triangular, {square, columns, columns}, 2, false);
    static const Routine adjoint =
        linalg::make(linalg::cholesky_adjoint, {square, square, square}, 1, true);
    if (!std::strcmp(name, "solve_triangular")) return &triangular;
    if (!std::strcmp(name, "cholesky_adjoint")) return &adjoint;
    return nullptr;
}

}  // namespace fastad
