// Objects of the test host: their lives, their memory, and the part of src/host that only looks at
// them.
#include "host.hpp"

#include "host/space.hpp"
#include "reverse/audit.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <type_traits>

namespace fastad {

using namespace testing;

namespace {

std::atomic<long> living{0};

// The core finds the Traced part by an offset, so a box must have a plain layout.
struct BoxObject {
    Object head;
    Traced traced;
};
static_assert(std::is_standard_layout_v<BoxObject>);

struct Steering {
    int line = 0;
    long calls = 0;
    long failing_call = 0;
    long checks = 0;
    long failing_check = 0;
    int generic_only = 0;
    std::string message;
};
Steering& steering() {
    thread_local Steering own;
    return own;
}

void destroy(Object* object) noexcept {
    switch (object->type) {
        case Type::Array: {
            auto* array = static_cast<Array*>(object);
            Object* base = array->base;
            delete array;
            if (base) host::release(base);
            break;
        }
        case Type::Tuple: delete static_cast<Tuple*>(object); break;
        case Type::None: delete object; break;
        case Type::DTypeName: delete static_cast<DTypeName*>(object); break;
        case Type::Vjps: delete static_cast<Vjps*>(object); break;
        case Type::Bundle: delete static_cast<Bundle*>(object); break;
        case Type::Box: delete reinterpret_cast<BoxObject*>(object); break;
    }
}

}  // namespace

Object::Object(Type object_type) noexcept : type(object_type) {
    living.fetch_add(1, std::memory_order_relaxed);
}

Object::~Object() { living.fetch_sub(1, std::memory_order_relaxed); }

const std::ptrdiff_t host::box_offset = offsetof(BoxObject, traced);

namespace testing {

Item Item::all() { return {0, std::numeric_limits<Extent>::max(), 1}; }

long live_objects() noexcept { return living.load(std::memory_order_relaxed); }
std::string host_message() { return steering().message; }
void fail_at(long call) {
    steering().calls = 0;
    steering().failing_call = call;
}
long calls_made() noexcept { return steering().calls; }
void interrupt_at(long check) {
    steering().checks = 0;
    steering().failing_check = check;
}
long checks_made() noexcept { return steering().checks; }
void disarm() noexcept {
    steering().calls = steering().failing_call = 0;
    steering().checks = steering().failing_check = 0;
}
GenericOnly::GenericOnly() noexcept { ++steering().generic_only; }
GenericOnly::~GenericOnly() { --steering().generic_only; }

void raise(const std::string& message) {
    steering().message = message;
    throw HostError();
}
void step() {
    Steering& own = steering();
    if (++own.calls == own.failing_call) raise("armed failure");
}

std::size_t Array::size() const noexcept {
    std::size_t count = 1;
    for (const Extent length : shape) count *= static_cast<std::size_t>(length);
    return count;
}
bool Array::contiguous() const noexcept {
    if (size() == 0) return true;
    Extent expected = static_cast<Extent>(item_size(dtype));
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        if (shape[axis] != 1 && strides[axis] != expected) return false;
        expected *= shape[axis];
    }
    return true;
}

namespace {
template <class T>
T read(const char* place) noexcept {
    T number;
    std::memcpy(&number, place, sizeof number);
    return number;
}
template <class T>
void write(char* place, T number) noexcept {
    std::memcpy(place, &number, sizeof number);
}
}  // namespace

Complex load(const char* place, DType dtype) noexcept {
    switch (dtype) {
        case DType::Bool: return read<unsigned char>(place) ? 1.0 : 0.0;
        case DType::Int32: return static_cast<double>(read<std::int32_t>(place));
        case DType::Int64: return static_cast<double>(read<std::int64_t>(place));
        case DType::Float32: return static_cast<double>(read<float>(place));
        case DType::Complex128: return read<Complex>(place);
        default: return read<double>(place);
    }
}
void store(char* place, DType dtype, Complex number) noexcept {
    switch (dtype) {
        case DType::Bool: return write<unsigned char>(place, number != 0.0 ? 1 : 0);
        case DType::Int32: return write(place, static_cast<std::int32_t>(number.real()));
        case DType::Int64: return write(place, static_cast<std::int64_t>(number.real()));
        case DType::Float32: return write(place, static_cast<float>(number.real()));
        case DType::Complex128: return write(place, number);
        default: return write(place, number.real());
    }
}

Array* new_raw(DType dtype, const Extent* shape, int rank) {
    auto* array = new Array;
    array->dtype = dtype;
    array->shape.assign(shape, shape + rank);
    array->strides.resize(static_cast<std::size_t>(rank));
    Extent stride = static_cast<Extent>(item_size(dtype));
    for (std::size_t axis = array->shape.size(); axis-- > 0;) {
        array->strides[axis] = stride;
        stride *= array->shape[axis];
    }
    // "Uninitialised" memory is NaN here, so that a test sees an element that nothing wrote.
    const std::size_t bytes = array->size() * item_size(dtype);
    array->memory.assign(bytes / 8 + 1, std::numeric_limits<double>::quiet_NaN());
    array->data = reinterpret_cast<char*>(array->memory.data());
    return array;
}

const Array* as_array(const Value& value) noexcept {
    return value.is_object() && value.object()->type == Type::Array
               ? static_cast<const Array*>(value.object())
               : nullptr;
}

Value array(const std::vector<double>& numbers) {
    return array({static_cast<Extent>(numbers.size())}, numbers);
}
Value array(const std::vector<Extent>& shape, const std::vector<double>& numbers, DType dtype) {
    Array* raw = new_raw(dtype, shape.data(), static_cast<int>(shape.size()));
    Value value = Value::take(raw);
    if (raw->size() != numbers.size()) raise("array: wrong number of elements");
    for (std::size_t i = 0; i < numbers.size(); ++i)
        store(raw->data + i * item_size(dtype), dtype, numbers[i]);
    return value;
}
Value complex_array(const std::vector<Extent>& shape, const std::vector<Complex>& numbers) {
    Array* raw = new_raw(DType::Complex128, shape.data(), static_cast<int>(shape.size()));
    for (std::size_t i = 0; i < numbers.size(); ++i)
        store(raw->data + i * 16, DType::Complex128, numbers[i]);
    return Value::take(raw);
}
Value scalar(DType dtype, Complex number) {
    if (dtype == DType::Float64) return Value::strong(number.real());
    Array* raw = new_raw(dtype, nullptr, 0);
    raw->scalar = true;
    store(raw->data, dtype, number);
    return Value::take(raw);
}
Value filled(const std::vector<Extent>& shape, double number, DType dtype) {
    std::size_t size = 1;
    for (const Extent length : shape) size *= static_cast<std::size_t>(length);
    return array(shape, std::vector<double>(size, number), dtype);
}
Value view_of(const Value& base, std::vector<Extent> shape, std::vector<Extent> strides,
              char* data) {
    auto* view = new Array;
    view->dtype = as_array(base)->dtype;
    view->shape = std::move(shape);
    view->strides = std::move(strides);
    view->data = data;
    view->base = base.object();
    host::retain(view->base);
    return Value::take(view);
}
Value strided(const Value& base, const std::vector<Extent>& shape,
              const std::vector<Extent>& strides, Extent offset) {
    const Extent item = static_cast<Extent>(item_size(as_array(base)->dtype));
    std::vector<Extent> bytes = strides;
    for (Extent& stride : bytes) stride *= item;
    return view_of(base, shape, bytes, as_array(base)->data + offset * item);
}
Value tuple(const std::vector<Extent>& integers) {
    return host::integers(integers.data(), integers.size());
}
Value index(const std::vector<Item>& items) {
    auto* made = new Tuple;
    made->items = items;
    return Value::take(made);
}
Value bundle(std::vector<Value> items) {
    auto* made = new Bundle;
    made->items = std::move(items);
    return Value::take(made);
}
Value none() { return Value::take(new Object(Type::None)); }

std::vector<Complex> complexes_of(const Value& value) {
    const Value& raw = innermost(value);
    if (raw.is_number()) return {raw.number()};
    const Array* source = as_array(raw);
    if (!source) raise("no numbers in this value");
    std::vector<Complex> numbers(source->size());
    each_element(source->shape, {source}, [&](std::size_t i, char* const* places) {
        numbers[i] = load(places[0], source->dtype);
    });
    return numbers;
}
std::vector<double> numbers_of(const Value& value) {
    std::vector<double> numbers;
    for (const Complex& number : complexes_of(value)) numbers.push_back(number.real());
    return numbers;
}
double number_of(const Value& value) {
    const std::vector<double> numbers = numbers_of(value);
    if (numbers.size() != 1) raise("not one number");
    return numbers[0];
}
std::vector<Extent> shape_of(const Value& value) {
    const Array* source = as_array(innermost(value));
    return source ? source->shape : std::vector<Extent>{};
}
DType dtype_of(const Value& value) { return host::describe(innermost(value)).dtype; }

Op foreign(const char* name, const Primitive& primitive) {
    Op op;
    op.name = name;
    // Only handed back to this host, which knows what it points at.
    op.host = reinterpret_cast<Object*>(const_cast<Primitive*>(&primitive));
    return op;
}

namespace {
thread_local unsigned context_modes = 0;
}

InMode::InMode(unsigned modes) noexcept : modes_(modes), before_(context_modes) {
    context_modes |= modes;
    Modes::entered(modes);
}
InMode::~InMode() {
    context_modes = before_;
    Modes::left(modes_);
}

}  // namespace testing

namespace host {

void retain(Object* object) noexcept { object->references.fetch_add(1, std::memory_order_relaxed); }
void release(Object* object) noexcept {
    if (object->references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(object);
}
long references(const Object* object) noexcept {
    return object->references.load(std::memory_order_relaxed);
}

Object* new_box(Traced&& traced) {
    step();
    return &(new BoxObject{Object(Type::Box), std::move(traced)})->head;
}

View describe(const Value& raw) {
    View view;
    if (raw.is_number()) {
        view.dtype = raw.kind() == Kind::Integer ? DType::Int64 : DType::Float64;
        view.data = reinterpret_cast<char*>(const_cast<double*>(raw.number_address()));
        return view;
    }
    const Array* array = as_array(raw);
    if (!array) return view;
    view.dtype = array->dtype;
    if (array->scalar) return view;
    view.array = true;
    view.usable = steering().generic_only == 0;
    view.contiguous = array->contiguous();
    view.rank = array->rank();
    view.shape = array->shape.data();
    view.strides = array->strides.data();
    view.data = array->data;
    view.size = array->size();
    return view;
}
Meta space_of(const Value& raw) noexcept {
    const View view = describe(raw);
    return {view.dtype, view.array, view.rank, view.shape};
}

void* flat(const Value& raw, DType dtype, const Extent* shape, int rank) noexcept {
    const Array* array = as_array(raw);
    if (!array || array->scalar || array->dtype != dtype || array->rank() != rank) return nullptr;
    if (steering().generic_only || !array->contiguous()) return nullptr;
    return std::equal(shape, shape + rank, array->shape.begin()) ? array->data : nullptr;
}

bool unique(const Value& raw) noexcept {
    if (!as_array(raw)) return false;
    const Object* object = raw.object();
    while (object) {
        const auto* array = static_cast<const Array*>(object);
        if (array->references.load(std::memory_order_relaxed) != 1) return false;
        if (array->scalar || !array->writeable) return false;
        object = array->base;
    }
    return true;
}

Value new_array(DType dtype, const Extent* shape, int rank) {
    step();
    return Value::take(new_raw(dtype, shape, rank));
}
Value integers(const Extent* values, std::size_t count) {
    step();
    auto* made = new Tuple;
    for (std::size_t i = 0; i < count; ++i) made->items.push_back(Item::at(values[i]));
    return Value::take(made);
}
Value index_array(const Extent* values, std::size_t count) {
    const Extent length = static_cast<Extent>(count);
    Value made = new_array(DType::Int64, &length, 1);
    for (std::size_t i = 0; i < count; ++i)
        store(as_array(made)->data + 8 * i, DType::Int64, static_cast<double>(values[i]));
    return made;
}
std::vector<Extent> as_integers(const Value& value, const char* what) {
    if (value.is_number()) return {static_cast<Extent>(value.number())};
    if (!value.is_object() || value.object()->type == Type::None) return {};
    std::vector<Extent> list;
    if (value.object()->type == Type::Tuple) {
        for (const Item& item : static_cast<const Tuple*>(value.object())->items) {
            if (item.step != 0) raise(std::string(what) + ": a slice among integers");
            list.push_back(item.start);
        }
        return list;
    }
    if (!as_array(value)) raise(std::string(what) + ": no integers");
    for (const double number : numbers_of(value)) list.push_back(static_cast<Extent>(number));
    return list;
}
bool plain_integers(const Value& value, std::vector<Extent>& list) {
    if (value.kind() == Kind::Weak || value.kind() == Kind::Strong) return false;
    if (value.empty() || (value.is_object() && value.object()->type == Type::None)) return false;
    list = as_integers(value, "argument");
    return true;
}
bool plain_integer(const Value& value, Extent& number) noexcept {
    if (value.kind() != Kind::Integer) return false;
    number = static_cast<Extent>(value.number());
    return true;
}
bool scalars_by_value = false;
bool decides_no_dtype(const Value& raw) noexcept {
    return raw.kind() == Kind::Weak || raw.kind() == Kind::Integer;
}
bool named_dtype(const Value& raw, DType& dtype) noexcept {
    if (!raw.is_object() || raw.object()->type != Type::DTypeName) return false;
    dtype = static_cast<const DTypeName*>(raw.object())->dtype;
    return true;
}
bool loop_dtype(const Op& op, DType operands, DType& result) noexcept {
    const bool real = op.name == "absolute" && operands == DType::Complex128;
    result = real ? DType::Float64 : operands;
    return true;
}
bool indexed_shape(const Meta& whole, const Value& index, Extent* shape, int& rank) noexcept {
    try {
        const Value like = new_array(DType::Bool, whole.shape, whole.rank);
        const Value taken = part(like, index);
        rank = as_array(taken)->rank();
        std::copy_n(as_array(taken)->shape.begin(), rank, shape);
        return true;
    } catch (const HostError&) {
        return false;
    }
}
bool is_tuple(const Value& value) noexcept {
    return value.is_object() && value.object()->type == Type::Bundle;
}
std::vector<Value> tuple_items(const Value& tuple) {
    step();
    if (!is_tuple(tuple)) raise("not a tuple");
    return static_cast<const Bundle*>(tuple.object())->items;
}
Value tuple_like(const Value&, std::vector<Value> items) {
    step();
    return bundle(std::move(items));
}
bool differentiable(const Value& raw) noexcept {
    return raw.is_float() || (as_array(raw) && as_array(raw)->dtype <= DType::ComplexLong);
}

Value add_objects(const Value&, const Value&) { raise("this host has no cotangents of its own"); }

Value dtype_object(DType dtype) {
    auto* made = new DTypeName;
    made->dtype = dtype;
    return Value::take(made);
}
Value imaginary(double number) { return scalar(DType::Complex128, Complex(0.0, number)); }

namespace {
Value index_along(int axis, Item last) {
    step();
    std::vector<Item> items(static_cast<std::size_t>(axis), Item::all());
    items.push_back(last);
    return index(items);
}
}  // namespace
Value slice_index(int axis, Extent start, Extent stop) {
    return index_along(axis, Item::slice(start, stop));
}
Value position_index(int axis, Extent position) { return index_along(axis, Item::at(position)); }
Value behind_batch(const Value& own) {
    step();
    if (own.is_number()) return index({Item::all(), Item::at(static_cast<Extent>(own.number()))});
    if (!own.is_object() || own.object()->type != Type::Tuple) return {};
    std::vector<Item> items = static_cast<const Tuple*>(own.object())->items;
    items.insert(items.begin(), Item::all());
    return index(items);
}
bool is_view_index(const Value& index) {
    return index.kind() == Kind::Integer ||
           (index.is_object() && index.object()->type == Type::Tuple);
}
Value counting(const Extent* shape, int rank) {
    Value result = new_array(DType::Float64, shape, rank);
    const View view = describe(result);
    for (std::size_t i = 0; i < view.size; ++i)
        reinterpret_cast<double*>(view.data)[i] = static_cast<double>(i);
    return result;
}

void check_interrupt() {
    Steering& own = steering();
    if (++own.checks == own.failing_check) raise("interrupted");
}
Unlocked::Unlocked(std::size_t) noexcept : state_(nullptr) {}
Unlocked::~Unlocked() noexcept(false) = default;
void Unlocked::check_interrupt() { host::check_interrupt(); }

std::string type_name(const Value& raw) {
    if (raw.kind() == Kind::Weak) return "float";
    if (raw.kind() == Kind::Integer) return "int";
    if (raw.kind() == Kind::Strong) return "float64";
    if (!raw.is_object()) return "nothing";
    switch (raw.object()->type) {
        case Type::Array: return as_array(raw)->scalar ? "scalar" : "ndarray";
        case Type::Tuple: return "tuple";
        case Type::None: return "NoneType";
        default: return "object";
    }
}

bool has_parts(const Op&, const Value&) { return false; }

unsigned modes() noexcept { return testing::context_modes; }

std::uint64_t fingerprint(const Value& raw) {
    std::uint64_t hash = 14695981039346656037u;
    for (const Complex number : complexes_of(raw))
        for (const double component : {number.real(), number.imag()}) {
            std::uint64_t bits;
            __builtin_memcpy(&bits, &component, sizeof bits);
            hash = (hash ^ bits) * 1099511628211u;
        }
    return hash;
}
std::uint64_t sample(const Value& raw) noexcept {
    if (raw.object()->type != Type::Array || describe(raw).size == 0) return 0;
    return fingerprint(raw) | 1u;
}
const Object* owner(const Value& raw) noexcept {
    if (!as_array(raw)) return nullptr;
    const Object* object = raw.object();
    while (const Object* base = static_cast<const Array*>(object)->base) object = base;
    return object;
}
Special special(const Value& raw) {
    Special found;
    if (raw.object()->type == Type::Bundle) {
        for (const Value& item : tuple_items(raw)) found |= fastad::special(item);
        return found;
    }
    if (raw.object()->type != Type::Array) return found;
    for (const Complex number : complexes_of(raw))
        for (const double component : {number.real(), number.imag()}) {
            found.nan = found.nan || std::isnan(component);
            found.infinite = found.infinite || std::isinf(component);
        }
    return found;
}
Place here() {
    Place place;
    place.code = none();  // a program in C++ has no lines to name, only a number that tests set
    place.instruction = steering().line;
    return place;
}
std::string text(const Place& place) { return "line " + std::to_string(place.instruction); }

}  // namespace host

namespace testing {
void at_line(int line) noexcept { steering().line = line; }
}  // namespace testing
}  // namespace fastad
