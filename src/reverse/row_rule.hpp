// One row of a batch through the rule of one: where an operation has none for a batch.
#pragma once

#include "reverse/sweep.hpp"

namespace fastad {

class RowRule {
  public:
    RowRule(const Record& record, const Call& call, const Value* kept, std::size_t argnum);
    // The operand's cotangent for one of the result, or for a row of a batch of them; empty where
    // there is none.
    Value operator()(const Value& g, const Meta& target) const;
    Value operator()(const Value& batch, std::size_t row, const Meta& target) const;

  private:
    const Record& record_;
    const Call& call_;
    const Value* kept_;
    std::size_t argnum_, which_;
    Value vjps_;
};

}  // namespace fastad
