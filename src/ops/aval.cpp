// NumPy's promotion and broadcasting, and what the rules in blocks have in common.
#include "ops/aval.hpp"

#include <algorithm>
#include <cmath>

#include "host/space.hpp"
#include "ops/scratch.hpp"

namespace fastad {

namespace {

// Kinds in NumPy's order, and in each the steps of precision.
enum class Sort : std::uint8_t { Bool, Integer, Floating, Complex };
struct Reach {
    Sort sort = Sort::Bool;
    int step = 0;
};
// False for what only the host knows.
bool reach_of(DType dtype, Reach& reach) noexcept {
    switch (dtype) {
        case DType::Bool: reach = {Sort::Bool, 0}; return true;
        case DType::Int32: reach = {Sort::Integer, 0}; return true;
        case DType::Int64: reach = {Sort::Integer, 1}; return true;
        case DType::Float16: reach = {Sort::Floating, 0}; return true;
        case DType::Float32: reach = {Sort::Floating, 1}; return true;
        case DType::Float64: reach = {Sort::Floating, 2}; return true;
        case DType::LongDouble: reach = {Sort::Floating, 3}; return true;
        case DType::Complex64: reach = {Sort::Complex, 1}; return true;
        case DType::Complex128: reach = {Sort::Complex, 2}; return true;
        case DType::ComplexLong: reach = {Sort::Complex, 3}; return true;
        case DType::IntOther:
        case DType::Other: break;
    }
    return false;
}
DType dtype_of(const Reach& reach) noexcept {
    constexpr DType integers[] = {DType::Int32, DType::Int64};
    constexpr DType floating[] = {DType::Float16, DType::Float32, DType::Float64,
                                  DType::LongDouble};
    constexpr DType complex[] = {DType::Complex64, DType::Complex64, DType::Complex128,
                                 DType::ComplexLong};
    switch (reach.sort) {
        case Sort::Bool: break;
        case Sort::Integer: return integers[reach.step];
        case Sort::Floating: return floating[reach.step];
        case Sort::Complex: return complex[reach.step];
    }
    return DType::Bool;
}
// The step at which numbers of this type fit into a kind.
int step_in(const Reach& reach, Sort sort) noexcept {
    constexpr int double_precision = 2;
    if (reach.sort == sort || reach.sort >= Sort::Floating) return reach.step;
    return reach.sort == Sort::Integer && sort >= Sort::Floating ? double_precision : 0;
}
bool promoted(DType a, DType b, DType& both) noexcept {
    Reach x, y;
    if (!reach_of(a, x) || !reach_of(b, y)) return false;
    const Sort sort = std::max(x.sort, y.sort);
    both = dtype_of({sort, std::max(step_in(x, sort), step_in(y, sort))});
    return true;
}
// Beside a number of Python's: its kind, in the precision that there is.
DType beside_weak(DType strong, DType weak) noexcept {
    Reach own, other;
    reach_of(strong, own);
    reach_of(weak, other);
    if (own.sort >= other.sort) return strong;
    if (own.sort < Sort::Floating) return weak;
    return dtype_of({other.sort, own.step});
}

}  // namespace

void Aval::take_shape(const Meta& meta) noexcept {
    rank = meta.rank;
    std::copy_n(meta.shape, meta.rank, shape);
}

bool Aval::insert(int axis, Extent length) noexcept {
    if (rank == most_axes) return false;
    std::copy_backward(shape + axis, shape + rank, shape + rank + 1);
    shape[axis] = length;
    ++rank;
    return true;
}

void Aval::erase(int axis) noexcept {
    std::copy(shape + axis + 1, shape + rank, shape + axis);
    --rank;
}

bool Aval::broadcast(const Meta& meta) noexcept {
    // Axes are compared from the last one on.
    if (meta.rank > rank) {
        std::copy_backward(shape, shape + rank, shape + meta.rank);
        std::fill_n(shape, meta.rank - rank, Extent{1});
        rank = meta.rank;
    }
    for (int axis = 0; axis < meta.rank; ++axis) {
        Extent& length = shape[rank - meta.rank + axis];
        const Extent other = meta.shape[axis];
        if (length == 1)
            length = other;
        else if (other != 1 && other != length)
            return false;
    }
    return true;
}

void Promotion::join(Common& common, DType dtype) noexcept {
    if (!common.any)
        known_ = promoted(dtype, dtype, common.dtype) && known_;
    else
        known_ = promoted(common.dtype, dtype, common.dtype) && known_;
    common.any = true;
}

void Promotion::add(const Value& operand, const Meta& meta) {
    if (host::scalars_by_value && meta.rank == 0) {
        constexpr double small = 127.0;
        small_ = small_ && operand.is_number() && std::fabs(operand.number()) <= small;
        return join(scalars_, meta.dtype);
    }
    join(host::decides_no_dtype(operand) ? weak_ : strong_, meta.dtype);
}

bool Promotion::dtype(DType& result) const noexcept {
    if (!known_ || !(strong_.any || weak_.any || scalars_.any)) return false;
    if (!scalars_.any) {
        result = !strong_.any ? weak_.dtype
                 : weak_.any  ? beside_weak(strong_.dtype, weak_.dtype)
                              : strong_.dtype;
        return true;
    }
    if (!strong_.any) {
        result = scalars_.dtype;
        return true;
    }
    Reach own, other;
    reach_of(strong_.dtype, own);
    reach_of(scalars_.dtype, other);
    const bool wide = own.sort == Sort::Integer ? own.step == 1 : own.step >= 2;
    if (other.sort > own.sort || (!wide && !small_) || other.step > 2) return false;
    result = strong_.dtype;
    return true;
}

bool aval_of(const Op& op, const Value* values, std::size_t count, Aval& result) {
    const OpKind kind = op.own;
    if (kind == OpKind::Structural ? !op.structural.aval : kind > OpKind::Test) return false;
    Scratch<Meta> metas(std::max(count, inline_values));  // of arguments left out as well
    for (std::size_t k = 0; k < count; ++k) {
        if (values[k].is_box()) return false;
        metas[k] = host::space_of(values[k]);
        const Parameter* own = kind == OpKind::Structural ? op.structural.parameter(k) : nullptr;
        if (own && own->kind == Argument::Refused && !absent(values[k])) return false;
    }
    const Value none;
    const Call call(op, values, metas.data(), count, &none, {});
    if (kind == OpKind::Structural) return op.structural.aval(call, result);
    if (count != op.arity || !avals::elementwise(call, result)) return false;
    return true;
}

namespace avals {

bool same(const Call& call, Aval& result) {
    result.dtype = call.meta(0).dtype;
    result.take_shape(call.meta(0));
    return result.dtype != DType::Other && result.dtype != DType::IntOther;
}

bool component(const Call& call, Aval& result) {
    if (!same(call, result)) return false;
    Reach reach;
    reach_of(result.dtype, reach);
    if (reach.sort == Sort::Complex) result.dtype = dtype_of({Sort::Floating, reach.step});
    return true;
}

bool chosen(const Call& call, std::size_t first, Aval& result) {
    result.rank = 0;
    Promotion promotion;
    for (std::size_t k = 0; k < call.count(); ++k) {
        if (absent(call.arg(k))) continue;
        if (k >= first) promotion.add(call.arg(k), call.meta(k));
        if (!result.broadcast(call.meta(k))) return false;
    }
    return promotion.dtype(result.dtype);
}

bool elementwise(const Call& call, Aval& result) {
    DType operands;
    if (!chosen(call, 0, result)) return false;
    operands = result.dtype;
    if (call.op.own == OpKind::Test) {
        result.dtype = DType::Bool;
        return true;
    }
    return host::loop_dtype(call.op, operands, result.dtype);
}

bool axis(const Value& argument, int rank, int& number) {
    Extent own = 0;
    if (!argument.empty() && !host::plain_integer(argument, own)) return false;
    if (own < -rank || own >= rank) return false;
    number = static_cast<int>(own < 0 ? own + rank : own);
    return true;
}

bool axes(const Value& argument, int rank, std::uint64_t& mask) {
    mask = 0;
    if (absent(argument)) {
        mask = rank == 0 ? 0 : ~std::uint64_t{0} >> (64 - rank);
        return true;
    }
    // NumPy lets a number be reduced along axis 0 or -1.
    Extent only;
    if (rank == 0 && host::plain_integer(argument, only)) return only == 0 || only == -1;
    std::vector<Extent> list;
    if (!host::plain_integers(argument, list)) return false;
    for (Extent own : list) {
        if (own < -rank || own >= rank) return false;
        const std::uint64_t bit = std::uint64_t{1} << (own < 0 ? own + rank : own);
        if (mask & bit) return false;
        mask |= bit;
    }
    return true;
}

bool flag(const Value& argument, bool& value) {
    Extent number = 0;
    if (!absent(argument) && !host::plain_integer(argument, number)) return false;
    value = number != 0;
    return true;
}

bool reduced(const Call& call, std::size_t axis, std::size_t keepdims, Aval& result) {
    std::uint64_t mask;
    bool keep;
    if (!same(call, result) || !axes(call.arg(axis), result.rank, mask) ||
        !flag(call.arg(keepdims), keep))
        return false;
    for (int at = result.rank; at-- > 0;) {
        if (!(mask >> at & 1)) continue;
        if (keep)
            result.shape[at] = 1;
        else
            result.erase(at);
    }
    return true;
}

}  // namespace avals
}  // namespace fastad
