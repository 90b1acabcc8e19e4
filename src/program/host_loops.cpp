// Operations on complex arrays: whole arrays at a time, by the loops that the host has for them.
#include <algorithm>
#include <complex>
#include <cstring>

#include "program/arena.hpp"
#include "program/grouping.hpp"
#include "program/schedule.hpp"

namespace fastad::program {

// A complex array, or a complex number that programs have made themselves: one of NumPy's, or,
// where the holder is opaque, of Python's.
bool Scheduler::complex_space(const Space& space) const noexcept {
    return space.dtype == DType::Complex128;
}

// What a loop of complex numbers can read, perhaps after a conversion.
bool Scheduler::complex_operand(Id operand) const {
    if (operand == no_id) return false;
    if (is_constant(operand)) {
        const Value& constant = graph_.constants[constant_index(operand)];
        double parts[2];
        if (host::complex_parts(constant, parts)) return true;
        if (!constant.is_object()) return false;
        const View view = host::describe(constant);
        return view.array && view.usable &&
               (view.dtype == DType::Complex128 || view.dtype == DType::Float64);
    }
    const Space& space = graph_.space_of(operand);
    if (scalar_space(space)) return space.dtype == DType::Float64;
    if (space.holder == Holder::Array)
        return space.dtype == DType::Complex128 || space.dtype == DType::Float64;
    if (!complex_space(space)) return false;
    const Way way = ways_[operand];
    std::vector<Extent> position;
    return way == Way::Loop || way == Way::Product || way == Way::Routine ||
           (way == Way::Alias && complex_element(operand, position));
}

// A number, real or complex, that loops of complex numbers can read.
bool Scheduler::complex_number(Id operand) const {
    if (!complex_operand(operand)) return false;
    if (!is_constant(operand)) return graph_.space_of(operand).holder != Holder::Array;
    double parts[2];
    return host::complex_parts(graph_.constants[constant_index(operand)], parts);
}

// Numbers, of which one at least is complex, that become an array.
bool Scheduler::stacks_complex(Id id) const {
    const Node& node = graph_.nodes[id];
    const Space& space = graph_.space_of(id);
    if (!node.op || node.op->program != InProgram::Stack || node.kwnames || node.count < 2 ||
        space.holder != Holder::Array || space.rank != 1 || space.dtype != DType::Complex128)
        return false;
    const Id* operands = graph_.operands_of(node);
    return std::all_of(operands + 1, operands + node.count,
                       [this](Id operand) { return complex_number(operand); });
}

// One element of a complex array, at a constant place.
bool Scheduler::complex_element(Id id, std::vector<Extent>& position) const {
    const Node& node = graph_.nodes[id];
    const Space& space = graph_.space_of(id);
    if (node.op->program != InProgram::Take || node.count != 2 || space.holder == Holder::Array ||
        !complex_space(space))
        return false;
    const Id* operands = graph_.operands_of(node);
    if (operands[0] == no_id || is_constant(operands[0]) || !is_constant(operands[1])) return false;
    const Space& from = graph_.space_of(operands[0]);
    const Meta meta = graph_.meta(from);
    position.assign(static_cast<std::size_t>(meta.rank), 0);
    return from.holder == Holder::Array && complex_space(from) &&
           host::element_index(graph_.constants[constant_index(operands[1])], meta.shape, meta.rank,
                               position.data());
}

void Scheduler::complex_stack_step(Id id) {
    const std::uint32_t count = graph_.nodes[id].count - 1;
    constexpr Extent bytes = 2 * sizeof(double);
    std::vector<Where> from(count);
    std::vector<Extent> none;
    for (std::uint32_t k = 0; k < count; ++k)
        from[k] = operand_of_loop(graph_.operands_of(graph_.nodes[id])[k + 1], Meta(), none);
    const Where to = new_memory(id, count * static_cast<std::size_t>(bytes));
    const auto first = static_cast<std::uint32_t>(plan_.copies.size());
    const Extent one = 1;
    for (std::uint32_t k = 0; k < count; ++k) {
        use(from[k]);
        Copy copy;
        copy.kind = Copy::Kind::Strided;
        copy.dtype = DType::Complex128;
        copy.from = address(from[k]);
        copy.to = address(to).moved(static_cast<Extent>(k) * bytes);
        copy.rank = 1;
        copy.shape = add_extents(&one, 1);
        copy.from_strides = copy.to_strides = add_strides({bytes});
        plan_.copies.push_back(copy);
    }
    copies_done(id, to, first);
}

bool Scheduler::takes_complex(Id id) const {
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    for (std::uint32_t k = 0; k < node.count; ++k) {
        if (operands[k] == no_id) continue;
        if (!is_constant(operands[k])) {
            if (complex_space(graph_.space_of(operands[k]))) return true;
        } else if (const Value& constant = graph_.constants[constant_index(operands[k])];
                   constant.is_object() && host::describe(constant).dtype == DType::Complex128) {
            return true;
        }
    }
    return false;
}

// The host's loop that computes a node; null where none does.
host::InnerLoop Scheduler::loop(Id id) const {
    const Node& node = graph_.nodes[id];
    const Space& space = graph_.space_of(id);
    const Id* operands = graph_.operands_of(node);
    const InProgram program = node.op->program;
    if (node.op->kind() == OpKind::Term || node.count == 0 || graph_.meta(space).size() == 0 ||
        !takes_complex(id))
        return {};
    const bool number = (space.holder == Holder::Strong || space.holder == Holder::Weak) &&
                        space.dtype == DType::Float64;
    const bool array = space.holder == Holder::Array && native_size(space.dtype) > 0;
    if (!number && !array && !complex_space(space)) return {};
    if (array && space.rank == 0 && space.dtype == DType::Bool) return {};
    if (program == InProgram::Sum || program == InProgram::Mean) {
        if (is_constant(operands[0]) || !complex_space(graph_.space_of(operands[0])) ||
            graph_.space_of(operands[0]).holder != Holder::Array ||
            space.dtype != DType::Complex128 || reduction_axes(id) == Axes::Unsupported)
            return {};
        return host::complex_loop(operation(Code::add), 2, DType::Complex128);
    }
    const std::size_t count = program == InProgram::Loop ? node.op->arity : 1;
    if (program != InProgram::Loop && program != InProgram::Same) return {};
    for (std::uint32_t k = 0; k < node.count; ++k)
        if (k < count ? !complex_operand(operands[k]) : operands[k] != no_id) return {};
    if (node.count < count) return {};
    return host::complex_loop(*node.op, count, space.dtype);
}

// Real or imaginary part of one complex number.
bool Scheduler::part_of_number(Id id) const {
    const Node& node = graph_.nodes[id];
    const Space& space = graph_.space_of(id);
    return node.op->kind() == OpKind::Structural && node.count == 1 && scalar_space(space) &&
           space.dtype == DType::Float64 && !is_constant(graph_.operands_of(node)[0]) &&
           graph_.space_of(graph_.operands_of(node)[0]).holder != Holder::Array &&
           complex_space(graph_.space_of(graph_.operands_of(node)[0])) &&
           complex_operand(graph_.operands_of(node)[0]);
}

// Constants that loops of complex numbers read: two slots each, side by side.
void Scheduler::note_complex_numbers() {
    for (Id id = graph_.inputs; id < graph_.nodes.size(); ++id) {
        if (!needed_[id] || (ways_[id] != Way::Loop && !stacks_complex(id))) continue;
        const Node& node = graph_.nodes[id];
        for (std::uint32_t k = 0; k < node.count; ++k) {
            const Id operand = graph_.operands_of(node)[k];
            double parts[2];
            if (operand == no_id || !is_constant(operand) ||
                !host::complex_parts(graph_.constants[constant_index(operand)], parts))
                continue;
            const auto next = static_cast<std::uint32_t>(plan_.numbers.size());
            if (complex_slots_.try_emplace(constant_index(operand), next).second)
                plan_.numbers.insert(plan_.numbers.end(), parts, parts + 2);
        }
    }
}

// Memory of no node's, for this step and the next.
Where Scheduler::room(std::size_t bytes) {
    Buffer buffer;
    buffer.bytes = bytes;
    buffer.born = buffer.dies = static_cast<std::uint32_t>(plan_.steps.size());
    Where where;
    where.kind = Where::Kind::Memory;
    where.index = static_cast<std::uint32_t>(plan_.buffers.size());
    plan_.buffers.push_back(buffer);
    return where;
}

// Whether an array of doubles becomes one of complex numbers.
bool Scheduler::casts_to_complex(Id id) const {
    const Node& node = graph_.nodes[id];
    const Space& space = graph_.space_of(id);
    if (!node.op || node.op->program != InProgram::Cast || node.kwnames || node.count == 0 ||
        space.holder != Holder::Array || !complex_space(space))
        return false;
    const Id from = graph_.operands_of(node)[0];
    return complex_operand(from) && !is_constant(from) &&
           graph_.space_of(from).holder == Holder::Array &&
           graph_.space_of(from).dtype == DType::Float64 &&
           same_shape(graph_.meta_of(from), graph_.meta(space));
}

// An array, or a number in a slot, in another type and in C order; in its own memory where it is a
// node's value.
Where Scheduler::converted(Id operand, DType dtype, Id value) {
    Meta meta;
    Where from;
    if (!is_constant(operand) && scalar_space(graph_.space_of(operand))) {
        from = plan_.where[operand];
        from.strides = add_strides({});
        meta.dtype = DType::Float64;
    } else if (is_constant(operand)) {
        from = memory_of(operand);
        const View view = host::describe(graph_.constants[constant_index(operand)]);
        meta = {view.dtype, true, view.rank, view.shape};
    } else {
        from = memory_of(operand);
        meta = graph_.meta_of(operand);
    }
    use(from);
    const std::size_t bytes = meta.size() * native_size(dtype);
    Where to = value == no_id ? room(bytes) : new_memory(value, bytes);
    to.strides = add_c_order(meta, dtype);
    Copy copy;
    copy.kind = Copy::Kind::Convert;
    copy.dtype = dtype;
    copy.source = meta.dtype;
    copy.from = address(from);
    copy.to = address(to);
    copy.rank = static_cast<std::uint32_t>(meta.rank);
    copy.shape = add_extents(meta.shape, meta.rank);
    copy.from_strides = from.strides;
    plan_.copies.push_back(copy);
    step(Step::Kind::Copy, static_cast<std::uint32_t>(plan_.copies.size() - 1), 1);
    return to;
}

Where Scheduler::operand_of_loop(Id operand, const Meta& target, std::vector<Extent>& strides) {
    strides.assign(static_cast<std::size_t>(target.rank), 0);
    if (is_constant(operand))
        if (const auto known = complex_slots_.find(constant_index(operand));
            known != complex_slots_.end()) {
            Where slots;
            slots.kind = Where::Kind::Slot;
            slots.index = known->second;
            return slots;
        }
    Where where;
    Meta own;
    bool complex = false;
    if (is_constant(operand)) {
        const View view = host::describe(graph_.constants[constant_index(operand)]);
        own = {view.dtype, true, view.rank, view.shape};
        complex = view.dtype == DType::Complex128;
    } else {
        own = graph_.meta_of(operand);
        complex = own.dtype == DType::Complex128;
    }
    const std::vector<Extent> shape(own.shape, own.shape + own.rank);  // it may move
    where = complex ? memory_of(operand) : converted(operand, DType::Complex128);
    const auto extra = static_cast<std::size_t>(target.rank - own.rank);
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
        if (shape[axis] != 1) strides[axis + extra] = plan_.strides[where.strides + axis];
    return where;
}

void Scheduler::loop_step(Id id) {
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    const Space& space = graph_.space_of(id);
    const InProgram program = node.op->program;
    LoopCall call;
    call.loop = loop(id);
    call.node = id;
    call.sums = program == InProgram::Sum || program == InProgram::Mean;
    call.operands =
        call.sums || program != InProgram::Loop ? 1 : static_cast<std::uint32_t>(node.op->arity);
    const Meta result = graph_.meta(space);
    const Meta whole = call.sums ? graph_.meta_of(operands[0]) : result;
    const std::vector<Extent> shape(whole.shape, whole.shape + whole.rank);
    Meta target = whole;
    target.shape = shape.data();
    const std::size_t size = target.size();
    std::vector<Extent> strides[3];
    Where read[2];
    for (std::uint32_t k = 0; k < call.operands; ++k)
        read[k] = operand_of_loop(operands[k], target, strides[k]);
    for (std::uint32_t k = 0; k < call.operands; ++k) {
        use(read[k]);  // by this step, which comes after what converts them
        call.places[k] = address(read[k]);
    }
    const std::size_t item = native_size(space.dtype);
    const std::size_t results = graph_.meta(space).size();
    call.bytes = results * item;
    Where& where = plan_.where[id];
    if (scalar_space(space)) {
        where.kind = Where::Kind::Slot;
        where.index = plan_.slots++;
    } else {
        where = new_memory(id, call.bytes);
        if (space.dtype != DType::Bool && needs_look(id)) plan_.checks.push_back(id);
    }
    call.places[call.operands] = address(where);
    std::vector<Extent>& out = strides[call.operands];
    out.assign(shape.size(), 0);
    std::vector<bool> reduced(shape.size(), false);
    if (call.sums)
        reduced = reduction_axes(id) == Axes::All ? std::vector<bool>(shape.size(), true)
                                                  : reduced_axes(id);
    auto stride = static_cast<Extent>(item);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        if (reduced[axis]) continue;
        out[axis] = stride;
        stride *= shape[axis];
    }
    if (program == InProgram::Mean)
        call.divisor = static_cast<double>(size / std::max<std::size_t>(results, 1));
    // All in one go, where each operand lies in C order or is one number.
    bool flat = true;
    for (std::uint32_t k = 0; k <= call.operands; ++k) {
        const bool one =
            std::all_of(strides[k].begin(), strides[k].end(), [](Extent own) { return own == 0; });
        const std::size_t own = k < call.operands ? native_size(DType::Complex128) : item;
        flat = flat && (one || layout_of(strides[k], shape.data(), own).flat);
    }
    if (flat) {
        const auto length = static_cast<Extent>(size);
        call.rank = 1;
        call.shape = add_extents(&length, 1);
        for (std::uint32_t k = 0; k <= call.operands; ++k) {
            const bool one = std::all_of(strides[k].begin(), strides[k].end(),
                                         [](Extent own) { return own == 0; });
            const std::size_t own = k < call.operands ? native_size(DType::Complex128) : item;
            call.strides[k] = add_strides({one ? Extent{0} : static_cast<Extent>(own)});
        }
    } else {
        call.rank = static_cast<std::uint32_t>(shape.size());
        call.shape = add_extents(shape.data(), static_cast<int>(shape.size()));
        for (std::uint32_t k = 0; k <= call.operands; ++k)
            call.strides[k] = add_strides(strides[k]);
    }
    plan_.work += 8 * size;
    plan_.loops.push_back(call);
    step(Step::Kind::Loop, static_cast<std::uint32_t>(plan_.loops.size() - 1), 1);
    done(id);
    flush_guards();
}

void Scheduler::part_of_number_step(Id id) {
    const Node& node = graph_.nodes[id];
    const Id from = graph_.operands_of(node)[0];
    // The operation itself, done on a number in memory, shows where the part lies.
    const Value whole = host::new_array(DType::Complex128, nullptr, 0);
    const Value part = host::apply(*node.op, &whole, 1, nullptr, Form::Rule);
    if (!part.is_object() || !host::shares_memory(whole, part)) return host(id);
    const Extent offset = host::describe(part).data - host::describe(whole).data;
    Where source = memory_of(from);
    use(source);
    source.offset += offset;
    Where& where = plan_.where[id];
    where.kind = Where::Kind::Slot;
    where.index = plan_.slots++;
    const Extent one = 1;
    Copy copy;
    copy.kind = Copy::Kind::Strided;
    copy.from = address(source);
    copy.to = address(where);
    copy.rank = 1;
    copy.shape = add_extents(&one, 1);
    copy.from_strides = copy.to_strides = add_strides({Extent{sizeof(double)}});
    plan_.copies.push_back(copy);
    step(Step::Kind::Copy, static_cast<std::uint32_t>(plan_.copies.size() - 1), 1);
    done(id);
    flush_guards();
}

void run_loop(const Plan& plan, const LoopCall& call, Arena& arena) {
    const Extent* shape = plan.extents.data() + call.shape;
    char* places[3];
    const Extent* strides[3];
    // A sum: the result, the operand, the result.
    const std::uint32_t count = call.sums ? 3 : call.operands + 1;
    for (std::uint32_t k = 0; k < count; ++k) {
        const std::uint32_t own = call.sums ? (k == 1 ? 0 : 1) : k;
        places[k] = arena.place(call.places[own]);
        strides[k] = plan.strides.data() + call.strides[own];
    }
    char* const result = places[count - 1];
    if (call.sums) std::memset(result, 0, call.bytes);
    const std::uint32_t outer = call.rank ? call.rank - 1 : 0;
    const Extent inner = call.rank ? shape[outer] : 1;
    Extent steps[3] = {};
    for (std::uint32_t k = 0; k < count && call.rank; ++k) steps[k] = strides[k][outer];
    Extent rows = 1;
    for (std::uint32_t axis = 0; axis < outer; ++axis) rows *= shape[axis];
    Extent index[64] = {};
    for (Extent row = 0; row < rows; ++row) {
        char* own[3] = {places[0], places[1], count > 2 ? places[2] : nullptr};
        call.loop.run(own, &inner, steps, call.loop.data);
        for (std::uint32_t axis = outer; axis-- > 0;) {
            for (std::uint32_t k = 0; k < count; ++k) places[k] += strides[k][axis];
            if (++index[axis] < shape[axis]) break;
            for (std::uint32_t k = 0; k < count; ++k) places[k] -= strides[k][axis] * shape[axis];
            index[axis] = 0;
        }
    }
    if (call.divisor == 1.0) return;
    auto* numbers = reinterpret_cast<double*>(result);
    for (std::size_t i = 0; i < call.bytes / sizeof(double); ++i) numbers[i] /= call.divisor;
}

}  // namespace fastad::program
