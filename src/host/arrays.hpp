// What the core asks of its host about values without boxes: arrays, numbers, indices, tuples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "host/memory.hpp"
#include "ops/dtype.hpp"

namespace fastad {

class Value;

using Extent = std::ptrdiff_t;  // an axis length, or a stride in bytes

constexpr int most_axes = 64;  // NumPy's own limit since 2.0

// Where the elements of a value lie. Pointers are borrowed and die with the value.
struct View {
    DType dtype = DType::Other;
    bool array = false;       // an ndarray, as against a scalar
    bool usable = false;      // aligned, native byte order: a kernel may read it
    bool contiguous = false;  // C order
    int rank = 0;
    const Extent* shape = nullptr;
    const Extent* strides = nullptr;
    char* data = nullptr;
    std::size_t size = 1;
};

// The space that a cotangent lives in: dtype and shape of a node on the tape.
struct Meta {
    DType dtype = DType::Float64;
    bool array = false;
    int rank = 0;
    const Extent* shape = nullptr;

    std::size_t size() const noexcept {
        std::size_t count = 1;
        for (int axis = 0; axis < rank; ++axis) count *= static_cast<std::size_t>(shape[axis]);
        return count;
    }
};

// Of a Meta and a View alike: what has a rank and a shape.
template <class A, class B>
bool same_shape(const A& a, const B& b) noexcept {
    if (a.rank != b.rank) return false;
    for (int axis = 0; axis < a.rank; ++axis)
        if (a.shape[axis] != b.shape[axis]) return false;
    return true;
}
// As Python prints it: (), (3,), (2, 3).
std::string shape_text(const Meta& meta);

namespace host {

View describe(const Value& raw);
// The elements of a C-contiguous array of exactly this dtype and shape; null for anything else.
void* flat(const Value& raw, DType dtype, const Extent* shape, int rank) noexcept;
// True if nobody else can see the array's memory, so that it may be written to.
bool unique(const Value& raw) noexcept;
// Whose memory an array shows: the same for all views of it; null for what is no array.
const Object* owner(const Value& raw) noexcept;
// Uninitialised, C order. A meta that is no array gives a zero-dimensional array all the same.
Value new_array(DType dtype, const Extent* shape, int rank);
// The array with these strides, or itself where it has them or would take far more memory then.
Value laid_out(Value array, const Extent* strides);
// A read-only view with stride 0 along the axes that are new or of length one.
Value broadcast(const Value& raw, const Extent* shape, int rank);
Value reshape(const Value& raw, const Extent* shape, int rank);
// Sum over broadcast axes, cast, real part: what fit() does to a raw value, in the general case.
Value fit(const Value& raw, const Meta& target);
Value zeros(const Meta& meta);
// A zero-dimensional array becomes the scalar it holds.
Value to_scalar(Value raw);
// target[index] += update, in place, with repeated indices added up.
void add_at(const Value& target, const Value& index, const Value& update);
// Zeros of this shape with the update added in at the index.
Value scattered(const Meta& meta, const Value& index, const Value& update);
Value integers(const Extent* values, std::size_t count);
Value index_array(const Extent* values, std::size_t count);
std::vector<Extent> as_integers(const Value& value, const char* what);
// The same without an error: false for what is no integer, or no list of them.
bool plain_integer(const Value& value, Extent& number) noexcept;
bool plain_integers(const Value& value, std::vector<Extent>& list);
// Results of several parts. An empty value stands for the host's "nothing" among the items.
bool is_tuple(const Value& value) noexcept;
std::vector<Value> tuple_items(const Value& tuple);
Value tuple_like(const Value& like, std::vector<Value> items);  // like empty: a plain tuple
Value dtype_object(DType dtype);
// The type that an argument names; false where that is none of the list, or none at all.
bool named_dtype(const Value& raw, DType& dtype) noexcept;
// Whether it is a number of the host's language, which takes its type from what is beside it.
bool decides_no_dtype(const Value& raw) noexcept;
// Whether promotion looks at the values of scalars, as NumPy did before 2.0.
extern bool scalars_by_value;
Value imaginary(double number);  // number * 1j
// The indices that cut a part out of an array: [..., start:stop, ...] and [..., position, ...].
Value slice_index(int axis, Extent start, Extent stop);
Value position_index(int axis, Extent position);
// The same part of an array with one more leading axis; empty where NumPy would put the axes of
// the result in another order.
Value behind_batch(const Value& index);
// Whether an index of only integers, slices, None and Ellipsis.
bool is_view_index(const Value& index);
// The shape of what it takes of an array of that shape; false where it does not fit.
bool indexed_shape(const Meta& whole, const Value& index, Extent* shape, int& rank) noexcept;
// An array of float64 with the elements 0, 1, 2, ... in C order: what an operation that moves
// elements does with it says where each one comes from.
Value counting(const Extent* shape, int rank);

// The sum of two cotangents of a type that only the host knows.
Value add_objects(const Value& a, const Value& b);
// Whether a box may hold this value.
bool differentiable(const Value& raw) noexcept;
std::string type_name(const Value& raw);

}  // namespace host
}  // namespace fastad
