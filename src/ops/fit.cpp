// Cotangents and tangents brought to the space that they belong to: once, here, in no rule.
#include "ops/op.hpp"

namespace fastad {

namespace {

// A 0-d array where the target is one, a scalar where it is one.
Value of_kind(Value value, const Meta& target) {
    if (target.rank != 0 || meta_of(value).array == target.array) return value;
    if (target.array) return apply(Code::copy, value);  // numpy.copy makes an array of a scalar
    return apply(Code::getitem, value, host::integers(nullptr, 0));
}

}  // namespace

// The tangent as a tangent of ans: broadcast to its shape, of its dtype, real where ans is real.
Value conform(const Value& tangent, const Value& ans) { return conform(tangent, meta_of(ans)); }

Value conform(const Value& tangent, const Meta& target) {
    const Meta own = meta_of(tangent);
    Value result = tangent;
    if (is_complex(own.dtype) && !is_complex(target.dtype)) result = apply(Code::real, result);
    if (!same_shape(own, target)) result = shaped::broadcast(result, target);
    const DType dtype = cotangent_dtype(target.dtype);
    if (dtype != DType::Other && meta_of(result).dtype != dtype)
        result = apply(Code::astype, result, host::dtype_object(dtype));
    return of_kind(std::move(result), target);
}

std::vector<Extent> broadcast_axes(const Meta& own, const Meta& target, int lead) {
    std::vector<Extent> axes;
    const int extra = own.rank - lead - target.rank;
    for (int axis = 0; axis < own.rank - lead; ++axis)
        if (axis < extra || (target.shape[axis - extra] == 1 && own.shape[lead + axis] != 1))
            axes.push_back(lead + axis);
    return axes;
}

Value fit(const Value& g, const Meta& target) {
    const Meta own = meta_of(g);
    const bool reshaped = !same_shape(own, target);
    if (!reshaped && own.dtype == target.dtype && own.array == target.array) return g;
    if (!g.is_box()) return host::fit(g, target);

    Value result = g;
    if (is_complex(own.dtype) && !is_complex(target.dtype) && target.dtype != DType::Other)
        result = apply(Code::real, result);
    if (reshaped) {
        const std::vector<Extent> axes = broadcast_axes(own, target);
        if (!axes.empty())
            result = shaped::sum(result, host::integers(axes.data(), axes.size()), true);
        if (own.rank != target.rank || meta_of(result).rank != target.rank)
            result = shaped::reshape(result, target.shape, target.rank);
        const Meta now = meta_of(result);
        for (int axis = 0; axis < target.rank; ++axis)
            if (now.shape[axis] != target.shape[axis]) {
                result = shaped::broadcast(result, target);
                break;
            }
    }
    if (meta_of(result).dtype != target.dtype && target.dtype != DType::Other)
        result = apply(Code::astype, result, host::dtype_object(target.dtype));
    return of_kind(std::move(result), target);
}

Value batched::fit(Value g, const Meta& target, Extent width) {
    Meta own = meta_of(g);
    const bool complex = own.dtype == DType::Complex128;
    if ((own.dtype != DType::Float64 && !complex) || own.rank < 1) return {};
    const int rank = target.rank + 1;
    const int extra = own.rank - rank;
    const std::vector<Extent> axes = broadcast_axes(own, target, 1);
    if (!axes.empty()) g = shaped::sum(g, host::integers(axes.data(), axes.size()), true);
    if (extra > 0) g = reshape(g, target.shape, target.rank, width);
    own = meta_of(g);
    bool same = own.rank == rank && own.shape[0] == width;
    for (int axis = 1; same && axis < rank; ++axis)
        same = own.shape[axis] == target.shape[axis - 1];
    if (!same || complex == is_complex(target.dtype)) return same ? std::move(g) : Value();
    return complex ? apply(Code::real, g)
                   : apply(Code::astype, g, host::dtype_object(DType::Complex128));
}

}  // namespace fastad
