// Operations that only rearrange, copy or cast.
#include <algorithm>

#include "ops/aval.hpp"
#include "ops/blocks.hpp"

namespace fastad {

namespace {

// The lengths that an argument gives, of which one may be -1: what is left.
bool reshape_aval(const Call& call, Aval& result) {
    std::vector<Extent> lengths;
    if (!avals::same(call, result) || !host::plain_integers(call.arg(1), lengths)) return false;
    if (lengths.size() > static_cast<std::size_t>(most_axes)) return false;
    const auto size = static_cast<Extent>(call.meta(0).size());
    Extent known = 1, *open = nullptr;
    for (Extent& length : lengths) {
        if (length >= 0) {
            known *= length;
        } else if (length == -1 && !open) {
            open = &length;
        } else {
            return false;
        }
    }
    if (open) {
        if (known == 0 || size % known) return false;
        *open = size / known;
    } else if (known != size) {
        return false;
    }
    result.rank = static_cast<int>(lengths.size());
    std::copy(lengths.begin(), lengths.end(), result.shape);
    return true;
}
bool ravel_aval(const Call& call, Aval& result) {
    if (!avals::same(call, result)) return false;
    result.rank = 1;
    result.shape[0] = static_cast<Extent>(call.meta(0).size());
    return true;
}
// The operand's axes in this order.
bool permuted(const Call& call, const std::vector<Extent>& order, Aval& result) {
    std::uint64_t seen = 0;
    for (const Extent axis : order) seen |= std::uint64_t{1} << axis;
    if (!avals::same(call, result) || static_cast<int>(order.size()) != result.rank ||
        (result.rank && seen != ~std::uint64_t{0} >> (most_axes - result.rank)))
        return false;
    for (int axis = 0; axis < result.rank; ++axis)
        result.shape[axis] = call.meta(0).shape[order[static_cast<std::size_t>(axis)]];
    return true;
}
// Axes of an operand of this rank, counted from the front.
bool counted(const Value& argument, int rank, std::vector<Extent>& list) {
    if (!host::plain_integers(argument, list)) return false;
    for (Extent& axis : list) {
        if (axis < -rank || axis >= rank) return false;
        if (axis < 0) axis += rank;
    }
    return true;
}
bool transpose_aval(const Call& call, Aval& result) {
    const int rank = call.meta(0).rank;
    std::vector<Extent> order;
    if (absent(call.arg(1)))
        for (int axis = rank; axis-- > 0;) order.push_back(axis);
    else if (!counted(call.arg(1), rank, order))
        return false;
    return permuted(call, order, result);
}
bool swapaxes_aval(const Call& call, Aval& result) {
    int one, other;
    if (!avals::same(call, result) || !avals::axis(call.arg(1), result.rank, one) ||
        !avals::axis(call.arg(2), result.rank, other))
        return false;
    std::swap(result.shape[one], result.shape[other]);
    return true;
}
bool moveaxis_aval(const Call& call, Aval& result) {
    const int rank = call.meta(0).rank;
    std::vector<Extent> from, to;
    if (!counted(call.arg(1), rank, from) || !counted(call.arg(2), rank, to) ||
        from.size() != to.size())
        return false;
    constexpr Extent open = -1;
    std::vector<Extent> order(static_cast<std::size_t>(rank), open);
    std::uint64_t moved = 0;
    for (std::size_t k = 0; k < from.size(); ++k) {
        order[static_cast<std::size_t>(to[k])] = from[k];
        moved |= std::uint64_t{1} << from[k];
    }
    Extent next = 0;
    for (Extent& axis : order) {
        if (axis != open) continue;
        while (next < rank && moved >> next & 1) ++next;
        if (next == rank) return false;  // one is named twice
        axis = next++;
    }
    return permuted(call, order, result);
}
bool squeeze_aval(const Call& call, Aval& result) {
    std::uint64_t mask;
    if (!avals::same(call, result) || !avals::axes(call.arg(1), result.rank, mask)) return false;
    const bool all = absent(call.arg(1));
    for (int axis = result.rank; axis-- > 0;) {
        if (!(mask >> axis & 1)) continue;
        if (result.shape[axis] == 1)
            result.erase(axis);
        else if (!all)
            return false;
    }
    return true;
}
bool expand_dims_aval(const Call& call, Aval& result) {
    std::vector<Extent> list;
    std::uint64_t mask;
    if (!avals::same(call, result) || !host::plain_integers(call.arg(1), list)) return false;
    const auto rank = result.rank + static_cast<int>(list.size());
    if (list.empty() || rank > most_axes || !avals::axes(call.arg(1), rank, mask))
        return list.empty();
    for (int axis = 0; axis < rank; ++axis)
        if (mask >> axis & 1) result.insert(axis, 1);
    return true;
}
bool broadcast_to_aval(const Call& call, Aval& result) {
    std::vector<Extent> lengths;
    const Meta& own = call.meta(0);
    if (!avals::same(call, result) || !host::plain_integers(call.arg(1), lengths)) return false;
    if (lengths.size() > static_cast<std::size_t>(most_axes)) return false;
    result.rank = static_cast<int>(lengths.size());
    const int extra = result.rank - own.rank;
    for (int axis = 0; axis < result.rank; ++axis) {
        const Extent length = lengths[static_cast<std::size_t>(axis)];
        const Extent given = axis < extra ? 1 : own.shape[axis - extra];
        if (length < 0 || (given != 1 && given != length)) return false;
        result.shape[axis] = length;
    }
    return extra >= 0;
}
bool astype_aval(const Call& call, Aval& result) {
    result.take_shape(call.meta(0));
    return host::named_dtype(call.arg(1), result.dtype);
}

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

}  // namespace

void blocks::fill_shapes(Op* table) {
    struct Line {
        Code code;
        std::vector<Parameter> parameters;
        bool (*aval)(const Call&, Aval&);
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
         .aval = reshape_aval,
         .vjp = reshape_vjp,
         .vjp_batch = own_shape_batch,
         .jvp_batch = own_shape_tangents,
         .formula = "reshape(g, shape(x))"},
        {.code = Code::ravel,
         .parameters = {a, {"order", Order}},
         .aval = ravel_aval,
         .vjp = ravel_vjp,
         .vjp_batch = own_shape_batch,
         .jvp_batch = own_shape_tangents,
         .formula = "reshape(g, shape(x))"},
        {.code = Code::transpose,
         .parameters = {a, {"axes", Lengths}},
         .aval = transpose_aval,
         .vjp = transpose_vjp,
         .vjp_batch = transpose_batch,
         .jvp_batch = transpose_tangents,
         .formula = "transpose(g, inverse of axes)",
         .rearranges = true},
        {.code = Code::swapaxes,
         .parameters = {a, {"axis1", Static}, {"axis2", Static}},
         .aval = swapaxes_aval,
         .vjp = swapaxes_vjp,
         .vjp_batch = swapaxes_batch,
         .jvp_batch = swapaxes_tangents,
         .formula = "swapaxes(g)",
         .rearranges = true},
        {.code = Code::moveaxis,
         .parameters = {a, {"source", Lengths}, {"destination", Lengths}},
         .aval = moveaxis_aval,
         .vjp = moveaxis_vjp,
         .vjp_batch = moveaxis_batch,
         .jvp_batch = moveaxis_tangents,
         .formula = "moveaxis(g, destination, source)",
         .rearranges = true},
        {.code = Code::squeeze,
         .parameters = {a, {"axis", Static}},
         .aval = squeeze_aval,
         .vjp = own_shape_vjp,
         .vjp_batch = own_shape_batch,
         .jvp_batch = own_shape_tangents,
         .formula = "reshape(g, shape(x))"},
        {.code = Code::expand_dims,
         .parameters = {a, {"axis", Lengths}},
         .aval = expand_dims_aval,
         .vjp = own_shape_vjp,
         .vjp_batch = own_shape_batch,
         .jvp_batch = own_shape_tangents,
         .formula = "reshape(g, shape(x))"},
        {.code = Code::broadcast_to,
         .parameters = {{"array", Differentiable}, {"shape", Lengths}, {"subok", Refused}},
         .aval = broadcast_to_aval,
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
         .aval = astype_aval,
         .vjp = pass_vjp,
         .vjp_batch = blocks::by_element<pass_vjp>,
         .jvp_batch = pass_tangents,
         .formula = "g, cast back",
         .program = InProgram::Cast},
        {.code = Code::copy,
         .parameters = {a, {"order", Static}, {"subok", Refused}},
         .aval = avals::same,
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
        view.aval = line.aval;
        view.vjp = line.vjp;
        view.vjp_batch = line.vjp_batch;
        view.jvp_batch = line.jvp_batch;
        view.formula = line.formula;
        view.program = line.program;
        view.rearranges = line.rearranges;
        enter(table, line.code, view);
    }
}

}  // namespace fastad
