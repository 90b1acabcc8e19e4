// Products of matrices: dot and matmul.
#include <algorithm>

#include "ops/aval.hpp"
#include "ops/blocks.hpp"

namespace fastad {

namespace {

// The pair seen as matrices: a is (rows, k), b is (k, columns), with k the contracted axis.
struct Contraction {
    Extent rows = 1, k = 1, columns = 1;
};
Contraction contraction(const Meta& a, const Meta& b) {
    Contraction c;
    c.k = a.shape[a.rank - 1];
    for (int i = 0; i < a.rank - 1; ++i) c.rows *= a.shape[i];
    for (int i = 0; i < b.rank; ++i)
        if (i != (b.rank == 1 ? 0 : b.rank - 2)) c.columns *= b.shape[i];
    return c;
}
Value matrix(const Value& x, Extent rows, Extent columns) {
    const Extent shape[2] = {rows, columns};
    return shaped::reshape(x, shape, 2);
}
Value column(const Value& x, const Meta& meta) { return matrix(x, meta.shape[0], 1); }

// b of rank > 2 has its contracted axis last but one; bring it to the front, or back again.
Value contracted_first(const Value& b, int rank) {
    return rank <= 2 ? b : apply(Code::moveaxis, b, Value::integer(rank - 2), Value::integer(0));
}

// Promoted as operands are that need not broadcast.
bool product_dtype(const Call& call, Aval& result) {
    Promotion promotion;
    if (call.count() < 2) return false;
    for (std::size_t k = 0; k < 2; ++k) promotion.add(call.meta(k).dtype);
    return promotion.dtype(result.dtype);
}
// Where the axis that is summed over lies.
int summed_axis(const Meta& factor, std::size_t k) {
    return k == 0 || factor.rank == 1 ? factor.rank - 1 : factor.rank - 2;
}
bool fits(const Meta& a, const Meta& b) {
    return a.rank > 0 && b.rank > 0 && a.shape[summed_axis(a, 0)] == b.shape[summed_axis(b, 1)];
}
bool dot_aval(const Call& call, Aval& result) {
    if (!product_dtype(call, result)) return false;
    const Meta &a = call.meta(0), &b = call.meta(1);
    result.rank = 0;
    if (a.rank == 0 || b.rank == 0) return result.broadcast(a) && result.broadcast(b);
    if (!fits(a, b) || a.rank + b.rank - 2 > most_axes) return false;
    for (int axis = 0; axis < a.rank - 1; ++axis) result.insert(result.rank, a.shape[axis]);
    for (int axis = 0; axis < b.rank; ++axis)
        if (axis != summed_axis(b, 1)) result.insert(result.rank, b.shape[axis]);
    return true;
}
bool matmul_aval(const Call& call, Aval& result) {
    if (!product_dtype(call, result)) return false;
    const Meta &a = call.meta(0), &b = call.meta(1);
    if (!fits(a, b)) return false;
    result.rank = 0;
    for (const Meta* factor : {&a, &b})
        if (factor->rank > 2 &&
            !result.broadcast({factor->dtype, true, factor->rank - 2, factor->shape}))
            return false;
    return (a.rank == 1 || result.insert(result.rank, a.shape[a.rank - 2])) &&
           (b.rank == 1 || result.insert(result.rank, b.shape[b.rank - 1]));
}

// Whether a cotangent is the same all along this axis, as that of a sum over it is.
bool repeats(const View& g, int axis) { return g.strides[axis] == 0 && g.shape[axis] > 1; }

// The vjp for two matrices where all rows of the cotangent are one, or all columns: then it is an
// outer product with ones, and a product with it is one with a vector. Empty where it is not, or
// not worth it.
Value outer_vjp(const Call& call, std::size_t argnum, const Value& g) {
    constexpr Extent worth_it = Extent{1} << 13;  // multiplications
    const Meta &a = call.meta(0), &b = call.meta(1);
    if (!g.is_object() || a.shape[0] * a.shape[1] * b.shape[1] < worth_it) return {};
    const View view = host::describe(g);
    // Sums of whole numbers might not fit into their type.
    if (!view.array || view.rank != 2 || view.dtype == DType::Other ||
        view.dtype != call.meta(1 - argnum).dtype)
        return {};
    const Value& other = call.arg(1 - argnum);
    const int along = static_cast<int>(argnum);  // the operand's axis that the cotangent has too
    const int across = 1 - along;
    if (repeats(view, along)) {
        const Value line = apply(Code::getitem, g, host::position_index(along, 0));
        if (argnum == 0)
            return shaped::broadcast(matrix(apply(Code::dot, other, line), 1, a.shape[1]), a);
        return shaped::broadcast(column(apply(Code::dot, apply(Code::transpose, other), line), b),
                                 b);
    }
    if (!repeats(view, across)) return {};
    const Value line = apply(Code::getitem, g, host::position_index(across, 0));
    if (argnum == 0)
        return apply(Code::multiply, column(line, a),
                     matrix(shaped::sum(other, Value::integer(1), false), 1, a.shape[1]));
    return apply(Code::multiply, column(shaped::sum(other, Value::integer(0), false), b),
                 matrix(line, 1, b.shape[1]));
}

Value dot_vjp(const Call& call, std::size_t argnum, const Value& g) {
    const Meta a = call.meta(0);
    const Meta b = call.meta(1);
    if (a.rank == 0 || b.rank == 0)  // dot of a scalar is the product; fit() sums
        return apply(Code::multiply, g, call.arg(1 - argnum));
    if (a.rank == 1 && b.rank == 1) return apply(Code::multiply, g, call.arg(1 - argnum));
    if (a.rank == 2 && b.rank == 1) {
        if (argnum == 0) {
            const Extent row[2] = {1, b.shape[0]};
            return apply(Code::multiply, column(g, call.ans_meta),
                         shaped::reshape(call.arg(1), row, 2));
        }
        return apply(Code::dot, g, call.arg(0));
    }
    if (a.rank == 1 && b.rank == 2) {
        if (argnum == 0) return apply(Code::dot, call.arg(1), g);
        const Extent row[2] = {1, call.ans_meta.shape[0]};
        return apply(Code::multiply, column(call.arg(0), a), shaped::reshape(g, row, 2));
    }
    if (a.rank == 2 && b.rank == 2) {
        Value outer = outer_vjp(call, argnum, g);
        if (!outer.empty()) return outer;
        return argnum == 0 ? apply(Code::dot, g, apply(Code::transpose, call.arg(1)))
                           : apply(Code::dot, apply(Code::transpose, call.arg(0)), g);
    }
    const Contraction c = contraction(a, b);
    const Value g2 = matrix(g, c.rows, c.columns);
    if (argnum == 0) {
        const Value b2 = matrix(contracted_first(call.arg(1), b.rank), c.k, c.columns);
        return shaped::reshape_like(apply(Code::dot, g2, apply(Code::transpose, b2)), a);
    }
    const Value a2 = matrix(call.arg(0), c.rows, c.k);
    const Value gb = apply(Code::dot, apply(Code::transpose, a2), g2);
    if (b.rank <= 2) return shaped::reshape_like(gb, b);
    std::vector<Extent> front;
    front.push_back(c.k);
    for (int i = 0; i < b.rank; ++i)
        if (i != b.rank - 2) front.push_back(b.shape[i]);
    const Value laid = shaped::reshape(gb, front.data(), b.rank);
    return apply(Code::moveaxis, laid, Value::integer(0), Value::integer(b.rank - 2));
}

// An operand beside a batch of numbers: (width, 1, ...) times x.
Value each_times(const Value& g, Extent width, const Value& x, const Meta& meta) {
    std::vector<Extent> shape(static_cast<std::size_t>(meta.rank), 1);
    shape.insert(shape.begin(), width);
    return apply(Code::multiply, shaped::reshape(g, shape.data(), meta.rank + 1), x);
}

// g of shape (width, rows, columns) for the pair seen as matrices.
Value dot_batch(const Call& call, std::size_t argnum, const Value& g, Extent width) {
    const Meta a = call.meta(0);
    const Meta b = call.meta(1);
    const Value& other = call.arg(1 - argnum);
    if (a.rank == 0 || b.rank == 0) return apply(Code::multiply, g, other);
    if (a.rank == 1 && b.rank == 1) return each_times(g, width, other, call.meta(1 - argnum));
    const Contraction c = contraction(a, b);
    auto laid = [width](const Value& x, Extent rows, Extent columns) {
        const Extent shape[2] = {rows, columns};
        return batched::reshape(x, shape, 2, width);
    };
    auto like = [width](const Value& x, const Meta& meta) {
        return batched::reshape(x, meta.shape, meta.rank, width);
    };
    if (argnum == 0) {
        const Value b2 = matrix(contracted_first(other, b.rank), c.k, c.columns);
        if (c.columns == 1)  // an outer product
            return like(apply(Code::multiply, laid(g, c.rows, 1), matrix(b2, 1, c.k)), a);
        const Value rows = matrix(g, width * c.rows, c.columns);
        return like(apply(Code::dot, rows, apply(Code::transpose, b2)), a);
    }
    const Value a2 = matrix(other, c.rows, c.k);
    Value gb;
    if (c.columns == 1)
        gb = apply(Code::dot, matrix(g, width, c.rows), a2);
    else if (c.rows == 1)
        gb = apply(Code::multiply, laid(g, 1, c.columns), matrix(a2, c.k, 1));
    else
        gb = apply(Code::matmul, apply(Code::transpose, a2), laid(g, c.rows, c.columns));
    if (b.rank <= 2) return like(gb, b);
    std::vector<Extent> front{width, c.k};
    for (int i = 0; i < b.rank; ++i)
        if (i != b.rank - 2) front.push_back(b.shape[i]);
    return apply(Code::moveaxis, shaped::reshape(gb, front.data(), b.rank + 1), Value::integer(1),
                 Value::integer(b.rank - 1));
}

// g with the axes that a one-dimensional operand took away put back.
Value matmul_g(const Value& g, const Meta& ans, bool row, bool column) {
    std::vector<Extent> shape(ans.shape, ans.shape + ans.rank);
    if (row) shape.insert(shape.end() - (column ? 0 : 1), 1);
    if (column) shape.push_back(1);
    return shaped::reshape(g, shape.data(), static_cast<int>(shape.size()));
}

// A product of matrices over an axis of this length; over one of a single element it is an outer
// product, which programs compute together with what it is added to.
Value product_over(Extent inner, const Value& x, const Value& y) {
    return apply(inner == 1 ? Code::multiply : Code::matmul, x, y);
}

Value matmul_vjp(const Call& call, std::size_t argnum, const Value& g) {
    const Meta a = call.meta(0);
    const Meta b = call.meta(1);
    const bool row = a.rank == 1;     // a is (1, k)
    const bool column = b.rank == 1;  // b is (k, 1)
    if (row && column) return apply(Code::multiply, g, call.arg(1 - argnum));
    if (a.rank == 2 && b.rank == 2) {
        Value outer = outer_vjp(call, argnum, g);
        if (!outer.empty()) return outer;
    }
    const Value full = row || column ? matmul_g(g, call.ans_meta, row, column) : g;
    if (argnum == 0) {
        Value other = call.arg(1);
        if (column) other = matrix(other, b.shape[0], 1);
        const Extent inner = column ? 1 : b.shape[b.rank - 1];
        const Value result = product_over(inner, full, shaped::matrix_transpose(other));
        if (!row) return result;
        // (..., 1, k) summed over the batch: drop the row axis, fit() does the rest.
        return apply(Code::getitem, result, host::position_index(call.ans_meta.rank - 1, 0));
    }
    Value other = call.arg(0);
    if (row) other = matrix(other, 1, a.shape[0]);
    const Extent inner = row ? 1 : a.shape[a.rank - 2];
    const Value result = product_over(inner, shaped::matrix_transpose(other), full);
    if (!column) return result;
    return apply(Code::getitem, result, host::position_index(call.ans_meta.rank, 0));
}

Value product_shape(const Call& call, const Value& product, Extent width) {
    return batched::reshape(product, call.ans_meta.shape, call.ans_meta.rank, width);
}

// One factor's tangents times the other factor.
Value dot_tangents_of(const Call& call, std::size_t argnum, const Value& t, Extent width) {
    const Meta a = call.meta(0);
    const Meta b = call.meta(1);
    const Value& other = call.arg(1 - argnum);
    if (a.rank == 0 || b.rank == 0)
        return apply(Code::multiply,
                     batched::aligned(t, call.meta(argnum), call.ans_meta.rank, width), other);
    if (a.rank > 2 || b.rank > 2) return {};
    if (argnum == 0) {
        // All rows of all tangents under one another: one product.
        const Extent k = a.shape[a.rank - 1];
        const Extent rows = width * (a.rank == 2 ? a.shape[0] : 1);
        return product_shape(call, apply(Code::dot, matrix(t, rows, k), other), width);
    }
    if (b.rank == 1)
        return product_shape(
            call, apply(Code::dot, t, a.rank == 1 ? other : apply(Code::transpose, other)), width);
    return product_shape(call, apply(Code::matmul, other, t), width);
}

Value matmul_tangents_of(const Call& call, std::size_t argnum, const Value& t, Extent width) {
    const Meta a = call.meta(0);
    const Meta b = call.meta(1);
    if (a.rank <= 2 && b.rank <= 2) return dot_tangents_of(call, argnum, t, width);
    const Meta own = call.meta(argnum);
    // As a matrix, below axes for the batch of matrices that the result has.
    const int most = std::max(a.rank, b.rank);
    std::vector<Extent> shape(static_cast<std::size_t>(most), 1);
    if (own.rank == 1)
        shape[static_cast<std::size_t>(argnum == 0 ? most - 1 : most - 2)] = own.shape[0];
    else
        std::copy_n(own.shape, own.rank, shape.end() - own.rank);
    const Value wide = batched::reshape(t, shape.data(), most, width);
    const Value& other = call.arg(1 - argnum);
    return product_shape(
        call, argnum == 0 ? apply(Code::matmul, wide, other) : apply(Code::matmul, other, wide),
        width);
}

template <Value (*term)(const Call&, std::size_t, const Value&, Extent)>
Value product_tangents(const Call& call, const Value* tangents, Extent width) {
    Value total;
    for (std::size_t k = 0; k < 2; ++k) {
        if (tangents[k].empty()) continue;
        const Value one = term(call, k, tangents[k], width);
        if (one.empty()) return {};
        total = total.empty() ? one : apply(Code::add, total, one);
    }
    return total;
}

// As matmul_vjp(): the operands' leading axes are the last of the batch's, so that they broadcast.
Value matmul_batch(const Call& call, std::size_t argnum, const Value& g, Extent width) {
    const Meta a = call.meta(0);
    const Meta b = call.meta(1);
    const bool row = a.rank == 1;
    const bool column = b.rank == 1;
    const Meta& ans = call.ans_meta;
    Value other = call.arg(1 - argnum);
    if (row && column) return each_times(g, width, other, call.meta(1 - argnum));
    if (a.rank <= 2 && b.rank <= 2) return dot_batch(call, argnum, g, width);
    std::vector<Extent> shape(ans.shape, ans.shape + ans.rank);
    shape.insert(shape.begin(), width);
    Meta wide = ans;
    wide.rank += 1;
    wide.shape = shape.data();
    const Value full = row || column ? matmul_g(g, wide, row, column) : g;
    if (argnum == 0) {
        if (column) other = matrix(other, b.shape[0], 1);
        const Extent inner = column ? 1 : b.shape[b.rank - 1];
        const Value result = product_over(inner, full, shaped::matrix_transpose(other));
        if (!row) return result;
        return apply(Code::getitem, result, host::position_index(ans.rank, 0));
    }
    if (row) other = matrix(other, 1, a.shape[0]);
    const Extent inner = row ? 1 : a.shape[a.rank - 2];
    const Value result = product_over(inner, shaped::matrix_transpose(other), full);
    if (!column) return result;
    return apply(Code::getitem, result, host::position_index(ans.rank + 1, 0));
}

}  // namespace

void blocks::fill_products(Op* table) {
    Block dot;
    dot.parameters = {{"a", Differentiable}, {"b", Differentiable}, {"out", Refused}};
    dot.linear = Structural::Linear::Separately;
    dot.aval = dot_aval;
    dot.vjp = dot_vjp;
    dot.vjp_batch = dot_batch;
    dot.passes = {true, true};
    dot.program = InProgram::Product;
    dot.jvp_batch = product_tangents<dot_tangents_of>;
    dot.formula = "g b^T; a^T g";
    enter(table, Code::dot, dot);
    Block matmul;
    matmul.parameters = {{"x1", Differentiable}, {"x2", Differentiable}, {"out", Refused}};
    matmul.linear = Structural::Linear::Separately;
    matmul.aval = matmul_aval;
    matmul.vjp = matmul_vjp;
    matmul.vjp_batch = matmul_batch;
    matmul.passes = {true, true};
    matmul.hosted = true;
    matmul.program = InProgram::Product;
    matmul.jvp_batch = product_tangents<matmul_tangents_of>;
    matmul.formula = "g b^T; a^T g";
    enter(table, Code::matmul, matmul);
}

}  // namespace fastad
