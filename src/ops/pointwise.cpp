#include "ops/pointwise.hpp"

namespace fastad::pointwise {

namespace {
constexpr std::size_t most_operands = 16;

// One operand, a float64 array in C order; the result is a number, or of its shape.
bool suits_whole(const Op& op, const Value* inner, std::size_t count, const Value& ans) {
    if (count != 1 || !inner[0].is_object()) return false;
    const View view = host::describe(inner[0]);
    if (!view.array || view.dtype != DType::Float64 || view.size == 0) return false;
    if (!host::flat(inner[0], DType::Float64, view.shape, view.rank)) return false;
    if (!ans.is_float() &&
        !(ans.is_object() && host::flat(ans, DType::Float64, view.shape, view.rank)))
        return false;
    std::uint32_t read;
    return host::partial_known(op, 0, DType::Float64, read);
}
}  // namespace

bool suits(const Op& op, const Value* inner, std::size_t count, const Value& ans,
           std::uint32_t wanted) {
    if (!op.pointwise || count > most_operands) return false;
    if (host::whole(op)) return suits_whole(op, inner, count, ans);
    DType dtype = DType::Float64;
    if (ans.is_float()) {
        for (std::size_t k = 0; k < count; ++k)
            if (!inner[k].is_number()) return false;
    } else {
        if (!ans.is_object()) return false;
        const View view = host::describe(ans);
        dtype = view.dtype;
        if (!view.array || !view.contiguous || !view.usable || view.size == 0) return false;
        for (std::size_t k = 0; k < count; ++k) {
            if (inner[k].is_number()) {
                // A NumPy scalar of double precision decides the type of what it meets.
                if (dtype != DType::Float64 && inner[k].kind() == Kind::Strong) return false;
            } else if (!inner[k].is_object() ||
                       !host::flat(inner[k], dtype, view.shape, view.rank)) {
                return false;
            }
        }
    }
    for (std::size_t k = 0; k < count; ++k) {
        std::uint32_t read;
        if ((wanted >> k & 1u) && !host::partial_known(op, k, dtype, read)) return false;
    }
    return true;
}

std::uint32_t reads(const Op& op, std::size_t count, DType dtype, std::uint32_t wanted) {
    std::uint32_t all = 0, own = 0;
    for (std::size_t k = 0; k < count; ++k)
        if ((wanted >> k & 1u) && host::partial_known(op, k, dtype, own)) all |= own;
    return all;
}

Value partial(const Op& op, std::size_t argument, const Value* values, std::size_t count,
              const Meta& meta, Value room) {
    if (host::whole(op)) return {};
    if (meta.array) {
        void* out = host::flat(room, meta.dtype, meta.shape, meta.rank);
        return host::partial(op, argument, values, count, meta.dtype, meta.size(), out)
                   ? std::move(room)
                   : Value();
    }
    double number;
    return host::partial(op, argument, values, count, DType::Float64, 1, &number)
               ? Value::strong(number)
               : Value();
}

Value cotangent(const Op& op, const Value* kept, const Value& g, const Meta& target, Value room) {
    if (!host::whole(op) || g.is_box()) return {};
    const Value values[3] = {kept[0], kept[1], g};
    if (!g.is_number() &&
        !(kept[1].is_object() && host::flat(g, DType::Float64, target.shape, target.rank)))
        return {};
    if (g.is_number() != kept[1].is_number()) return {};
    auto* out = static_cast<double*>(host::flat(room, DType::Float64, target.shape, target.rank));
    return out && host::cotangent(op, values, target.size(), out) ? std::move(room) : Value();
}

}  // namespace fastad::pointwise
