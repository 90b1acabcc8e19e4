// What programs ask of the host (host/programs.hpp), answered by Python and NumPy.
#include "host/programs.hpp"

#include <cmath>
#include <cstring>
#include <unordered_map>

#include "kernels/kernels.hpp"
#include "python/hosted.hpp"
#include "python/slots.hpp"

namespace fastad::host {

using namespace python;

namespace {

PyArrayObject* array(PyObject* object) { return reinterpret_cast<PyArrayObject*>(object); }
bool is_array(const Value& value) {
    return value.is_object() && Py_TYPE(py(value.object())) == &PyArray_Type;
}

// A double that is exactly this integer, or false.
bool from_integer(PyObject* object, double& number) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow || value > (1LL << 53) || value < -(1LL << 53)) return false;
    number = static_cast<double>(value);
    return true;
}

// Containers that hold themselves, each its own, are not the same.
bool same_objects(PyObject* a, PyObject* b, int depth = 0) {
    constexpr int deepest = 200;
    if (a == b) return true;
    if (Py_TYPE(a) != Py_TYPE(b) || depth > deepest) return false;
    if (PyTuple_CheckExact(a) || PyList_CheckExact(a)) {
        const Py_ssize_t count = PySequence_Fast_GET_SIZE(a);
        if (count != PySequence_Fast_GET_SIZE(b)) return false;
        for (Py_ssize_t i = 0; i < count; ++i)
            if (!same_objects(PySequence_Fast_GET_ITEM(a, i), PySequence_Fast_GET_ITEM(b, i),
                              depth + 1))
                return false;
        return true;
    }
    if (PyDict_CheckExact(a)) {
        Ref first = checked(PyDict_Items(a)), second = checked(PyDict_Items(b));
        return same_objects(first.get(), second.get(), depth + 1);
    }
    if (Py_TYPE(a) == &PyArray_Type) {
        PyArrayObject* x = array(a);
        PyArrayObject* y = array(b);
        if (PyArray_TYPE(x) != PyArray_TYPE(y) || PyArray_NDIM(x) != PyArray_NDIM(y) ||
            !PyArray_CompareLists(PyArray_DIMS(x), PyArray_DIMS(y), PyArray_NDIM(x)) ||
            PyArray_TYPE(x) == NPY_OBJECT)
            return false;
        if (!PyArray_IS_C_CONTIGUOUS(x) || !PyArray_IS_C_CONTIGUOUS(y)) {
            Ref first = checked(PyArray_NewCopy(x, NPY_CORDER));
            Ref second = checked(PyArray_NewCopy(y, NPY_CORDER));
            return same_objects(first.get(), second.get());
        }
        return std::memcmp(PyArray_DATA(x), PyArray_DATA(y),
                           static_cast<std::size_t>(PyArray_NBYTES(x))) == 0;
    }
    const bool plain = PyLong_CheckExact(a) || PyUnicode_CheckExact(a) || PyBytes_CheckExact(a) ||
                       PyFloat_CheckExact(a) || PyComplex_CheckExact(a) || PySlice_Check(a) ||
                       PyArray_CheckScalar(a) || PyArray_DescrCheck(a);
    if (!plain) return false;
    const int same = PyObject_RichCompareBool(a, b, Py_EQ);
    if (same < 0) PyErr_Clear();
    return same == 1;
}

bool is_plain_array(PyObject* object) {
    return Py_TYPE(object) == &PyArray_Type && PyArray_TYPE(array(object)) != NPY_OBJECT;
}
bool is_plain_array(const Value& value) {
    return value.is_object() && is_plain_array(py(value.object()));
}

// The object itself where nothing in it can change. What is met twice is copied once, as it is what
// it was to the others, and containers may hold themselves.
class Copying {
  public:
    Ref copied(PyObject* object, int depth = 0) {
        constexpr int deepest = 200;
        const bool list = PyList_CheckExact(object);
        const bool tuple = PyTuple_CheckExact(object), dict = PyDict_CheckExact(object);
        const bool array_itself = is_plain_array(object);
        if (depth > deepest || !(list || tuple || dict || array_itself))
            return Ref(Py_NewRef(object));
        if (const auto known = known_.find(object); known != known_.end())
            return Ref(Py_NewRef(known->second.get()));
        if (array_itself)
            return keep(object, checked(PyArray_NewCopy(array(object), NPY_KEEPORDER)));
        if (dict) return of_dict(object, depth);
        const Py_ssize_t count = PySequence_Fast_GET_SIZE(object);
        Ref result = checked(list ? PyList_New(count) : PyTuple_New(count));
        if (list) result = keep(object, std::move(result));
        bool changed = list;
        for (Py_ssize_t i = 0; i < count; ++i) {
            Ref item = copied(PySequence_Fast_GET_ITEM(object, i), depth + 1);
            changed = changed || item.get() != PySequence_Fast_GET_ITEM(object, i);
            if (list)
                PyList_SET_ITEM(result.get(), i, item.release());
            else
                PyTuple_SET_ITEM(result.get(), i, item.release());
        }
        if (!changed) result = Ref(Py_NewRef(object));
        return list ? std::move(result) : keep(object, std::move(result));
    }

  private:
    Ref keep(PyObject* object, Ref copy) {
        known_.emplace(object, Ref(Py_NewRef(copy.get())));
        return copy;
    }
    Ref of_dict(PyObject* object, int depth) {
        Ref result = keep(object, checked(PyDict_New()));
        PyObject *key, *value;
        Py_ssize_t position = 0;
        while (PyDict_Next(object, &position, &key, &value)) {
            Ref item = copied(value, depth + 1);
            if (PyDict_SetItem(result.get(), key, item.get()) < 0) throw HostError();
        }
        return result;
    }

    std::unordered_map<PyObject*, Ref> known_;
};

}  // namespace

bool is_infinite_complex(const Value& raw) noexcept {
    if (!raw.is_object() || !PyComplex_Check(py(raw.object()))) return false;
    const Py_complex number = PyComplex_AsCComplex(py(raw.object()));
    return !std::isfinite(number.real) || !std::isfinite(number.imag);
}

namespace {

// How NumPy treats errors is the value of a context variable, or, before NumPy 2, what an object of
// the class errstate sets.
struct Treatment {
    Ref variable, raising, errstate;
    Treatment() {
        Ref numpy = checked(PyImport_ImportModule("numpy"));
        errstate = checked(PyObject_GetAttrString(numpy.get(), "errstate"));
        Ref core(PyObject_GetAttrString(numpy.get(), "_core"));
        Ref inner(core ? PyObject_GetAttrString(core.get(), "umath") : nullptr);
        variable = Ref(inner ? PyObject_GetAttrString(inner.get(), "_extobj_contextvar") : nullptr);
        Ref make(variable ? PyObject_GetAttrString(inner.get(), "_make_extobj") : nullptr);
        PyErr_Clear();
        if (make)
            raising = raises(make.get());
        else
            variable = Ref();
    }
    static Ref raises(PyObject* make) {
        Ref options = checked(Py_BuildValue("{s:s}", "all", "raise"));
        Ref none = checked(PyTuple_New(0));
        return checked(PyObject_Call(make, none.get(), options.get()));
    }
};

const Treatment& treatment() {
    static const Treatment* const known = new Treatment;  // Python may be gone before statics are
    return *known;
}

}  // namespace

Value deep_copy(const Value& raw) {
    if (!raw.is_object()) return {};
    const Ref copy = Copying().copied(py(raw.object()));
    return copy.get() == py(raw.object()) ? Value() : to_value(copy.get());
}

bool sums_of(const Value& raw, Sums& sums) {
    constexpr npy_intp large = 1 << 16;
    if (!is_plain_array(raw) || PyArray_NBYTES(array(py(raw.object()))) <= large) return false;
    return checksum(py(raw.object()), sums.data());
}

Strict::Strict(bool on) {
    if (!on) return;
    const Treatment& how = treatment();
    if (how.variable) {
        token_ = reinterpret_cast<Object*>(
            checked(PyContextVar_Set(how.variable.get(), how.raising.get())).release());
    } else {
        Ref state = Treatment::raises(how.errstate.get());
        checked(PyObject_CallMethod(state.get(), "__enter__", nullptr));
        token_ = reinterpret_cast<Object*>(state.release());
    }
}

Strict::~Strict() {
    if (!token_) return;
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    Ref token(py(token_));
    if (treatment().variable)
        PyContextVar_Reset(treatment().variable.get(), token.get());
    else
        Ref(PyObject_CallMethod(token.get(), "__exit__", "OOO", Py_None, Py_None, Py_None));
    PyErr_Clear();
    PyErr_Restore(type, error, trace);
}

bool number_of(const Value& raw, double& number) noexcept {
    if (raw.is_number()) {
        number = raw.number();
        return true;
    }
    if (!raw.is_object()) return false;
    PyObject* object = py(raw.object());
    if (PyBool_Check(object)) {
        number = object == Py_True ? 1.0 : 0.0;
        return true;
    }
    if (PyArray_IsScalar(object, Bool)) {
        number = PyArrayScalar_VAL(object, Bool) ? 1.0 : 0.0;
        return true;
    }
    if (PyLong_Check(object)) return from_integer(object, number);
    if (PyFloat_Check(object)) {
        number = PyFloat_AS_DOUBLE(object);
        return true;
    }
    Ref scalar;
    if (PyArray_Check(object)) {
        PyArrayObject* a = array(object);
        if (PyArray_SIZE(a) != 1) return false;
        if (PyArray_TYPE(a) == NPY_FLOAT64 && PyArray_ISBEHAVED_RO(a)) {
            number = *static_cast<const double*>(PyArray_DATA(a));
            return true;
        }
        scalar = Ref(PyArray_ToScalar(PyArray_DATA(a), a));
        object = scalar.get();
    }
    if (!object) {
        PyErr_Clear();
        return false;
    }
    if (PyArray_IsScalar(object, Bool)) {
        number = PyArrayScalar_VAL(object, Bool) ? 1.0 : 0.0;
        return true;
    }
    if (PyArray_IsScalar(object, Integer)) {
        Ref whole(PyNumber_Index(object));
        if (whole) return from_integer(whole.get(), number);
    } else if (PyArray_IsScalar(object, Floating) && !PyArray_IsScalar(object, LongDouble)) {
        number = PyFloat_AsDouble(object);
        if (!PyErr_Occurred()) return true;
    }
    PyErr_Clear();
    return false;
}

Bytes bytes_of(const Value& raw) noexcept {
    if (!raw.is_object() || !PyArray_Check(py(raw.object()))) return {};
    PyArrayObject* a = array(py(raw.object()));
    Bytes bytes{PyArray_BYTES(a), PyArray_BYTES(a)};
    if (PyArray_SIZE(a) == 0) return {};
    if (PyArray_IS_C_CONTIGUOUS(a)) {
        bytes.end += PyArray_NBYTES(a);
        return bytes;
    }
    for (int axis = 0; axis < PyArray_NDIM(a); ++axis) {
        const npy_intp reach = PyArray_STRIDE(a, axis) * (PyArray_DIM(a, axis) - 1);
        (reach < 0 ? bytes.first : bytes.end) += reach;
    }
    bytes.end += PyArray_ITEMSIZE(a);
    return bytes;
}

char* data_of(const Value& raw) noexcept { return PyArray_BYTES(array(py(raw.object()))); }

bool same_constant(const Value& a, const Value& b) {
    if (a.kind() != b.kind()) return false;
    if (a.is_number()) {
        const double x = a.number(), y = b.number();
        return std::memcmp(&x, &y, sizeof x) == 0;
    }
    return !a.is_object() || same_objects(py(a.object()), py(b.object()));
}

std::string constant_text(const Value& raw) {
    if (raw.empty()) return "None";
    Ref object(to_object(raw));
    if (PyArray_Check(object.get())) {
        Meta meta;
        const View view = describe(raw);
        meta.rank = view.rank;
        meta.shape = view.shape;
        return "array" + shape_text(meta);
    }
    Ref text(PyObject_Repr(object.get()));
    const char* words = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
    std::string result = words ? words : "?";
    if (!words) PyErr_Clear();
    constexpr std::size_t longest = 60;
    if (result.size() > longest) result = result.substr(0, longest - 3) + "...";
    return result;
}

Value owner_of(const Op& op) noexcept {
    PyObject* primitive = hosted(op)->primitive;
    return primitive ? Value::share(core(primitive)) : Value();
}

std::string answer_in_words(const Value& question, const Op& op, const Value* operands,
                            std::size_t count) {
    Ref given = checked(PyTuple_New(static_cast<Py_ssize_t>(count)));
    for (std::size_t i = 0; i < count; ++i)
        PyTuple_SET_ITEM(given.get(), static_cast<Py_ssize_t>(i),
                         operands[i].empty() ? Py_NewRef(Py_None) : to_object(operands[i]));
    const Hosted* own = hosted(op);
    Ref answer = checked(PyObject_CallFunction(
        py(question.object()), "s#OO", op.name.data(), static_cast<Py_ssize_t>(op.name.size()),
        own && own->function ? own->function : Py_None, given.get()));
    if (answer.get() == Py_None) return {};
    const char* words = PyUnicode_AsUTF8(answer.get());
    if (!words) throw HostError();
    return words;
}

bool traceable(const Value& raw) {
    if (raw.is_float()) return true;
    if (!raw.is_object()) return false;
    PyObject* object = py(raw.object());
    if (Py_TYPE(object) == &PyArray_Type) {
        const int type = PyArray_TYPE(array(object));
        return PyTypeNum_ISNUMBER(type) || type == NPY_BOOL;
    }
    return PyComplex_CheckExact(object) || PyArray_IsScalar(object, Number) ||
           PyArray_IsScalar(object, Bool);
}

Value fresh(const Value& raw) {
    if (!is_array(raw)) return raw;
    return take_result(PyArray_NewCopy(array(py(raw.object())), NPY_KEEPORDER));
}

Value make_scalar(DType dtype, double number) {
    if (dtype == DType::Bool) {
        PyObject* truth = number != 0.0 ? PyArrayScalar_True : PyArrayScalar_False;
        return Value::take(core(Py_NewRef(truth)));
    }
    if (dtype == DType::Float64) return Value::strong(number);
    if (dtype == DType::Int64) {
        npy_int64 whole = static_cast<npy_int64>(number);
        PyArray_Descr* descr = PyArray_DescrFromType(NPY_INT64);
        PyObject* object = PyArray_Scalar(&whole, descr, nullptr);
        Py_DECREF(descr);
        return take_result(object);
    }
    PyObject* scalar = PyArrayScalar_New(Float);
    if (!scalar) throw HostError();
    PyArrayScalar_ASSIGN(scalar, Float, static_cast<float>(number));
    return Value::take(core(scalar));
}

bool element_index(const Value& index, const Extent* shape, int rank, Extent* position) {
    auto one = [&](PyObject* item, int axis) {
        if (!PyLong_CheckExact(item) && !PyArray_IsScalar(item, Integer)) return false;
        Ref whole(PyNumber_Index(item));
        const Py_ssize_t at = whole ? PyLong_AsSsize_t(whole.get()) : -1;
        if (PyErr_Occurred()) {
            PyErr_Clear();
            return false;
        }
        position[axis] = at < 0 ? at + shape[axis] : at;
        return position[axis] >= 0 && position[axis] < shape[axis];
    };
    if (index.kind() == Kind::Integer) {
        if (rank != 1) return false;
        const auto at = static_cast<Extent>(index.number());
        position[0] = at < 0 ? at + shape[0] : at;
        return position[0] >= 0 && position[0] < shape[0];
    }
    if (!index.is_object()) return false;
    PyObject* object = py(index.object());
    if (!PyTuple_CheckExact(object)) return rank == 1 && one(object, 0);
    if (PyTuple_GET_SIZE(object) != rank) return false;
    for (int axis = 0; axis < rank; ++axis)
        if (!one(PyTuple_GET_ITEM(object, axis), axis)) return false;
    return true;
}

char* writable(const Value& raw, const Meta& meta) noexcept {
    if (!is_array(raw)) return nullptr;
    PyArrayObject* a = array(py(raw.object()));
    const View view = describe(raw);
    if (!PyArray_ISWRITEABLE(a) || !view.contiguous || !view.usable || view.dtype != meta.dtype ||
        !same_shape(view, meta))
        return nullptr;
    return view.data;
}

bool held_alone(const Value& raw, std::size_t references) noexcept {
    if (!is_array(raw)) return false;
    PyObject* object = py(raw.object());
    auto expected = static_cast<Py_ssize_t>(references);
    for (; Py_TYPE(object) == &PyArray_Type && Py_REFCNT(object) == expected; expected = 1) {
        PyArrayObject* own = array(object);
        // Who has a weak reference can take a strong one.
        if (reinterpret_cast<PyArrayObject_fields*>(own)->weakreflist) return false;
        object = PyArray_BASE(own);
        if (!object) return PyArray_CHKFLAGS(own, NPY_ARRAY_OWNDATA);
    }
    return false;
}

bool shares_memory(const Value& whole, const Value& part) {
    if (!is_array(whole) || !is_array(part)) return false;
    auto root = [](PyObject* object) {
        while (Py_TYPE(object) == &PyArray_Type && PyArray_BASE(array(object)))
            object = PyArray_BASE(array(object));
        return object;
    };
    return root(py(whole.object())) == root(py(part.object()));
}

std::vector<double> numbers_of(const Value& raw) {
    if (raw.is_number()) return {raw.number()};
    Ref object(to_object(raw));
    Ref flat = checked(PyArray_ContiguousFromAny(object.get(), NPY_FLOAT64, 0, 0));
    const auto* numbers = static_cast<const double*>(PyArray_DATA(array(flat.get())));
    return {numbers, numbers + PyArray_SIZE(array(flat.get()))};
}

InnerLoop inner_loop(const Op& op, DType dtype) noexcept {
    if (!op.hosted) return {};
        // NumPy has vector code of such elementwise operations with AVX-512 and on Linux alone: it
        // is SVML's. Elsewhere its loop calls the C library for each number.
#if defined(__linux__)
    const bool vectorised = std::strcmp(kernels().instruction_set, "avx512") == 0;
#else
    const bool vectorised = false;
#endif
    if (op.kind() == OpKind::Elementwise && !vectorised) return {};
    const Hosted* own = hosted(op);
    if (dtype == DType::Float64 && own->loop64)
        return {reinterpret_cast<decltype(InnerLoop::run)>(own->loop64), own->data64};
    if (dtype == DType::Float32 && own->loop32)
        return {reinterpret_cast<decltype(InnerLoop::run)>(own->loop32), own->data32};
    return {};
}

InnerLoop complex_loop(const Op& op, std::size_t operands, DType result) noexcept {
    const Hosted* own = hosted(op);
    if (!own || !own->function || !PyObject_TypeCheck(own->function, &PyUFunc_Type)) return {};
    const auto* ufunc = reinterpret_cast<const PyUFuncObject*>(own->function);
    if (static_cast<std::size_t>(ufunc->nin) != operands || ufunc->nout != 1) return {};
    const char wanted = result == DType::Complex128 ? char(NPY_COMPLEX128)
                        : result == DType::Float64  ? char(NPY_FLOAT64)
                                                    : char(NPY_BOOL);
    for (int i = 0; i < ufunc->ntypes; ++i) {
        const char* types = ufunc->types + static_cast<std::size_t>(i) * (operands + 1);
        bool fits = types[operands] == wanted;
        for (std::size_t k = 0; k < operands; ++k) fits = fits && types[k] == NPY_COMPLEX128;
        if (fits && ufunc->functions[i])
            return {reinterpret_cast<decltype(InnerLoop::run)>(ufunc->functions[i]),
                    ufunc->data ? const_cast<void*>(ufunc->data[i]) : nullptr};
    }
    return {};
}

bool complex_parts(const Value& raw, double* parts) noexcept {
    parts[1] = 0.0;
    if (raw.is_number()) {
        parts[0] = raw.number();
        return true;
    }
    if (!raw.is_object() || !PyComplex_Check(py(raw.object()))) return false;
    const Py_complex number = PyComplex_AsCComplex(py(raw.object()));
    parts[0] = number.real;
    parts[1] = number.imag;
    return true;
}

bool is_plain_complex(const Value& raw) noexcept {
    return raw.is_object() && PyComplex_CheckExact(py(raw.object()));
}

Value to_plain_complex(const Value& raw) {
    double parts[2];
    std::memcpy(parts, PyArray_DATA(array(py(raw.object()))), sizeof parts);
    return Value::take(core(checked(PyComplex_FromDoubles(parts[0], parts[1])).release()));
}

}  // namespace fastad::host
