// What the Python side shares: conversions between objects and values, and an operation's Python
// half.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifndef FASTAD_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#endif
#define PY_ARRAY_UNIQUE_SYMBOL fastad_array_api
#define PY_UFUNC_UNIQUE_SYMBOL fastad_ufunc_api
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <numpy/ufuncobject.h>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

#include <memory>
#include <string>
#include <vector>

#include "level.hpp"
#include "ops/op.hpp"
#include "reverse/tape.hpp"

namespace fastad::python {

struct Formulas;
struct Routines;

// The Python half of an operation.
struct Hosted {
    PyObject* function = nullptr;   // NumPy's, or the user's
    PyObject* primitive = nullptr;  // borrowed: the Primitive that owns or exposes this operation
    bool trees = false;             // the user's: arguments and results may be containers
    // Inner loops of a ufunc, where there is one for all operands of one type.
    PyUFuncGenericFunction loop64 = nullptr;
    PyUFuncGenericFunction loop32 = nullptr;
    void* data64 = nullptr;
    void* data32 = nullptr;
    // Names of a structural operation's parameters, and which of them is the array that NumPy's
    // function would write its result to; 0: none.
    std::vector<PyObject*> parameters;
    std::size_t out = 0;
    // Of a registered one: what computes it on arrays, where NumPy's function need not. For ever.
    const Routines* routines = nullptr;
    // Of a registered elementwise one, whose partial derivatives are formulas of ufuncs.
    std::shared_ptr<Formulas> formulas;
};

inline Hosted* hosted(const Op& op) { return reinterpret_cast<Hosted*>(op.host); }

inline PyObject* py(Object* object) { return reinterpret_cast<PyObject*>(object); }
inline Object* core(PyObject* object) { return reinterpret_cast<Object*>(object); }

extern PyTypeObject* box_type;        // Box
extern PyTypeObject* array_box_type;  // ArrayBox
extern PyTypeObject* float64_type;    // numpy.float64

// The layout of Box: Cython's class has the same fields in the same order.
struct BoxObject {
    PyObject_HEAD Traced traced;
};

inline bool is_box(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    if (type == array_box_type) return true;
    if (type == &PyArray_Type || type == &PyFloat_Type || type == &PyLong_Type ||
        type == float64_type || object == Py_None)
        return false;
    return PyType_IsSubtype(type, box_type);
}
inline Traced& traced_of(PyObject* box) { return reinterpret_cast<BoxObject*>(box)->traced; }

// While one lives, no other thread is in such a scope of the same object; where the interpreter
// runs one thread at a time it is nothing. Given up, as the interpreter's lock is, while the thread
// waits.
class Critical {
  public:
#if defined(Py_GIL_DISABLED)
    explicit Critical(PyObject* object) noexcept { PyCriticalSection_Begin(&section_, object); }
    ~Critical() { PyCriticalSection_End(&section_); }

  private:
    PyCriticalSection section_;
#else
    explicit Critical(PyObject*) noexcept {}
    ~Critical() {}  // not trivial, so that one that is not used is no warning
#endif

  public:
    Critical(const Critical&) = delete;
    Critical& operator=(const Critical&) = delete;
};

// An owned reference, released at the end of the scope.
class Ref {
  public:
    Ref() = default;
    explicit Ref(PyObject* object) : object_(object) {}
    Ref(Ref&& other) noexcept : object_(other.release()) {}
    Ref& operator=(Ref&& other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    Ref(const Ref&) = delete;
    ~Ref() { Py_XDECREF(object_); }
    PyObject* get() const { return object_; }
    PyObject* release() {
        PyObject* object = object_;
        object_ = nullptr;
        return object;
    }
    explicit operator bool() const { return object_ != nullptr; }

  private:
    PyObject* object_ = nullptr;
};
// Throws if the call that gave the object failed.
inline Ref checked(PyObject* object) {
    if (!object) throw HostError();
    return Ref(object);
}
inline PyObject* or_none(const Ref& ref) { return ref ? ref.get() : Py_None; }

// Borrowed object in, value out. Never fails.
Value to_value(PyObject* object);
// Steals the reference; throws HostError for null.
Value take_result(PyObject* object);
// New reference. Throws HostError if there is no memory.
PyObject* to_object(const Value& value);
PyObject* to_object(Value&& value);
// Positional values as a tuple, the named ones as a dict (or null).
std::pair<Ref, Ref> call_arguments(const Value* values, std::size_t count, Object* kwnames);
// Called in a catch block: the C++ exception in flight becomes a Python one.
void set_python_error() noexcept;

template <class Function>
PyObject* guarded(Function&& function) {
    try {
        return function();
#ifdef __GLIBCXX__
    } catch (abi::__forced_unwind&) {
        throw;  // the interpreter ends a thread that asks for its lock at exit
#endif
    } catch (...) {
        set_python_error();
        return nullptr;
    }
}

// Set from _core.pyx.
struct Callbacks {
    PyObject* (*make_vjps)(PyObject* primitive, PyObject* argnums, PyObject* ans, PyObject* args,
                           PyObject* kwargs);
    // unshared: g is an array that nobody else holds.
    PyObject* (*call_vjp)(PyObject* primitive, PyObject* vjps, Py_ssize_t which, PyObject* g,
                          bool unshared);
    // A batch through a vjp: of cotangents, or of tangents where `like` is given, which is some
    // cotangent. None where that cannot be.
    PyObject* (*map_batch)(PyObject* vjps, Py_ssize_t which, PyObject* batch, PyObject* like);
    PyObject* (*call_jvp)(PyObject* primitive, Py_ssize_t argnum, PyObject* tangent, PyObject* ans,
                          PyObject* args, PyObject* kwargs);
    PyObject* (*array_of)(PyObject* nested);  // nested lists with boxes -> one box
    PyTypeObject* (*box_type_of)(PyObject* value);
    PyObject* (*record)(PyObject* primitive, PyObject* ans, PyObject* args, PyObject* kwargs,
                        PyObject* argnums, PyObject* boxes);
    PyObject* (*add_objects)(PyObject* a, PyObject* b);
    PyObject* (*convert)(
        PyObject* result);  // a registered type of result, as the value it stands for
    // Traced values among the keywords at their parameters' places: the positional arguments then;
    // what moved there is taken out of kwargs.
    PyObject* (*by_position)(PyObject* primitive, PyObject* args, PyObject* kwargs);
    // A call with options that the compiled operation does not take.
    PyObject* (*general)(PyObject* primitive, PyObject* args, PyObject* kwargs);
    // A call of the user's primitive on containers that hold traced values; ans is null, or the
    // value of a function that has run already and returned a container.
    PyObject* (*trees)(PyObject* primitive, PyObject* args, PyObject* kwargs, PyObject* ans);
    // Whether values of this type are containers, and whether such a value holds traced ones.
    int (*is_tree)(PyTypeObject* type);
    int (*holds_traced)(PyObject* value);
    // Whether this subclass of ndarray computes in its own way, and the error that refuses it.
    int (*own_arithmetic)(PyTypeObject* type);
    void (*refuse_foreign)(PyTypeObject* type, const char* what);
    // A plain value of the box was wanted that must not be had: what stands for it, or the error
    // that says who asked.
    PyObject* (*refused)(PyObject* box, Read why);
    // Whether values of this type, which are no arrays of ours, are answered for by Python: an
    // operator or a function of NumPy's that is given one beside a traced value.
    int (*answered_for)(PyTypeObject* type);
    PyObject* (*foreign_call)(PyObject* primitive, PyObject* args, PyObject* kwargs);
    // An operator between a traced value and an object that no rule of ours is for.
    PyObject* (*foreign_operator)(const char* name, PyObject* left, PyObject* right);
};
extern Callbacks callbacks;
extern bool converts_results;  // some type of result is registered

// A foreign array: an instance of a subclass of ndarray that computes in its own way. Its values
// are not what the table's derivatives belong to.
inline bool is_foreign(PyObject* object) {
    if (Py_TYPE(object) == &PyArray_Type || !PyArray_Check(object)) return false;
    const int found = callbacks.own_arithmetic(Py_TYPE(object));
    if (found < 0) throw HostError();
    return found > 0;
}
// An object whose functions and operators beside a traced value Python answers: a masked array, a
// matrix, a sparse array.
inline bool is_answered_for(PyObject* object) {
    if (Py_TYPE(object) == &PyArray_Type ||
        !PyType_HasFeature(Py_TYPE(object), Py_TPFLAGS_HEAPTYPE))
        return false;
    const int found = callbacks.answered_for(Py_TYPE(object));
    if (found < 0) throw HostError();
    return found > 0;
}
[[noreturn]] inline void refuse_foreign(PyObject* object, const std::string& what) {
    callbacks.refuse_foreign(Py_TYPE(object), what.c_str());
    throw HostError();
}

PyObject* initialise(PyTypeObject* box, PyTypeObject* array_box, const Callbacks& given);
// Connects a table operation with NumPy's function of that name.
void connect(Op& op, PyObject* function);

extern PyObject* add_reduce;                   // numpy.add.reduce
PyObject* initialise_arrays(PyObject* numpy);  // borrowed None, or null with an error
PyObject* initialise_scatter(PyObject* add);   // the same, of numpy.add

// Element types and NumPy's numbers of them.
DType dtype_of(int type_number) noexcept;
int type_number_of(DType dtype) noexcept;

// Whether this object is the pooled memory of an array.
bool is_buffer(PyObject* object) noexcept;
// A new array, uninitialised and C-contiguous; a large one over memory of the pool.
PyObject* new_ndarray(int type_number, int rank, const npy_intp* shape);
// A view of an array, C-contiguous if there are no strides; written to if the array may be and
// `writable` says so. Null with an error.
PyObject* view_of(PyArrayObject* a, int rank, const npy_intp* shape, const npy_intp* strides,
                  bool writable = true);
// The array in another shape, as numpy.reshape gives it: a view, or a copy as of new_ndarray().
PyObject* reshaped(PyArrayObject* a, const Extent* shape, int rank);

}  // namespace fastad::python
