// Structural operations as functions on values, for the rules.
#include <algorithm>

#include "ops/op.hpp"

namespace fastad {

namespace batched {

Value reshape(const Value& x, const Extent* shape, int rank, Extent width) {
    std::vector<Extent> wide(shape, shape + rank);
    wide.insert(wide.begin(), width);
    return shaped::reshape(x, wide.data(), rank + 1);
}
Value aligned(const Value& x, const Meta& own, int rank, Extent width) {
    if (own.rank == rank) return x;
    std::vector<Extent> shape(static_cast<std::size_t>(rank), 1);
    std::copy_n(own.shape, own.rank, shape.end() - own.rank);
    return reshape(x, shape.data(), rank, width);
}
Value broadcast(const Value& x, const Meta& own, const Meta& target, Extent width) {
    if (same_shape(own, target)) return x;
    std::vector<Extent> shape(target.shape, target.shape + target.rank);
    shape.insert(shape.begin(), width);
    const Meta wide{DType::Float64, true, target.rank + 1, shape.data()};
    return shaped::broadcast(aligned(x, own, target.rank, width), wide);
}
Value zeros(const Meta& own, Extent width) {
    std::vector<Extent> shape(own.shape, own.shape + own.rank);
    shape.insert(shape.begin(), width);
    return host::broadcast(Value::strong(0.0), shape.data(), own.rank + 1);
}

}  // namespace batched

namespace shaped {

Value reshape(const Value& x, const Extent* shape, int rank) {
    if (!x.is_box()) return host::reshape(x, shape, rank);
    return apply(Code::reshape, x, host::integers(shape, static_cast<std::size_t>(rank)));
}
Value reshape_like(const Value& x, const Meta& meta) { return reshape(x, meta.shape, meta.rank); }
Value broadcast(const Value& x, const Meta& meta) {
    if (!x.is_box()) return host::broadcast(x, meta.shape, meta.rank);
    return apply(Code::broadcast_to, x,
                 host::integers(meta.shape, static_cast<std::size_t>(meta.rank)));
}
Value transpose(const Value& x, const Extent* axes, int rank) {
    return apply(Code::transpose, x, host::integers(axes, static_cast<std::size_t>(rank)));
}
Value matrix_transpose(const Value& x) {
    return apply(Code::swapaxes, x, Value::integer(-1), Value::integer(-2));
}
Value sum(const Value& x, const Value& axis, bool keepdims) {
    const Value args[5] = {x, axis, Value(), Value(), Value::integer(keepdims ? 1 : 0)};
    return apply(operation(Code::sum), args, 5);
}

}  // namespace shaped

}  // namespace fastad
