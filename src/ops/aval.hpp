// What is known of a result before it is computed: dtype and shape, from those of the operands and
// from static parameters. An elementwise operation has NumPy's promotion and broadcasting; a
// structural one has the rule of its block.
#pragma once

#include "ops/op.hpp"

namespace fastad {

struct Aval {
    DType dtype = DType::Float64;
    int rank = 0;
    Extent shape[most_axes];

    Meta meta() const noexcept { return {dtype, true, rank, shape}; }
    void take_shape(const Meta& meta) noexcept;
    // False where there is no room for one more axis.
    bool insert(int axis, Extent length) noexcept;
    void erase(int axis) noexcept;
    // The shape with this one broadcast beside it; false where they do not fit.
    bool broadcast(const Meta& meta) noexcept;
};

// The dtype that NumPy's promotion gives these operands. Of Python's numbers, which decide none
// beside others, it takes the kind.
class Promotion {
  public:
    void add(const Value& operand, const Meta& meta);
    // The same where Python's numbers become arrays first, of types of their own.
    void add(DType dtype) noexcept { join(strong_, dtype); }
    // False where it is not known here: of types that only the host knows, or where an older NumPy
    // looks at the values.
    bool dtype(DType& result) const noexcept;

  private:
    struct Common {
        bool any = false;
        DType dtype = DType::Bool;
    };
    void join(Common& common, DType dtype) noexcept;

    Common strong_, weak_, scalars_;  // the last: numbers and zero-dimensional arrays, by value
    bool known_ = true, small_ = true;
};

// False where the rule does not know: the arguments are wrong, which is for the host to say, or of
// a type or form that only the host knows. Values are read without boxes.
bool aval_of(const Op& op, const Value* values, std::size_t count, Aval& result);

// ---- words of the rules in blocks
namespace avals {

// An operand's own, or its elements' parts if they are complex.
bool same(const Call& call, Aval& result);
bool component(const Call& call, Aval& result);
// Broadcast together and promoted, by the loop that the host has for that.
bool elementwise(const Call& call, Aval& result);
// Broadcast together, promoted from this operand on.
bool chosen(const Call& call, std::size_t first, Aval& result);
// The axes that an argument names, one bit each; of none all of them. False where NumPy has an
// error for it.
bool axes(const Value& argument, int rank, std::uint64_t& mask);
// One axis; where there is no argument, the first.
bool axis(const Value& argument, int rank, int& number);
// A flag, such as keepdims; false if none is given.
bool flag(const Value& argument, bool& value);
// What a reduction leaves, with axes of length one where they are kept.
bool reduced(const Call& call, std::size_t axis, std::size_t keepdims, Aval& result);

}  // namespace avals
}  // namespace fastad
