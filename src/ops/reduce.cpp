// Reductions: sum, mean, max, min.
#include <algorithm>

#include "kernels/kernels.hpp"
#include "ops/aval.hpp"
#include "ops/blocks.hpp"
#include "reverse/adjoint.hpp"

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

// Sums of booleans and of short integers are of NumPy's default integer.
bool sum_aval(const Call& call, Aval& result) {
    constexpr std::size_t keepdims = 4;
    if (!avals::reduced(call, axis_argument, keepdims, result)) return false;
    if (result.dtype != DType::Bool && result.dtype != DType::Int32) return true;
    result.dtype = DType::Int64;
    return !host::scalars_by_value || sizeof(long) == 8;  // before 2.0 it was a long
}
bool mean_aval(const Call& call, Aval& result) {
    constexpr std::size_t keepdims = 4;
    if (!avals::reduced(call, axis_argument, keepdims, result)) return false;
    result.dtype = cotangent_dtype(result.dtype);
    return true;
}
bool extremum_aval(const Call& call, Aval& result) {
    constexpr std::size_t keepdims = 3;
    return avals::reduced(call, axis_argument, keepdims, result);
}

Value sum_vjp(const Call& call, std::size_t, const Value& g) { return spread(call, g); }
Value batch_with_kept_axes(const Call& call, const Value& g, Extent width) {
    std::vector<Extent> shape = kept_shape(call);
    shape.insert(shape.begin(), width);
    return shaped::reshape(g, shape.data(), static_cast<int>(shape.size()));
}
// A batch of cotangents, each spread over the axes that were summed.
Value sum_batch(const Call& call, std::size_t, const Value& g, Extent width) {
    const Value rows = batch_with_kept_axes(call, g, width);
    std::vector<Extent> shape(static_cast<std::size_t>(call.meta(0).rank) + 1, width);
    std::copy_n(call.meta(0).shape, call.meta(0).rank, shape.begin() + 1);
    Meta full = call.meta(0);
    full.rank += 1;
    full.shape = shape.data();
    return shaped::broadcast(rows, full);
}

// Tangents, each summed over these axes.
Value summed_tangents(const Call& call, const Value& tangents, Extent width) {
    std::vector<Extent> axes = reduced_axes(call);
    for (Extent& axis : axes) ++axis;
    const Value sums = shaped::sum(tangents, host::integers(axes.data(), axes.size()), false);
    return batched::reshape(sums, call.ans_meta.shape, call.ans_meta.rank, width);
}
Value sum_tangents(const Call& call, const Value* tangents, Extent width) {
    return summed_tangents(call, tangents[0], width);
}

// float16 ends at 65504: there the division by the count is one of float32.
Value over_count(const Call& call, const Value& g) {
    const bool narrow = meta_of(g).dtype == DType::Float16;
    const Value wide = narrow ? apply(Code::astype, g, host::dtype_object(DType::Float32)) : g;
    return apply(Code::divide, wide, Value::weak(reduced_count(call)));
}

Value mean_vjp(const Call& call, std::size_t, const Value& g) {
    return spread(call, over_count(call, g));
}

Value mean_batch(const Call& call, std::size_t argnum, const Value& g, Extent width) {
    return sum_batch(call, argnum, over_count(call, g), width);
}

Value mean_tangents(const Call& call, const Value* tangents, Extent width) {
    return over_count(call, summed_tangents(call, tangents[0], width));
}

// Where x attains the extremum, and how much of a cotangent each tie there has.
struct Ties {
    Value where, share;
};
Ties ties(const Call& call) {
    const Value where = apply(Code::equal, call.arg(0), with_kept_axes(call, call.ans()));
    const Value axis = call.arg(axis_argument);
    Value args[5] = {where, axis, Value(), Value(), Value::integer(1)};
    const Value count = apply(operation(Code::sum), args, 5);
    return {where, apply(Code::divide, Value::weak(1.0), count)};
}
// Each tie with an equal share.
Value shares(const Call& call) {
    const Ties own = ties(call);
    return apply(Code::multiply, own.where, own.share);
}

// The share is taken first, of as few numbers as there are extrema.
Value extremum_vjp(const Call& call, std::size_t, const Value& g) {
    const Ties own = ties(call);
    return apply(Code::multiply, own.where,
                 apply(Code::multiply, with_kept_axes(call, g), own.share));
}
Value extremum_batch(const Call& call, std::size_t, const Value& g, Extent width) {
    const Ties own = ties(call);
    return apply(Code::multiply, own.where,
                 apply(Code::multiply, batch_with_kept_axes(call, g, width), own.share));
}
// The elements of a value of this shape as T in C order: where they lie, or copied. Null for
// another dtype.
template <class T>
class Packed {
  public:
    Packed(const Value& value, const Meta& meta) {
        const View view = host::describe(value);
        if (view.dtype != dtype_for<T>) return;
        if (value.is_number()) {
            number_ = static_cast<T>(value.number());
            if (meta.size() == 1) data_ = &number_;
            return;
        }
        held_ = view.array ? value : host::broadcast(value, meta.shape, meta.rank);
        data_ = static_cast<const T*>(host::flat(held_, dtype_for<T>, meta.shape, meta.rank));
        Operand from, to;
        if (data_ || !lay_out(held_, meta.shape, meta.rank, from)) return;
        Value copy = host::new_array(dtype_for<T>, meta.shape, meta.rank);
        lay_out_target(host::describe(copy).data, meta, meta.shape, meta.rank, sizeof(T), to);
        pass_on<T>(meta.shape, meta.rank, from, to, false);
        held_ = std::move(copy);
        data_ = static_cast<const T*>(host::flat(held_, dtype_for<T>, meta.shape, meta.rank));
    }
    Packed(const Packed&) = delete;
    Packed& operator=(const Packed&) = delete;
    const T* data() const noexcept { return data_; }

  private:
    const T* data_ = nullptr;
    T number_{};
    Value held_;
};

template <class T>
bool extremum_in_place(const Call& call, const Value& g, const Value& out, bool accumulate) {
    const Meta x_meta = call.meta(0);
    auto* target = static_cast<T*>(host::flat(out, dtype_for<T>, x_meta.shape, x_meta.rank));
    if (!target) return false;
    std::uint64_t reduced = 0;
    for (const Extent axis : reduced_axes(call)) reduced |= std::uint64_t{1} << axis;
    // Kept axes, reduced axes, kept axes; those of length one are either.
    std::size_t parts[3] = {1, 1, 1};
    std::size_t part = 0;
    for (int axis = 0; axis < x_meta.rank; ++axis) {
        const auto length = static_cast<std::size_t>(x_meta.shape[axis]);
        if (length == 1) continue;
        if (reduced >> axis & 1) {
            if (part == 2) return false;
            part = 1;
        } else if (part == 1) {
            part = 2;
        }
        parts[part] *= length;
    }
    const Packed<T> x(call.arg(0), x_meta), ans(call.ans(), call.ans_meta), own(g, call.ans_meta);
    if (!x.data() || !ans.data() || !own.data()) return false;
    const host::Unlocked unlocked(x_meta.size());
    kernels().loops<T>().extremum(parts[0], parts[1], parts[2], x.data(), ans.data(), own.data(),
                                  target, accumulate);
    return true;
}

bool extremum_adjoint(const Call& call, std::size_t, const Value& g, const Value& out,
                      bool accumulate) {
    switch (call.meta(0).dtype) {
        case DType::Float64: return extremum_in_place<double>(call, g, out, accumulate);
        case DType::Float32: return extremum_in_place<float>(call, g, out, accumulate);
        default: return false;
    }
}
Value extremum_jvp(const Call& call, std::size_t, const Value& tangent) {
    const Value product = apply(Code::multiply, tangent, shares(call));
    // max and min have keepdims in another place than sum has.
    Value args[5] = {product, call.arg(axis_argument), Value(), Value(), call.arg(3)};
    return apply(operation(Code::sum), args, 5);
}

Value extremum_tangents(const Call& call, const Value* tangents, Extent width) {
    return summed_tangents(call, apply(Code::multiply, tangents[0], shares(call)), width);
}

}  // namespace

void blocks::fill_reductions(Op* table) {
    Block sum;
    sum.parameters = {{"a", Differentiable}, {"axis", Static},     {"dtype", Refused},
                      {"out", Refused},      {"keepdims", Static}, {"initial", Refused},
                      {"where", Refused}};
    sum.linear = Structural::Linear::Jointly;
    sum.aval = sum_aval;
    sum.vjp = sum_vjp;
    sum.vjp_batch = sum_batch;
    sum.passes = {true};
    sum.jvp_batch = sum_tangents;
    sum.formula = "broadcast(g)";
    sum.program = InProgram::Sum;
    enter(table, Code::sum, sum);
    Block mean;
    mean.parameters = {{"a", Differentiable}, {"axis", Static},     {"dtype", Refused},
                       {"out", Refused},      {"keepdims", Static}, {"where", Refused}};
    mean.linear = Structural::Linear::Jointly;
    mean.aval = mean_aval;
    mean.vjp = mean_vjp;
    mean.vjp_batch = mean_batch;
    mean.passes = {true};
    mean.jvp_batch = mean_tangents;
    mean.formula = "broadcast(g) / count";
    mean.program = InProgram::Mean;
    enter(table, Code::mean, mean);
    for (const Code code : {Code::max, Code::min}) {
        Block extremum;
        extremum.parameters = {
            {"a", Differentiable, true}, {"axis", Static},     {"out", Refused},
            {"keepdims", Static},        {"initial", Refused}, {"where", Refused}};
        extremum.finite = true;
        extremum.keeps_ans = true;
        extremum.aval = extremum_aval;
        extremum.vjp = extremum_vjp;
        extremum.vjp_batch = extremum_batch;
        extremum.adjoint = extremum_adjoint;
        extremum.jvp = extremum_jvp;
        extremum.jvp_batch = extremum_tangents;
        extremum.formula = "broadcast(g) * (x == ans) / number of ties";
        extremum.program = code == Code::max ? InProgram::Max : InProgram::Min;
        enter(table, code, extremum);
    }
}

}  // namespace fastad
