// Where values lie: slots, buffers and their layouts.
#include <algorithm>
#include <cstring>

#include "host/programs.hpp"
#include "program/schedule.hpp"

namespace fastad::program {

std::uint32_t Scheduler::constant_slot(double number) {
    std::uint64_t bits;
    std::memcpy(&bits, &number, sizeof bits);
    const auto [found, added] =
        number_slots_.try_emplace(bits, static_cast<std::uint32_t>(plan_.numbers.size()));
    if (added) plan_.numbers.push_back(number);
    return found->second;
}

std::uint32_t Scheduler::slot_of(Id operand) {
    double value;
    if (is_constant(operand)) {
        number(operand, value);
        return constant_slot(value);
    }
    return plan_.where[operand].index;
}

namespace {

// Where a list stands among others, or is added to them: programs have few different ones.
std::uint32_t add_once(std::unordered_multimap<std::uint64_t, std::uint32_t>& known,
                       std::vector<Extent>& all, const Extent* own, std::size_t count) {
    std::uint64_t hash = count;
    for (std::size_t i = 0; i < count; ++i)
        hash = (hash ^ static_cast<std::uint64_t>(own[i])) * 0x100000001B3u + (hash >> 29);
    for (auto [at, end] = known.equal_range(hash); at != end; ++at)
        if (at->second + count <= all.size() &&
            std::equal(own, own + count, all.data() + at->second))
            return at->second;
    const auto first = static_cast<std::uint32_t>(all.size());
    const std::vector<Extent> copy(own, own + count);  // it may be one of them
    all.insert(all.end(), copy.begin(), copy.end());
    known.emplace(hash, first);
    return first;
}

}  // namespace

std::uint32_t Scheduler::add_strides(const std::vector<Extent>& strides) {
    return add_once(known_strides_, plan_.strides, strides.data(), strides.size());
}

// The strides of an array in C order.
std::uint32_t Scheduler::add_c_order(const Meta& meta, DType dtype) {
    std::vector<Extent> strides(static_cast<std::size_t>(meta.rank));
    auto stride = static_cast<Extent>(native_size(dtype));
    for (int axis = meta.rank; axis-- > 0;) {
        strides[static_cast<std::size_t>(axis)] = stride;
        stride *= meta.shape[axis];
    }
    return add_strides(strides);
}

std::uint32_t Scheduler::add_extents(const Extent* shape, int rank) {
    return add_once(known_extents_, plan_.extents, shape, static_cast<std::size_t>(rank));
}

Address Scheduler::address(const Where& where) const {
    if (where.kind == Where::Kind::Slot)
        return {Address::slots, static_cast<Extent>(where.index * sizeof(double))};
    return {where.index + Address::first_buffer, where.offset};
}

void Scheduler::use(const Where& where) {
    if (where.kind == Where::Kind::Memory)
        plan_.buffers[where.index].dies = static_cast<std::uint32_t>(plan_.steps.size());
}

// An array, where it lies; constants where their owner keeps them.
Where Scheduler::memory_of(Id operand) {
    if (!is_constant(operand)) return plan_.where[operand];
    const std::uint32_t c = constant_index(operand);
    const View view = host::describe(graph_.constants[c]);
    if (constant_buffers_[c] == no_id) {
        Buffer buffer;
        buffer.source = Buffer::Source::Constant;
        buffer.index = c;
        buffer.bytes = view.size * native_size(view.dtype);
        constant_buffers_[c] = static_cast<std::uint32_t>(plan_.buffers.size());
        plan_.buffers.push_back(buffer);
        plan_.constants.push_back(
            {c, constant_spaces_[c], add_strides({view.strides, view.strides + view.rank})});
    }
    Where where;
    where.kind = Where::Kind::Memory;
    where.index = constant_buffers_[c];
    where.contiguous = view.contiguous;
    where.strides = add_strides({view.strides, view.strides + view.rank});
    return where;
}

// Room for the node's own value: in the result where it is one, or a part of one, else in the
// arena.
Where Scheduler::new_memory(Id id, std::size_t bytes) {
    const Space& space = graph_.space_of(id);
    const Meta meta = graph_.meta(space);
    const bool itself =
        space.holder == Holder::Array && bytes == meta.size() * native_size(space.dtype);
    Where where;
    where.kind = Where::Kind::Memory;
    where.strides = add_c_order(meta, space.dtype);
    if (const auto seat = seats_.find(id); seat != seats_.end() && itself) {
        const auto [whole, offset] = seat->second;
        if (plan_.where[whole].kind == Where::Kind::Nowhere)
            plan_.where[whole] =
                new_memory(whole, graph_.meta_of(whole).size() * native_size(space.dtype));
        use(plan_.where[whole]);
        where.index = plan_.where[whole].index;
        where.offset = plan_.where[whole].offset + offset;
        return where;
    }
    Buffer buffer;
    buffer.node = id;
    buffer.bytes = bytes;
    buffer.born = buffer.dies = static_cast<std::uint32_t>(plan_.steps.size());
    if (is_output_[id] && itself) {
        buffer.source = Buffer::Source::Output;
        buffer.space = graph_.nodes[id].space;
        for (std::uint32_t i = 0; i < graph_.outputs.size(); ++i)
            if (graph_.outputs[i] == id) {
                buffer.index = i;
                break;
            }
    }
    where.index = static_cast<std::uint32_t>(plan_.buffers.size());
    plan_.buffers.push_back(buffer);
    return where;
}

std::vector<Extent> Scheduler::strides_of(const Where& where, const Meta& meta) const {
    return {plan_.strides.begin() + where.strides,
            plan_.strides.begin() + where.strides + meta.rank};
}

// An operand's place for each element of a shape that it is broadcast to.
std::vector<Extent> Scheduler::spread_strides(Id operand, const Meta& target) {
    const Where where = memory_of(operand);
    Meta own;
    if (is_constant(operand)) {
        const View view = host::describe(graph_.constants[constant_index(operand)]);
        own.rank = view.rank;
        own.shape = view.shape;
    } else {
        own = graph_.meta_of(operand);
    }
    std::vector<Extent> strides(static_cast<std::size_t>(target.rank), 0);
    const int extra = target.rank - own.rank;
    for (int axis = 0; axis < own.rank; ++axis)
        if (own.shape[axis] != 1)
            strides[static_cast<std::size_t>(axis + extra)] =
                plan_.strides[where.strides + static_cast<std::uint32_t>(axis)];
    return strides;
}

}  // namespace fastad::program
