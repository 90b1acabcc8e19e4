#include "linalg/blocks.hpp"

#include "ops/op.hpp"

namespace fastad::linalg {

Products::Products() : loop_(host::inner_loop(operation(Code::matmul), DType::Float64)) {}

void Products::operator()(Extent rows, Extent inner, Extent columns, const Doubles& a,
                          const Doubles& b, const Doubles& c) const {
    char* places[3] = {a.data, b.data, c.data};
    const Extent lengths[4] = {1, rows, inner, columns};
    const Extent strides[9] = {0, 0, 0, a.row, a.column, b.row, b.column, c.row, c.column};
    loop_.run(places, lengths, strides, loop_.data);
}

void subtract(Extent rows, Extent columns, const double* source, const Doubles& target) {
    for (Extent i = 0; i < rows; ++i, source += columns) {
        double* own = target.at(i);
        for (Extent j = 0; j < columns; ++j) own[j] -= source[j];
    }
}

namespace {

// Up to this size substitution is done row by row.
constexpr Extent small = 32;
// So many columns stay in registers.
constexpr Extent width = 8;

// Columns from `first` on, `count` of them; up to `width`, which a full strip is.
template <class Count>
void strip(Extent size, const Doubles& t, bool lower, const Doubles& x, Extent first, Count count) {
    for (Extent step = 0; step < size; ++step) {
        const Extent i = lower ? step : size - 1 - step;
        const Extent begin = lower ? 0 : i + 1, end = lower ? i : size;
        double* own = x.at(i) + first;
        double sum[width] = {};
        for (Extent c = 0; c < count; ++c) sum[c] = own[c];
        for (Extent j = begin; j < end; ++j) {
            const double factor = t(i, j);
            const double* known = x.at(j) + first;
            for (Extent c = 0; c < count; ++c) sum[c] -= factor * known[c];
        }
        const double pivot = t(i, i);
        for (Extent c = 0; c < count; ++c) own[c] = sum[c] / pivot;
    }
}

struct Full {
    constexpr operator Extent() const noexcept { return width; }
};

// One vector against a matrix whose columns lie without gaps, column by column.
void by_columns(Extent size, const Doubles& t, bool lower, const Doubles& x) {
    for (Extent step = 0; step < size; ++step) {
        const Extent j = lower ? step : size - 1 - step;
        const double known = x(j, 0) /= t(j, j);
        const double* column = reinterpret_cast<const double*>(t.data + j * t.column);
        double* own = x.at(0);
        const Extent begin = lower ? j + 1 : 0, end = lower ? size : j;
        for (Extent i = begin; i < end; ++i) own[i] -= known * column[i];
    }
}

// One vector, row by row, in four lanes.
void by_rows(Extent size, const Doubles& t, bool lower, const Doubles& x) {
    for (Extent step = 0; step < size; ++step) {
        const Extent i = lower ? step : size - 1 - step;
        const Extent begin = lower ? 0 : i + 1, end = lower ? i : size;
        const double* row = t.at(i);
        const double* own = x.at(0);
        double lanes[4] = {};
        Extent j = begin;
        for (; j + 4 <= end; j += 4)
            for (Extent lane = 0; lane < 4; ++lane) lanes[lane] += row[j + lane] * own[j + lane];
        for (; j < end; ++j) lanes[0] += row[j] * own[j];
        x(i, 0) = (x(i, 0) - ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))) / row[i];
    }
}

}  // namespace

std::size_t substitution_scratch(Extent size, Extent columns) noexcept {
    return size <= small ? 0 : static_cast<std::size_t>((size + 1) / 2 * columns);
}

void substitute(const Products& product, Extent size, Extent columns, const Doubles& t, bool lower,
                const Doubles& x, double* scratch) {
    if (columns == 1 && x.row == Extent{sizeof(double)}) {
        if (t.row == Extent{sizeof(double)}) return by_columns(size, t, lower, x);
        if (t.by_rows()) return by_rows(size, t, lower, x);
    }
    if (size <= small || !product) {
        Extent first = 0;
        for (; first + width <= columns; first += width) strip(size, t, lower, x, first, Full());
        if (first < columns) strip(size, t, lower, x, first, columns - first);
        return;
    }
    // The half that does not depend on the other one, then that one less its part in it.
    const Extent half = size / 2, rest = size - half;
    const Extent one = lower ? 0 : half, other = lower ? half : 0;
    const Extent ones = lower ? half : rest, others = lower ? rest : half;
    substitute(product, ones, columns, t.from(one, one), lower, x.from(one, 0), scratch);
    const Doubles part{reinterpret_cast<char*>(scratch),
                       columns * static_cast<Extent>(sizeof(double)), sizeof(double)};
    product(others, ones, columns, t.from(other, one), x.from(one, 0), part);
    subtract(others, columns, scratch, x.from(other, 0));
    substitute(product, others, columns, t.from(other, other), lower, x.from(other, 0), scratch);
}

}  // namespace fastad::linalg
