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
// Rules that the host's user registered. The first is called when an operation is recorded and
// gives a handle with one vjp for each argnum; the second runs one.
Value make_vjps(const Op& op, const std::vector<std::size_t>& argnums, const Value& ans,
                const Value* values, std::size_t count, Object* kwnames);
Value call_vjp(const Op& op, const Value& vjps, std::size_t which, const Value& g);
Value call_jvp(const Op& op, std::size_t argnum, const Value& tangent, const Value& ans,
               const Value* values, std::size_t count, Object* kwnames);
[[noreturn]] void wrong_cotangent(const Op& op, const Value& vjps, std::size_t which,
                                  const Value& cotangent, const Meta& expected);

// Whether the result of this operation is a container of more than one level, which only its leaves
// can be recorded of.
bool has_parts(const Op& op, const Value& ans);
// Throws if a registered primitive's result is nothing that can be boxed.
void check_result(const Op& op, const Value& ans);

}  // namespace host
}  // namespace fastad
