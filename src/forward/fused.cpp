// Tangents of elementwise operations by the kernels of the sweep: a product with the derivative is
// the same in both directions.
#include "forward/fused.hpp"

#include <algorithm>
#include <vector>

#include "kernels/kernels.hpp"
#include "reverse/adjoint.hpp"

namespace fastad {
namespace {

bool weak(const Value& value) noexcept {
    return value.kind() == Kind::Weak || value.kind() == Kind::Integer;
}

Value of_numbers(const Op& rule, const Value* inner, const Value* tangents, const Value& ans) {
    double sum = 0.0;
    bool no_dtype = true;
    for (std::size_t k = 0; k < rule.arity; ++k) {
        if (!inner[k].is_number()) return {};
        no_dtype = no_dtype && weak(inner[k]);
        if (tangents[k].empty()) continue;
        if (!tangents[k].is_number()) return {};
        no_dtype = no_dtype && weak(tangents[k]);
    }
    const double x = inner[0].number();
    const double y = rule.arity == 2 ? inner[1].number() : 0.0;
    bool first = true;
    for (std::size_t k = 0; k < rule.arity; ++k) {
        if (tangents[k].empty()) continue;
        const Elementwise& e = rule.elementwise;
        const double g = tangents[k].number();
        // As in elementwise_term(): a constant factor of one is none.
        const double term = e.one(k) ? g : g * e.partial[k](x, y, ans.number());
        sum = first ? term : sum + term;
        first = false;
    }
    return no_dtype ? Value::weak(sum) : Value::strong(sum);
}

template <class T>
Value of_arrays(const Op& rule, const Value* inner, const Value* tangents, const Value& ans,
                const View& view) {
    const Elementwise& e = rule.elementwise;
    const Value* operands[3] = {&inner[0], rule.arity == 2 ? &inner[1] : nullptr, &ans};
    Operand lanes[3];
    Operand g[2];
    bool copies = true;  // nothing is multiplied
    for (std::size_t k = 0; k < rule.arity; ++k) {
        if (tangents[k].empty()) continue;
        if (tangents[k].is_box() || !lay_out(tangents[k], view.shape, view.rank, g[k])) return {};
        copies = copies && e.one(k);
        for (std::size_t i = 0; i < 3; ++i) {
            if (!(e.uses[k] >> i & 1u)) continue;
            const Value& operand = *operands[i];
            if (operand.is_box() || !lay_out(operand, view.shape, view.rank, lanes[i])) return {};
            // A wider constant makes NumPy compute in the wider type.
            if (dtype_for<T> != DType::Float64 && lanes[i].dtype != dtype_for<T> &&
                !operand.is_number())
                return {};
        }
    }
    if (copies) return {};  // an addition, or nothing at all: as it is
    Value total = host::new_array(dtype_for<T>, view.shape, view.rank);
    const View room = host::describe(total);
    Operand out;
    out.data = room.data;
    out.dtype = dtype_for<T>;
    std::copy_n(room.strides, room.rank, out.strides);
    const Operand none{};
    const host::Unlocked unlocked(view.size);
    bool accumulate = false;
    for (std::size_t k = 0; k < rule.arity; ++k) {
        if (tangents[k].empty()) continue;
        const std::uint8_t uses = e.uses[k];
        elementwise_adjoint<T>(rule.code, k, view.shape, view.rank, g[k],
                               uses & reads_x ? lanes[0] : none, uses & reads_y ? lanes[1] : none,
                               uses & reads_ans ? lanes[2] : none, out, accumulate);
        accumulate = true;
    }
    return total;
}

// A tangent behind the batch's axis, laid over the result's shape.
void lay_out_batch(const View& view, const Extent* shape, int rank, Operand& operand) {
    operand.data = view.data;
    operand.dtype = view.dtype;
    operand.strides[0] = view.strides[0];
    const int extra = rank - view.rank;
    for (int axis = 1; axis < rank; ++axis) {
        const int own = axis - extra;
        const bool spread = own < 1 || (view.shape[own] == 1 && shape[axis] != 1);
        operand.strides[axis] = spread ? 0 : view.strides[own];
    }
}

}  // namespace

Value fused_tangents(const Op& rule, const Value* kept, const Value* tangents, const Meta& ans,
                     Extent width) {
    const Elementwise& e = rule.elementwise;
    std::vector<Extent> shape(ans.shape, ans.shape + ans.rank);
    shape.insert(shape.begin(), width);
    const int rank = ans.rank + 1;
    const Value* operands[3] = {&kept[0], rule.arity == 2 ? &kept[1] : nullptr, &kept[rule.arity]};
    Operand lanes[3];
    Operand g[2];
    for (std::size_t k = 0; k < rule.arity; ++k) {
        if (tangents[k].empty()) continue;
        const View view = host::describe(tangents[k]);
        if (view.dtype != DType::Float64 || !view.usable) return {};
        lay_out_batch(view, shape.data(), rank, g[k]);
        for (std::size_t i = 0; i < 3; ++i)
            if ((e.uses[k] >> i & 1u) && !lay_out(*operands[i], shape.data(), rank, lanes[i]))
                return {};
    }
    Value total = host::new_array(DType::Float64, shape.data(), rank);
    const View room = host::describe(total);
    Operand out;
    out.data = room.data;
    std::copy_n(room.strides, room.rank, out.strides);
    const Operand none{};
    bool accumulate = false;
    for (std::size_t k = 0; k < rule.arity; ++k) {
        if (tangents[k].empty()) continue;
        const std::uint8_t uses = e.uses[k];
        batch_adjoint(rule.code, k, shape.data(), rank, g[k], uses & reads_x ? lanes[0] : none,
                      uses & reads_y ? lanes[1] : none, uses & reads_ans ? lanes[2] : none, out,
                      accumulate);
        accumulate = true;
    }
    return total;
}

Value fused_tangent(const Op& rule, const Value* inner, const Value* tangents, const Value& ans) {
    if (ans.is_float()) return of_numbers(rule, inner, tangents, ans);
    if (!ans.is_object()) return {};
    const View view = host::describe(ans);
    if (!view.array || !view.usable || view.rank > most_axes) return {};
    if (view.dtype == DType::Float64) return of_arrays<double>(rule, inner, tangents, ans, view);
    if (view.dtype == DType::Float32) return of_arrays<float>(rule, inner, tangents, ans, view);
    return {};
}

}  // namespace fastad
