// A host without Python: reference-counted arrays, scalars, tuples and boxes, and the operations on
// them.
#pragma once

#include <atomic>
#include <complex>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "level.hpp"
#include "ops/op.hpp"

namespace fastad {

enum class Type : std::uint8_t { Array, Tuple, None, DTypeName, Vjps, Bundle, Box };

// The head of every object. Counts are atomic, since tests run levels in several threads.
struct Object {
    explicit Object(Type object_type) noexcept;
    ~Object();
    std::atomic<long> references{1};
    const Type type;
};

namespace testing {

using Complex = std::complex<double>;

// An array, or with `scalar` a typed scalar that is no float64 (those are inline in Value).
struct Array : Object {
    Array() noexcept : Object(Type::Array) {}
    DType dtype = DType::Float64;
    bool scalar = false;
    bool writeable = true;
    std::vector<Extent> shape;
    std::vector<Extent> strides;
    char* data = nullptr;
    Object* base = nullptr;  // who owns the memory, if not this array
    std::vector<double> memory;

    int rank() const noexcept { return static_cast<int>(shape.size()); }
    std::size_t size() const noexcept;
    bool contiguous() const noexcept;
};

// One part of an index; a tuple of integers is also how shapes and axes are given.
struct Item {
    Extent start = 0;
    Extent stop = 0;
    Extent step = 0;  // 0: the integer `start`
    static Item at(Extent position) { return {position, 0, 0}; }
    static Item slice(Extent first, Extent last, Extent by = 1) { return {first, last, by}; }
    static Item all();
};

// A mode of this thread, the only context that this host has.
class InMode {
  public:
    explicit InMode(unsigned modes) noexcept;
    ~InMode();
    InMode(const InMode&) = delete;
    InMode& operator=(const InMode&) = delete;

  private:
    unsigned modes_;
    unsigned before_;
};

struct Tuple : Object {
    Tuple() noexcept : Object(Type::Tuple) {}
    std::vector<Item> items;
};

struct DTypeName : Object {
    DTypeName() noexcept : Object(Type::DTypeName) {}
    DType dtype = DType::Float64;
};

// A primitive of the user's: a value and one vjp, in terms of operations that pass the gate.
struct Primitive {
    std::function<Value(const Value* args)> value;
    std::function<Value(std::size_t argnum, const Value& g, const Value& ans, const Value* args)>
        vjp;
    std::function<Value(std::size_t argnum, const Value& t, const Value& ans, const Value* args)>
        jvp;
};
Op foreign(const char* name, const Primitive& primitive);

struct Vjps : Object {
    Vjps() noexcept : Object(Type::Vjps) {}
    std::vector<std::size_t> argnums;
    std::vector<Value> args;
    Value ans;
};

// Several results of one primitive.
struct Bundle : Object {
    Bundle() noexcept : Object(Type::Bundle) {}
    std::vector<Value> items;
};

// Making values.
Value array(const std::vector<double>& numbers);
Value array(const std::vector<Extent>& shape, const std::vector<double>& numbers,
            DType dtype = DType::Float64);
Value complex_array(const std::vector<Extent>& shape, const std::vector<Complex>& numbers);
Value scalar(DType dtype, Complex number);  // float64 becomes an inline number
Value filled(const std::vector<Extent>& shape, double number, DType dtype = DType::Float64);
Value strided(const Value& base, const std::vector<Extent>& shape,
              const std::vector<Extent>& strides,
              Extent offset);  // strides and offset in elements; shares the memory
Value tuple(const std::vector<Extent>& integers);
Value index(const std::vector<Item>& items);
Value none();
Value bundle(std::vector<Value> items);

// Reading values, through all levels.
double number_of(const Value& value);
std::vector<double> numbers_of(const Value& value);
std::vector<Complex> complexes_of(const Value& value);
std::vector<Extent> shape_of(const Value& value);
DType dtype_of(const Value& value);
const Array* as_array(const Value& value) noexcept;

// Reading and writing one element.
Complex load(const char* place, DType dtype) noexcept;
void store(char* place, DType dtype, Complex number) noexcept;

// Building blocks shared by the parts of the host.
Array* new_raw(DType dtype, const Extent* shape, int rank);
Value view_of(const Value& base, std::vector<Extent> shape, std::vector<Extent> strides,
              char* data);
Value to_array(const Value& raw);              // numbers become zero-dimensional arrays
Value copy_of(const Value& raw, DType dtype);  // C order
Value reduced(const Value& raw, const std::vector<Extent>& axes, bool keepdims, Code code);
Value part(const Value& raw, const Value& index);  // a view for integers and slices
std::vector<Extent> common_shape(const Value* values, std::size_t count);
// Calls visit(flat index, places of one element of each) over the arrays broadcast to the shape.
void each_element(const std::vector<Extent>& shape, const std::vector<const Array*>& arrays,
                  const std::function<void(std::size_t, char* const*)>& visit);
Value structural(const Op& op, const Value* values, std::size_t count);
[[noreturn]] void raise(const std::string& message);
void step();  // counts one call of the host, and throws at the one that fail_at() named

// Steering the host in tests. Countdowns belong to the calling thread.
long live_objects() noexcept;
std::string host_message();
void fail_at(long call);        // the call'th call of the host from now on throws HostError
long calls_made() noexcept;     // since the last fail_at or disarm
void interrupt_at(long check);  // the check'th look for an interrupt throws HostError
long checks_made() noexcept;
void disarm() noexcept;
void at_line(int line) noexcept;  // where the program says that it stands
// While one lives, no array of this thread can be read by a kernel: rules run on Value.
class GenericOnly {
  public:
    GenericOnly() noexcept;
    ~GenericOnly();
    GenericOnly(const GenericOnly&) = delete;
    GenericOnly& operator=(const GenericOnly&) = delete;
};

}  // namespace testing
}  // namespace fastad
