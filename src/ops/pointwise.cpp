#include "ops/pointwise.hpp"

namespace fastad::pointwise {

namespace {
constexpr std::size_t most_operands = 16;
}  // namespace

bool suits(const Op& op, const Value* inner, std::size_t count, const Value& ans,
           std::uint32_t wanted) {
    if (!op.pointwise || count > most_operands) return false;
    if (host::along_axes(op)) {
        std::uint32_t read;
        return wanted == 1u && host::suits_along(op, inner, count, ans) &&
               host::partial_known(op, 0, DType::Float64, read);
    }
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
    if (host::along_axes(op)) return {};
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

Value cotangent(const Op& op, const Value* kept, std::size_t count, const Value& g,
                const Meta& target, Value room) {
    if (g.is_box()) return {};
    auto* out = static_cast<double*>(host::flat(room, DType::Float64, target.shape, target.rank));
    return out && host::cotangent_along(op, kept, count, g, out) ? std::move(room) : Value();
}

}  // namespace fastad::pointwise
