#include "program/plan.hpp"

#include <algorithm>
#include <map>

#include "host/programs.hpp"
#include "program/schedule.hpp"
#include "program/simplify.hpp"

namespace fastad::program {

std::size_t Plan::bytes() const noexcept {
    return numbers.size() * sizeof(double) + inputs.size() * sizeof(Where) +
           outputs.size() * (sizeof(Where) + sizeof(Result)) +
           numbers_given.size() * sizeof(numbers_given[0]) +
           buffers_given.size() * sizeof(buffers_given[0]) + buffers.size() * sizeof(Buffer) +
           steps.size() * sizeof(Step) + runs.size() * sizeof(Run) +
           words.size() * sizeof(std::uint32_t) + groups.size() * sizeof(Group) +
           instructions.size() * sizeof(Instruction) + products.size() * sizeof(Product) +
           contractions.size() * sizeof(Contraction) + copies.size() * sizeof(Copy) +
           routines.size() * sizeof(RoutineCall) + calls.size() * sizeof(Call) +
           extents.size() * sizeof(Extent) + strides.size() * sizeof(Extent) +
           (where.size() + places.size() + guard_places.size() + check_places.size()) *
               sizeof(Where) +
           slots_.size() * sizeof(std::uint32_t) + elsewhere_.size() * sizeof(std::pair<Id, Where>);
}

void Plan::pack() {
    slots_.reserve(where.size());
    for (Id id = 0; id < where.size(); ++id) {
        const bool slot = where[id].kind == Where::Kind::Slot;
        slots_.push_back(slot ? where[id].index : no_id);
        if (!slot && where[id].kind != Where::Kind::Nowhere) elsewhere_.emplace_back(id, where[id]);
    }
    std::vector<Where>().swap(where);
    elsewhere_.shrink_to_fit();
    words.shrink_to_fit();
}

Where Plan::where_of(Id node) const noexcept {
    Where found;
    if (slots_[node] != no_id) {
        found.kind = Where::Kind::Slot;
        found.index = slots_[node];
        return found;
    }
    const auto at =
        std::lower_bound(elsewhere_.begin(), elsewhere_.end(), node,
                         [](const auto& entry, Id wanted) { return entry.first < wanted; });
    return at != elsewhere_.end() && at->first == node ? at->second : found;
}

std::size_t native_size(DType dtype) noexcept { return is_readable(dtype) ? item_size(dtype) : 0; }

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

Result result(const Graph& graph, const std::vector<Id>& asked, std::size_t output) {
    const Id id = graph.outputs[output];
    if (id == no_id) return {};
    for (std::uint32_t same = 0; same < output; ++same)
        if (asked[same] == asked[output]) return {Result::Way::Same, Holder::Weak, same};
    if (is_constant(id)) return {Result::Way::Constant, Holder::Weak, constant_index(id)};
    if (id >= graph.inputs) return {Result::Way::Computed, graph.space_of(asked[output]).holder, 0};
    return {id == asked[output] ? Result::Way::Input : Result::Way::Copy, Holder::Weak, id};
}

bool of_numbers(const Graph& graph, const Plan& plan) {
    const auto number = [](const Where& where, Holder holder) {
        return where.kind == Where::Kind::Slot &&
               (holder == Holder::Weak || holder == Holder::Strong);
    };
    for (std::uint32_t i = 0; i < graph.inputs; ++i)
        if (!number(plan.inputs[i], graph.space_of(i).holder)) return false;
    for (std::size_t i = 0; i < plan.results.size(); ++i)
        if (plan.results[i].way != Result::Way::Computed ||
            !number(plan.outputs[i], plan.results[i].holder))
            return false;
    return plan.calls.empty() && plan.objects == 0 && plan.buffers_given.empty();
}

}  // namespace

Plan make_plan(Graph& graph) {
    Plan plan;
    const std::vector<Id> asked = graph.outputs;
    const std::vector<bool> needed = simplify(graph);
    Scheduler(graph, needed, plan).run();
    for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
        const Id id = graph.outputs[i];
        plan.outputs.push_back(is_constant(id) ? Where() : plan.where[id]);
        plan.asked.push_back(asked[i]);
        plan.results.push_back(result(graph, asked, i));
    }
    for (const Guard& guard : graph.guards)
        plan.guard_places.push_back(is_constant(guard.node) ? Where() : plan.where[guard.node]);
    for (const Id id : plan.checks) {
        plan.check_places.push_back(plan.where[id]);
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
    lay_out_arena(plan);
    return plan;
}

}  // namespace fastad::program
