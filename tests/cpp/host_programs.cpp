// What programs ask of the test host.
#include "host/programs.hpp"

#include <cstring>

#include "host.hpp"
#include "linalg/routine.hpp"

namespace fastad::host {

using namespace testing;

// There are no complex scalars here.
bool is_infinite_complex(const Value&) noexcept { return false; }
Value deep_copy(const Value&) { return {}; }
bool sums_of(const Value&, Sums&) { return false; }
std::string answer_in_words(const Value&, const Op&, const Value*, std::size_t) { return {}; }
Strict::Strict(bool) {}
Strict::~Strict() {}

bool number_of(const Value& raw, double& number) noexcept {
    if (raw.is_number()) {
        number = raw.number();
        return true;
    }
    const Array* array = as_array(raw);
    if (!array || array->size() != 1 || is_complex(array->dtype)) return false;
    number = load(array->data, array->dtype).real();
    return true;
}

bool same_constant(const Value& a, const Value& b) {
    if (a.kind() != b.kind()) return false;
    if (a.is_number()) return a.number() == b.number();
    if (!a.is_object() || a.object() == b.object()) return true;
    const Array* x = as_array(a);
    const Array* y = as_array(b);
    return x && y && x->dtype == y->dtype && x->shape == y->shape &&
           testing::numbers_of(a) == testing::numbers_of(b);
}

std::string constant_text(const Value& raw) {
    return raw.is_number() ? std::to_string(raw.number()) : type_name(raw);
}

Value owner_of(const Op&) noexcept { return {}; }
bool traceable(const Value& raw) { return raw.is_float() || as_array(raw); }

Value fresh(const Value& raw) {
    const Array* array = as_array(raw);
    return array ? copy_of(raw, array->dtype) : raw;
}

Value make_scalar(DType dtype, double number) { return scalar(dtype, number); }

bool element_index(const Value& index, const Extent* shape, int rank, Extent* position) {
    if (rank != 1 || index.kind() != Kind::Integer) return false;
    position[0] = static_cast<Extent>(index.number());
    if (position[0] < 0) position[0] += shape[0];
    return position[0] >= 0 && position[0] < shape[0];
}

Bytes bytes_of(const Value& raw) noexcept {
    const View view = describe(raw);
    if (!view.array || view.size == 0) return {};
    Bytes bytes{view.data, view.data};
    for (int axis = 0; axis < view.rank; ++axis) {
        const Extent reach = view.strides[axis] * (view.shape[axis] - 1);
        (reach < 0 ? bytes.first : bytes.end) += reach;
    }
    bytes.end += item_size(view.dtype);
    return bytes;
}

char* data_of(const Value& raw) noexcept { return describe(raw).data; }

char* writable(const Value& raw, const Meta& meta) noexcept {
    return static_cast<char*>(flat(raw, meta.dtype, meta.shape, meta.rank));
}

bool held_alone(const Value& raw, std::size_t references) noexcept {
    auto expected = static_cast<long>(references);
    for (const Array* array = as_array(raw); array && array->references == expected; expected = 1) {
        if (!array->base) return true;
        array = static_cast<const Array*>(array->base);
    }
    return false;
}

bool shares_memory(const Value& whole, const Value& part) {
    auto root = [](const Value& value) {
        const Object* object = value.object();
        while (object->type == Type::Array && static_cast<const Array*>(object)->base)
            object = static_cast<const Array*>(object)->base;
        return object;
    };
    return root(whole) == root(part);
}

std::vector<double> numbers_of(const Value& raw) { return testing::numbers_of(raw); }

InnerLoop inner_loop(const Op&, DType) noexcept { return {}; }
InnerLoop complex_loop(const Op&, std::size_t, DType) noexcept { return {}; }
bool complex_parts(const Value& raw, double* parts) noexcept {
    parts[0] = raw.is_number() ? raw.number() : 0.0;
    parts[1] = 0.0;
    return raw.is_number();
}
bool is_plain_complex(const Value&) noexcept { return false; }
Value to_plain_complex(const Value& array) { return array; }
const Routine* routine(const Op&, const Meta*, const Value*, std::size_t, RoutineShape&) {
    return nullptr;
}

}  // namespace fastad::host
