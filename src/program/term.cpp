#include "program/term.hpp"

#include <algorithm>

#include "reverse/adjoint.hpp"

namespace fastad::program {

namespace {

template <class T>
Value value_of(const Op& term, const Value* values, const View& g) {
    Operand lanes[4];
    bool whole = false;
    for (std::size_t i = 0; i < 4; ++i) {
        if (values[i].empty()) continue;
        if (values[i].is_number()) {
            // A strong number beside single precision may widen it.
            if (dtype_for<T> != DType::Float64 && values[i].kind() == Kind::Strong) return {};
        } else {
            const View view = host::describe(values[i]);
            if (view.dtype != dtype_for<T> || !view.array) return {};
            whole = whole || (i > 0 && same_shape(view, g));
        }
        if (!lay_out(values[i], g.shape, g.rank, lanes[i])) return {};
    }
    if (!whole) return {};
    Value result = host::new_array(dtype_for<T>, g.shape, g.rank);
    const View room = host::describe(result);
    Operand out;
    out.data = room.data;
    out.dtype = dtype_for<T>;
    std::copy_n(room.strides, room.rank, out.strides);
    elementwise_adjoint<T>(term.whole->code, term.which, g.shape, g.rank, lanes[0], lanes[1],
                           lanes[2], lanes[3], out, false);
    return result;
}

}  // namespace

Value term_value(const Op& term, const Value* values) {
    if (!values[0].is_object()) return {};
    const View g = host::describe(values[0]);
    if (!g.array || !g.usable || g.rank == 0 || g.rank > most_axes || g.size == 0) return {};
    if (g.dtype == DType::Float64) return value_of<double>(term, values, g);
    if (g.dtype == DType::Float32) return value_of<float>(term, values, g);
    return {};
}

}  // namespace fastad::program
