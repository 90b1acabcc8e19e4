// Operations that only rearrange, join, copy or cast.
#include "ops/blocks.hpp"

namespace fastad {

namespace {

// The inverse of any reshaping is a reshaping; the order of elements must be the same.
Value reshape_with_order(const Call& call, const Value& g, std::size_t order_argument) {
    const Meta& meta = call.meta(0);
    const Value shape = host::integers(meta.shape, static_cast<std::size_t>(meta.rank));
    const Value& order = call.arg(order_argument);
    if (order.empty()) return apply(Code::reshape, g, shape);
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
Value own_shape_batch(const Call& call, const Value& g, Extent width) {
    for (std::size_t i = 1; i < call.count(); ++i)
        if (call.op.structural.parameter(i)->kind == Argument::Order && !call.arg(i).empty())
            return {};
    const Meta& meta = call.meta(0);
    std::vector<Extent> shape(meta.shape, meta.shape + meta.rank);
    shape.insert(shape.begin(), width);
    return shaped::reshape(g, shape.data(), static_cast<int>(shape.size()));
}

Value transpose_vjp(const Call& call, std::size_t, const Value& g) {
    const Value& axes = call.arg(1);
    if (axes.empty()) return apply(Code::transpose, g);
    const std::vector<Extent> order = host::as_integers(axes, "axes");
    if (order.empty()) return apply(Code::transpose, g);
    const Extent rank = static_cast<Extent>(order.size());
    std::vector<Extent> inverse(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        const Extent from = order[i] < 0 ? order[i] + rank : order[i];
        if (from < 0 || from >= rank)
            throw Error(Error::Class::Value,
                        "transpose: its axes were changed after it was called");
        inverse[static_cast<std::size_t>(from)] = static_cast<Extent>(i);
    }
    return shaped::transpose(g, inverse.data(), static_cast<int>(rank));
}
Value swapaxes_vjp(const Call& call, std::size_t, const Value& g) {
    return apply(Code::swapaxes, g, call.arg(1), call.arg(2));
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
Value stack_vjp(const Call& call, std::size_t argnum, const Value& g) {
    const std::size_t along = axis_of(call.arg(0), call.ans_meta.rank);
    return apply(Code::getitem, g,
                 host::position_index(static_cast<int>(along), static_cast<Extent>(argnum - 1)));
}
}  // namespace

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
        Value (*vjp_batch)(const Call&, const Value&, Extent);
        const char* formula;
    };
    const Parameter a = {"a", Differentiable};
    const Line lines[] = {
        {Code::reshape,
         {a, {"shape", Lengths}, {"order", Order}},
         reshape_vjp,
         own_shape_batch,
         "reshape(g, shape(x))"},
        {Code::ravel, {a, {"order", Order}}, ravel_vjp, own_shape_batch, "reshape(g, shape(x))"},
        {Code::transpose,
         {a, {"axes", Lengths}},
         transpose_vjp,
         nullptr,
         "transpose(g, inverse of axes)"},
        {Code::swapaxes,
         {a, {"axis1", Static}, {"axis2", Static}},
         swapaxes_vjp,
         nullptr,
         "swapaxes(g)"},
        {Code::moveaxis,
         {a, {"source", Lengths}, {"destination", Lengths}},
         moveaxis_vjp,
         nullptr,
         "moveaxis(g, destination, source)"},
        {Code::squeeze,
         {a, {"axis", Static}},
         own_shape_vjp,
         own_shape_batch,
         "reshape(g, shape(x))"},
        {Code::expand_dims,
         {a, {"axis", Lengths}},
         own_shape_vjp,
         own_shape_batch,
         "reshape(g, shape(x))"},
        {Code::broadcast_to,
         {{"array", Differentiable}, {"shape", Lengths}, {"subok", Refused}},
         pass_vjp,
         nullptr,
         "sum of g over the broadcast axes"},
        {Code::astype,
         {a,
          {"dtype", Static},
          {"order", Refused},
          {"casting", Refused},
          {"subok", Refused},
          {"copy", Static}},
         pass_vjp,
         nullptr,
         "g, cast back"},
        {Code::copy, {a, {"order", Static}, {"subok", Refused}}, pass_vjp, own_shape_batch, "g"},
    };
    for (const Line& line : lines) {
        Structural& op = block(table, line.code);
        op.parameters = line.parameters;
        op.linear = Structural::Linear::Jointly;
        op.vjp = line.vjp;
        op.vjp_batch = line.vjp_batch;
        op.formula = line.formula;
    }
    for (const Code code : {Code::concatenate, Code::stack}) {
        Structural& op = block(table, code);
        op.parameters = {{"axis", Static}, {"arrays", Differentiable}};
        op.variadic = true;
        op.positional = true;
        op.linear = Structural::Linear::Jointly;
        op.vjp = code == Code::stack ? stack_vjp : concatenate_vjp;
        entry(table, code).finite = true;
        op.formula = "the part of g that the argument became";
    }
}

}  // namespace fastad
