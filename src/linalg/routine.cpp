#include "linalg/routine.hpp"

#include <algorithm>

#include "linalg/invalid.hpp"

namespace fastad {

bool Routine::same_operands(const Routine& other) const noexcept {
    if (arguments != other.arguments || results != other.results) return false;
    for (std::size_t k = 0; k < arguments + results; ++k) {
        const Operand &a = operands[k], &b = other.operands[k];
        if (a.dtype != b.dtype || a.rank != b.rank || !std::equal(a.axes, a.axes + a.rank, b.axes))
            return false;
    }
    return true;
}

bool Routine::operator()(char** places, const Extent* lengths, const Extent* strides) const {
    for (const Routine* own = this; own; own = own->otherwise) {
        if (invalid_raised()) clear_all_flags();  // a loop of LAPACK takes an older one for its own
        own->run(places, lengths, strides, own->data);
        if (!invalid_raised()) return true;
    }
    return false;
}

bool fits(const Routine& routine, const Meta* arguments, RoutineShape& shape) noexcept {
    shape = {};
    shape.lengths[0] = 1;
    std::fill_n(shape.lengths + 1, Routine::most_names, Extent{-1});
    for (std::size_t k = 0; k < routine.arguments; ++k) {
        const Meta& given = arguments[k];
        const Routine::Operand& own = routine.operands[k];
        if (!given.array || given.dtype != own.dtype) return false;
        const int before = given.rank - own.rank;
        if (before < 0 || (before > 0 && !routine.stacks)) return false;
        if (k == 0) {
            shape.stack_rank = before;
            shape.stack = given.shape;
        } else if (before != shape.stack_rank ||
                   !std::equal(given.shape, given.shape + before, shape.stack)) {
            return false;
        }
        for (int axis = 0; axis < own.rank; ++axis) {
            Extent& length = shape.lengths[1 + own.axes[axis]];
            if (length < 0)
                length = given.shape[before + axis];
            else if (length != given.shape[before + axis])
                return false;
        }
    }
    if (routine.derived) shape.lengths[routine.names] = routine.derived(shape.lengths[1]);
    Extent longest = 0;
    for (std::size_t name = 0; name < routine.names; ++name) {
        if (shape.lengths[1 + name] <= 0) return false;
        longest = std::max(longest, shape.lengths[1 + name]);
    }
    for (int axis = 0; axis < shape.stack_rank; ++axis) shape.lengths[0] *= shape.stack[axis];
    if (shape.lengths[0] == 0) return false;
    std::size_t largest = 0;
    for (std::size_t k = 0; k < routine.arguments; ++k)
        largest = std::max(largest, shape.size_of(routine.operands[k]));
    shape.work = largest * static_cast<std::size_t>(longest);
    return true;
}

std::size_t RoutineShape::size_of(const Routine::Operand& operand) const noexcept {
    auto size = static_cast<std::size_t>(lengths[0]);
    for (int axis = 0; axis < operand.rank; ++axis)
        size *= static_cast<std::size_t>(lengths[1 + operand.axes[axis]]);
    return size;
}

int RoutineShape::shape_of(const Routine::Operand& operand, Extent* shape) const noexcept {
    std::copy_n(stack, stack_rank, shape);
    for (int axis = 0; axis < operand.rank; ++axis)
        shape[stack_rank + axis] = lengths[1 + operand.axes[axis]];
    return stack_rank + operand.rank;
}

void RoutineShape::strides_of(const Routine& routine, std::size_t operand, const Extent* given,
                              Extent* strides) const noexcept {
    const Routine::Operand& own = routine.operands[operand];
    const std::size_t count = routine.arguments + routine.results;
    std::size_t place = count;
    for (std::size_t k = 0; k < operand; ++k) place += routine.operands[k].rank;
    auto stride = static_cast<Extent>(item_size(own.dtype));
    for (int axis = own.rank; axis-- > 0;) {
        strides[place + static_cast<std::size_t>(axis)] =
            given && !stack_rank ? given[axis] : stride;
        stride *= lengths[1 + own.axes[axis]];
    }
    strides[operand] = stride;
}

}  // namespace fastad
