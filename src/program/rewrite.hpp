// What makes a graph smaller where nodes are put in others' places.
#pragma once

#include <optional>

#include "program/graph.hpp"

namespace fastad::program {

// The graph is a copy of a recording, which is there still, and has other nodes afterwards: what a
// program knows of a node when it runs stands in its plan. Results equal those of the graph as it
// was, bit for bit but for quotients that become products.
void rewrite(Graph& graph);

// The number that all elements of an array are which nobody but the recording holds, such as the
// cotangent of a sum, so that it cannot change. It is a constant of a graph and of the recording
// that the graph is a copy of.
std::optional<double> number_everywhere(const Value& constant);

}  // namespace fastad::program
