#include "program/plan.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <unordered_map>

#include "host/programs.hpp"
#include "program/rewrite.hpp"
#include "program/schedule.hpp"
#include "program/simplify.hpp"

namespace fastad::program {

namespace {

template <class T>
std::size_t bytes_of(const std::vector<T>& list) noexcept {
    return list.size() * sizeof(T);
}

}  // namespace

std::size_t Plan::bytes() const noexcept {
    return bytes_of(numbers) + bytes_of(looks) + bytes_of(inputs) + bytes_of(outputs) +
           bytes_of(asked) + bytes_of(given) + bytes_of(guards) + bytes_of(results) +
           bytes_of(buffers) + bytes_of(numbers_given) + bytes_of(buffers_given) +
           bytes_of(constants) + bytes_of(steps) + bytes_of(runs) + bytes_of(words) +
           bytes_of(groups) + bytes_of(instructions) + bytes_of(reducing) + bytes_of(addresses) +
           bytes_of(products) + bytes_of(matrices) + bytes_of(contractions) + bytes_of(copies) +
           bytes_of(loops) + bytes_of(routines) + bytes_of(places) + bytes_of(operands) +
           bytes_of(operand_spaces) + bytes_of(calls) + bytes_of(extents) + bytes_of(strides) +
           bytes_of(guard_places) + bytes_of(guard_dtypes) + bytes_of(checks) +
           bytes_of(check_places) + bytes_of(check_spaces) + bytes_of(check_sizes);
}

void Plan::pack() {
    std::vector<Where>().swap(where);
    // Bases: the arena, the slots, then what is given.
    std::vector<Buffer> given_ones(Address::first_buffer);
    std::vector<std::uint32_t> bases(buffers.size());
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        bases[i] = Address::arena;
        if (buffers[i].source == Buffer::Source::Arena) continue;
        bases[i] = static_cast<std::uint32_t>(given_ones.size());
        given_ones.push_back(buffers[i]);
    }
    const auto offset_of = [this](std::size_t i) {
        return buffers[i].source == Buffer::Source::Arena ? static_cast<Extent>(buffers[i].offset)
                                                          : Extent{0};
    };
    for (std::vector<Where>* list : {&inputs, &outputs, &places, &guard_places, &check_places})
        for (Where& own : *list) {
            if (own.kind != Where::Kind::Memory) continue;
            own.offset += offset_of(own.index);
            own.index = bases[own.index];
        }
    const auto move_address = [&](Address& own) {
        if (own.base() < Address::first_buffer) return;
        const std::size_t i = own.base() - Address::first_buffer;
        own = {bases[i], own.offset() + offset_of(i)};
    };
    for (Address& own : addresses) move_address(own);
    for (Product& own : products)
        for (Address* one : {&own.a, &own.b, &own.c}) move_address(*one);
    for (Contraction& own : contractions)
        for (Address* one : {&own.a, &own.b, &own.c}) move_address(*one);
    for (LoopCall& own : loops)
        for (Address& one : own.places) move_address(one);
    for (Copy& own : copies)
        for (Address* one : {&own.from, &own.to}) move_address(*one);
    for (const Run& run : runs) {  // of what is loaded: the base, and 64-bit offsets
        if (run.kind != RunKind::Load) continue;
        std::uint32_t* own = words.data() + run.first;
        const auto more = static_cast<std::uint64_t>(offset_of(own[0]));
        for (std::uint32_t i = 0; i < run.count; ++i) {
            const std::uint64_t offset =
                (own[2 * i + 1] | static_cast<std::uint64_t>(own[2 * i + 2]) << 32) + more;
            own[2 * i + 1] = static_cast<std::uint32_t>(offset);
            own[2 * i + 2] = static_cast<std::uint32_t>(offset >> 32);
        }
        own[0] = bases[own[0]];
    }
    for (std::uint32_t& own : buffers_given) own = bases[own];
    buffers = std::move(given_ones);
    for (auto* list : {&words, &buffers_given}) list->shrink_to_fit();
    steps.shrink_to_fit();
    runs.shrink_to_fit();
    instructions.shrink_to_fit();
    addresses.shrink_to_fit();
    products.shrink_to_fit();
    copies.shrink_to_fit();
}

std::size_t native_size(DType dtype) noexcept {
    return is_readable(dtype) || dtype == DType::Complex128 ? item_size(dtype) : 0;
}

namespace {

constexpr std::size_t alignment = 64;

// Offsets of the arena's buffers: the first gap among those that live at the same time.
void lay_out_arena(Plan& plan) {
    std::vector<std::uint32_t> order;
    for (std::uint32_t i = 0; i < plan.buffers.size(); ++i)
        if (plan.buffers[i].source == Buffer::Source::Arena) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return plan.buffers[a].born < plan.buffers[b].born;
    });
    std::multimap<std::uint32_t, std::uint32_t> ends;  // the step that uses it last, and the buffer
    std::map<std::size_t, std::size_t> gaps;           // offset and length
    std::size_t top = 0;
    auto release = [&](std::size_t offset, std::size_t length) {
        auto [at, added] = gaps.emplace(offset, length);
        if (auto next = std::next(at); next != gaps.end() && offset + length == next->first) {
            at->second += next->second;
            gaps.erase(next);
        }
        if (at != gaps.begin()) {
            auto before = std::prev(at);
            if (before->first + before->second == at->first) {
                before->second += at->second;
                gaps.erase(at);
            }
        }
    };
    auto rounded = [](std::size_t bytes) {
        return (bytes + alignment - 1) / alignment * alignment;
    };
    for (const std::uint32_t i : order) {
        Buffer& buffer = plan.buffers[i];
        while (!ends.empty() && ends.begin()->first < buffer.born) {
            const Buffer& dead = plan.buffers[ends.begin()->second];
            release(dead.offset, rounded(dead.bytes));
            ends.erase(ends.begin());
        }
        const std::size_t length = rounded(std::max<std::size_t>(buffer.bytes, 1));
        // The smallest gap that is large enough.
        auto best = gaps.end();
        for (auto gap = gaps.begin(); gap != gaps.end(); ++gap)
            if (gap->second >= length && (best == gaps.end() || gap->second < best->second))
                best = gap;
        if (best != gaps.end()) {
            buffer.offset = best->first;
            const std::size_t rest = best->second - length;
            gaps.erase(best);
            if (rest) gaps.emplace(buffer.offset + length, rest);
        } else {
            buffer.offset = top;
            top += length;
        }
        ends.emplace(buffer.dies, i);
    }
    plan.arena = top;
}

Result result(const Graph& graph, const Plan& plan, const std::vector<Id>& asked,
              std::size_t output) {
    const Id id = graph.outputs[output];
    if (id == no_id) return {};
    for (std::uint32_t same = 0; same < output; ++same)
        if (asked[same] == asked[output]) return {Result::Way::Same, Holder::Weak, same};
    if (is_constant(id)) return {Result::Way::Constant, Holder::Weak, constant_index(id)};
    if (id >= graph.inputs)
        return {Result::Way::Computed, graph.spaces[plan.asked[output]].holder, 0};
    return {id == asked[output] ? Result::Way::Input : Result::Way::Copy, Holder::Weak, id};
}

bool is_number_in_slot(const Where& where, Holder holder) noexcept {
    return where.kind == Where::Kind::Slot && (holder == Holder::Weak || holder == Holder::Strong);
}

// Where results that are no more than a constant or an input lie as numbers; false if one does not.
bool results_in_slots(const Graph& graph, Plan& plan) {
    std::unordered_map<std::uint64_t, std::uint32_t> constants;
    for (std::size_t i = 0; i < plan.results.size(); ++i) {
        Result& own = plan.results[i];
        Where& where = plan.outputs[i];
        if (own.way == Result::Way::Constant) {
            const Value& value = graph.constants[own.index];
            if (!value.is_float()) return false;
            if (constants.empty())
                for (std::uint32_t slot = 0; slot < plan.numbers.size(); ++slot)
                    constants.emplace(std::bit_cast<std::uint64_t>(plan.numbers[slot]), slot);
            const auto found = constants.find(std::bit_cast<std::uint64_t>(value.number()));
            if (found == constants.end()) return false;
            where.kind = Where::Kind::Slot;
            where.index = found->second;
            own.holder = value.kind() == Kind::Weak ? Holder::Weak : Holder::Strong;
        } else if (own.way == Result::Way::Copy) {
            where = plan.inputs[own.index];
            own.holder = graph.space_of(own.index).holder;
        } else if (own.way != Result::Way::Computed) {
            return false;
        }
        if (!is_number_in_slot(where, own.holder)) return false;
    }
    return true;
}

bool of_numbers(const Graph& graph, Plan& plan) {
    if (!plan.calls.empty() || plan.objects != 0 || !plan.buffers_given.empty()) return false;
    for (std::uint32_t i = 0; i < graph.inputs; ++i)
        if (!is_number_in_slot(plan.inputs[i], graph.space_of(i).holder)) return false;
    return results_in_slots(graph, plan);
}

}  // namespace

Plan make_plan(Graph& graph) {
    Plan plan;
    // Which results are one object, and which an input itself, is as it was recorded.
    const std::vector<Id> asked = graph.outputs;
    for (const Id id : asked)
        plan.asked.push_back(id != no_id && !is_constant(id) ? graph.nodes[id].space : 0);
    rewrite(graph);
    const std::vector<bool> needed = simplify(graph);
    Scheduler(graph, needed, plan).run();
    for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
        const Id id = graph.outputs[i];
        plan.outputs.push_back(is_constant(id) ? Where() : plan.where[id]);
        plan.given.push_back(id);
        plan.results.push_back(result(graph, plan, asked, i));
    }
    plan.guards = graph.guards;
    for (const Guard& guard : graph.guards) {
        const bool computed = !is_constant(guard.node);
        plan.guard_places.push_back(computed ? plan.where[guard.node] : Where());
        plan.guard_dtypes.push_back(computed ? graph.space_of(guard.node).dtype : DType::Other);
    }
    for (const Id id : plan.checks) {
        plan.check_places.push_back(plan.where[id]);
        plan.check_spaces.push_back(graph.nodes[id].space);
        plan.check_sizes.push_back(graph.meta_of(id).size());
    }
    for (std::uint32_t i = 0; i < graph.inputs; ++i)
        if (plan.inputs[i].kind == Where::Kind::Slot)
            plan.numbers_given.emplace_back(i, plan.inputs[i].index);
    for (std::uint32_t b = 0; b < plan.buffers.size(); ++b) {
        const Buffer::Source source = plan.buffers[b].source;
        if (source != Buffer::Source::Arena && source != Buffer::Source::Object)
            plan.buffers_given.push_back(b);
    }
    plan.of_numbers = of_numbers(graph, plan);
    if (plan.buffers.size() > Address::most - Address::first_buffer)
        throw Error(Error::Class::Runtime, "it makes more arrays than a program can tell apart");
    lay_out_arena(plan);
    return plan;
}

}  // namespace fastad::program
