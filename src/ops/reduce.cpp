// Reductions: sum, mean, max, min.
#include "ops/blocks.hpp"

namespace fastad {

namespace {

constexpr std::size_t axis_argument = 1;

std::vector<Extent> reduced_axes(const Call& call) {
    const int rank = call.meta(0).rank;
    const Value& axis = call.arg(axis_argument);
    std::vector<Extent> axes;
    if (rank == 0) return axes;  // NumPy lets a number be reduced along axis 0 or -1
    if (!axis.empty()) axes = host::as_integers(axis, "axis");
    if (axes.empty() && (axis.empty() || !(axis.is_object() && host::type_name(axis) == "tuple")))
        for (int i = 0; i < rank; ++i) axes.push_back(i);
    for (Extent& a : axes)
        if (a < 0) a += rank;
    return axes;
}

// The shape that the result has with keepdims.
std::vector<Extent> kept_shape(const Call& call) {
    const Meta& meta = call.meta(0);
    std::vector<Extent> shape(meta.shape, meta.shape + meta.rank);
    for (const Extent axis : reduced_axes(call)) shape[static_cast<std::size_t>(axis)] = 1;
    return shape;
}

Value with_kept_axes(const Call& call, const Value& x) {
    const std::vector<Extent> shape = kept_shape(call);
    return shaped::reshape(x, shape.data(), static_cast<int>(shape.size()));
}

Value spread(const Call& call, const Value& g) {
    if (g.is_float()) return shaped::broadcast(g, call.meta(0));
    return shaped::broadcast(with_kept_axes(call, g), call.meta(0));
}

double reduced_count(const Call& call) {
    double count = 1.0;
    for (const Extent axis : reduced_axes(call))
        count *= static_cast<double>(call.meta(0).shape[axis]);
    return count;
}

Value sum_vjp(const Call& call, std::size_t, const Value& g) { return spread(call, g); }
Value same_jvp(const Call& call, std::size_t, const Value& tangent) {
    Value args[8];
    for (std::size_t i = 0; i < call.count(); ++i) args[i] = call.arg(i);
    args[0] = tangent;
    return apply(call.op, args, call.count());
}

Value mean_vjp(const Call& call, std::size_t, const Value& g) {
    return spread(call, apply(Code::divide, g, Value::weak(reduced_count(call))));
}

// Where x attains the extremum, each tie with an equal share.
Value shares(const Call& call) {
    const Value where = apply(Code::equal, call.arg(0), with_kept_axes(call, call.ans()));
    const Value axis = call.arg(axis_argument);
    Value args[5] = {where, axis, Value(), Value(), Value::integer(1)};
    const Value count = apply(operation(Code::sum), args, 5);
    return apply(Code::divide, where, count);
}

Value extremum_vjp(const Call& call, std::size_t, const Value& g) {
    return apply(Code::multiply, with_kept_axes(call, g), shares(call));
}
Value extremum_jvp(const Call& call, std::size_t, const Value& tangent) {
    const Value product = apply(Code::multiply, tangent, shares(call));
    // max and min have keepdims in another place than sum has.
    Value args[5] = {product, call.arg(axis_argument), Value(), Value(), call.arg(3)};
    return apply(operation(Code::sum), args, 5);
}

}  // namespace

namespace shaped {
Value sum(const Value& x, const Value& axis, bool keepdims) {
    const Value args[5] = {x, axis, Value(), Value(), Value::integer(keepdims ? 1 : 0)};
    return apply(operation(Code::sum), args, 5);
}
}  // namespace shaped

void blocks::fill_reductions(Op* table) {
    Structural& sum = block(table, Code::sum);
    sum.differentiable = 1;
    sum.vjp = sum_vjp;
    sum.jvp = same_jvp;
    sum.formula = "broadcast(g)";
    Structural& mean = block(table, Code::mean);
    mean.differentiable = 1;
    mean.vjp = mean_vjp;
    mean.jvp = same_jvp;
    mean.formula = "broadcast(g) / count";
    for (const Code code : {Code::max, Code::min}) {
        Structural& extremum = block(table, code);
        extremum.differentiable = 1;
        extremum.keeps = 1 | Structural::ans;
        extremum.vjp = extremum_vjp;
        extremum.jvp = extremum_jvp;
        extremum.formula = "broadcast(g) * (x == ans) / number of ties";
    }
}

}  // namespace fastad
