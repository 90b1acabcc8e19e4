// Objects and boxes: their lives, the pool behind large arrays, what goes from and to a value.
#define FASTAD_IMPORTS_NUMPY
// Up to 3.12 Python's header declares these two without extern "C"; they are declared rightly
// below.
#define PyTraceMalloc_Track fastad_declared_without_linkage_1
#define PyTraceMalloc_Untrack fastad_declared_without_linkage_2
#include "python/hosted.hpp"
#undef PyTraceMalloc_Track
#undef PyTraceMalloc_Untrack
extern "C" {
PyAPI_FUNC(int) PyTraceMalloc_Track(unsigned int domain, uintptr_t pointer, size_t size);
PyAPI_FUNC(int) PyTraceMalloc_Untrack(unsigned int domain, uintptr_t pointer);
}

#include <cmath>

#include "memory/buffer.hpp"
#include "python/forward.hpp"
#include "python/rooms.hpp"

namespace fastad {

const std::ptrdiff_t host::box_offset = offsetof(python::BoxObject, traced);

namespace python {

PyTypeObject* box_type = nullptr;
PyTypeObject* array_box_type = nullptr;
PyTypeObject* float64_type = nullptr;
Callbacks callbacks{};
bool converts_results = false;

namespace {
PyObject* empty_tuple = nullptr;

// Dead boxes, kept for the next ones: half of what an operation on scalars costs is its box.
// Guarded by the interpreter's lock: where there is none, nothing is kept. Subclasses go the
// ordinary way.
constexpr std::size_t most_idle_boxes = 1024;
PyObject* idle_boxes[most_idle_boxes];
std::size_t idle_box_count = 0;
destructor ordinary_dealloc = nullptr;

void dealloc_box(PyObject* box) {
    if (free_threaded || Py_TYPE(box) != array_box_type) return ordinary_dealloc(box);
    traced_of(box).~Traced();  // may free the box of an outer level, which comes here in between
    if (idle_box_count < most_idle_boxes) {
        idle_boxes[idle_box_count++] = box;
        return;
    }
    new (&traced_of(box)) Traced();
    ordinary_dealloc(box);
}

// The base of an array over pooled memory: gives it back when the last view is gone.
struct BufferObject {
    PyObject_HEAD void* memory;
    std::size_t bytes;
};
constexpr unsigned int trace_domain = 0xFA57ADu;  // tracemalloc's

void dealloc_buffer(PyObject* object) {
    auto* self = reinterpret_cast<BufferObject*>(object);
    PyTraceMalloc_Untrack(trace_domain, reinterpret_cast<std::uintptr_t>(self->memory));
    buffer::release(self->memory, self->bytes);
    PyObject_Free(object);
}

PyTypeObject buffer_type;

int ready_buffer_type() {
    Py_SET_REFCNT(&buffer_type, 1);
    buffer_type.tp_name = "fastad._core.Buffer";
    buffer_type.tp_basicsize = sizeof(BufferObject);
    buffer_type.tp_dealloc = dealloc_buffer;
    buffer_type.tp_flags = Py_TPFLAGS_DEFAULT;
    buffer_type.tp_doc = "Memory of an array, recycled when the last view of it is gone.";
    return PyType_Ready(&buffer_type);
}
}  // namespace

PyObject* initialise(PyTypeObject* box, PyTypeObject* array_box, const Callbacks& given) {
    if (_import_array() < 0) return nullptr;
    if (_import_umath() < 0) return nullptr;
    box_type = box;
    array_box_type = array_box;
    float64_type = &PyDoubleArrType_Type;
    callbacks = given;
    if (ready_buffer_type() < 0) return nullptr;
    // Before NumPy 2 the sign of a complex number was that of its real part.
    constexpr unsigned numpy_2 = 0x12;
    if (PyArray_GetNDArrayCFeatureVersion() < numpy_2)
        operation(Code::sign).elementwise.of_complex = nullptr;
    empty_tuple = PyTuple_New(0);
    if (array_box->tp_dealloc != dealloc_box) ordinary_dealloc = array_box->tp_dealloc;
    array_box->tp_dealloc = dealloc_box;
    Ref numpy(PyImport_ImportModule("numpy"));
    if (!numpy) return nullptr;
    if (!initialise_arrays(numpy.get())) return nullptr;
    return initialise_forward(numpy.get());
}

bool is_buffer(PyObject* object) noexcept { return Py_TYPE(object) == &buffer_type; }

PyObject* new_ndarray(int type_number, int rank, const npy_intp* shape) {
    return new_laid_out(type_number, rank, shape, nullptr);
}

// Without strides in C order.
PyObject* new_laid_out(int type_number, int rank, const npy_intp* shape, const npy_intp* strides) {
    PyArray_Descr* descr = PyArray_DescrFromType(type_number);
    auto* dims = const_cast<npy_intp*>(shape);
    std::size_t bytes = static_cast<std::size_t>(PyDataType_ELSIZE(descr));
    for (int axis = 0; axis < rank; ++axis) bytes *= static_cast<std::size_t>(shape[axis]);
    if (bytes < buffer::smallest)
        return PyArray_NewFromDescr(&PyArray_Type, descr, rank, dims, strides, nullptr, 0, nullptr);
    auto* block = PyObject_New(BufferObject, &buffer_type);
    if (!block) {
        Py_DECREF(descr);
        return nullptr;
    }
    block->bytes = buffer::size_class(bytes);
    block->memory = buffer::acquire(block->bytes);
    if (!block->memory) {
        PyObject_Free(block);
        Py_DECREF(descr);
        return PyErr_NoMemory();
    }
    PyTraceMalloc_Track(trace_domain, reinterpret_cast<std::uintptr_t>(block->memory),
                        block->bytes);
    const int flags = strides ? NPY_ARRAY_BEHAVED : NPY_ARRAY_CARRAY;
    PyObject* result = PyArray_NewFromDescr(&PyArray_Type, descr, rank, dims, strides,
                                            block->memory, flags, nullptr);
    if (!result) {
        Py_DECREF(block);
        return nullptr;
    }
    auto* made = reinterpret_cast<PyArrayObject*>(result);
    if (strides) PyArray_UpdateFlags(made, NPY_ARRAY_UPDATE_ALL);
    if (PyArray_SetBaseObject(made, reinterpret_cast<PyObject*>(block)) < 0) {
        Py_DECREF(result);
        return nullptr;
    }
    return result;
}

Value to_value(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    if (type == array_box_type) return Value::share_box(core(object));
    if (type == &PyArray_Type) return Value::share(core(object));
    if (type == &PyFloat_Type) return Value::weak(PyFloat_AS_DOUBLE(object));
    if (type == float64_type) return Value::strong(PyArrayScalar_VAL(object, Double));
    if (type == &PyLong_Type) {
        // Beyond 2**53 a double would not hold it.
        int overflow = 0;
        const long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
        if (!overflow && number <= (1LL << 53) && number >= -(1LL << 53))
            return Value::integer(static_cast<double>(number));
        return Value::share(core(object));
    }
    if (is_box(object)) return Value::share_box(core(object));
    return Value::share(core(object));
}

Value take_result(PyObject* object) {
    if (!object) throw HostError();
    PyTypeObject* type = Py_TYPE(object);
    if (type == &PyArray_Type) return Value::take(core(object));
    if (type == float64_type) {
        const double number = PyArrayScalar_VAL(object, Double);
        Py_DECREF(object);
        return Value::strong(number);
    }
    if (type == array_box_type || is_box(object)) return Value::take_box(core(object));
    if (type == &PyFloat_Type) {
        const double number = PyFloat_AS_DOUBLE(object);
        Py_DECREF(object);
        return Value::weak(number);
    }
    return Value::take(core(object));
}

namespace {
PyObject* number_object(const Value& value) {
    PyObject* object = nullptr;
    switch (value.kind()) {
        case Kind::Weak: object = PyFloat_FromDouble(value.number()); break;
        case Kind::Integer: object = PyLong_FromDouble(value.number()); break;
        case Kind::Strong:
            object = PyArrayScalar_New(Double);
            if (object) PyArrayScalar_ASSIGN(object, Double, value.number());
            break;
        default: object = Py_NewRef(Py_None); break;
    }
    if (!object) throw HostError();
    return object;
}
}  // namespace

PyObject* to_object(const Value& value) {
    if (value.kind() >= Kind::Object) return Py_NewRef(py(value.object()));
    return number_object(value);
}
PyObject* to_object(Value&& value) {
    if (value.kind() >= Kind::Object) return py(value.release_object());
    return number_object(value);
}

void set_python_error() noexcept {
    try {
        throw;
    } catch (const HostError&) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_SystemError, "fastad: error without exception");
    } catch (const Error& error) {
        PyObject* type = PyExc_RuntimeError;
        if (error.kind == Error::Class::Value) type = PyExc_ValueError;
        if (error.kind == Error::Class::Type) type = PyExc_TypeError;
        if (error.kind == Error::Class::FloatingPoint) type = PyExc_FloatingPointError;
        PyErr_SetString(type, error.what());
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    } catch (...) {
        PyErr_SetString(PyExc_RuntimeError, "fastad: an exception of unknown type");
    }
}

// Positional values as a tuple, the named ones as a dict (or null).
std::pair<Ref, Ref> call_arguments(const Value* values, std::size_t count, Object* kwnames) {
    const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(py(kwnames)) : 0;
    const Py_ssize_t positional = static_cast<Py_ssize_t>(count) - named;
    Ref args = checked(PyTuple_New(positional));
    for (Py_ssize_t i = 0; i < positional; ++i)
        PyTuple_SET_ITEM(args.get(), i, to_object(values[i]));
    Ref kwargs;
    if (named) {
        kwargs = checked(PyDict_New());
        for (Py_ssize_t i = 0; i < named; ++i) {
            Ref value(to_object(values[positional + i]));
            if (PyDict_SetItem(kwargs.get(), PyTuple_GET_ITEM(py(kwnames), i), value.get()) < 0)
                throw HostError();
        }
    }
    return {std::move(args), std::move(kwargs)};
}

}  // namespace python

namespace host {

using namespace python;

void retain(Object* object) noexcept { Py_INCREF(py(object)); }
void release(Object* object) noexcept { Py_DECREF(py(object)); }
long references(const Object* object) noexcept {
    return static_cast<long>(Py_REFCNT(py(const_cast<Object*>(object))));
}

Object* new_box(Traced&& traced) {
    PyTypeObject* type = array_box_type;
    if (traced.value.is_object() && Py_TYPE(py(traced.value.object())) != &PyArray_Type &&
        !PyTuple_CheckExact(py(traced.value.object()))) {  // a tuple is an index
        type = callbacks.box_type_of(py(traced.value.object()));
        if (!type) throw HostError();
    }
    if (type == array_box_type && idle_box_count > 0) {
        PyObject* box = idle_boxes[--idle_box_count];
        PyObject_Init(box, type);
        new (&traced_of(box)) Traced(std::move(traced));
        return core(box);
    }
    PyObject* box = type->tp_new(type, empty_tuple, nullptr);
    if (!box) throw HostError();
    traced_of(box) = std::move(traced);
    return core(box);
}

void check_interrupt() {
    if (PyErr_CheckSignals() < 0) throw HostError();
}

Unlocked::Unlocked(std::size_t elements) noexcept
    : state_(elements >= least ? PyEval_SaveThread() : nullptr) {}
void Unlocked::check_interrupt() {
    const bool was_unlocked = state_ != nullptr;
    if (was_unlocked) PyEval_RestoreThread(static_cast<PyThreadState*>(state_));
    state_ = nullptr;
    if (PyErr_CheckSignals() < 0) throw Interrupted();
    if (was_unlocked) state_ = PyEval_SaveThread();
}
Unlocked::~Unlocked() noexcept(false) {
    if (state_) PyEval_RestoreThread(static_cast<PyThreadState*>(state_));
}

}  // namespace host
}  // namespace fastad
