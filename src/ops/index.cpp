// Indexing, its adjoint, and choices between elements.
#include <algorithm>

#include "host/space.hpp"
#include "level.hpp"
#include "ops/aval.hpp"
#include "ops/blocks.hpp"

namespace fastad {

namespace {

Value like(const Meta& meta) { return host::broadcast(Value::strong(0.0), meta.shape, meta.rank); }

// Places along the first axis need no look at the array.
bool getitem_aval(const Call& call, Aval& result) {
    const Meta &whole = call.meta(0), &index = call.meta(1);
    if (!avals::same(call, result)) return false;
    if (index.array && (index.dtype == DType::Int64 || index.dtype == DType::Int32)) {
        if (whole.rank == 0 || whole.rank - 1 + index.rank > most_axes) return false;
        std::copy_n(index.shape, index.rank, result.shape);
        std::copy_n(whole.shape + 1, whole.rank - 1, result.shape + index.rank);
        result.rank = whole.rank - 1 + index.rank;
        return true;
    }
    return host::indexed_shape(whole, call.arg(1), result.shape, result.rank);
}
bool scatter_aval(const Call& call, Aval& result) {
    result.take_shape(call.meta(0));
    result.dtype = cotangent_dtype(call.meta(2).dtype);
    return result.dtype != DType::Other;
}
bool where_aval(const Call& call, Aval& result) { return avals::chosen(call, 1, result); }
bool clip_aval(const Call& call, Aval& result) {
    return avals::chosen(call, 0, result) && result.dtype != DType::Bool;
}
// A tuple of positions has neither dtype nor shape.
bool index_aval(const Call&, Aval&) { return false; }
// Those of the item, of a tuple that is at hand.
bool part_aval(const Call& call, Aval& result) {
    Extent position;
    if (!host::is_tuple(call.arg(0)) || !host::plain_integer(call.arg(1), position)) return false;
    const std::vector<Value> items = host::tuple_items(call.arg(0));
    const auto count = static_cast<Extent>(items.size());
    if (position < -count || position >= count) return false;
    const Meta own =
        host::space_of(items[static_cast<std::size_t>(position < 0 ? position + count : position)]);
    result.dtype = own.dtype;
    result.take_shape(own);
    return own.dtype != DType::Other && own.dtype != DType::IntOther;
}

Value getitem_vjp(const Call& call, std::size_t, const Value& g) {
    return apply(Code::scatter, like(call.meta(0)), call.arg(1), g);
}
Value scatter_vjp(const Call& call, std::size_t, const Value& g) {
    return apply(Code::getitem, g, call.arg(1));
}

// An index of a batch, which has one more axis in front; where the index is traced and cannot be
// seen to the bottom, behind the others.
struct BatchIndex {
    Value index;
    bool last = false;
    explicit BatchIndex(const Value& own) {
        if (!own.is_box()) {
            index = host::behind_batch(own);
            return;
        }
        const Value& items = innermost(own);
        if (host::is_tuple(items))
            for (const Value& item : host::tuple_items(items))
                if (host::type_name(item) == "ellipsis") return;  // would take the batch's axis too
        index = own;
        last = true;
    }
    Value moved(const Value& x) const {
        return last ? apply(Code::moveaxis, x, Value::integer(0), Value::integer(-1)) : x;
    }
    Value back(const Value& x) const {
        return last ? apply(Code::moveaxis, x, Value::integer(-1), Value::integer(0)) : x;
    }
};

Value batch_at(const Value& x, const Value& own) {
    const BatchIndex at(own);
    if (at.index.empty()) return {};
    return at.back(apply(Code::getitem, at.moved(x), at.index));
}
Value batch_put(const Meta& into, const Value& own, const Value& x, Extent width) {
    const BatchIndex at(own);
    if (at.index.empty()) return {};
    return at.back(
        apply(Code::scatter, at.moved(batched::zeros(into, width)), at.index, at.moved(x)));
}
Value getitem_batch(const Call& call, std::size_t, const Value& g, Extent width) {
    return batch_put(call.meta(0), call.arg(1), g, width);
}
Value getitem_tangents(const Call& call, const Value* tangents, Extent) {
    return batch_at(tangents[0], call.arg(1));
}
Value scatter_tangents(const Call& call, const Value* tangents, Extent width) {
    return batch_put(call.ans_meta, call.arg(1), tangents[2], width);
}
Value scatter_batch(const Call& call, std::size_t, const Value& g, Extent) {
    return batch_at(g, call.arg(1));
}

Value where_tangents(const Call& call, const Value* tangents, Extent width) {
    Value sides[2];
    for (std::size_t k = 0; k < 2; ++k)
        sides[k] = tangents[k + 1].empty() ? Value::weak(0.0)
                                           : batched::aligned(tangents[k + 1], call.meta(k + 1),
                                                              call.ans_meta.rank, width);
    return apply(Code::where, call.arg(0), sides[0], sides[1]);
}

// The condition has the result's axes or fewer, and so stands for each of a batch.
Value where_vjp(const Call& call, std::size_t argnum, const Value& g) {
    const Value zero = Value::weak(0.0);
    return argnum == 1 ? apply(Code::where, call.arg(0), g, zero)
                       : apply(Code::where, call.arg(0), zero, g);
}

bool is_bound(const Value& limit) { return !absent(limit); }

// clip is minimum(maximum(x, low), high): x has the cotangent inside the bounds, the bound outside
// of them, and none of them on a bound. Where the bounds are crossed the result is the upper one.
Value clip_mask(const Call& call, std::size_t argnum) {
    const Value &low = call.arg(1), &high = call.arg(2);
    if (argnum == 0) {
        Value inside;
        for (const Value* limit : {&low, &high}) {
            if (!is_bound(*limit)) continue;
            const Value free = apply(Code::not_equal, call.ans(), *limit);
            inside = inside.empty() ? free : apply(Code::logical_and, inside, free);
        }
        return inside.empty() ? Value::weak(1.0) : inside;
    }
    const bool both = is_bound(low) && is_bound(high);
    if (argnum == 1) {
        const Value below = apply(Code::less, call.arg(0), low);
        if (!both) return below;
        return apply(Code::logical_and, below, apply(Code::less_equal, low, high));
    }
    const Value above = apply(Code::greater, call.arg(0), high);
    if (!both) return above;
    return apply(Code::logical_or, above, apply(Code::greater, low, high));
}
Value clip_term(const Call& call, std::size_t argnum, const Value& g) {
    return apply(Code::multiply, g, clip_mask(call, argnum));
}
Value clip_tangents(const Call& call, const Value* tangents, Extent width) {
    Value total;
    for (std::size_t k = 0; k < std::min<std::size_t>(call.count(), 3); ++k) {
        if (tangents[k].empty()) continue;
        const Value t = batched::aligned(tangents[k], call.meta(k), call.ans_meta.rank, width);
        const Value term = clip_term(call, k, t);
        total = total.empty() ? term : apply(Code::add, total, term);
    }
    return total;
}

}  // namespace

void blocks::fill_indexing(Op* table) {
    Block getitem;
    getitem.parameters = {{"a", Differentiable}, {"index", Discrete}};
    getitem.positional = true;
    getitem.linear = Structural::Linear::Jointly;
    getitem.aval = getitem_aval;
    getitem.vjp = getitem_vjp;
    getitem.vjp_batch = getitem_batch;
    getitem.scatters = 1;
    getitem.finite = true;
    getitem.jvp_batch = getitem_tangents;
    getitem.formula = "g added into zeros at index";
    getitem.program = InProgram::Take;
    enter(table, Code::getitem, getitem);
    // A tuple of positions of which some are traced: an operation, so that a level that sees it
    // knows where they came from. None of its arguments has a derivative.
    Block index;
    index.parameters = {{"items", Discrete}};
    index.variadic = true;
    index.positional = true;
    index.aval = index_aval;
    index.formula = "0";
    index.program = InProgram::Index;
    enter(table, Code::index, index);
    Block scatter;
    scatter.parameters = {{"like", Discrete}, {"index", Discrete}, {"values", Differentiable}};
    scatter.positional = true;
    scatter.linear = Structural::Linear::Jointly;
    scatter.aval = scatter_aval;
    scatter.vjp = scatter_vjp;
    scatter.jvp_batch = scatter_tangents;
    scatter.vjp_batch = scatter_batch;
    scatter.formula = "g[index]";
    scatter.program = InProgram::Put;
    enter(table, Code::scatter, scatter);
    Block where;
    where.parameters = {{"condition", Discrete}, {"x", Differentiable}, {"y", Differentiable}};
    where.linear = Structural::Linear::Jointly;
    where.aval = where_aval;
    where.vjp = where_vjp;
    where.vjp_batch = by_element<where_vjp>;
    where.least = 3;  // numpy.where(condition) is numpy.nonzero
    where.unnamed = true;
    where.finite = true;
    where.jvp_batch = where_tangents;
    where.formula = "where(condition, g, 0); where(condition, 0, g)";
    where.program = InProgram::Select;
    enter(table, Code::where, where);
    Block clip;
    clip.program = InProgram::Bound;
    clip.parameters = {{"a", Differentiable, true},
                       {"a_min", Differentiable, true},
                       {"a_max", Differentiable, true},
                       {"out", Refused}};
    clip.keeps_ans = true;
    clip.aval = clip_aval;
    clip.vjp = clip_term;
    clip.vjp_batch = by_element<clip_term>;
    clip.jvp = clip_term;
    clip.jvp_batch = clip_tangents;
    clip.formula = "g inside the bounds";
    enter(table, Code::clip, clip);
    // One of several results of a primitive: recorded by tapes beside the primitive's own record.
    Block part;
    part.parameters = {{"tuple", Discrete}, {"position", Static}};
    part.positional = true;
    part.bundled = true;
    part.aval = part_aval;
    part.program = InProgram::Part;
    enter(table, Code::part, part);
}

}  // namespace fastad
