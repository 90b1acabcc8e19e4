// What makes a graph smaller where nodes are put in others' places.
#pragma once

#include "program/graph.hpp"

namespace fastad::program {

// Results equal those of the graph as it was, bit for bit but for quotients that become products.
void rewrite(Graph& graph);

}  // namespace fastad::program
