// Elements of arrays of any layout and type into a group's registers, and back.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "ops/op.hpp"

namespace fastad::program {
namespace {

template <class T, class Source>
void load_row(const char* source, Extent stride, std::size_t count, T* out) {
    if (stride == 0) {
        std::fill_n(out, count, static_cast<T>(*reinterpret_cast<const Source*>(source)));
    } else if (stride == static_cast<Extent>(sizeof(Source))) {
        if constexpr (std::is_same_v<T, Source>) {
            std::memcpy(out, source, count * sizeof(T));
        } else {
            const auto* items = reinterpret_cast<const Source*>(source);
            for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<T>(items[i]);
        }
    } else {
        for (std::size_t i = 0; i < count; ++i, source += stride)
            out[i] = static_cast<T>(*reinterpret_cast<const Source*>(source));
    }
}

// Rows of so few elements that a loop over each would be longer than what it does.
constexpr Extent shortest_row = 2, longest_short_row = 8;
inline bool short_row(Extent length) noexcept {
    return length >= shortest_row && length <= longest_short_row;
}
template <class T, class Source, int length>
void load_rows(const char* source, Extent down, Extent across, std::size_t rows, T* out) {
    for (std::size_t row = 0; row < rows; ++row, source += down, out += length)
        for (int i = 0; i < length; ++i)
            out[i] = static_cast<T>(*reinterpret_cast<const Source*>(source + i * across));
}
template <class T, class Source>
void load_short_rows(const char* source, Extent length, Extent down, Extent across,
                     std::size_t rows, T* out) {
    switch (length) {
        case 2: return load_rows<T, Source, 2>(source, down, across, rows, out);
        case 3: return load_rows<T, Source, 3>(source, down, across, rows, out);
        case 4: return load_rows<T, Source, 4>(source, down, across, rows, out);
        case 5: return load_rows<T, Source, 5>(source, down, across, rows, out);
        case 6: return load_rows<T, Source, 6>(source, down, across, rows, out);
        case 7: return load_rows<T, Source, 7>(source, down, across, rows, out);
        default: return load_rows<T, Source, 8>(source, down, across, rows, out);
    }
}

// All elements from this axis on. What is broadcast is loaded once and copied.
template <class T, class Source>
T* fill(const char* source, const Extent* shape, const Extent* strides, std::uint32_t axis,
        std::uint32_t rank, T* out) {
    const auto length = static_cast<std::size_t>(shape[axis]);
    if (axis + 1 == rank) {
        load_row<T, Source>(source, strides[axis], length, out);
        return out + length;
    }
    if (strides[axis] == 0 && length > 1) {
        T* end = fill<T, Source>(source, shape, strides, axis + 1, rank, out);
        const auto one = static_cast<std::size_t>(end - out), all = one * length;
        for (std::size_t done = one; done < all;) {
            const std::size_t more = std::min(done, all - done);
            std::memcpy(out + done, out, more * sizeof(T));
            done += more;
        }
        return out + all;
    }
    if (axis + 2 == rank && short_row(shape[axis + 1])) {
        load_short_rows<T, Source>(source, shape[axis + 1], strides[axis], strides[axis + 1],
                                   length, out);
        return out + length * static_cast<std::size_t>(shape[axis + 1]);
    }
    for (std::size_t i = 0; i < length; ++i, source += strides[axis])
        out = fill<T, Source>(source, shape, strides, axis + 1, rank, out);
    return out;
}

// Axes that lie as one under an operand are one; those of length one are none.
struct Merged {
    Extent shape[64], strides[64];
    std::uint32_t rank = 0;

    Merged(const Extent* own_shape, const Extent* own_strides, std::uint32_t own_rank) {
        for (std::uint32_t axis = 0; axis < own_rank; ++axis) {
            if (own_shape[axis] == 1) continue;
            if (rank > 0 && strides[rank - 1] == own_strides[axis] * own_shape[axis])
                shape[rank - 1] *= own_shape[axis];
            else
                shape[rank++] = own_shape[axis];
            strides[rank - 1] = own_strides[axis];
        }
    }
};

// Elements [start, start + count) of a shape, in C order, from any layout.
template <class T, class Source>
void load(const char* base, const Extent* own_shape, const Extent* own_strides,
          std::uint32_t own_rank, std::size_t start, std::size_t count, T* out) {
    const Merged merged(own_shape, own_strides, own_rank);
    const Extent* shape = merged.shape;
    const Extent* strides = merged.strides;
    const std::uint32_t rank = merged.rank;
    if (rank == 0) {
        std::fill_n(out, count, static_cast<T>(*reinterpret_cast<const Source*>(base)));
        return;
    }
    // Whole parts from some axis on, where the block begins and ends with one.
    std::uint32_t whole = rank;
    std::size_t part = 1;
    for (std::size_t size = 1; whole > 0;) {
        size *= static_cast<std::size_t>(shape[whole - 1]);
        if (size > count || start % size != 0 || count % size != 0) break;
        part = size;
        --whole;
    }
    if (whole + 1 < rank) {
        for (std::size_t done = 0; done < count; done += part) {
            std::size_t rest = (start + done) / part;
            const char* place = base;
            for (std::uint32_t axis = whole; axis-- > 0;) {
                const auto length = static_cast<std::size_t>(shape[axis]);
                place += static_cast<Extent>(rest % length) * strides[axis];
                rest /= length;
            }
            out = fill<T, Source>(place, shape, strides, whole, rank, out);
        }
        return;
    }
    Extent index[64];
    std::size_t rest = start;
    const char* row = base;
    for (std::uint32_t axis = rank; axis-- > 0;) {
        const auto length = static_cast<std::size_t>(shape[axis]);
        index[axis] = static_cast<Extent>(rest % length);
        rest /= length;
        row += index[axis] * strides[axis];
    }
    const std::uint32_t last = rank - 1;
    const auto length = static_cast<std::size_t>(shape[last]);
    const bool few = rank > 1 && short_row(shape[last]);
    while (count > 0) {
        std::size_t rows = 1;
        if (few && index[last] == 0 && count >= length) {
            rows = std::min(count / length,
                            static_cast<std::size_t>(shape[last - 1] - index[last - 1]));
            load_short_rows<T, Source>(row, shape[last], strides[last - 1], strides[last], rows,
                                       out);
            out += rows * length;
            count -= rows * length;
        } else {
            const std::size_t here =
                std::min(count, length - static_cast<std::size_t>(index[last]));
            load_row<T, Source>(row, strides[last], here, out);
            out += here;
            count -= here;
            row -= index[last] * strides[last];
            index[last] = 0;
        }
        auto steps = static_cast<Extent>(rows);
        for (std::uint32_t axis = last; axis-- > 0; steps = 1) {
            row += steps * strides[axis];
            if ((index[axis] += steps) < shape[axis]) break;
            row -= index[axis] * strides[axis];
            index[axis] = 0;
        }
    }
}

template <class T>
void load(DType dtype, const char* base, const Extent* shape, const Extent* strides,
          std::uint32_t rank, std::size_t start, std::size_t count, T* out) {
    switch (dtype) {
#define READABLE(NAME, TYPE) \
    case DType::NAME: return load<T, TYPE>(base, shape, strides, rank, start, count, out);
#include "ops/dtypes.def"
        default: return;
    }
}

// The same of an array in C order without gaps.
template <class T>
void load_flat(DType dtype, const char* base, std::size_t start, std::size_t count, T* out) {
    switch (dtype) {
#define READABLE(NAME, TYPE) \
    case DType::NAME:        \
        return load_row<T, TYPE>(base + start * sizeof(TYPE), sizeof(TYPE), count, out);
#include "ops/dtypes.def"
        default: return;
    }
}

template <class Item, class T>
void store_as(const T* x, std::size_t count, char* out) {
    auto* items = reinterpret_cast<Item*>(out);
    if constexpr (dtype_for<Item> == DType::Bool) {
        // Of 0 and 1, which is what a register of truths holds, one bit tells.
        using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
        for (std::size_t i = 0; i < count; ++i)
            items[i] =
                static_cast<unsigned char>(std::bit_cast<Bits>(x[i]) >> (8 * sizeof(T) - 3) & 1);
    } else {
        for (std::size_t i = 0; i < count; ++i) items[i] = static_cast<Item>(x[i]);
    }
}

template <class T>
void store(DType dtype, const T* x, std::size_t count, char* out) {
    switch (dtype) {
#define READABLE(NAME, TYPE) \
    case DType::NAME: return store_as<TYPE>(x, count, out);
#include "ops/dtypes.def"
        default: return;
    }
}

}  // namespace
}  // namespace fastad::program
