// Columns of a Jacobian: many tangents forwards over a recorded tape.
#pragma once

#include <vector>

#include "reverse/tape.hpp"

namespace fastad {

// The Jacobian of one output by each of the inputs, as arrays of shape out.shape + in.shape (an
// input that it does not depend on: empty), from sweeps forwards over the tape with as many columns
// at a time as take up to most_bytes an entry. False if the tape holds what has no tangents there:
// registered primitives, boxed operands, anything but float64.
bool forward_columns(Tape& tape, std::uint32_t output, const std::vector<std::uint32_t>& inputs,
                     std::size_t most_bytes, std::vector<Value>& results);

}  // namespace fastad
