// Memory of the pool for results that NumPy's functions write: as large as the table says that they
// will be.
#pragma once

#include "ops/aval.hpp"
#include "python/hosted.hpp"

namespace fastad::python {

// Whether the result of these operands can be a large one at all: a quick look, before the rule is
// asked.
bool may_be_large(const Value* values, std::size_t count) noexcept;
// A new array in the pool for the result, if that will be large and of a type that the operation
// computes in; else null. It lies in C order, so NumPy's own has to do so too.
Ref room_for(const Op& op, const Value* values, std::size_t count);
// The same in the order of axes that NumPy's iterators find in the operands' memory. Of each
// operand so many last axes, and of the result, are those of single matrices: in C order always.
Ref room_as_operands(const Op& op, const Value* values, std::size_t count,
                     const int* core = nullptr, int result_core = 0);
// The same where all operands lie in C order, so that the result of a loop, a reduction or a copy
// does.
Ref room_in_order(const Op& op, const Value* values, std::size_t count);

// A new array whose memory has these strides, all of it once.
PyObject* new_laid_out(int type_number, int rank, const npy_intp* shape, const npy_intp* strides);

}  // namespace fastad::python
