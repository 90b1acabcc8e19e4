// Many tangents forwards over a recorded tape: the walk, and what each record makes of them.
//
// Every tangent has a leading axis of the batch's width. Elementwise records run over one more
// axis, along which the kept operands have stride 0; a block of the table may say what a structural
// operation does with it, and is asked for one tangent after the other where it does not.
#pragma once

#include <cstdint>
#include <vector>

#include "reverse/tape.hpp"

namespace fastad {

// Found in the middle: something has no tangent here after all.
struct NoColumns {};

class ForwardSweep {
  public:
    ForwardSweep(Tape& tape, std::uint32_t output)
        : tape_(tape), output_(output), needed_(output + 1), last_use_(output + 1) {}

    // Goes backwards over what the output depends on. False if something has no tangent here.
    bool prepare();
    std::size_t largest() const noexcept { return largest_; }
    bool depends_on(std::uint32_t entry) const { return entry <= output_ && needed_[entry]; }
    // Whether operands are boxes of lower levels: a step on those goes through the gate.
    bool traced() const noexcept { return traced_; }

    void clear() {
        tangents_.assign(output_ + 1, Value());
        numbers_.assign(output_ + 1, nowhere);
        room_.clear();
        free_.clear();
    }
    // A unit tangent for each of these elements of an input.
    void seed(std::uint32_t input, std::size_t first, std::size_t count, std::size_t row,
              Extent width);
    // The tangents of the output; empty where none arrived.
    Value run(Extent width);

  private:
    template <class Function>
    void each_operand(std::uint32_t i, Function&& function) const;
    void element(std::uint32_t i, const Entry& entry, Extent width);
    Value of_record(const Record& record, const Meta& meta, Extent width);
    void scaled_sum(std::uint32_t i, const Entry& entry, Extent width);
    bool reached(std::uint32_t i) const noexcept {
        return numbers_[i] != nowhere || !tangents_[i].empty();
    }
    // Room for the tangents of a number; what was given before may move.
    double* place(std::uint32_t i, Extent width);
    // The tangents of any entry as an array.
    Value array_of(std::uint32_t i, Extent width);
    void forget(std::uint32_t i) {
        tangents_[i] = Value();
        if (numbers_[i] != nowhere) free_.push_back(numbers_[i]);
        numbers_[i] = nowhere;
    }
    Value of_maps(const Value& vjps, const std::vector<Value>& tangents,
                  const std::vector<Meta>& metas, const Meta& meta);
    Value scaled(const Record& record, const std::vector<Value>& tangents,
                 const std::vector<Meta>& metas, const Meta& meta, Extent width);

    Tape& tape_;
    std::uint32_t output_;
    std::vector<std::uint8_t> needed_;
    std::vector<std::uint32_t> last_use_;
    std::vector<Value> tangents_;
    // Those of numbers lie in rows of one room, without an array for each.
    static constexpr std::size_t nowhere = ~std::size_t{0};
    std::vector<std::size_t> numbers_;  // where in the room
    std::vector<double> room_;
    std::vector<std::size_t> free_;
    std::size_t largest_ = 1;
    bool traced_ = false;
};

}  // namespace fastad
