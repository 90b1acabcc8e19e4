// The elementwise adjoint out (+)= g * d(x, y, ans) over operands of any strides.
#pragma once

#include "ops/op.hpp"

namespace fastad {

// One operand: a view broadcast to the common shape, or a number.
struct Operand {
    const char* data = nullptr;
    DType dtype = DType::Float64;
    Extent strides[most_axes];  // bytes, one for each axis of the common shape
};

// Lays a raw value over a shape. False if a kernel cannot read it (unaligned, foreign type).
// The operand points into the value, which must stay where it is.
bool lay_out(const Value& value, const Extent* shape, int rank, Operand& operand) noexcept;
// The same for the output of a reduction: stride 0 along the axes that are summed.
void lay_out_target(char* data, const Meta& target, const Extent* shape, int rank, std::size_t item,
                    Operand& operand) noexcept;

// A raw array of doubles in C order: itself, or a copy. Empty for another type.
Value contiguous(const Value& value);
// Where the elements of such an array lie.
inline double* data_of(const Value& array) {
    return reinterpret_cast<double*>(host::describe(array).data);
}

// Computes in T. Operands that the rule does not read have null data. Along an axis where out has
// stride 0 the contributions are summed: out must then hold a value to accumulate into.
template <class T>
void elementwise_adjoint(Code code, std::size_t which, const Extent* shape, int rank,
                         const Operand& g, const Operand& x, const Operand& y, const Operand& ans,
                         const Operand& out, bool accumulate);

extern template void elementwise_adjoint<double>(Code, std::size_t, const Extent*, int,
                                                 const Operand&, const Operand&, const Operand&,
                                                 const Operand&, const Operand&, bool);
extern template void elementwise_adjoint<float>(Code, std::size_t, const Extent*, int,
                                                const Operand&, const Operand&, const Operand&,
                                                const Operand&, const Operand&, bool);

// The same of doubles for a batch, whose axis is the first: operands but g and out have no stride
// along it, so that the derivative is computed once for all rows. Releases the host's lock.
void batch_adjoint(Code code, std::size_t which, const Extent* shape, int rank, const Operand& g,
                   const Operand& x, const Operand& y, const Operand& ans, const Operand& out,
                   bool accumulate);

// out (+)= g: the adjoint of what only passes its operand on.
template <class T>
void pass_on(const Extent* shape, int rank, const Operand& g, const Operand& out, bool accumulate) {
    elementwise_adjoint<T>(Code::positive, 0, shape, rank, g, {}, {}, {}, out, accumulate);
}

}  // namespace fastad
