// The reverse sweep: backwards over the flat tape, cotangents accumulated in place.
#pragma once

#include <vector>

#include "reverse/tape.hpp"

namespace fastad {

struct Seed {
    std::uint32_t entry;
    Value cotangent;  // already a cotangent of that entry: same shape and dtype
};

// Cotangents of the inputs, empty where none arrived. A consuming sweep drops what the tape keeps
// as it goes, and the tape cannot be swept again.
std::vector<Value> reverse(Tape& tape, std::vector<Seed> seeds,
                           const std::vector<std::uint32_t>& inputs, bool consume);

// Whether what is asked of a sweep now (strict zeros, debugging, an audit) only the one of a single
// cotangent, or tangent, does.
bool one_by_one(const Tape& tape);
// Several cotangents in one sweep: each seed has a leading axis of this width, and so have the
// results. False if the tape holds what only the one-by-one sweep can do (boxed operands, complex
// numbers ...).
bool reverse_batch(Tape& tape, const std::vector<Seed>& seeds, Extent width,
                   const std::vector<std::uint32_t>& inputs, std::vector<Value>& results);

// Whether a Jacobian of this width is worth a batch where operands are boxes of lower levels.
bool worth_tracing(Tape& tape, std::uint32_t entries, Extent width);
// A batch where they are, through the gate.
bool traced_batch(Tape& tape, const std::vector<Seed>& seeds, Extent width,
                  const std::vector<std::uint32_t>& inputs, std::vector<Value>& results);

// The Jacobian of one entry, all rows: for each input an array with the rows along its first axis,
// in C order of the entry's elements; empty where it does not depend on the input. As many rows are
// swept together as the cotangents have room in the cache. False as for reverse_batch().
bool reverse_rows(Tape& tape, std::uint32_t entry, const std::vector<std::uint32_t>& inputs,
                  std::vector<Value>& results);

// Throws unless a registered rule's cotangent has its operand's shape, or the result's where the
// operand was broadcast to it.
void check_cotangent(const Op& op, const Value& vjps, std::size_t which, const Value& cotangent,
                     const Meta& target, const Meta& ans);

}  // namespace fastad
