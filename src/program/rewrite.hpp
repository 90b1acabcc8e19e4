// What makes a graph smaller where nodes are put in others' places.
#pragma once

#include "program/graph.hpp"

namespace fastad::program {

// The graph is a copy of a recording, which is there still, and has other nodes afterwards: what a
// program knows of a node when it runs stands in its plan. Results equal those of the graph as it
// was, bit for bit but for quotients that become products.
void rewrite(Graph& graph);

}  // namespace fastad::program
