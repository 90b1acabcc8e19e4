// Arrays one after the other, or along a new axis.
#include <algorithm>

#include "ops/aval.hpp"
#include "ops/blocks.hpp"

namespace fastad {

namespace {

std::size_t axis_of(const Value& axis, int rank) {
    const std::vector<Extent> list = host::as_integers(axis, "axis");
    const Extent value = list.empty() ? 0 : list[0];
    return static_cast<std::size_t>(value < 0 ? value + rank : value);
}
// Given as an int, or left out for 0. None flattens.
bool flattens(const Value& axis) { return axis.is_object() && host::type_name(axis) == "NoneType"; }

bool concatenate_aval(const Call& call, Aval& result) {
    Promotion promotion;
    for (std::size_t i = 1; i < call.count(); ++i) promotion.add(call.arg(i), call.meta(i));
    if (!promotion.dtype(result.dtype)) return false;
    if (flattens(call.arg(0))) {
        result.rank = 1;
        result.shape[0] = 0;
        for (std::size_t i = 1; i < call.count(); ++i)
            result.shape[0] += static_cast<Extent>(call.meta(i).size());
        return true;
    }
    int along;
    result.take_shape(call.meta(1));
    if (!avals::axis(call.arg(0), result.rank, along)) return false;
    for (std::size_t i = 2; i < call.count(); ++i) {
        const Meta& own = call.meta(i);
        if (own.rank != result.rank) return false;
        for (int axis = 0; axis < own.rank; ++axis)
            if (axis != along && own.shape[axis] != result.shape[axis]) return false;
        result.shape[along] += own.shape[along];
    }
    return true;
}
// Numbers become arrays before they are joined.
bool stack_aval(const Call& call, Aval& result) {
    Promotion promotion;
    for (std::size_t i = 1; i < call.count(); ++i) {
        promotion.add(call.meta(i).dtype);
        if (!same_shape(call.meta(i), call.meta(1))) return false;
    }
    if (!promotion.dtype(result.dtype)) return false;
    int along;
    result.take_shape(call.meta(1));
    return avals::axis(call.arg(0), result.rank + 1, along) &&
           result.insert(along, static_cast<Extent>(call.count() - 1));
}

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

void blocks::fill_joins(Op* table) {
    Block concatenate;
    concatenate.parameters = {{"axis", Static}, {"arrays", Differentiable}};
    concatenate.variadic = true;
    concatenate.positional = true;
    concatenate.linear = Structural::Linear::Jointly;
    concatenate.aval = concatenate_aval;
    concatenate.vjp = concatenate_vjp;
    concatenate.vjp_batch = concatenate_batch;
    concatenate.finite = true;
    concatenate.program = InProgram::Join;
    concatenate.jvp_batch = concatenate_tangents;
    concatenate.formula = "the part of g that the argument became";
    enter(table, Code::concatenate, concatenate);
    Block stack = concatenate;
    stack.aval = stack_aval;
    stack.vjp = stack_vjp;
    stack.vjp_batch = stack_batch;
    stack.program = InProgram::Stack;
    stack.jvp_batch = stack_tangents;
    enter(table, Code::stack, stack);
}

}  // namespace fastad
