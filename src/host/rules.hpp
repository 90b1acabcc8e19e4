// What the core asks of its host about operations: to run one, and the rules registered there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "host/arrays.hpp"

namespace fastad {

struct Op;

// How an elementwise operation was written. Between scalars NumPy's functions and Python's
// operators differ in bits and types; rules keep what decides no dtype, as operators do.
enum class Form : std::uint8_t { Rule, Operator, Function };

namespace host {

// The operation on values without boxes. kwnames is the host's tuple of keyword names for the last
// values, or null.
Value apply(const Op& op, const Value* values, std::size_t count, Object* kwnames, Form form);
// The type of what an elementwise operation gives of operands of this type; false where it has no
// loop for them.
bool loop_dtype(const Op& op, DType operands, DType& result) noexcept;
// Rules that the host's user registered. The first is called when an operation is recorded and
// gives a handle with one vjp for each argnum; the second runs one.
Value make_vjps(const Op& op, const std::vector<std::size_t>& argnums, const Value& ans,
                const Value* values, std::size_t count, Object* kwnames);
Value call_vjp(const Op& op, const Value& vjps, std::size_t which, const Value& g);
Value call_jvp(const Op& op, std::size_t argnum, const Value& tangent, const Value& ans,
               const Value* values, std::size_t count, Object* kwnames);
// A batch through a vjp, with a leading axis: cotangents backwards, where it is one that maps all
// rows at once, or tangents of its argument forwards, if need be by the vjp of the vjp, which is
// linear: `like` is then some cotangent of the result. Empty where that cannot be.
Value map_rows(const Value& vjps, std::size_t which, const Value& cotangents);
Value map_columns(const Value& vjps, std::size_t which, const Value& tangents, const Value& like);
[[noreturn]] void wrong_cotangent(const Op& op, const Value& vjps, std::size_t which,
                                  const Value& cotangent, const Meta& expected);

// Of a registered elementwise operation (Op::pointwise): whether its partial derivative by this
// argument is known as a formula for operands of this type, and which of them that reads (one bit
// each, and one behind them for the result).
bool partial_known(const Op& op, std::size_t argument, DType dtype, std::uint32_t& reads);
// That derivative for `count` operands and behind them the result, each a number or an array in C
// order of `size` elements, written to `out`. False where the formulas' conditions do not hold.
bool partial(const Op& op, std::size_t argument, const Value* values, std::size_t count,
             DType dtype, std::size_t size, void* out);
// Whether such an operation is one along axes of its first operand, all elements of which take part
// in each of its result's: its formulas are those of the cotangent. Whether these are for such
// operands and such a result; and what comes back for a cotangent, written to `out`, the result
// behind the operands.
bool along_axes(const Op& op) noexcept;
bool suits_along(const Op& op, const Value* values, std::size_t count, const Value& ans);
bool cotangent_along(const Op& op, const Value* values, std::size_t count, const Value& g,
                     double* out);

// What a registered operation (Op::composed) is composed of, on boxes; empty where it is not for
// these.
Value composed(const Op& op, const Value* values, std::size_t count);

// Whether the result of this operation is a container of more than one level, which only its leaves
// can be recorded of.
bool has_parts(const Op& op, const Value& ans);
// Throws if a registered primitive's result is nothing that can be boxed.
void check_result(const Op& op, const Value& ans);

}  // namespace host
}  // namespace fastad
