#include "program/schedule.hpp"

#include <algorithm>

#include "host/programs.hpp"
#include "program/grouping.hpp"
#include "program/simplify.hpp"

namespace fastad::program {

Scheduler::Scheduler(Graph& graph, const std::vector<bool>& needed, Plan& plan)
    : graph_(graph), needed_(needed), plan_(plan), constant_spaces_(graph.constants.size()) {
    for (std::size_t c = 0; c < graph.constants.size(); ++c)
        if (graph.constants[c].is_object())
            constant_spaces_[c] = graph.space_of_value(graph.constants[c]);
}

// Lists of consumers, one after the other.
std::span<const std::uint32_t> Scheduler::consumers(Id id) const {
    return {consumer_list_.data() + first_consumer_[id],
            consumer_list_.data() + first_consumer_[id + 1]};
}

void Scheduler::run() {
    const std::size_t count = graph_.nodes.size();
    plan_.where.resize(count);
    std::size_t arrays = 0;
    for (Id id = 0; id < count; ++id)
        arrays += needed_[id] && graph_.space_of(id).holder == Holder::Array;
    plan_.buffers.reserve(arrays);
    waiting_.assign(count, 0);
    wave_.assign(count, 0);
    first_consumer_.assign(count + 1, 0);
    is_output_.assign(count, false);
    recomputed_.assign(count, false);
    is_guarded_.assign(count, false);
    guard_done_.assign(graph_.guards.size(), false);
    constant_buffers_.assign(graph_.constants.size(), no_id);
    for (const Id output : graph_.outputs)
        if (output != no_id && !is_constant(output)) is_output_[output] = true;
    for (std::uint32_t g = 0; g < graph_.guards.size(); ++g) {
        const Id node = graph_.guards[g].node;
        if (is_constant(node)) {
            guard_done_[g] = true;
        } else {
            guards_of_.emplace(node, g);
            is_guarded_[node] = true;
        }
    }
    auto each_edge = [&](auto&& act) {
        Id last_call = no_id;  // functions of the host's keep their order: they may have effects
        for (Id id = 0; id < count; ++id) {
            if (!needed_[id]) continue;
            const Node& node = graph_.nodes[id];
            const Id* operands = graph_.operands_of(node);
            for (std::uint32_t k = 0; k < node.count; ++k)
                if (operands[k] != no_id && !is_constant(operands[k])) act(operands[k], id);
            if (!node.op || !node.op->effects()) continue;
            if (last_call != no_id) act(last_call, id);
            last_call = id;
        }
    };
    each_edge([&](Id from, Id to) {
        ++first_consumer_[from + 1];
        ++waiting_[to];
    });
    for (std::size_t i = 0; i < count; ++i) first_consumer_[i + 1] += first_consumer_[i];
    consumer_list_.resize(first_consumer_[count]);
    std::vector<std::uint32_t> next(first_consumer_.begin(), first_consumer_.end() - 1);
    each_edge([&](Id from, Id to) { consumer_list_[next[from]++] = to; });

    // Slots: numbers among the constants first, then inputs, then results.
    ways_.resize(count);
    for (Id id = 0; id < count; ++id)
        if (needed_[id] || !graph_.nodes[id].op) {
            ways_[id] = classify(id);
            if (ways_[id] == Way::Scalar && equal_number(id) != no_id) ways_[id] = Way::Alias;
        }
    for (std::uint32_t c = 0; c < graph_.constants.size(); ++c) {
        double value;
        if (!number(constant_bit | c, value)) continue;
        constant_slot(value);
        if (exact_reciprocal(value)) constant_slot(1.0 / value);
    }
    constant_slot(0.0);
    note_complex_numbers();
    plan_.slots = plan_.first_input = static_cast<std::uint32_t>(plan_.numbers.size());
    for (Id id = 0; id < graph_.inputs; ++id) {
        Where& where = plan_.where[id];
        const Space& space = graph_.space_of(id);
        if (scalar_space(space)) {
            where.kind = Where::Kind::Slot;
            where.index = plan_.slots++;
        } else if (space.holder == Holder::Array && native_size(space.dtype) > 0) {
            Buffer buffer;
            buffer.source = Buffer::Source::Input;
            buffer.index = id;
            buffer.node = id;
            buffer.bytes = graph_.meta(space).size() * native_size(space.dtype);
            where.kind = Where::Kind::Memory;
            where.index = static_cast<std::uint32_t>(plan_.buffers.size());
            where.contiguous = graph_.input_contiguous[id];
            plan_.buffers.push_back(buffer);
            const Extent* strides = graph_.extents.data() + graph_.input_strides[id];
            where.strides = add_strides({strides, strides + space.rank});
        } else {
            where.kind = Where::Kind::Object;
            where.index = plan_.objects++;
        }
        plan_.inputs.push_back(where);
    }
    const std::uint32_t first_result = plan_.slots;
    absorb_products();
    seat_parts();
    for (Id id = graph_.inputs; id < count; ++id)
        if (needed_[id] && waiting_[id] == 0) ready(id);  // of constants alone
    for (Id id = 0; id < graph_.inputs; ++id) done(id);

    while (true) {
        while (!aliases_ready_.empty() || !scalars_ready_.empty()) {
            if (!aliases_ready_.empty()) {
                std::vector<Id> now;
                now.swap(aliases_ready_);
                for (const Id id : now) alias(id);
            } else {
                scalars();
            }
        }
        flush_guards();  // of inputs that no scalar operation reads
        if (turns_.empty()) break;
        const Id id = turns_.begin()->id;
        if (grouped(id)) {
            Grouping(*this, id).run();
            continue;
        }
        leave(id);
        switch (ways_[id]) {
            case Way::Product: product_step(id); break;
            case Way::Contract: contraction_step(id); break;
            case Way::Copy:
                if (part_of_number(id))
                    part_of_number_step(id);
                else
                    graph_.nodes[id].op->moves ? moved_step(id) : copy_step(id);
                break;
            case Way::Loop: loop_step(id); break;
            case Way::Routine: routine_step(id); break;
            default: host(id); break;
        }
    }
    look_at_slots(first_result);
    // Outputs stay to the end.
    const auto end = static_cast<std::uint32_t>(plan_.steps.size());
    for (Id id = 0; id < count; ++id)
        if (is_output_[id] && plan_.where[id].kind == Where::Kind::Memory)
            plan_.buffers[plan_.where[id].index].dies = end;
    for (const Id id : plan_.checks)
        if (plan_.where[id].kind == Where::Kind::Memory)
            plan_.buffers[plan_.where[id].index].dies = end;
}

void Scheduler::ready(Id id) {
    if (absorbed_[id]) return done(id);
    switch (ways_[id]) {
        case Way::Scalar: scalars_ready_.push_back(id); break;
        case Way::Alias:
            if (const Id number = equal_number(id); number != no_id) {
                plan_.where[id] = plan_.where[number];
                return done(id);
            }
            aliases_ready_.push_back(id);
            break;
        case Way::Input: break;
        default:
            (ways_[id] == Way::Block ? blocks_ready_ : others_ready_).insert(id);
            wave_[id] = waves_;
            fresh_.push_back(id);
            turns_.insert(turn(id));
            break;
    }
}

Scheduler::Turn Scheduler::turn(Id id) const {
    return {wave_[id], size_of(id), wave_[id] > 0 && grouped(id), id};
}

void Scheduler::next_wave() {
    ++waves_;
    for (const Id id : fresh_)
        if (turns_.erase(turn(id))) {
            wave_[id] = waves_;
            turns_.insert(turn(id));
        }
    fresh_.clear();
}

std::size_t Scheduler::size_of(Id id) const {
    const Id whole = ways_[id] == Way::Reduce ? graph_.operands_of(graph_.nodes[id])[0] : id;
    return graph_.meta_of(whole).size();
}

void Scheduler::leave(Id id) {
    blocks_ready_.erase(id);
    others_ready_.erase(id);
    turns_.erase(turn(id));
}

void Scheduler::done(Id id) {
    if (is_guarded_[id])
        for (auto [at, end] = guards_of_.equal_range(id); at != end; ++at)
            guard_nodes_.push_back(at->second);
    if (graph_.nodes[id].op) ++plan_.nodes;
    for (std::uint32_t i = first_consumer_[id]; i < first_consumer_[id + 1]; ++i) {
        const Id to = consumer_list_[i];
        if (--waiting_[to] == 0) ready(to);
    }
}

Step& Scheduler::step(Step::Kind kind, std::uint32_t first, std::uint32_t count) {
    Step step;
    step.kind = kind;
    step.first = first;
    step.count = count;
    while (guards_done_ < guard_done_.size() && guard_done_[guards_done_]) ++guards_done_;
    step.guards = guards_done_;
    plan_.steps.push_back(step);
    return plan_.steps.back();
}

// Whether its value is looked at, for infinity and NaN.
bool Scheduler::needs_look(Id id) const {
    if (is_output_[id]) return graph_.nodes[id].op->kind() != OpKind::Test;
    // Passed on by some consumer, which is looked at in its turn.
    for (const std::uint32_t to : consumers(id)) {
        const Node& node = graph_.nodes[to];
        const Way way = ways_[to];
        if (way == Way::Host || way == Way::Copy || way == Way::Alias) continue;
        for (std::uint32_t k = 0; k < node.count; ++k)
            if (graph_.operands_of(node)[k] == id && k < 2 && node.op->passes[k]) return false;
    }
    return !graph_.nodes[id].op->finite && graph_.nodes[id].op->kind() != OpKind::Test;
}

// Which of the slots, from the first that is computed, are looked at when all is done. Few others
// between two of these are looked at with them: to begin anew takes longer.
void Scheduler::look_at_slots(std::uint32_t first) {
    constexpr std::uint32_t few = 16;
    std::vector<bool> looked(plan_.slots - first, true);
    for (Id id = graph_.inputs; id < graph_.nodes.size(); ++id)
        if (ways_[id] == Way::Scalar && plan_.where[id].kind == Where::Kind::Slot &&
            !needs_look(id))
            looked[plan_.where[id].index - first] = false;
    for (std::uint32_t slot = first; slot < plan_.slots; ++slot) {
        if (!looked[slot - first]) continue;
        if (!plan_.looks.empty() && slot - plan_.looks.back().second <= few)
            plan_.looks.back().second = slot + 1;
        else
            plan_.looks.emplace_back(slot, slot + 1);
    }
}

// ---- what lies where something else lies

// The number in a slot that all elements of an array of doubles are, by views; no_id if there is
// none.
Id Scheduler::spread_number(Id id) const {
    while (id != no_id && !is_constant(id) && ways_[id] == Way::Alias &&
           graph_.space_of(id).dtype == DType::Float64) {
        const Node& node = graph_.nodes[id];
        if (node.op->program != InProgram::Spread && node.op->program != InProgram::View) break;
        id = graph_.operands_of(node)[0];
        if (is_constant(id)) break;
        const Space& space = graph_.space_of(id);
        if (scalar_space(space) && space.dtype == DType::Float64)
            return plan_.where[id].kind == Where::Kind::Slot ? id : no_id;
    }
    return no_id;
}

// Whether all who read it are groups of doubles, which take the number for it.
bool Scheduler::spread_only(Id id) const {
    if (is_output_[id] || is_guarded_[id]) return false;
    for (const std::uint32_t reader : consumers(id)) {
        DType own;
        const bool group =
            ways_[reader] == Way::Block && block_dtype(reader, own) && own == DType::Float64;
        if (!group &&
            (ways_[reader] != Way::Alias || spread_number(reader) == no_id || !spread_only(reader)))
            return false;
    }
    return true;
}

void Scheduler::alias(Id id) {
    const Node& node = graph_.nodes[id];
    if (const Id number = spread_number(id); number != no_id && spread_only(id)) {
        plan_.where[id] = plan_.where[number];
        return done(id);
    }
    if (node.op->program == InProgram::Part)
        return plan_.where[id].kind == Where::Kind::Nowhere ? host(id) : done(id);
    const Id from = graph_.operands_of(node)[0];
    const Space& space = graph_.space_of(id);
    if (scalar_space(space) && scalar_space(graph_.space_of(from))) {
        plan_.where[id] = plan_.where[from];
        done(id);
        return;
    }
    if (scalar_space(graph_.space_of(from))) {  // broadcast_to of a number
        Where where = new_memory(id, sizeof(double));
        Copy copy;
        copy.kind = Copy::Kind::Numbers;
        copy.to = address(where);
        copy.first = static_cast<std::uint32_t>(plan_.words.size());
        copy.count = 1;
        plan_.words.push_back(slot_of(from));
        plan_.copies.push_back(copy);
        step(Step::Kind::Copy, static_cast<std::uint32_t>(plan_.copies.size() - 1), 1);
        where.contiguous = graph_.meta(space).size() == 1;
        where.strides = add_strides(std::vector<Extent>(space.rank, 0));
        plan_.where[id] = where;
        done(id);
        return;
    }
    const Where source = memory_of(from);
    if (std::vector<Extent> position; complex_element(id, position)) {
        Where where = source;
        for (std::size_t axis = 0; axis < position.size(); ++axis)
            where.offset += position[axis] * plan_.strides[source.strides + axis];
        where.strides = add_strides({});
        where.contiguous = true;
        plan_.where[id] = where;
        return done(id);
    }
    // The operation itself, done on an array of the same layout, shows what the view is.
    const Meta meta = graph_.meta_of(from);
    Value dummy;
    if (const auto known = dummies_.find(from); known != dummies_.end()) {
        dummy = known->second;
    } else if (source.contiguous) {
        Value& known_one = spare_[graph_.nodes[from].space];
        if (known_one.empty()) known_one = host::new_array(meta.dtype, meta.shape, meta.rank);
        dummy = known_one;
    } else {
        host(id);
        return;
    }
    std::vector<Value> values(node.count);
    values[0] = dummy;
    for (std::uint32_t k = 1; k < node.count; ++k)
        if (graph_.operands_of(node)[k] != no_id)
            values[k] = graph_.constants[constant_index(graph_.operands_of(node)[k])];
    const Value view = host::apply(*node.op, values.data(), values.size(), nullptr, Form::Rule);
    const View laid = view.is_object() ? host::describe(view) : View();
    const View base = host::describe(dummy);
    const Extent offset = laid.data - base.data;
    const Space& target = graph_.space_of(id);
    bool shares = laid.array && laid.rank == target.rank && host::shares_memory(dummy, view);
    if (!shares) {
        copied_in_order(id, source) ? void() : host(id);
        return;
    }
    Where where = source;
    where.offset += offset;
    where.strides = add_strides({laid.strides, laid.strides + laid.rank});
    where.contiguous = laid.contiguous;
    plan_.where[id] = where;
    dummies_.emplace(id, view);
    done(id);
}

// ---- the host

void Scheduler::host(Id id) {
    const Node& node = graph_.nodes[id];
    for (std::uint32_t k = 0; k < node.count; ++k) {
        const Id operand = graph_.operands_of(node)[k];
        if (operand != no_id && !is_constant(operand)) use(plan_.where[operand]);
    }
    // A call may have effects: what decides whether the program comes here is looked at first.
    flush_guards();
    Where& where = plan_.where[id];
    const Space& space = graph_.space_of(id);
    Call call;
    call.op = node.op;
    call.node = id;
    call.space = node.space;
    call.form = node.form;
    call.kwnames = node.kwnames;
    call.layouts = node.layouts;
    call.operands = static_cast<std::uint32_t>(plan_.operands.size());
    call.count = node.count;
    call.places = static_cast<std::uint32_t>(plan_.places.size());
    call.result = no_id;
    for (std::uint32_t k = 0; k < node.count; ++k) {
        const Id operand = graph_.operands_of(node)[k];
        plan_.operands.push_back(operand);
        const bool computed = operand != no_id && !is_constant(operand);
        plan_.operand_spaces.push_back(computed ? graph_.nodes[operand].space : 0);
        plan_.places.push_back(computed ? plan_.where[operand] : Where());
    }
    if (scalar_space(space)) {
        where.kind = Where::Kind::Slot;
        where.index = plan_.slots++;
    } else {
        call.result = plan_.objects++;
        where.kind = Where::Kind::Object;
        where.index = call.result;
        if (space.holder == Holder::Array && native_size(space.dtype) > 0) {
            Buffer buffer;
            buffer.source = Buffer::Source::Object;
            buffer.index = call.result;
            buffer.node = id;
            const Meta meta = graph_.meta(space);
            buffer.bytes = meta.size() * native_size(space.dtype);
            where.kind = Where::Kind::Memory;
            where.index = static_cast<std::uint32_t>(plan_.buffers.size());
            where.contiguous = true;
            where.strides = add_c_order(meta, space.dtype);
            plan_.buffers.push_back(buffer);
        }
    }
    plan_.places.push_back(where);
    plan_.calls.push_back(call);
    step(Step::Kind::Call, static_cast<std::uint32_t>(plan_.calls.size() - 1), 1);
    done(id);
    flush_guards();
}

void Scheduler::flush_guards() {
    if (guard_nodes_.empty()) return;
    const auto first = static_cast<std::uint32_t>(plan_.runs.size());
    guard_runs();
    step(Step::Kind::Scalars, first, static_cast<std::uint32_t>(plan_.runs.size()) - first);
}

}  // namespace fastad::program
