// Registered elementwise operations on values without boxes, whose partial derivatives the host has
// as formulas; and operations along axes.
#pragma once

#include "ops/op.hpp"

namespace fastad::pointwise {

// Whether formulas give the derivatives by all of the operands that are wanted (one bit each):
// operands and result are numbers, or arrays in C order of one shape and type beside numbers.
bool suits(const Op& op, const Value* inner, std::size_t count, const Value& ans,
           std::uint32_t wanted);
// Which operands the derivatives by those wanted read; one bit behind them stands for the result.
std::uint32_t reads(const Op& op, std::size_t count, DType dtype, std::uint32_t wanted);
// The partial derivative for operands that suit, the result behind them; empty where the formulas
// hold under other conditions. `room` is a new array of the result's, if that is one.
Value partial(const Op& op, std::size_t argument, const Value* values, std::size_t count,
              const Meta& meta, Value room);

// Of one along axes (host::along_axes): what comes back to its first operand, of that shape; empty
// where no formula holds.
Value cotangent(const Op& op, const Value* kept, std::size_t count, const Value& g,
                const Meta& target, Value room);

}  // namespace fastad::pointwise
