// How each node of a graph is computed.
#include <cmath>
#include <limits>

#include "host/programs.hpp"
#include "program/schedule.hpp"
#include "program/simplify.hpp"

namespace fastad::program {

namespace {

constexpr double largest_whole = 9007199254740992.0;

bool is_float(DType dtype) noexcept { return dtype == DType::Float64 || dtype == DType::Float32; }

}  // namespace

bool Scheduler::scalar_space(const Space& space) const noexcept {
    if (space.rank != 0) return false;
    switch (space.holder) {
        case Holder::Weak:
        case Holder::Strong: return space.dtype == DType::Float64;
        case Holder::Scalar: return space.dtype == DType::Bool || space.dtype == DType::Int64;
        case Holder::Array: return space.dtype == DType::Float64 || space.dtype == DType::Bool;
        default: return false;
    }
}

bool Scheduler::number(Id operand, double& value) const {
    if (operand == no_id || !is_constant(operand)) return false;
    const Value& constant = graph_.constants[constant_index(operand)];
    if (constant.is_number()) {
        value = constant.number();
        return true;
    }
    if (!constant.is_object()) return false;
    const View view = host::describe(constant);
    return !view.array && view.dtype == DType::Bool && host::number_of(constant, value);
}

bool Scheduler::scalar_operand(Id operand) const {
    double unused;
    if (operand == no_id) return false;
    return is_constant(operand) ? number(operand, unused) : scalar_space(graph_.space_of(operand));
}

// What sums and differences of truths and whole numbers cannot exceed: doubles then give the same.
double Scheduler::whole_bound(Id id, int depth) const {
    constexpr double unknown = std::numeric_limits<double>::infinity();
    if (id == no_id || depth == 0) return unknown;
    if (is_constant(id)) {
        const Value& constant = graph_.constants[constant_index(id)];
        if (constant.kind() == Kind::Integer) return std::abs(constant.number());
        const View view = constant.is_object() ? host::describe(constant) : View();
        return constant.is_object() && view.dtype == DType::Bool ? 1.0 : unknown;
    }
    const Space& space = graph_.space_of(id);
    if (space.dtype == DType::Bool) return 1.0;
    const Node& node = graph_.nodes[id];
    if (space.dtype != DType::Int64 || !node.op || node.op->program != InProgram::Loop ||
        node.count != 2)
        return unknown;
    const Op& op = *node.op;
    // Sums and differences: a product passes on infinities as well, but may be -0.
    if (!op.keeps_whole || op.minus_zero || !op.passes[0] || !op.passes[1]) return unknown;
    const Id* operands = graph_.operands_of(node);
    return whole_bound(operands[0], depth - 1) + whole_bound(operands[1], depth - 1);
}

// The type that an elementwise node on arrays computes in, if its group can.
bool Scheduler::block_dtype(Id id, DType& dtype) const {
    const Node& node = graph_.nodes[id];
    const Space& space = graph_.space_of(id);
    const bool test = node.op->kind() == OpKind::Test;
    const bool select = node.op->program == InProgram::Select;
    const bool cast = node.op->program == InProgram::Cast;
    const std::uint32_t count = cast ? 1 : node.count;
    bool doubles = false, singles = false, strong = false, others = false;
    for (std::uint32_t k = 0; k < count; ++k) {
        const Id operand = graph_.operands_of(node)[k];
        if (operand == no_id && node.op->kind() == OpKind::Term) continue;
        if (operand == no_id) return false;
        if (scalar_operand(operand)) {
            if (!is_constant(operand))
                strong = strong || graph_.space_of(operand).holder != Holder::Weak;
            else
                strong = strong || graph_.constants[constant_index(operand)].kind() == Kind::Strong;
            continue;
        }
        DType own = DType::Other;
        if (is_constant(operand)) {
            const Value& constant = graph_.constants[constant_index(operand)];
            if (!constant.is_object()) return false;
            const View view = host::describe(constant);
            if (!view.array || !view.usable) return false;
            own = view.dtype;
        } else {
            if (graph_.space_of(operand).holder != Holder::Array) return false;
            own = graph_.space_of(operand).dtype;
        }
        if (!is_readable(own)) return false;
        if (select && k == 0) continue;
        doubles = doubles || own == DType::Float64;
        singles = singles || own == DType::Float32;
        others = others || !is_float(own);
    }
    if (test) {
        // Whether a strong number beside single precision widens it, NumPy's versions do not agree.
        if (singles && (doubles || strong || others)) return false;
        dtype = singles ? DType::Float32 : DType::Float64;
        return true;
    }
    if (space.dtype == DType::Int64 && whole_bound(id) < largest_whole) {
        dtype = DType::Float64;
        return true;
    }
    if (!is_float(space.dtype)) return false;
    dtype = space.dtype;
    // Integers and truths alone give a float64 only by the loop of doubles.
    return doubles || singles || cast || select || space.dtype == DType::Float64;
}

bool Scheduler::reduction(Id id, DType& dtype) const {
    const Node& node = graph_.nodes[id];
    const bool sum = node.op->program == InProgram::Sum, mean = node.op->program == InProgram::Mean;
    if (!sum && !mean && node.op->program != InProgram::Max && node.op->program != InProgram::Min)
        return false;
    const Id operand = graph_.operands_of(node)[0];
    if (operand == no_id || is_constant(operand)) return false;
    const Space& from = graph_.space_of(operand);
    const Space& to = graph_.space_of(id);
    if (from.holder != Holder::Array || from.rank == 0) return false;
    if (is_float(from.dtype)) {
        if (to.dtype != from.dtype) return false;
    } else {  // how many are true
        const bool counts = sum && to.dtype == DType::Int64;
        const bool share = mean && to.dtype == DType::Float64;
        if (from.dtype != DType::Bool || !(counts || share)) return false;
        if (!scalar_space(to) && to.holder != Holder::Array) return false;
        dtype = DType::Float64;
        return graph_.meta(from).size() > 0;
    }
    dtype = from.dtype;
    if (to.holder != Holder::Array && to.dtype != DType::Float64) return false;
    const Meta whole = graph_.meta(from);
    return whole.size() > 0;
}

bool Scheduler::product(Id id) const {
    const Node& node = graph_.nodes[id];
    if (node.op->program != InProgram::Product || node.count < 2) return false;
    const Space& space = graph_.space_of(id);
    const bool complex = complex_space(space);
    if (space.dtype != DType::Float64 && !complex) return false;
    if (space.holder != Holder::Array && space.holder != Holder::Strong && !complex) return false;
    if (complex && !host::complex_loop(operation(Code::matmul), 2, DType::Complex128).run)
        return false;
    for (int k = 0; k < 2; ++k) {
        const Id operand = graph_.operands_of(node)[k];
        if (operand == no_id) return false;
        Meta meta;
        if (is_constant(operand)) {
            const Value& constant = graph_.constants[constant_index(operand)];
            if (!constant.is_object()) return false;
            const View view = host::describe(constant);
            if (!view.usable) return false;
            meta.dtype = view.dtype, meta.array = view.array, meta.rank = view.rank,
            meta.shape = view.shape;
        } else {
            meta = graph_.meta_of(operand);
        }
        if (!meta.array || meta.dtype != space.dtype) return false;
        if (meta.rank < 1 || meta.rank > 2 || meta.size() == 0) return false;
    }
    return true;
}

Way Scheduler::classify(Id id) {
    const Node& node = graph_.nodes[id];
    if (!node.op) return Way::Input;
    if (node.kwnames) return Way::Host;
    if (RoutineShape shape; !product(id) && routine(id, shape)) return Way::Routine;
    if (movable(id)) return Way::Copy;
    if (loop(id).run) return Way::Loop;
    if (part_of_number(id)) return Way::Copy;
    const Space& space = graph_.space_of(id);
    const Id* operands = graph_.operands_of(node);
    const InProgram program = node.op->program;
    DType dtype;
    if (Contraction plan; contraction(id, plan)) return Way::Contract;
    if (node.op->kind() == OpKind::Term) return block_dtype(id, dtype) ? Way::Block : Way::Host;
    const bool elementwise = program == InProgram::Loop;
    if (elementwise || program == InProgram::Select) {
        bool scalars = node.count <= 3;
        for (std::uint32_t k = 0; scalars && k < node.count; ++k)
            scalars = scalar_operand(operands[k]);
        const bool own = space.dtype == DType::Float64 || node.op->kind() == OpKind::Test;
        if (scalars && scalar_space(space) && own) return Way::Scalar;
        const bool fits = elementwise ? node.count == node.op->arity : node.count == 3;
        if (space.holder == Holder::Array && !scalar_space(space) && fits && block_dtype(id, dtype))
            return Way::Block;
        return Way::Host;
    }
    if (node.count == 0 || operands[0] == no_id) return Way::Host;
    switch (program) {
        case InProgram::Part: return ways_[operands[0]] == Way::Routine ? Way::Alias : Way::Host;
        case InProgram::Same:
        case InProgram::Cast:
        case InProgram::View:
        case InProgram::Take:
        case InProgram::Spread:
        case InProgram::Sum:
        case InProgram::Mean:
        case InProgram::Max:
        case InProgram::Min: {
            if (is_constant(operands[0]) || !scalar_space(space)) break;
            // A place that is computed need not be there, though there is one element.
            if (program == InProgram::Take && !is_constant(operands[1])) break;
            const Space& from = graph_.space_of(operands[0]);
            if (space.dtype != from.dtype) break;
            if (scalar_space(from)) return Way::Alias;
            // One element of an array.
            const bool one = graph_.meta(from).size() == 1;
            const bool view = program == InProgram::Take && is_constant(operands[1]) &&
                              host::is_view_index(graph_.constants[constant_index(operands[1])]);
            if (from.holder == Holder::Array && from.dtype == DType::Float64 && (one || view))
                return Way::Scalar;
            break;
        }
        default: break;
    }
    if (program == InProgram::Cast) {
        if (space.holder == Holder::Array && is_float(space.dtype) && !scalar_space(space) &&
            block_dtype(id, dtype))
            return Way::Block;
        return casts_to_complex(id) ? Way::Copy : Way::Host;
    }
    if (reduction(id, dtype)) {
        return reduction_axes(id) != Axes::Unsupported ? Way::Reduce : Way::Host;
    }
    if (product(id)) return Way::Product;
    if (std::vector<Extent> position; viewable(id) || complex_element(id, position))
        return Way::Alias;
    // Real and imaginary parts are views.
    if (const Space& from = graph_.space_of(is_constant(operands[0]) ? 0 : operands[0]);
        node.op->kind() == OpKind::Structural && node.count == 1 && !is_constant(operands[0]) &&
        complex_space(from) && from.holder == Holder::Array && from.rank > 0 &&
        space.dtype == DType::Float64 && space.holder == Holder::Array &&
        same_shape(graph_.meta(from), graph_.meta(space)))
        return Way::Alias;
    if (copyable(id)) return Way::Copy;
    return Way::Host;
}

// Which axes a reduction goes over, seen from the operand's shape.
Scheduler::Axes Scheduler::reduction_axes(Id id) const {
    const Node& node = graph_.nodes[id];
    const Meta whole = graph_.meta_of(graph_.operands_of(node)[0]);
    const Id axis = node.count > 1 ? graph_.operands_of(node)[1] : no_id;
    // keepdims lies in different places; no other parameter is recorded.
    std::vector<bool> reduced(static_cast<std::size_t>(whole.rank), false);
    bool all = true;
    if (axis != no_id) {
        if (!is_constant(axis)) return Axes::Unsupported;
        const Value& constant = graph_.constants[constant_index(axis)];
        if (constant.is_number() || host::type_name(constant) == "tuple") {
            all = false;
            for (Extent a : host::as_integers(constant, "axis"))
                reduced[static_cast<std::size_t>(a < 0 ? a + whole.rank : a)] = true;
        } else if (host::type_name(constant) != "NoneType") {
            return Axes::Unsupported;
        }
    }
    for (std::uint32_t k = 2; k < node.count; ++k) {
        const Id operand = graph_.operands_of(node)[k];
        double flag;
        if (operand == no_id) continue;
        if (!is_constant(operand)) return Axes::Unsupported;
        const Value& constant = graph_.constants[constant_index(operand)];
        const std::string type = constant.is_number() ? "number" : host::type_name(constant);
        if (type == "NoneType" || number(operand, flag)) continue;
        if (type != "_NoValueType") return Axes::Unsupported;
    }
    if (all) return Axes::All;
    // Axes of length one do not matter.
    int changes = 0;
    bool last = false, first = true, any = false, some_kept = false;
    bool starts = false;
    for (int a = 0; a < whole.rank; ++a) {
        if (whole.shape[a] == 1) continue;
        const bool own = reduced[static_cast<std::size_t>(a)];
        if (first)
            starts = own;
        else if (own != last)
            ++changes;
        first = false;
        last = own;
        any = any || own;
        some_kept = some_kept || !own;
    }
    if (!some_kept) return Axes::All;
    if (!any) return Axes::Mixed;  // nothing is summed
    if (changes > 1) return Axes::Mixed;
    return starts ? Axes::Leading : Axes::Trailing;
}

std::vector<bool> Scheduler::reduced_axes(Id id) const {
    const Node& node = graph_.nodes[id];
    const Meta whole = graph_.meta_of(graph_.operands_of(node)[0]);
    const Id axis = node.count > 1 ? graph_.operands_of(node)[1] : no_id;
    std::vector<bool> reduced(static_cast<std::size_t>(whole.rank), false);
    for (Extent a : host::as_integers(graph_.constants[constant_index(axis)], "axis"))
        reduced[static_cast<std::size_t>(a < 0 ? a + whole.rank : a)] = true;
    return reduced;
}

bool Scheduler::viewable(Id id) const {
    const Node& node = graph_.nodes[id];
    const Id from = graph_.operands_of(node)[0];
    const bool spreads = node.op->program == InProgram::Spread;
    const bool takes = node.op->program == InProgram::Take;
    if (!spreads && !takes && node.op->program != InProgram::View) return false;
    const Space& space = graph_.space_of(id);
    if (space.holder != Holder::Array || native_size(space.dtype) == 0 || scalar_space(space))
        return false;  // numbers lie in slots
    for (std::uint32_t k = 1; k < node.count; ++k)
        if (graph_.operands_of(node)[k] != no_id && !is_constant(graph_.operands_of(node)[k]))
            return false;
    if (is_constant(from)) return false;
    const Space& source = graph_.space_of(from);
    if (scalar_space(source))
        return source.dtype == DType::Float64 && (spreads || graph_.meta(space).size() == 1);
    if (source.dtype != space.dtype) return false;
    if (source.holder != Holder::Array && !(complex_space(source) && complex_operand(from)))
        return false;
    // Basic indices give views; lists and arrays give copies.
    return !takes ||
           host::is_view_index(graph_.constants[constant_index(graph_.operands_of(node)[1])]);
}

bool Scheduler::copyable(Id id) const {
    const Node& node = graph_.nodes[id];
    const Space& space = graph_.space_of(id);
    if (space.holder != Holder::Array || scalar_space(space) ||
        (!is_float(space.dtype) && space.dtype != DType::Complex128))
        return false;
    if (stacks_complex(id)) return true;
    const Id* operands = graph_.operands_of(node);
    const std::size_t size = graph_.meta(space).size();
    const InProgram program = node.op->program;
    if (program == InProgram::Stack || program == InProgram::Join) {
        bool numbers =
            program == InProgram::Stack && space.rank == 1 && space.dtype == DType::Float64;
        bool arrays = node.count > 1 && operands[0] != no_id && is_constant(operands[0]) &&
                      graph_.constants[constant_index(operands[0])].is_number();
        for (std::uint32_t k = 1; k < node.count; ++k) {
            numbers = numbers && scalar_operand(operands[k]);
            arrays = arrays && operands[k] != no_id && !is_constant(operands[k]) &&
                     graph_.space_of(operands[k]).holder == Holder::Array &&
                     !scalar_space(graph_.space_of(operands[k])) &&
                     graph_.space_of(operands[k]).dtype == space.dtype;
        }
        return numbers || arrays;
    }
    if (program == InProgram::Take)
        return !is_constant(operands[0]) && is_constant(operands[1]) && size <= most_gathered &&
               graph_.space_of(operands[0]).holder == Holder::Array &&
               graph_.space_of(operands[0]).dtype == space.dtype;
    if (program == InProgram::Put) {
        if (!is_constant(operands[0]) || !is_constant(operands[1]) || is_constant(operands[2]))
            return false;
        const Space& update = graph_.space_of(operands[2]);
        if (graph_.meta(update).size() > most_gathered) return false;
        return (update.holder == Holder::Array && update.dtype == space.dtype) ||
               (scalar_space(update) && space.dtype == DType::Float64 &&
                update.dtype == DType::Float64);
    }
    return false;
}

}  // namespace fastad::program
