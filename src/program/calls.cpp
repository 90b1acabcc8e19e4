#include "program/calls.hpp"

#include <algorithm>

#include "host/programs.hpp"
#include "program/arena.hpp"
#include "program/schedule.hpp"

namespace fastad::program {

bool run_routine(const Plan& plan, const RoutineCall& call, Arena& arena, bool locked) {
    const Routine& routine = *call.routine;
    char* places[Routine::most_operands];
    for (std::size_t k = 0; k < routine.arguments + routine.results; ++k) {
        const Where& where = plan.places[call.places + k];
        places[k] = where.kind == Where::Kind::Slot
                        ? reinterpret_cast<char*>(arena.slots() + where.index)
                        : arena.place(where);
    }
    const host::Unlocked meanwhile(locked ? long_work(call.work) : 0);
    return routine(places, plan.extents.data() + call.lengths, plan.strides.data() + call.strides);
}

namespace {

// Strides of an operand that lies as these do, from one matrix of the stack to the next first;
// false where one step does not lead from each matrix to the next.
bool lay(const Routine& routine, const RoutineShape& shape, std::size_t operand,
         const Extent* given, Extent* strides) {
    shape.strides_of(routine, operand, nullptr, strides);
    const auto before = static_cast<std::size_t>(shape.stack_rank);
    Extent step = 0, covered = 1;
    for (std::size_t axis = before; axis-- > 0;) {
        if (shape.stack[axis] == 1) continue;
        if (covered == 1)
            step = given[axis];
        else if (given[axis] != step * covered)
            return false;
        covered *= shape.stack[axis];
    }
    strides[operand] = step;
    std::size_t place = routine.arguments + routine.results;
    for (std::size_t k = 0; k < operand; ++k) place += routine.operands[k].rank;
    std::copy_n(given + before, routine.operands[operand].rank, strides + place);
    return true;
}

}  // namespace

// Whether all arrays that a registered operation takes are of single precision.
bool Scheduler::in_single(Id id) const {
    const Node& node = graph_.nodes[id];
    if (!node.op->registered()) return false;
    bool any = false;
    for (std::uint32_t k = 0; k < node.count; ++k) {
        const Id operand = graph_.operands_of(node)[k];
        if (operand == no_id) return false;
        DType own = DType::Other;
        if (!is_constant(operand)) {
            if (graph_.space_of(operand).holder != Holder::Array) return false;
            own = graph_.space_of(operand).dtype;
        } else if (const Value& constant = graph_.constants[constant_index(operand)];
                   constant.is_object()) {
            const View view = host::describe(constant);
            if (!view.array) continue;
            own = view.dtype;
        } else {
            continue;
        }
        if (own != DType::Float32) return false;
        any = true;
    }
    return any;
}

// The routine that computes a node, if one does on what lies where programs can reach it.
const Routine* Scheduler::routine(Id id, RoutineShape& shape) const {
    const Node& node = graph_.nodes[id];
    if ((!node.op->registered() && !node.op->hosted) || node.kwnames ||
        node.count > Routine::most_operands + 1)
        return nullptr;
    Meta metas[Routine::most_operands + 1];
    Value values[Routine::most_operands + 1];
    for (std::uint32_t k = 0; k < node.count; ++k) {
        const Id operand = graph_.operands_of(node)[k];
        if (operand == no_id) return nullptr;
        if (is_constant(operand)) {
            values[k] = graph_.constants[constant_index(operand)];
            if (!values[k].is_object()) continue;
            const View view = host::describe(values[k]);
            if (!view.array) continue;
            if (!view.usable) return nullptr;
            metas[k] = {view.dtype, true, view.rank, view.shape};
        } else {
            metas[k] = graph_.meta_of(operand);
        }
    }
    // Of numbers in single precision NumPy's functions compute in double.
    const bool single = in_single(id);
    for (Meta& meta : metas)
        if (single && meta.array) meta.dtype = DType::Float64;
    const Routine* found = host::routine(*node.op, metas, values, node.count, shape);
    if (!found) return nullptr;
    for (std::size_t k = 0; k < found->arguments + found->results; ++k) {
        const Routine::Operand& own = found->operands[k];
        if (own.dtype != DType::Float64 && own.dtype != DType::Complex128) return nullptr;
        if (single && (own.dtype != DType::Float64 || (own.rank == 0 && !shape.stack_rank)))
            return nullptr;
    }
    return found;
}

// The node that is this one of several results, or no_id.
Id Scheduler::part_of(Id whole, std::size_t which) const {
    for (const Id to : consumers(whole)) {
        const Node& node = graph_.nodes[to];
        double number_of_part;
        if (node.op->program == InProgram::Part && graph_.operands_of(node)[0] == whole &&
            number(graph_.operands_of(node)[1], number_of_part) &&
            number_of_part == static_cast<double>(which))
            return to;
    }
    return no_id;
}

// Results in double precision, in C order, as the node's own.
void Scheduler::narrow(Id id, const Where& from) {
    const Meta meta = graph_.meta_of(id);
    use(from);
    const Where to = new_memory(id, meta.size() * sizeof(float));
    Copy copy;
    copy.kind = Copy::Kind::Convert;
    copy.dtype = DType::Float32;
    copy.from = address(from);
    copy.to = address(to);
    copy.rank = static_cast<std::uint32_t>(meta.rank);
    copy.shape = add_extents(meta.shape, meta.rank);
    copy.from_strides = add_c_order(meta, DType::Float64);
    plan_.where[id] = to;
    plan_.copies.push_back(copy);
    step(Step::Kind::Copy, static_cast<std::uint32_t>(plan_.copies.size() - 1), 1);
}

void Scheduler::routine_step(Id id) {
    const Node& node = graph_.nodes[id];
    RoutineShape shape;
    const Routine* own = routine(id, shape);
    const std::size_t count = own->arguments + own->results;
    std::vector<Where> places(count);
    const bool single = in_single(id);
    for (std::size_t k = 0; k < own->arguments; ++k) {
        const Id operand = graph_.operands_of(node)[k];
        places[k] = single ? converted(operand, DType::Float64) : memory_of(operand);
    }
    routine(id, shape);  // again: memory_of may have moved the extents that the shape points to
    std::vector<Extent> strides(count * (1 + Routine::most_axes));
    for (std::size_t k = 0; k < count; ++k)
        if (k >= own->arguments)
            shape.strides_of(*own, k, nullptr, strides.data());
        else if (!lay(*own, shape, k, plan_.strides.data() + places[k].strides, strides.data()))
            return host(id);
    for (std::size_t k = 0; k < own->arguments; ++k) use(places[k]);
    const bool several = own->results > 1;
    for (std::size_t r = 0; r < own->results; ++r) {
        Where& where = places[own->arguments + r];
        const Routine::Operand& operand = own->operands[own->arguments + r];
        const Id part = several ? part_of(id, r) : id;
        if (operand.rank == 0 && !shape.stack_rank && operand.dtype == DType::Float64) {
            where.kind = Where::Kind::Slot;
            where.index = plan_.slots++;
        } else {
            const std::size_t size = shape.size_of(operand);
            where = single ? room(size * sizeof(double))
                           : new_memory(part == no_id ? id : part, size * item_size(operand.dtype));
            if (part != no_id && needs_look(part)) plan_.checks.push_back(part);
        }
        if (part != no_id && !single) plan_.where[part] = where;
    }
    RoutineCall call;
    call.routine = own;
    call.node = id;
    call.places = static_cast<std::uint32_t>(plan_.places.size());
    plan_.places.insert(plan_.places.end(), places.begin(), places.end());
    call.lengths = add_extents(shape.lengths, 1 + static_cast<int>(Routine::most_names));
    call.strides = add_strides(strides);
    call.work = shape.work / 2;
    plan_.work += call.work;
    plan_.routines.push_back(call);
    for (std::size_t k = 0; k < count; ++k) use(places[k]);
    step(Step::Kind::Routine, static_cast<std::uint32_t>(plan_.routines.size() - 1), 1);
    for (std::size_t r = 0; single && r < own->results; ++r) {
        const Id part = several ? part_of(id, r) : id;
        if (part != no_id) narrow(part, places[own->arguments + r]);
    }
    done(id);
    flush_guards();
}

}  // namespace fastad::program
