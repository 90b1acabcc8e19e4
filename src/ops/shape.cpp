// Operations that only rearrange, join, copy or cast.
#include "ops/blocks.hpp"

namespace fastad {

namespace {

Value linear_jvp(const Call& call, std::size_t argnum, const Value& tangent) {
    std::vector<Value> args;
    for (std::size_t i = 0; i < call.count(); ++i) args.push_back(call.arg(i));
    args[argnum] = tangent;
    return apply(call.op, args.data(), args.size());
}

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
Value join_jvp(const Call& call, const Value* tangents) {
    std::vector<Value> args;
    args.push_back(call.arg(0));
    for (std::size_t i = 1; i < call.count(); ++i)
        args.push_back(tangents[i].empty() ? host::zeros(call.meta(i)) : tangents[i]);
    return apply(call.op, args.data(), args.size());
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
        Value (*vjp)(const Call&, std::size_t, const Value&);
        const char* formula;
    };
    const Line lines[] = {
        {Code::reshape, reshape_vjp, "reshape(g, shape(x))"},
        {Code::ravel, ravel_vjp, "reshape(g, shape(x))"},
        {Code::transpose, transpose_vjp, "transpose(g, inverse of axes)"},
        {Code::swapaxes, swapaxes_vjp, "swapaxes(g)"},
        {Code::moveaxis, moveaxis_vjp, "moveaxis(g, destination, source)"},
        {Code::squeeze, own_shape_vjp, "reshape(g, shape(x))"},
        {Code::expand_dims, own_shape_vjp, "reshape(g, shape(x))"},
        {Code::broadcast_to, pass_vjp, "sum of g over the broadcast axes"},
        {Code::astype, pass_vjp, "g, cast back"},
        {Code::copy, pass_vjp, "g"},
    };
    for (const Line& line : lines) {
        Structural& op = block(table, line.code);
        op.differentiable = 1;
        op.vjp = line.vjp;
        op.jvp = linear_jvp;
        op.formula = line.formula;
    }
    for (const Code code : {Code::concatenate, Code::stack}) {
        Structural& op = block(table, code);
        op.differentiable = ~1u;
        op.vjp = code == Code::stack ? stack_vjp : concatenate_vjp;
        op.jvp_joint = join_jvp;
        op.formula = "the part of g that the argument became";
    }
}

}  // namespace fastad
