// Loops over numbers, one table for each instruction set; chosen once, at run time: values of
// elementwise operations, their fused adjoints, and what reductions need.
#pragma once

#include <cstddef>

#include "ops/op.hpp"

namespace fastad {

// out[i] (+)= g[i] * d(x[i], y[i], ans[i]) over unit strides. Operands that the rule does not read
// may be null.
template <class T>
using AdjointLoop = void (*)(std::size_t n, const T* g, const T* x, const T* y, const T* ans,
                             T* out, bool accumulate);

// out[i] = g[i] * d(x[i], y[i], ans[i]), and slope[i] its tangent: in[] holds g, x, y and ans, each
// with its tangent behind it; null for an operand that the rule does not read. Neither output is an
// operand. False where the rule's operations are to be used, and what was written is void.
template <class T>
using DualLoop = bool (*)(std::size_t n, const T* const* in, T* out, T* slope);

// out[i] = f(x[i], y[i]); tests give 0 and 1. out may be an operand.
template <class T>
using ValueLoop = void (*)(std::size_t n, const T* x, const T* y, T* out);
// Which operands of a ValueLoop are one number for all elements.
enum class Spread : std::uint8_t { Neither, X, Y };

template <class T>
struct LoopTable {
    AdjointLoop<T> adjoint[elementwise_operations][2];
    DualLoop<T> dual[elementwise_operations][2];
    ValueLoop<T> value[elementwise_operations][3];  // by Spread; one operand: Neither only
    // A function of one operand and its derivative, where one of them is had from the other; else
    // null. The value is that of the loop above; out and derivative are no operands.
    void (*both[elementwise_operations])(std::size_t n, const T* x, T* out, T* derivative);
    void (*add)(std::size_t n, const T* source, T* target);  // target += source
    void (*scale)(std::size_t n, T factor, const T* source, T* target, bool accumulate);
    T (*sum)(std::size_t n, const T* source);         // in eight lanes, as NumPy sums
    double (*total)(std::size_t n, const T* source);  // in eight lanes of double
    bool (*finite)(std::size_t n, const T* x);        // whether all are
    // The adjoint of an extremum of x[before][length][after] along the middle axis:
    // out (+)= g * (x == ans) / number of ties. NaN where nothing equals ans, which is then NaN.
    void (*extremum)(std::size_t before, std::size_t length, std::size_t after, const T* x,
                     const T* ans, const T* g, T* out, bool accumulate);
};

struct Kernels {
    const char* instruction_set;
    LoopTable<double> float64;
    LoopTable<float> float32;

    template <class T>
    const LoopTable<T>& loops() const noexcept {
        if constexpr (dtype_for<T> == DType::Float64)
            return float64;
        else
            return float32;
    }
};

const Kernels& kernels() noexcept;
// Names the set to use ("baseline", "avx2", "avx512"); false if this machine does not have it.
bool use_kernels(const char* instruction_set) noexcept;

}  // namespace fastad
