// Prints of the arrays that a tape reads where they lie: whether one was changed before its sweep.
//
// An array has one only where somebody else can see it: an input, a constant, a view of either, a
// result that was given away. What only the tape and its boxes hold needs none.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "ops/op.hpp"

namespace fastad {

// What is said of an array that was changed, with the place of the operation if it is known.
std::string changed_text(const Op& op, bool result, std::size_t argument, const std::string& where);

class Prints {
  public:
    static constexpr std::uint32_t result = std::numeric_limits<std::uint32_t>::max();

    // Of what lies at this place of the tape's list of kept values. `held` is given where the list
    // does not hold the array itself, but a rule does.
    void add(std::uint32_t place, std::uint32_t argument, const Value& value, bool held = false);
    // As add(), for a place before those that were added last; none is made twice.
    void insert(std::uint32_t place, std::uint32_t argument, const Value& value);
    // Where a sweep, which goes backwards, stands: how many prints it has not passed yet, and the
    // array looked at last, which nobody changes until code of the host's runs again.
    struct Cursor {
        std::size_t left = 0;
        const Object* seen = nullptr;
        std::uint64_t sample = 0;
    };
    Cursor begin() const noexcept { return {prints_.size(), nullptr, 0}; }
    // Throws if an array at these places is not what it was.
    void verify(const Op& op, Value* kept, std::uint32_t first, std::uint32_t last, Cursor& cursor,
                bool consume) {
        if (cursor.left > 0 && prints_[cursor.left - 1].place >= first)
            compare(op, kept, first, last, cursor, consume);
        if (op.kind() == OpKind::Foreign) cursor.seen = nullptr;
    }
    std::size_t bytes() const noexcept { return prints_.size() * sizeof(Print); }
    void clear() noexcept;

  private:
    struct Print {
        std::uint32_t place;
        std::uint32_t argument;  // the operand's number, or `result`
        Value held;              // empty: the array is at its place
        std::uint64_t sample;
    };
    void compare(const Op& op, Value* kept, std::uint32_t first, std::uint32_t last, Cursor& cursor,
                 bool consume);

    std::vector<Print> prints_;  // by place
};

}  // namespace fastad
