// Element types, from the list in ops/dtypes.def.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastad {

enum class DType : std::uint8_t {
#define DTYPE(NAME, TEXT, NUMBER, BYTES) NAME,
#include "ops/dtypes.def"
    IntOther,  // integers of other widths
    Other      // what only the host knows
};

inline bool is_complex(DType dtype) noexcept {
    return dtype >= DType::Complex128 && dtype <= DType::ComplexLong;
}

inline bool is_inexact(DType dtype) noexcept { return dtype <= DType::ComplexLong; }

// The real type of an inexact type's precision, and the complex one.
inline DType real_dtype(DType dtype) noexcept {
    switch (dtype) {
        case DType::Complex128: return DType::Float64;
        case DType::Complex64: return DType::Float32;
        case DType::ComplexLong: return DType::LongDouble;
        default: return dtype;
    }
}
inline DType complex_dtype(DType dtype) noexcept {
    switch (real_dtype(dtype)) {
        case DType::LongDouble: return DType::ComplexLong;
        case DType::Float64: return DType::Complex128;
        default: return DType::Complex64;
    }
}

// The type of the cotangent of a value of this type.
inline DType cotangent_dtype(DType dtype) noexcept {
    return dtype >= DType::Bool && dtype <= DType::IntOther ? DType::Float64 : dtype;
}

// The element type of a C++ type that kernels read.
template <class T>
inline constexpr DType dtype_for = DType::Other;
#define READABLE(NAME, TYPE) \
    template <>              \
    inline constexpr DType dtype_for<TYPE> = DType::NAME;
#include "ops/dtypes.def"

// Whether kernels read elements of this type.
inline bool is_readable(DType dtype) noexcept {
    switch (dtype) {
#define READABLE(NAME, TYPE) case DType::NAME:
#include "ops/dtypes.def"
        return true;
        default: return false;
    }
}

inline const char* dtype_name(DType dtype) noexcept {
    switch (dtype) {
#define DTYPE(NAME, TEXT, NUMBER, BYTES) \
    case DType::NAME: return TEXT;
#include "ops/dtypes.def"
        case DType::IntOther: return "integer";
        case DType::Other: break;
    }
    return "object";
}

// Bytes of one element; of types that are not in the list, a pointer's.
inline std::size_t item_size(DType dtype) noexcept {
    switch (dtype) {
#define DTYPE(NAME, TEXT, NUMBER, BYTES) \
    case DType::NAME: return BYTES;
#include "ops/dtypes.def"
        default: return 8;
    }
}

}  // namespace fastad
