// Elementwise operations of the test host, evaluated by the table's own expressions with
// broadcasting.
#include <algorithm>
#include <cmath>

#include "host.hpp"

namespace fastad {

using namespace testing;

namespace testing {

void each_element(const std::vector<Extent>& shape, const std::vector<const Array*>& arrays,
                  const std::function<void(std::size_t, char* const*)>& visit) {
    const std::size_t rank = shape.size();
    std::size_t total = 1;
    for (const Extent length : shape) total *= static_cast<std::size_t>(length);
    if (total == 0) return;
    std::vector<std::vector<Extent>> strides(arrays.size(), std::vector<Extent>(rank, 0));
    std::vector<char*> places(arrays.size());
    for (std::size_t k = 0; k < arrays.size(); ++k) {
        places[k] = arrays[k]->data;
        const std::size_t extra = rank - arrays[k]->shape.size();
        for (std::size_t axis = extra; axis < rank; ++axis)
            if (arrays[k]->shape[axis - extra] != 1)
                strides[k][axis] = arrays[k]->strides[axis - extra];
    }
    std::vector<Extent> at(rank, 0);
    for (std::size_t i = 0; i < total; ++i) {
        visit(i, places.data());
        for (std::size_t axis = rank; axis-- > 0;) {
            for (std::size_t k = 0; k < arrays.size(); ++k) places[k] += strides[k][axis];
            if (++at[axis] < shape[axis]) break;
            for (std::size_t k = 0; k < arrays.size(); ++k)
                places[k] -= strides[k][axis] * shape[axis];
            at[axis] = 0;
        }
    }
}

std::vector<Extent> common_shape(const Value* values, std::size_t count) {
    std::vector<Extent> shape;
    for (std::size_t k = 0; k < count; ++k) {
        const Array* source = as_array(values[k]);
        if (!source) continue;
        if (source->shape.size() > shape.size())
            shape.insert(shape.begin(), source->shape.size() - shape.size(), 1);
        const std::size_t extra = shape.size() - source->shape.size();
        for (std::size_t axis = 0; axis < source->shape.size(); ++axis) {
            Extent& length = shape[axis + extra];
            if (length == 1)
                length = source->shape[axis];
            else if (source->shape[axis] != 1 && source->shape[axis] != length)
                raise("operands cannot be broadcast together");
        }
    }
    return shape;
}

Value to_array(const Value& raw) {
    if (as_array(raw) && !as_array(raw)->scalar) return raw;
    const View view = host::describe(raw);
    if (!as_array(raw) && !raw.is_number()) raise("not a number");
    Array* made = new_raw(view.dtype, nullptr, 0);
    Value value = Value::take(made);
    store(made->data, view.dtype, complexes_of(raw)[0]);
    return value;
}

Value copy_of(const Value& raw, DType dtype) {
    const Value source = to_array(raw);
    const Array* a = as_array(source);
    Array* made = new_raw(dtype, a->shape.data(), a->rank());
    each_element(a->shape, {a}, [&](std::size_t i, char* const* places) {
        store(made->data + i * item_size(dtype), dtype, load(places[0], a->dtype));
    });
    return Value::take(made);
}

}  // namespace testing

namespace {

// Numbers in Value say nothing of a dtype unless they are strong.
DType result_dtype(const Value* values, std::size_t count) {
    bool complex = false, double_precision = false, single = false;
    for (std::size_t k = 0; k < count; ++k) {
        if (values[k].kind() == Kind::Strong) double_precision = true;
        if (!as_array(values[k])) continue;
        const DType dtype = as_array(values[k])->dtype;
        complex = complex || dtype == DType::Complex128;
        double_precision = double_precision || dtype == DType::Float64;
        single = single || dtype == DType::Float32;
    }
    if (complex) return DType::Complex128;
    return single && !double_precision ? DType::Float32 : DType::Float64;
}

double zero_operation(Code code, double x, double y) {
    switch (code) {
        case Code::sign: return x > 0 ? 1.0 : (x < 0 ? -1.0 : x);
        case Code::floor: return std::floor(x);
        case Code::ceil: return std::ceil(x);
        case Code::trunc: return std::trunc(x);
        case Code::rint: return std::rint(x);
        case Code::floor_divide: return std::floor(x / y);
        case Code::nextafter: return std::nextafter(x, y);
        default: return std::nextafter(x, INFINITY) - x;
    }
}

bool test_operation(Code code, Complex x, Complex y) {
    const double a = x.real(), b = y.real();
    switch (code) {
        case Code::equal: return x == y;
        case Code::not_equal: return x != y;
        case Code::less: return a < b;
        case Code::less_equal: return a <= b;
        case Code::greater: return a > b;
        case Code::greater_equal: return a >= b;
        case Code::logical_and: return x != 0.0 && y != 0.0;
        case Code::logical_or: return x != 0.0 || y != 0.0;
        case Code::logical_xor: return (x != 0.0) != (y != 0.0);
        case Code::logical_not: return x == 0.0;
        case Code::isnan: return std::isnan(a) || std::isnan(x.imag());
        case Code::isinf: return std::isinf(a) || std::isinf(x.imag());
        case Code::isfinite: return std::isfinite(a) && std::isfinite(x.imag());
        default: return std::signbit(a);
    }
}

// The table's expressions are for real numbers; these few are what the tests of complex rules need.
Complex complex_operation(const Op& op, Complex x, Complex y) {
    switch (op.code) {
        case Code::negative: return -x;
        case Code::positive: return x;
        case Code::absolute: return std::abs(x);
        case Code::exp: return std::exp(x);
        case Code::log: return std::log(x);
        case Code::sin: return std::sin(x);
        case Code::cos: return std::cos(x);
        case Code::tanh: return std::tanh(x);
        case Code::sqrt: return std::sqrt(x);
        case Code::square: return x * x;
        case Code::reciprocal: return 1.0 / x;
        case Code::add: return x + y;
        case Code::subtract: return x - y;
        case Code::multiply: return x * y;
        case Code::divide: return x / y;
        default: raise(op.name + ": not for complex numbers in this host");
    }
}

Value elementwise(const Op& op, const Value* values, std::size_t count) {
    if (count != op.arity) raise(op.name + ": wrong number of operands");
    bool numbers = true;
    for (std::size_t k = 0; k < count; ++k) {
        if (!values[k].is_number() && !as_array(values[k])) raise(op.name + ": not a number");
        numbers = numbers && values[k].is_number();
    }
    if (numbers && op.kind() == OpKind::Elementwise) {
        const double result =
            op.elementwise.value(values[0].number(), count == 2 ? values[1].number() : 0.0);
        const bool strong =
            values[0].kind() == Kind::Strong || (count == 2 && values[1].kind() == Kind::Strong);
        return strong ? Value::strong(result) : Value::weak(result);
    }

    const DType computed = result_dtype(values, count);
    DType dtype = computed;
    if (op.kind() == OpKind::Test) dtype = DType::Bool;
    if (op.code == Code::absolute && is_complex(dtype)) dtype = DType::Float64;
    bool any_array = false;
    std::vector<Value> holders;
    std::vector<const Array*> arrays;
    for (std::size_t k = 0; k < count; ++k) {
        any_array = any_array || (as_array(values[k]) && !as_array(values[k])->scalar);
        holders.push_back(to_array(values[k]));
    }
    for (const Value& holder : holders) arrays.push_back(as_array(holder));
    const std::vector<Extent> shape = common_shape(holders.data(), count);
    Array* made = new_raw(dtype, shape.data(), static_cast<int>(shape.size()));
    Value result = Value::take(made);
    each_element(shape, arrays, [&](std::size_t i, char* const* places) {
        Complex x = load(places[0], arrays[0]->dtype);
        Complex y = count == 2 ? load(places[1], arrays[1]->dtype) : Complex();
        if (computed == DType::Float32) {  // a weak number takes the array's precision
            x = static_cast<double>(static_cast<float>(x.real()));
            y = static_cast<double>(static_cast<float>(y.real()));
        }
        Complex element;
        if (op.kind() == OpKind::Test)
            element = test_operation(op.code, x, y) ? 1.0 : 0.0;
        else if (op.kind() == OpKind::Zero)
            element = zero_operation(op.code, x.real(), y.real());
        else if (is_complex(computed))
            element = complex_operation(op, x, y);
        else
            element = op.elementwise.value(x.real(), y.real());
        store(made->data + i * item_size(dtype), dtype, element);
    });
    if (any_array) return result;
    return host::to_scalar(std::move(result));
}

const Primitive& primitive_of(const Op& op) { return *reinterpret_cast<const Primitive*>(op.host); }

}  // namespace

namespace host {

Value apply(const Op& op, const Value* values, std::size_t count, Object*, Form) {
    step();
    for (std::size_t k = 0; k < count; ++k)
        if (values[k].is_box() && op.kind() != OpKind::Foreign)
            raise(op.name + ": a box reached the host");
    switch (op.kind()) {
        case OpKind::Structural: return structural(op, values, count);
        case OpKind::Foreign: return primitive_of(op).value(values);
        default: return elementwise(op, values, count);
    }
}

Value laid_out(Value array, const Extent*) { return array; }
Value broadcast(const Value& raw, const Extent* shape, int rank) {
    step();
    const Value source = to_array(raw);
    const Array* a = as_array(source);
    const int extra = rank - a->rank();
    if (extra < 0) throw Error(Error::Class::Value, "broadcast: too many axes");
    std::vector<Extent> strides(static_cast<std::size_t>(rank), 0);
    for (int axis = extra; axis < rank; ++axis) {
        const auto own = static_cast<std::size_t>(axis - extra);
        if (a->shape[own] == shape[axis])
            strides[static_cast<std::size_t>(axis)] = a->strides[own];
        else if (a->shape[own] != 1)
            throw Error(Error::Class::Value, "broadcast: shapes do not fit");
    }
    Value view = view_of(source, {shape, shape + rank}, strides, a->data);
    static_cast<Array*>(view.object())->writeable = false;
    return view;
}

Value reshape(const Value& raw, const Extent* shape, int rank) {
    step();
    Value source = to_array(raw);
    std::vector<Extent> wanted(shape, shape + rank);
    Extent known = 1;
    for (const Extent length : wanted)
        if (length >= 0) known *= length;
    for (Extent& length : wanted)
        if (length < 0) length = static_cast<Extent>(as_array(source)->size()) / known;
    std::size_t size = 1;
    for (const Extent length : wanted) size *= static_cast<std::size_t>(length);
    if (size != as_array(source)->size()) raise("reshape: wrong number of elements");
    if (!as_array(source)->contiguous()) source = copy_of(source, as_array(source)->dtype);
    const Array* a = as_array(source);
    std::vector<Extent> strides(wanted.size());
    Extent stride = static_cast<Extent>(item_size(a->dtype));
    for (std::size_t axis = wanted.size(); axis-- > 0;) {
        strides[axis] = stride;
        stride *= wanted[axis];
    }
    return view_of(source, wanted, strides, a->data);
}

Value to_scalar(Value raw) {
    const Array* a = as_array(raw);
    if (!a || !a->shape.empty()) return raw;
    return scalar(a->dtype, load(a->data, a->dtype));
}

Value zeros(const Meta& meta) {
    step();
    if (!meta.array) return scalar(meta.dtype, 0.0);
    Array* made = new_raw(meta.dtype, meta.shape, meta.rank);
    std::fill(made->memory.begin(), made->memory.end(), 0.0);
    return Value::take(made);
}

Value fit(const Value& raw, const Meta& target) {
    step();
    if (target.dtype == DType::Other && !target.array) return raw;
    Value current = to_array(raw);
    if (is_complex(as_array(current)->dtype) && !is_complex(target.dtype))
        current = copy_of(current, DType::Float64);
    const Array* a = as_array(current);
    const int extra = a->rank() - target.rank;
    std::vector<Extent> axes;
    for (int axis = 0; axis < a->rank(); ++axis)
        if (axis < extra ||
            (target.shape[axis - extra] == 1 && a->shape[static_cast<std::size_t>(axis)] != 1))
            axes.push_back(axis);
    if (!axes.empty()) current = to_array(reduced(current, axes, true, Code::sum));
    if (extra > 0) current = reshape(current, target.shape, target.rank);
    a = as_array(current);
    if (a->shape != std::vector<Extent>(target.shape, target.shape + target.rank))
        current = broadcast(current, target.shape, target.rank);
    if (as_array(current)->dtype != target.dtype) current = copy_of(current, target.dtype);
    return target.array ? current : to_scalar(std::move(current));
}

void add_at(const Value& target, const Value& index, const Value& update) {
    step();
    const Value source = to_array(update);
    const Array* positions = as_array(index);
    if (positions && positions->dtype != DType::Bool) {
        for (std::size_t i = 0; i < positions->size(); ++i) {
            const auto at = static_cast<Extent>(numbers_of(index)[i]);
            const Value place = part(target, Value::integer(static_cast<double>(at)));
            const Value amount = source.object() && as_array(source)->rank() > 0
                                     ? part(source, Value::integer(static_cast<double>(i)))
                                     : source;
            add_at(place, testing::index({}), amount);
        }
        return;
    }
    const Value place = part(target, index);
    const Array* a = as_array(place);
    const Value spread = broadcast(source, a->shape.data(), a->rank());
    each_element(a->shape, {a, as_array(spread)}, [&](std::size_t, char* const* places) {
        store(places[0], a->dtype,
              load(places[0], a->dtype) + load(places[1], as_array(spread)->dtype));
    });
}

Value scattered(const Meta& meta, const Value& index, const Value& update) {
    Value result = zeros(meta);
    add_at(result, index, update);
    return result;
}

Value map_rows(const Value&, std::size_t, const Value&) { return {}; }
Value map_columns(const Value&, std::size_t, const Value&, const Value&) { return {}; }
bool partial_known(const Op&, std::size_t, DType, std::uint32_t&) { return false; }
bool partial(const Op&, std::size_t, const Value*, std::size_t, DType, std::size_t, void*) {
    return false;
}
bool along_axes(const Op&) noexcept { return false; }
bool suits_along(const Op&, const Value*, std::size_t, const Value&) { return false; }
bool cotangent_along(const Op&, const Value*, std::size_t, const Value&, double*) { return false; }
Value composed(const Op&, const Value*, std::size_t) { return {}; }
Value make_vjps(const Op&, const std::vector<std::size_t>& argnums, const Value& ans,
                const Value* values, std::size_t count, Object*) {
    step();
    auto* vjps = new Vjps;
    vjps->argnums = argnums;
    vjps->args.assign(values, values + count);
    vjps->ans = ans;
    return Value::take(vjps);
}
Value call_vjp(const Op& op, const Value& vjps, std::size_t which, const Value& g) {
    step();
    const auto* handle = static_cast<const Vjps*>(vjps.object());
    return primitive_of(op).vjp(handle->argnums[which], g, handle->ans, handle->args.data());
}
Value call_jvp(const Op& op, std::size_t argnum, const Value& tangent, const Value& ans,
               const Value* values, std::size_t, Object*) {
    step();
    if (!primitive_of(op).jvp) raise(op.name + ": no jvp");
    return primitive_of(op).jvp(argnum, tangent, ans, values);
}
void wrong_cotangent(const Op& op, const Value&, std::size_t, const Value&, const Meta&) {
    throw Error(Error::Class::Value, op.name + ": a vjp returned a cotangent of another shape");
}
void check_result(const Op& op, const Value& ans) {
    if (ans.is_number() || as_array(ans)) return;
    throw Error(Error::Class::Type, op.name + ": its result cannot be differentiated");
}

}  // namespace host
}  // namespace fastad
