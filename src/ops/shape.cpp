// Operations that only rearrange, join, copy or cast.
#include <algorithm>

#include "ops/blocks.hpp"

namespace fastad {

namespace {

// The inverse of any reshaping is a reshaping; the order of elements must be the same.
Value reshape_with_order(const Call& call, const Value& g, std::size_t order_argument) {
    const Meta& meta = call.meta(0);
    const Value& order = call.arg(order_argument);
    if (order.empty()) return shaped::reshape_like(g, meta);
    const Value shape = host::integers(meta.shape, static_cast<std::size_t>(meta.rank));
    return apply(Code::reshape, g, shape, order);
}
Value reshape_vjp(const Call& call, std::size_t, const Value& g) {
    return reshape_with_order(call, g, 2);
}
Value ravel_vjp(const Call& call, std::size_t, const Value& g) {
    return reshape_with_order(call, g, 1);
}
Value own_shape_vjp(const Call& call, std::size_t, const Value& g) {
    return shaped::reshape_like(g, call.meta(0));
}

// The elements of a batch of cotangents, in the same order. An order of memory that is given may
// be another one.
Value own_shape_batch(const Call& call, std::size_t, const Value& g, Extent width) {
    for (std::size_t i = 1; i < call.count(); ++i)
        if (call.op.structural.parameter(i)->kind == Argument::Order && !call.arg(i).empty())
            return {};
    return batched::reshape(g, call.meta(0).shape, call.meta(0).rank, width);
}

// The same of tangents.
Value own_shape_tangents(const Call& call, const Value* tangents, Extent width) {
    for (std::size_t i = 1; i < call.count(); ++i)
        if (call.op.structural.parameter(i)->kind == Argument::Order && !call.arg(i).empty())
            return {};
    return batched::reshape(tangents[0], call.ans_meta.shape, call.ans_meta.rank, width);
}
// Axes of an argument, counted with the batch's in front.
std::vector<Extent> shifted(const Value& axes, int rank, const char* what) {
    std::vector<Extent> list = host::as_integers(axes, what);
    for (Extent& axis : list) axis = axis < 0 ? axis + rank + 1 : axis + 1;
    return list;
}
Value transpose_tangents(const Call& call, const Value* tangents, Extent) {
    const int rank = call.meta(0).rank;
    std::vector<Extent> order;
    if (!call.arg(1).empty()) order = shifted(call.arg(1), rank, "axes");
    if (order.empty())
        for (int axis = rank; axis > 0; --axis) order.push_back(axis);
    order.insert(order.begin(), 0);
    return shaped::transpose(tangents[0], order.data(), rank + 1);
}
// fit broadcasts.
Value broadcast_tangents(const Call& call, const Value* tangents, Extent width) {
    return batched::aligned(tangents[0], call.meta(0), call.ans_meta.rank, width);
}
Value pass_tangents(const Call&, const Value* tangents, Extent) { return tangents[0]; }

// The axes that undo a transposition; none where they are reversed.
std::vector<Extent> undoing(const Value& axes) {
    std::vector<Extent> order;
    if (!axes.empty()) order = host::as_integers(axes, "axes");
    const Extent rank = static_cast<Extent>(order.size());
    std::vector<Extent> inverse(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        const Extent from = order[i] < 0 ? order[i] + rank : order[i];
        if (from < 0 || from >= rank)
            throw Error(Error::Class::Value,
                        "transpose: its axes were changed after it was called");
        inverse[static_cast<std::size_t>(from)] = static_cast<Extent>(i);
    }
    return inverse;
}
Value transpose_vjp(const Call& call, std::size_t, const Value& g) {
    const std::vector<Extent> axes = undoing(call.arg(1));
    if (axes.empty()) return apply(Code::transpose, g);
    return shaped::transpose(g, axes.data(), static_cast<int>(axes.size()));
}
Value transpose_batch(const Call& call, std::size_t, const Value& g, Extent) {
    std::vector<Extent> axes = undoing(call.arg(1));
    if (axes.empty())
        for (int axis = call.ans_meta.rank; axis-- > 0;) axes.push_back(axis);
    for (Extent& axis : axes) ++axis;
    axes.insert(axes.begin(), 0);
    return shaped::transpose(g, axes.data(), static_cast<int>(axes.size()));
}
Value swapaxes_vjp(const Call& call, std::size_t, const Value& g) {
    return apply(Code::swapaxes, g, call.arg(1), call.arg(2));
}
// Behind the batch's axis.
Value swapped(const Call& call, const Value& x) {
    const int rank = call.ans_meta.rank;
    const Extent one = shifted(call.arg(1), rank, "axis1").at(0);
    const Extent other = shifted(call.arg(2), rank, "axis2").at(0);
    return apply(Code::swapaxes, x, Value::integer(static_cast<double>(one)),
                 Value::integer(static_cast<double>(other)));
}
Value swapaxes_batch(const Call& call, std::size_t, const Value& g, Extent) {
    return swapped(call, g);
}
Value swapaxes_tangents(const Call& call, const Value* tangents, Extent) {
    return swapped(call, tangents[0]);
}
Value moved(const Call& call, const Value& x, std::size_t source, std::size_t destination) {
    const int rank = call.ans_meta.rank;
    const std::vector<Extent> from = shifted(call.arg(source), rank, "source");
    const std::vector<Extent> to = shifted(call.arg(destination), rank, "destination");
    return apply(Code::moveaxis, x, host::integers(from.data(), from.size()),
                 host::integers(to.data(), to.size()));
}
Value moveaxis_batch(const Call& call, std::size_t, const Value& g, Extent) {
    return moved(call, g, 2, 1);
}
Value moveaxis_tangents(const Call& call, const Value* tangents, Extent) {
    return moved(call, tangents[0], 1, 2);
}
Value moveaxis_vjp(const Call& call, std::size_t, const Value& g) {
    return apply(Code::moveaxis, g, call.arg(2), call.arg(1));
}
// fit() sums over the axes that were broadcast, casts, and takes the real part.
Value pass_vjp(const Call&, std::size_t, const Value& g) { return g; }

std::size_t axis_of(const Value& axis, int rank) {
    const std::vector<Extent> list = host::as_integers(axis, "axis");
    const Extent value = list.empty() ? 0 : list[0];
    return static_cast<std::size_t>(value < 0 ? value + rank : value);
}
// Given as an int, or left out for 0. None flattens.
bool flattens(const Value& axis) { return axis.is_object() && host::type_name(axis) == "NoneType"; }

Value concatenate_vjp(const Call& call, std::size_t argnum, const Value& g) {
    const Value& axis = call.arg(0);
    Extent start = 0;
    if (flattens(axis)) {
        for (std::size_t i = 1; i < argnum; ++i) start += static_cast<Extent>(call.meta(i).size());
        const Extent stop = start + static_cast<Extent>(call.meta(argnum).size());
        return shaped::reshape_like(apply(Code::getitem, g, host::slice_index(0, start, stop)),
                                    call.meta(argnum));
    }
    const std::size_t along = axis_of(axis, call.ans_meta.rank);
    for (std::size_t i = 1; i < argnum; ++i) start += call.meta(i).shape[along];
    const Extent stop = start + call.meta(argnum).shape[along];
    return apply(Code::getitem, g, host::slice_index(static_cast<int>(along), start, stop));
}
Value concatenate_batch(const Call& call, std::size_t argnum, const Value& g, Extent width) {
    const Value& axis = call.arg(0);
    const Meta& own = call.meta(argnum);
    const bool flat = flattens(axis);
    const std::size_t along = flat ? 0 : axis_of(axis, call.ans_meta.rank);
    auto length = [&](std::size_t i) {
        return flat ? static_cast<Extent>(call.meta(i).size()) : call.meta(i).shape[along];
    };
    Extent start = 0;
    for (std::size_t i = 1; i < argnum; ++i) start += length(i);
    const Value part =
        apply(Code::getitem, g,
              host::slice_index(static_cast<int>(along) + 1, start, start + length(argnum)));
    return flat ? batched::reshape(part, own.shape, own.rank, width) : part;
}
Value stack_batch(const Call& call, std::size_t argnum, const Value& g, Extent) {
    const std::size_t along = axis_of(call.arg(0), call.ans_meta.rank);
    return apply(
        Code::getitem, g,
        host::position_index(static_cast<int>(along) + 1, static_cast<Extent>(argnum - 1)));
}
Value stack_vjp(const Call& call, std::size_t argnum, const Value& g) {
    const std::size_t along = axis_of(call.arg(0), call.ans_meta.rank);
    return apply(Code::getitem, g,
                 host::position_index(static_cast<int>(along), static_cast<Extent>(argnum - 1)));
}
// The tangents behind the batch's axis, zeros for those that are missing.
std::vector<Value> join_of(const Call& call, std::size_t along, const Value* tangents,
                           Extent width) {
    std::vector<Value> parts{Value::integer(static_cast<double>(along + 1))};
    for (std::size_t i = 1; i < call.count(); ++i)
        parts.push_back(tangents[i].empty() ? batched::zeros(call.meta(i), width) : tangents[i]);
    return parts;
}
Value concatenate_tangents(const Call& call, const Value* tangents, Extent width) {
    const bool flat = flattens(call.arg(0));
    std::vector<Value> parts =
        join_of(call, flat ? 0 : axis_of(call.arg(0), call.ans_meta.rank), tangents, width);
    for (std::size_t i = 1; flat && i < call.count(); ++i) {
        const Extent size = static_cast<Extent>(call.meta(i).size());
        parts[i] = batched::reshape(parts[i], &size, 1, width);
    }
    return apply(call.op, parts.data(), parts.size());
}
Value stack_tangents(const Call& call, const Value* tangents, Extent width) {
    const std::vector<Value> parts =
        join_of(call, axis_of(call.arg(0), call.ans_meta.rank), tangents, width);
    return apply(call.op, parts.data(), parts.size());
}

}  // namespace

namespace batched {

Value reshape(const Value& x, const Extent* shape, int rank, Extent width) {
    std::vector<Extent> wide(shape, shape + rank);
    wide.insert(wide.begin(), width);
    return shaped::reshape(x, wide.data(), rank + 1);
}
Value aligned(const Value& x, const Meta& own, int rank, Extent width) {
    if (own.rank == rank) return x;
    std::vector<Extent> shape(static_cast<std::size_t>(rank), 1);
    std::copy_n(own.shape, own.rank, shape.end() - own.rank);
    return reshape(x, shape.data(), rank, width);
}
Value broadcast(const Value& x, const Meta& own, const Meta& target, Extent width) {
    if (same_shape(own, target)) return x;
    std::vector<Extent> shape(target.shape, target.shape + target.rank);
    shape.insert(shape.begin(), width);
    const Meta wide{DType::Float64, true, target.rank + 1, shape.data()};
    return shaped::broadcast(aligned(x, own, target.rank, width), wide);
}
Value zeros(const Meta& own, Extent width) {
    std::vector<Extent> shape(own.shape, own.shape + own.rank);
    shape.insert(shape.begin(), width);
    return host::broadcast(Value::strong(0.0), shape.data(), own.rank + 1);
}

}  // namespace batched

namespace shaped {

Value reshape(const Value& x, const Extent* shape, int rank) {
    if (!x.is_box()) return host::reshape(x, shape, rank);
    return apply(Code::reshape, x, host::integers(shape, static_cast<std::size_t>(rank)));
}
Value reshape_like(const Value& x, const Meta& meta) { return reshape(x, meta.shape, meta.rank); }
Value broadcast(const Value& x, const Meta& meta) {
    if (!x.is_box()) return host::broadcast(x, meta.shape, meta.rank);
    return apply(Code::broadcast_to, x,
                 host::integers(meta.shape, static_cast<std::size_t>(meta.rank)));
}
Value transpose(const Value& x, const Extent* axes, int rank) {
    return apply(Code::transpose, x, host::integers(axes, static_cast<std::size_t>(rank)));
}
Value matrix_transpose(const Value& x) {
    return apply(Code::swapaxes, x, Value::integer(-1), Value::integer(-2));
}

}  // namespace shaped

void blocks::fill_shapes(Op* table) {
    struct Line {
        Code code;
        std::vector<Parameter> parameters;
        Value (*vjp)(const Call&, std::size_t, const Value&);
        Value (*vjp_batch)(const Call&, std::size_t, const Value&, Extent);
        Value (*jvp_batch)(const Call&, const Value*, Extent);
        const char* formula;
        InProgram program = InProgram::View;
        bool rearranges = false;
    };
    const Parameter a = {"a", Differentiable};
    const Line lines[] = {
        {.code = Code::reshape,
         .parameters = {a, {"shape", Lengths}, {"order", Order}},
         .vjp = reshape_vjp,
         .vjp_batch = own_shape_batch,
         .jvp_batch = own_shape_tangents,
         .formula = "reshape(g, shape(x))"},
        {.code = Code::ravel,
         .parameters = {a, {"order", Order}},
         .vjp = ravel_vjp,
         .vjp_batch = own_shape_batch,
         .jvp_batch = own_shape_tangents,
         .formula = "reshape(g, shape(x))"},
        {.code = Code::transpose,
         .parameters = {a, {"axes", Lengths}},
         .vjp = transpose_vjp,
         .vjp_batch = transpose_batch,
         .jvp_batch = transpose_tangents,
         .formula = "transpose(g, inverse of axes)",
         .rearranges = true},
        {.code = Code::swapaxes,
         .parameters = {a, {"axis1", Static}, {"axis2", Static}},
         .vjp = swapaxes_vjp,
         .vjp_batch = swapaxes_batch,
         .jvp_batch = swapaxes_tangents,
         .formula = "swapaxes(g)",
         .rearranges = true},
        {.code = Code::moveaxis,
         .parameters = {a, {"source", Lengths}, {"destination", Lengths}},
         .vjp = moveaxis_vjp,
         .vjp_batch = moveaxis_batch,
         .jvp_batch = moveaxis_tangents,
         .formula = "moveaxis(g, destination, source)",
         .rearranges = true},
        {.code = Code::squeeze,
         .parameters = {a, {"axis", Static}},
         .vjp = own_shape_vjp,
         .vjp_batch = own_shape_batch,
         .jvp_batch = own_shape_tangents,
         .formula = "reshape(g, shape(x))"},
        {.code = Code::expand_dims,
         .parameters = {a, {"axis", Lengths}},
         .vjp = own_shape_vjp,
         .vjp_batch = own_shape_batch,
         .jvp_batch = own_shape_tangents,
         .formula = "reshape(g, shape(x))"},
        {.code = Code::broadcast_to,
         .parameters = {{"array", Differentiable}, {"shape", Lengths}, {"subok", Refused}},
         .vjp = pass_vjp,
         .vjp_batch = blocks::by_element<pass_vjp>,
         .jvp_batch = broadcast_tangents,
         .formula = "sum of g over the broadcast axes",
         .program = InProgram::Spread},
        {.code = Code::astype,
         .parameters = {a,
                        {"dtype", Static},
                        {"order", Refused},
                        {"casting", Refused},
                        {"subok", Refused},
                        {"copy", Static}},
         .vjp = pass_vjp,
         .vjp_batch = blocks::by_element<pass_vjp>,
         .jvp_batch = pass_tangents,
         .formula = "g, cast back",
         .program = InProgram::Cast},
        {.code = Code::copy,
         .parameters = {a, {"order", Static}, {"subok", Refused}},
         .vjp = pass_vjp,
         .vjp_batch = own_shape_batch,
         .jvp_batch = pass_tangents,
         .formula = "g",
         .program = InProgram::Same},
    };
    for (const Line& line : lines) {
        Block view;
        view.parameters = line.parameters;
        view.linear = Structural::Linear::Jointly;
        view.vjp = line.vjp;
        view.vjp_batch = line.vjp_batch;
        view.jvp_batch = line.jvp_batch;
        view.formula = line.formula;
        view.program = line.program;
        view.rearranges = line.rearranges;
        enter(table, line.code, view);
    }
    Block concatenate;
    concatenate.parameters = {{"axis", Static}, {"arrays", Differentiable}};
    concatenate.variadic = true;
    concatenate.positional = true;
    concatenate.linear = Structural::Linear::Jointly;
    concatenate.vjp = concatenate_vjp;
    concatenate.vjp_batch = concatenate_batch;
    concatenate.finite = true;
    concatenate.program = InProgram::Join;
    concatenate.jvp_batch = concatenate_tangents;
    concatenate.formula = "the part of g that the argument became";
    enter(table, Code::concatenate, concatenate);
    Block stack = concatenate;
    stack.vjp = stack_vjp;
    stack.vjp_batch = stack_batch;
    stack.program = InProgram::Stack;
    stack.jvp_batch = stack_tangents;
    enter(table, Code::stack, stack);
}

}  // namespace fastad
