// Operands of several layouts walked together, and tiles of them: rows that are too short for a
// loop of their own go through it some at a time.
#pragma once

#include <algorithm>

#include "reverse/adjoint.hpp"

namespace fastad {

// Elements gathered at a time: five operands of double stay in the first-level cache.
constexpr std::size_t chunk = 512;

// A sum of many numbers that come one by one, pairwise: its error grows with the logarithm of their
// count.
class PairwiseSum {
  public:
    void add(double number) noexcept {
        std::size_t level = 0;
        for (std::size_t rest = count_++; rest & 1; rest >>= 1) number += partial_[level++];
        partial_[level] = number;
    }
    double total() const noexcept {
        double sum = 0.0;
        for (std::size_t level = 0; count_ >> level; ++level)
            if (count_ >> level & 1) sum += partial_[level];
        return sum;
    }

  private:
    std::size_t count_ = 0;
    double partial_[64];  // of 2^level numbers, where count_ has that bit
};

template <class T>
void add_to(char* place, double sum) {
    T& element = *reinterpret_cast<T*>(place);
    element = static_cast<T>(static_cast<double>(element) + sum);
}

// Axes that every operand walks as one are merged; most shapes come down to a single lane.
template <std::size_t operands>
struct Walk {
    bool empty = false;
    int axes = 0;
    Extent lengths[most_axes];
    Extent strides[operands][most_axes];
    char* places[operands];
    DType dtypes[operands];

    Walk(const Extent* shape, int rank, const Operand* const (&list)[operands]) {
        for (std::size_t k = 0; k < operands; ++k) {
            places[k] = const_cast<char*>(list[k]->data);
            dtypes[k] = list[k]->dtype;
        }
        for (int axis = 0; axis < rank; ++axis) {
            if (shape[axis] == 0) {
                empty = true;
                return;
            }
            if (shape[axis] == 1) continue;
            bool merge = axes > 0;
            for (std::size_t k = 0; k < operands && merge; ++k)
                if (places[k]) merge = strides[k][axes - 1] == list[k]->strides[axis] * shape[axis];
            if (!merge) {
                ++axes;
                lengths[axes - 1] = 1;
            }
            lengths[axes - 1] *= shape[axis];
            for (std::size_t k = 0; k < operands; ++k)
                strides[k][axes - 1] = places[k] ? list[k]->strides[axis] : 0;
        }
    }
    // In the order of the elements, without a gap.
    template <class T>
    bool dense(std::size_t k) const noexcept {
        Extent stride = static_cast<Extent>(sizeof(T));
        for (int axis = axes - 1; axis >= 0; --axis) {
            if (strides[k][axis] != stride) return false;
            stride *= lengths[axis];
        }
        return places[k] && dtypes[k] == dtype_for<T>;
    }
    // The places of the next row, without the last `skipped` axes; false behind the last row.
    bool advance(Extent* index, int skipped) noexcept {
        for (int axis = axes - 1 - skipped; axis >= 0; --axis) {
            for (std::size_t k = 0; k < operands; ++k)
                if (places[k]) places[k] += strides[k][axis];
            if (++index[axis] < lengths[axis]) return true;
            for (std::size_t k = 0; k < operands; ++k)
                if (places[k]) places[k] -= strides[k][axis] * lengths[axis];
            index[axis] = 0;
        }
        return false;
    }
};

template <class T, class Source>
void gather(const char* source, Extent stride, std::size_t n, T* target) {
    if (stride == 0) {
        Source value;
        __builtin_memcpy(&value, source, sizeof value);
        std::fill_n(target, n, static_cast<T>(value));
        return;
    }
    for (std::size_t i = 0; i < n; ++i, source += stride) {
        Source value;
        __builtin_memcpy(&value, source, sizeof value);
        target[i] = static_cast<T>(value);
    }
}

template <class T>
void gather(const char* source, DType dtype, Extent stride, std::size_t n, T* target) {
    switch (dtype) {
#define READABLE(NAME, TYPE) \
    case DType::NAME: return gather<T, TYPE>(source, stride, n, target);
#include "ops/dtypes.def"
        default: return;
    }
}

// Rows one behind the other. With a fixed length a row needs no loop.
template <class T, std::size_t fixed = 0>
void gather_rows(const char* source, Extent outer, Extent inner, std::size_t rows, std::size_t any,
                 T* target) {
    const std::size_t n = fixed ? fixed : any;
    for (std::size_t row = 0; row < rows; ++row, source += outer, target += n) {
        if (inner == 0) {
            const T value = *reinterpret_cast<const T*>(source);
            for (std::size_t i = 0; i < n; ++i) target[i] = value;
        } else {
            for (std::size_t i = 0; i < n; ++i)
                target[i] = *reinterpret_cast<const T*>(source + static_cast<Extent>(i) * inner);
        }
    }
}

template <class T>
void gather_rows(const char* source, DType dtype, Extent outer, Extent inner, std::size_t rows,
                 std::size_t n, T* target) {
    if (dtype != dtype_for<T>) {
        for (std::size_t row = 0; row < rows; ++row)
            gather<T>(source + static_cast<Extent>(row) * outer, dtype, inner, n, target + row * n);
        return;
    }
    switch (n) {
        case 2: return gather_rows<T, 2>(source, outer, inner, rows, n, target);
        case 3: return gather_rows<T, 3>(source, outer, inner, rows, n, target);
        case 4: return gather_rows<T, 4>(source, outer, inner, rows, n, target);
        default: return gather_rows<T>(source, outer, inner, rows, n, target);
    }
}

// Rows into places of which some may be one: those are summed, in double.
template <class T>
void put_rows(const T* source, char* target, Extent outer, Extent inner, std::size_t rows,
              std::size_t n, bool accumulate) {
    if (inner == 0) {
        double total = 0.0;
        for (std::size_t row = 0; row < rows; ++row, source += n) {
            double sum = 0.0;
            for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(source[i]);
            if (outer == 0)
                total += sum;
            else
                add_to<T>(target + static_cast<Extent>(row) * outer, sum);
        }
        if (outer == 0) add_to<T>(target, total);
        return;
    }
    if (outer == 0 && rows > 1) {
        double sums[chunk] = {};
        for (std::size_t row = 0; row < rows; ++row, source += n)
            for (std::size_t i = 0; i < n; ++i) sums[i] += static_cast<double>(source[i]);
        for (std::size_t i = 0; i < n; ++i)
            add_to<T>(target + static_cast<Extent>(i) * inner, sums[i]);
        return;
    }
    for (std::size_t row = 0; row < rows; ++row, source += n)
        for (std::size_t i = 0; i < n; ++i) {
            T& element = *reinterpret_cast<T*>(target + static_cast<Extent>(row) * outer +
                                               static_cast<Extent>(i) * inner);
            element = accumulate ? element + source[i] : source[i];
        }
}

// loop(n, in, out, accumulate) gets up to `chunk` elements at a time, whatever the rows' length;
// operands without a place are null. What is summed into one element for the whole operation goes
// to `whole` instead.
template <class T, std::size_t inputs, std::size_t outputs, class Loop>
void each_tile(Walk<inputs + outputs>& walk, const Loop& loop, bool accumulate,
               PairwiseSum* whole = nullptr) {
    constexpr std::size_t operands = inputs + outputs;
    alignas(64) T room[operands][chunk];
    // The last two axes; a row that is longer than a chunk goes piece by piece.
    std::size_t n = 1, length = 1;
    Extent inner[operands] = {}, outer[operands] = {};
    if (walk.axes > 0) {
        n = static_cast<std::size_t>(walk.lengths[walk.axes - 1]);
        for (std::size_t k = 0; k < operands; ++k) inner[k] = walk.strides[k][walk.axes - 1];
    }
    if (walk.axes > 1) {
        length = static_cast<std::size_t>(walk.lengths[walk.axes - 2]);
        for (std::size_t k = 0; k < operands; ++k) outer[k] = walk.strides[k][walk.axes - 2];
    }
    const std::size_t piece = std::min(n, chunk);
    const std::size_t most = std::min(length, std::max(chunk / n, std::size_t{1}));
    T* dense[operands];
    for (std::size_t k = 0; k < operands; ++k)
        dense[k] = walk.template dense<T>(k) ? reinterpret_cast<T*>(walk.places[k]) : nullptr;
    struct Block {
        char* places[outputs];
        std::size_t rows, n;
    };
    Block blocks[chunk];
    std::size_t count = 0, filled = 0;
    auto flush = [&] {
        const T* in[inputs];
        T* out[outputs];
        for (std::size_t k = 0; k < inputs; ++k)
            in[k] = !walk.places[k] ? nullptr : (dense[k] ? dense[k] : room[k]);
        for (std::size_t k = 0; k < outputs; ++k)
            out[k] = dense[inputs + k] ? dense[inputs + k] : room[inputs + k];
        // Outputs lie alike: all without a gap, or all to be put from the room.
        const bool straight = dense[inputs] != nullptr;
        loop(filled, in, out, straight && accumulate);
        for (T*& place : dense)
            if (place) place += filled;
        if (whole) {
            double sum = 0.0;
            for (std::size_t i = 0; i < filled; ++i) sum += static_cast<double>(out[0][i]);
            whole->add(sum);
        } else if (!straight) {
            std::size_t start = 0;
            for (std::size_t i = 0; i < count; ++i) {
                const Block& block = blocks[i];
                for (std::size_t k = 0; k < outputs; ++k)
                    put_rows<T>(out[k] + start, block.places[k], outer[inputs + k],
                                inner[inputs + k], block.rows, block.n, accumulate);
                start += block.rows * block.n;
            }
        }
        count = filled = 0;
    };
    Extent index[most_axes] = {};
    do {
        for (std::size_t row = 0; row < length; row += most)
            for (std::size_t at = 0; at < n; at += piece) {
                const std::size_t rows = std::min(most, length - row);
                const std::size_t width = std::min(piece, n - at);
                if (filled + rows * width > chunk) flush();
                auto place = [&](std::size_t k) {
                    return walk.places[k] + static_cast<Extent>(row) * outer[k] +
                           static_cast<Extent>(at) * inner[k];
                };
                for (std::size_t k = 0; k < inputs; ++k)
                    if (walk.places[k] && !dense[k])
                        gather_rows<T>(place(k), walk.dtypes[k], outer[k], inner[k], rows, width,
                                       room[k] + filled);
                for (std::size_t k = 0; k < outputs; ++k)
                    blocks[count].places[k] = place(inputs + k);
                blocks[count].rows = rows;
                blocks[count++].n = width;
                filled += rows * width;
            }
    } while (walk.advance(index, 2));
    flush();
}

}  // namespace fastad
