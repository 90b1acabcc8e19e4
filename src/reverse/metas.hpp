// The spaces of a record's operands, as the rules see them.
#pragma once

#include "reverse/tape.hpp"

namespace fastad {

// Of operands on the tape, and of constants that a rule of a structural operation may ask for.
inline void metas_of(Tape& tape, const Record& record, Meta* metas) {
    const std::uint32_t* operands = tape.operands(record);
    const Value* kept = tape.kept(record);
    for (std::size_t k = 0; k < record.count; ++k) {
        if (operands[k] != Entry::none)
            metas[k] = tape.meta(operands[k]);
        else if (record.kind == OpKind::Structural && record.op->structural.differentiable(k) &&
                 !kept[k].empty())
            metas[k] = meta_of(kept[k]);
    }
}

}  // namespace fastad
