// What can be left out of a graph without a change of bits.
#pragma once

#include "program/graph.hpp"

namespace fastad::program {

// Common subexpressions, identities (x * 1, x - 0, casts to the own dtype): operands, guards and
// outputs are led past them. Returns for each node whether anything needs it.
std::vector<bool> simplify(Graph& graph);

// True if the operand is this number.
bool is_number(const Graph& graph, Id id, double number) noexcept;

// Whether a node's value is of the kind, type and shape that its operand has.
bool same_space(const Graph& graph, Id node, Id operand) noexcept;

}  // namespace fastad::program
