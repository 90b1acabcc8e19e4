// What the core asks of the language that hosts it; everything else about objects is opaque here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "ops/dtype.hpp"

namespace fastad {

struct Object;
struct Traced;
struct Op;
struct Place;
struct Special;
class Value;

// How an elementwise operation was written. Between scalars NumPy's functions and Python's
// operators differ in bits and types; rules keep what decides no dtype, as operators do.
enum class Form : std::uint8_t { Rule, Operator, Function };

using Extent = std::ptrdiff_t;  // an axis length, or a stride in bytes

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

// Thrown where the host has already recorded an exception of its own.
struct HostError {};

// An error found by the core; the host turns it into the exception class of the same name.
struct Error : std::runtime_error {
    enum class Class { Value, Type, Runtime, FloatingPoint };
    Error(Class error_class, const std::string& text)
        : std::runtime_error(text), kind(error_class) {}
    Class kind;
};

namespace host {

// Offset of the Traced part inside a box object.
extern const std::ptrdiff_t box_offset;

void retain(Object* object) noexcept;
void release(Object* object) noexcept;
// How many hold it.
long references(const Object* object) noexcept;
Object* new_box(Traced&& traced);

View describe(const Value& raw);
// The elements of a C-contiguous array of exactly this dtype and shape; null for anything else.
void* flat(const Value& raw, DType dtype, const Extent* shape, int rank) noexcept;
// True if nobody else can see the array's memory, so that it may be written to.
bool unique(const Value& raw) noexcept;
// Whose memory an array shows: the same for all views of it; null for what is no array.
const void* owner(const Value& raw) noexcept;
// A number over some 64 elements spread over an array, all of them where they are few; over the
// arrays in a tuple, which is an index. 0 where there is nothing to look at.
std::uint64_t sample(const Value& raw) noexcept;

// The operation on values without boxes. kwnames is the host's tuple of keyword names for the last
// values, or null.
Value apply(const Op& op, const Value* values, std::size_t count, Object* kwnames, Form form);
// Uninitialised, C order. A meta that is no array gives a zero-dimensional array all the same.
Value new_array(DType dtype, const Extent* shape, int rank);
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
Value integers(const Extent* values, std::size_t count);
Value index_array(const Extent* values, std::size_t count);
std::vector<Extent> as_integers(const Value& value, const char* what);
// Results of several parts. An empty value stands for the host's "nothing" among the items.
bool is_tuple(const Value& value) noexcept;
std::vector<Value> tuple_items(const Value& tuple);
Value tuple_like(const Value& like, std::vector<Value> items);  // like empty: a plain tuple
Value dtype_object(DType dtype);
Value imaginary(double number);  // number * 1j
// The indices that cut a part out of an array: [..., start:stop, ...] and [..., position, ...].
Value slice_index(int axis, Extent start, Extent stop);
Value position_index(int axis, Extent position);

// Rules that the host's user registered. The first is called when an operation is recorded and
// gives a handle with one vjp for each argnum; the second runs one.
Value make_vjps(const Op& op, const std::vector<std::size_t>& argnums, const Value& ans,
                const Value* values, std::size_t count, Object* kwnames);
Value call_vjp(const Op& op, const Value& vjps, std::size_t which, const Value& g);
Value call_jvp(const Op& op, std::size_t argnum, const Value& tangent, const Value& ans,
               const Value* values, std::size_t count, Object* kwnames);
[[noreturn]] void wrong_cotangent(const Op& op, const Value& vjps, std::size_t which,
                                  const Value& cotangent, const Meta& expected);

// The sum of two cotangents of a type that only the host knows.
Value add_objects(const Value& a, const Value& b);
// Whether the result of this operation is a container of more than one level, which only its leaves
// can be recorded of.
bool has_parts(const Op& op, const Value& ans);
// Whether a box may hold this value.
bool differentiable(const Value& raw) noexcept;
// Throws if a registered primitive's result is nothing that can be boxed.
void check_result(const Op& op, const Value& ans);

void check_interrupt();  // throws HostError if the user asked to stop
// Around kernels over this many elements, so that other threads run, if they are enough: some
// microseconds, against some tens of nanoseconds to let go of the host's lock and take it back.
class Unlocked {
  public:
    static constexpr std::size_t least = 4096;
    explicit Unlocked(std::size_t elements) noexcept;
    ~Unlocked() noexcept(false);  // a thread may be ended here when the host shuts down
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;

  private:
    void* state_;
};

std::string type_name(const Value& raw);

// The modes that hold where the program stands (modes.hpp).
unsigned modes() noexcept;

// For the debug modes (audit.hpp). A number over all elements of an array, another one where an
// element differs; what is NaN or infinite among them, in tuples too; where the user's program
// stands, and that line in words.
std::uint64_t fingerprint(const Value& raw);
Special special(const Value& raw);
Place here();
std::string text(const Place& place);

}  // namespace host
}  // namespace fastad
