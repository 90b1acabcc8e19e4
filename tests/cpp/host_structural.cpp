// Structural operations of the test host, written for plainness.
#include <algorithm>
#include <cmath>

#include "host.hpp"
#include "ops/aval.hpp"

namespace fastad::testing {

namespace {

std::size_t at(Extent position) { return static_cast<std::size_t>(position); }

Extent wrapped(Extent axis, int rank) {
    const Extent positive = axis < 0 ? axis + rank : axis;
    if (positive < 0 || positive >= rank) raise("axis out of range");
    return positive;
}

bool truth(const Value& value) { return !absent(value) && number_of(value) != 0.0; }

std::vector<Extent> axes_of(const Value& axis, int rank) {
    std::vector<Extent> axes;
    if (absent(axis)) {
        for (int i = 0; i < rank; ++i) axes.push_back(i);
        return axes;
    }
    for (const Extent a : host::as_integers(axis, "axis")) axes.push_back(wrapped(a, rank));
    return axes;
}

Value permuted(const Value& x, const std::vector<Extent>& order) {
    const Array* a = as_array(x);
    std::vector<Extent> shape, strides;
    for (const Extent axis : order) {
        shape.push_back(a->shape[at(axis)]);
        strides.push_back(a->strides[at(axis)]);
    }
    return view_of(x, shape, strides, a->data);
}

std::vector<Extent> identity_order(int rank) {
    std::vector<Extent> order;
    for (int i = 0; i < rank; ++i) order.push_back(i);
    return order;
}

Value reshaped(const Value& x, const std::vector<Extent>& shape) {
    return host::reshape(x, shape.data(), static_cast<int>(shape.size()));
}

DType widest(const std::vector<Value>& parts) {
    DType dtype = DType::Bool;
    auto order = [](DType d) {
        switch (d) {
            case DType::Complex128: return 4;
            case DType::Float64: return 3;
            case DType::Float32: return 2;
            case DType::Bool: return 0;
            default: return 1;
        }
    };
    for (const Value& value : parts)
        if (order(as_array(value)->dtype) > order(dtype)) dtype = as_array(value)->dtype;
    return dtype;
}

Value concatenate(const std::vector<Value>& parts, Extent axis) {
    const Array* first = as_array(parts[0]);
    const std::size_t along = at(wrapped(axis, first->rank()));
    std::vector<Extent> shape = first->shape;
    shape[along] = 0;
    for (const Value& value : parts) shape[along] += as_array(value)->shape[along];
    Value result =
        Value::take(new_raw(widest(parts), shape.data(), static_cast<int>(shape.size())));
    Extent start = 0;
    for (const Value& value : parts) {
        std::vector<Item> items(along, Item::all());
        const Extent length = as_array(value)->shape[along];
        items.push_back(Item::slice(start, start + length));
        start += length;
        const Value place = part(result, index(items));
        const Array* target = as_array(place);
        const Array* source = as_array(value);
        if (target->shape != source->shape) raise("concatenate: shapes do not fit");
        each_element(target->shape, {target, source}, [&](std::size_t, char* const* places) {
            store(places[0], target->dtype, load(places[1], source->dtype));
        });
    }
    return result;
}

// (..., m, k) @ (..., k, n), both of rank two or more.
Value matrix_product(const Value& a, const Value& b) {
    const Array* x = as_array(a);
    const Array* y = as_array(b);
    const std::size_t p = x->shape.size(), q = y->shape.size();
    const Extent m = x->shape[p - 2], k = x->shape[p - 1], n = y->shape[q - 1];
    if (y->shape[q - 2] != k) raise("matmul: shapes do not fit");
    // (..., m, 1, k) * (..., 1, n, k), summed over the last axis.
    std::vector<Extent> left_shape = x->shape, left_strides = x->strides;
    left_shape.insert(left_shape.end() - 1, 1);
    left_strides.insert(left_strides.end() - 1, 0);
    std::vector<Extent> right_shape(y->shape.begin(), y->shape.end() - 2);
    std::vector<Extent> right_strides(y->strides.begin(), y->strides.end() - 2);
    right_shape.insert(right_shape.end(), {1, n, k});
    right_strides.insert(right_strides.end(), {0, y->strides[q - 1], y->strides[q - 2]});
    const Value pair[2] = {view_of(a, left_shape, left_strides, x->data),
                           view_of(b, right_shape, right_strides, y->data)};
    (void)m;
    const Value product = host::apply(operation(Code::multiply), pair, 2, nullptr, Form::Rule);
    return reduced(product, {as_array(product)->rank() - 1}, false, Code::sum);
}

Value matmul(Value a, Value b) {
    const bool row = as_array(a)->rank() == 1, column = as_array(b)->rank() == 1;
    if (row) a = reshaped(a, {1, as_array(a)->shape[0]});
    if (column) b = reshaped(b, {as_array(b)->shape[0], 1});
    Value result = matrix_product(a, b);
    std::vector<Extent> shape = as_array(result)->shape;
    if (column) shape.pop_back();
    if (row) shape.erase(shape.end() - (column ? 1 : 2));
    if (row || column) result = reshaped(result, shape);
    return host::to_scalar(std::move(result));
}

Value dot(const Value& a, const Value& b) {
    const int p = as_array(a)->rank(), q = as_array(b)->rank();
    if (p == 0 || q == 0) {
        const Value pair[2] = {a, b};
        return host::apply(operation(Code::multiply), pair, 2, nullptr, Form::Rule);
    }
    if (q <= 2) {
        if (p <= 2) return matmul(a, b);
        std::vector<Extent> shape(as_array(a)->shape.begin(), as_array(a)->shape.end() - 1);
        const Value flat = reshaped(a, {-1, as_array(a)->shape[at(p - 1)]});
        if (q == 2) shape.push_back(as_array(b)->shape[1]);
        return reshaped(matmul(flat, b), shape);
    }
    // b (..., k, n): bring k to the front, so that it becomes a matrix (k, everything else).
    std::vector<Extent> order = {q - 2};
    std::vector<Extent> shape(as_array(a)->shape.begin(), as_array(a)->shape.end() - 1);
    for (int i = 0; i < q; ++i)
        if (i != q - 2) {
            order.push_back(i);
            shape.push_back(as_array(b)->shape[at(i)]);
        }
    const Value front = permuted(b, order);
    const Extent k = as_array(front)->shape[0];
    return reshaped(matmul(reshaped(a, {-1, k}), reshaped(front, {k, -1})), shape);
}

Value chosen(const Value* values) {
    const Value pick = to_array(values[0]);
    bool any_array = false;
    std::vector<Value> typed;
    for (std::size_t k = 0; k < 3; ++k)
        any_array = any_array || (as_array(values[k]) && !as_array(values[k])->scalar);
    for (std::size_t k = 1; k < 3; ++k)
        if (as_array(values[k]) || values[k].kind() == Kind::Strong)
            typed.push_back(to_array(values[k]));
    const DType dtype = typed.empty() ? DType::Float64 : widest(typed);
    const Value holders[3] = {pick, to_array(values[1]), to_array(values[2])};
    const std::vector<const Array*> arrays = {as_array(holders[0]), as_array(holders[1]),
                                              as_array(holders[2])};
    const std::vector<Extent> shape = common_shape(holders, 3);
    Array* made = new_raw(dtype, shape.data(), static_cast<int>(shape.size()));
    Value result = Value::take(made);
    each_element(shape, arrays, [&](std::size_t i, char* const* places) {
        const std::size_t from = load(places[0], arrays[0]->dtype) != 0.0 ? 1 : 2;
        store(made->data + i * item_size(dtype), dtype, load(places[from], arrays[from]->dtype));
    });
    return any_array ? result : host::to_scalar(std::move(result));
}

// f of each element, with the dtype given.
Value mapped(const Value& x, DType dtype, const std::function<Complex(Complex)>& f) {
    const Value source = to_array(x);
    const Array* a = as_array(source);
    Array* made = new_raw(dtype, a->shape.data(), a->rank());
    Value result = Value::take(made);
    each_element(a->shape, {a}, [&](std::size_t i, char* const* places) {
        store(made->data + i * item_size(dtype), dtype, f(load(places[0], a->dtype)));
    });
    return host::describe(x).array ? result : host::to_scalar(std::move(result));
}

}  // namespace

Value reduced(const Value& raw, const std::vector<Extent>& axes, bool keepdims, Code code) {
    const Array* a = as_array(raw);
    DType dtype = a->dtype;
    if (dtype == DType::Bool) dtype = DType::Int64;
    if (code == Code::mean && dtype == DType::Int64) dtype = DType::Float64;
    std::vector<Extent> kept = a->shape;
    double count = 1.0;
    for (const Extent axis : axes) {
        count *= static_cast<double>(kept[at(axis)]);
        kept[at(axis)] = 1;
    }
    Array* made = new_raw(dtype, kept.data(), static_cast<int>(kept.size()));
    Value result = Value::take(made);
    std::vector<Complex> totals(made->size(), Complex());
    std::vector<bool> seen(made->size(), false);
    Array places_of;  // walks the totals' positions beside the elements
    std::vector<std::int64_t> positions(made->size());
    for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<Extent>(i);
    places_of.dtype = DType::Int64;
    places_of.shape = kept;
    places_of.strides = made->strides;
    for (Extent& stride : places_of.strides)
        stride = stride / static_cast<Extent>(item_size(dtype)) * 8;
    places_of.data = reinterpret_cast<char*>(positions.data());
    each_element(a->shape, {a, &places_of}, [&](std::size_t, char* const* places) {
        const Complex x = load(places[0], a->dtype);
        const auto i = static_cast<std::size_t>(load(places[1], DType::Int64).real());
        if (code == Code::max)
            totals[i] = seen[i] ? std::max(totals[i].real(), x.real()) : x;
        else if (code == Code::min)
            totals[i] = seen[i] ? std::min(totals[i].real(), x.real()) : x;
        else
            totals[i] += x;
        seen[i] = true;
    });
    for (std::size_t i = 0; i < totals.size(); ++i)
        store(made->data + i * item_size(dtype), dtype,
              code == Code::mean ? totals[i] / count : totals[i]);
    if (keepdims) return result;
    std::vector<Extent> shape;
    for (std::size_t axis = 0; axis < kept.size(); ++axis)
        if (std::find(axes.begin(), axes.end(), static_cast<Extent>(axis)) == axes.end())
            shape.push_back(kept[axis]);
    return host::to_scalar(host::reshape(result, shape.data(), static_cast<int>(shape.size())));
}

Value part(const Value& raw, const Value& key) {
    const Array* a = as_array(raw);
    std::vector<Item> items;
    if (key.is_number())
        items.push_back(Item::at(static_cast<Extent>(key.number())));
    else if (key.is_object() && key.object()->type == Type::Tuple)
        items = static_cast<const Tuple*>(key.object())->items;
    else
        raise("unknown kind of index");
    if (items.size() > a->shape.size()) raise("too many indices");
    std::vector<Extent> shape, strides;
    char* data = a->data;
    for (std::size_t axis = 0; axis < a->shape.size(); ++axis) {
        const Item item = axis < items.size() ? items[axis] : Item::all();
        const Extent length = a->shape[axis], stride = a->strides[axis];
        if (item.step == 0) {
            const Extent position = item.start < 0 ? item.start + length : item.start;
            if (position < 0 || position >= length) raise("index out of range");
            data += position * stride;
            continue;
        }
        Extent first = item.start, last = item.stop;
        if (item.step > 0) {
            first = std::clamp(first < 0 ? first + length : first, Extent{0}, length);
            last = std::clamp(last < 0 ? last + length : last, Extent{0}, length);
            shape.push_back(last > first ? (last - first + item.step - 1) / item.step : 0);
        } else {  // from `start` down to, not including, `stop`, both as they are
            shape.push_back(first > last ? (first - last - item.step - 1) / -item.step : 0);
        }
        data += first * stride;
        strides.push_back(stride * item.step);
    }
    return view_of(raw, shape, strides, data);
}

namespace {
Value computed(const Op& op, const Value* values, std::size_t count) {
    auto argument = [&](std::size_t i) { return i < count ? values[i] : Value(); };
    if (op.code == Code::where) return chosen(values);
    if (op.code == Code::concatenate || op.code == Code::stack) {
        std::vector<Value> parts;
        for (std::size_t i = 1; i < count; ++i) parts.push_back(to_array(values[i]));
        const Extent axis = absent(values[0]) ? 0 : host::as_integers(values[0], "axis").at(0);
        if (op.code == Code::stack)
            for (Value& value : parts) {
                std::vector<Extent> shape = as_array(value)->shape;
                const int rank = static_cast<int>(shape.size()) + 1;
                shape.insert(shape.begin() + wrapped(axis, rank), 1);
                value = reshaped(value, shape);
            }
        return concatenate(parts, axis);
    }
    if (op.code == Code::scatter) {
        const View like = host::describe(values[0]);
        Meta meta;
        meta.dtype = cotangent_dtype(host::describe(values[2]).dtype);
        meta.array = true;
        meta.rank = like.rank;
        meta.shape = like.shape;
        Value result = host::zeros(meta);
        host::add_at(result, values[1], values[2]);
        return result;
    }

    const Value x = to_array(values[0]);
    const Array* a = as_array(x);
    const int rank = a->rank();
    switch (op.code) {
        case Code::sum:
        case Code::mean: return reduced(x, axes_of(argument(1), rank), truth(argument(4)), op.code);
        case Code::max:
        case Code::min: return reduced(x, axes_of(argument(1), rank), truth(argument(3)), op.code);
        case Code::reshape: return reshaped(x, host::as_integers(values[1], "shape"));
        case Code::ravel: return reshaped(x, {-1});
        case Code::transpose: {
            std::vector<Extent> order = identity_order(rank);
            std::reverse(order.begin(), order.end());
            if (!absent(argument(1))) order = axes_of(argument(1), rank);
            return permuted(x, order);
        }
        case Code::swapaxes: {
            std::vector<Extent> order = identity_order(rank);
            std::swap(order[at(wrapped(host::as_integers(values[1], "axis").at(0), rank))],
                      order[at(wrapped(host::as_integers(values[2], "axis").at(0), rank))]);
            return permuted(x, order);
        }
        case Code::moveaxis: {
            const Extent from = wrapped(host::as_integers(values[1], "source").at(0), rank);
            const Extent to = wrapped(host::as_integers(values[2], "destination").at(0), rank);
            std::vector<Extent> order = identity_order(rank);
            order.erase(order.begin() + from);
            order.insert(order.begin() + to, from);
            return permuted(x, order);
        }
        case Code::squeeze:
        case Code::expand_dims: {
            std::vector<Extent> shape = a->shape;
            if (op.code == Code::expand_dims)
                shape.insert(
                    shape.begin() + wrapped(host::as_integers(values[1], "axis").at(0), rank + 1),
                    1);
            else
                shape.erase(std::remove(shape.begin(), shape.end(), 1), shape.end());
            return reshaped(x, shape);
        }
        case Code::broadcast_to: {
            const std::vector<Extent> shape = host::as_integers(values[1], "shape");
            return host::broadcast(x, shape.data(), static_cast<int>(shape.size()));
        }
        case Code::astype: {
            const DType dtype = static_cast<const DTypeName*>(values[1].object())->dtype;
            Value result = copy_of(x, dtype);
            return host::describe(values[0]).array ? result : host::to_scalar(std::move(result));
        }
        case Code::copy: return copy_of(x, a->dtype);
        case Code::getitem: {
            const Array* positions = as_array(values[1]);
            if (!positions) return host::to_scalar(part(x, values[1]));
            std::vector<Value> rows;
            for (const double i : numbers_of(values[1])) {
                std::vector<Extent> shape = a->shape;
                shape[0] = 1;
                rows.push_back(reshaped(part(x, Value::integer(i)), shape));
            }
            if (rows.empty()) return copy_of(part(x, index({Item::slice(0, 0)})), a->dtype);
            return concatenate(rows, 0);
        }
        case Code::clip: {
            Value result = values[0];
            for (const std::size_t bound : {std::size_t{1}, std::size_t{2}}) {
                if (absent(argument(bound))) continue;
                const Value pair[2] = {result, values[bound]};
                result = host::apply(operation(bound == 1 ? Code::maximum : Code::minimum), pair, 2,
                                     nullptr, Form::Rule);
            }
            return result;
        }
        case Code::dot: return dot(x, to_array(values[1]));
        case Code::matmul: return matmul(x, to_array(values[1]));
        case Code::real:
        case Code::imag: {
            const DType dtype = is_complex(a->dtype) ? DType::Float64 : a->dtype;
            const bool real = op.code == Code::real;
            return mapped(values[0], dtype,
                          [real](Complex z) { return Complex(real ? z.real() : z.imag()); });
        }
        case Code::conjugate:
            return mapped(values[0], a->dtype, [](Complex z) { return std::conj(z); });
        case Code::angle: {
            const double unit = truth(argument(1)) ? 57.295779513082320877 : 1.0;
            return mapped(values[0], DType::Float64,
                          [unit](Complex z) { return Complex(std::arg(z) * unit); });
        }
        default: raise(op.name + ": not in this host");
    }
}
}  // namespace

// Every result is as the rule for its dtype and shape says.
Value structural(const Op& op, const Value* values, std::size_t count) {
    Aval told;
    const bool known = aval_of(op, values, count, told);
    Value result = computed(op, values, count);
    const View view = host::describe(result);
    if (known && (!same_shape(told, view) || told.dtype != view.dtype))
        raise(op.name + ": its rule says " + dtype_name(told.dtype) + shape_text(told.meta()) +
              ", the result is " + dtype_name(view.dtype));
    if (!known) raise(op.name + ": its rule says nothing");
    return result;
}

}  // namespace fastad::testing
