// The files of structural operations, each of which fills its part of the table.
#pragma once

#include "ops/op.hpp"

namespace fastad::blocks {

void fill_reductions(Op* table);
void fill_shapes(Op* table);
void fill_joins(Op* table);
void fill_indexing(Op* table);
void fill_products(Op* table);
void fill_complex(Op* table);

using enum Argument;

// The batch rule where the rule itself works element by element, so that leading axes of g pass.
template <auto rule>
Value by_element(const Call& call, std::size_t argnum, const Value& g, Extent) {
    return rule(call, argnum, g);
}

// All that is known of one structural operation.
struct Block : Structural, Facts {
    InProgram program = InProgram::Call;
};
inline void enter(Op* table, Code code, const Block& block) {
    Op& op = table[static_cast<std::size_t>(code)];
    op.structural = block;
    static_cast<Facts&>(op) = block;
    op.program = block.program;
}

}  // namespace fastad::blocks
