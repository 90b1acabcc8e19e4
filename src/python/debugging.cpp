// What prints and the debug modes ask of Python: fingerprints of arrays, NaN in them, lines of the
// user's program.
#include <cfloat>
#include <cmath>
#include <cstring>

#include "python/session.hpp"

#include <frameobject.h>  // PyFrame_GetBack, before 3.11

namespace fastad {
namespace python {
namespace {

PyObject* inner_folders = nullptr;
PyObject* modes_variable = nullptr;

// Whether this code is the library's own, or NumPy's.
bool inner_code(PyCodeObject* code) {
    if (!inner_folders) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inner_folders); ++i) {
        const Py_ssize_t found = PyUnicode_Tailmatch(
            code->co_filename, PyTuple_GET_ITEM(inner_folders, i), 0, PY_SSIZE_T_MAX, -1);
        if (found > 0) return true;
        if (found < 0) PyErr_Clear();
    }
    return false;
}

int instruction_of(PyFrameObject* frame) {
#if PY_VERSION_HEX >= 0x030B0000
    return PyFrame_GetLasti(frame);
#else
    return -PyFrame_GetLineNumber(frame);  // there is no way to the instruction but the line
#endif
}

int line_of(PyCodeObject* code, int instruction) {
    return instruction < 0 ? -instruction : PyCode_Addr2Line(code, instruction);
}

bool call_any(const char* function, PyObject* array) {
    static PyObject* numpy = PyImport_ImportModule("numpy");
    Ref found = checked(numpy ? PyObject_CallMethod(numpy, function, "O", array) : nullptr);
    Ref any = checked(PyObject_CallMethod(found.get(), "any", nullptr));
    return PyObject_IsTrue(any.get()) == 1;
}

template <class T>
Special special_among(const T* numbers, std::size_t count) noexcept {
    Special found;
    for (std::size_t i = 0; i < count; ++i) {
        if (std::isfinite(numbers[i])) continue;
        std::isnan(numbers[i]) ? found.nan = true : found.infinite = true;
    }
    return found;
}

constexpr std::uint64_t start = 0x9E3779B97F4A7C15u;

// One word more. The shift brings down what a product only carries upwards: signs and exponents.
std::uint64_t stir(std::uint64_t hash, std::uint64_t word) noexcept {
    hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
    return hash ^ (hash >> 32);
}

// A number over bytes, eight at a time; any two that differ in one word differ in it.
std::uint64_t mix(const char* bytes, std::size_t count, std::uint64_t hash) noexcept {
    for (; count >= 8; bytes += 8, count -= 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes, 8);
        hash = stir(hash, word);
    }
    if (count == 0) return hash;
    std::uint64_t rest = 0;
    std::memcpy(&rest, bytes, count);
    return stir(hash, rest);
}

// The same over elements. Of an extended number in 12 or 16 bytes ten are its own, the others are
// not written.
std::uint64_t mix_elements(const char* bytes, std::size_t count, PyArrayObject* a,
                           std::uint64_t hash) noexcept {
    const auto item = static_cast<std::size_t>(PyArray_ITEMSIZE(a));
    const int type = PyArray_TYPE(a);
    if (LDBL_MANT_DIG != 64 || (type != NPY_LONGDOUBLE && type != NPY_CLONGDOUBLE))
        return mix(bytes, count * item, hash);
    for (std::size_t at = 0; at < count * item; at += sizeof(long double))
        hash = mix(bytes + at, 10, hash);
    return hash;
}

// The place of an element by its number in C order.
const char* element(PyArrayObject* a, std::size_t number) noexcept {
    const char* place = PyArray_BYTES(a);
    for (int axis = PyArray_NDIM(a); axis-- > 0;) {
        const auto length = static_cast<std::size_t>(PyArray_DIM(a, axis));
        place += static_cast<npy_intp>(number % length) * PyArray_STRIDE(a, axis);
        number /= length;
    }
    return place;
}

constexpr std::size_t most = 64;  // elements in a sample

// Numbers of elements spread evenly over so many, the first and the last among them.
class Spread {
  public:
    explicit Spread(std::size_t size) noexcept
        : count(size < most ? size : most),
          gaps_(count > 1 ? count - 1 : 1),
          step_((size - 1) / gaps_),
          rest_((size - 1) % gaps_) {}
    std::size_t next() noexcept {
        const std::size_t number = number_;
        number_ += step_;
        if ((left_ += rest_) >= gaps_) left_ -= gaps_, ++number_;
        return number;
    }
    const std::size_t count;

  private:
    const std::size_t gaps_, step_, rest_;
    std::size_t number_ = 0, left_ = 0;
};

std::uint64_t sample_words(const char* bytes, std::size_t size) noexcept {
    const auto word = [bytes](std::size_t number) {
        std::uint64_t found;
        std::memcpy(&found, bytes + number * sizeof found, sizeof found);
        return found;
    };
    std::uint64_t hash = start;
    if (size <= most) {
        for (std::size_t i = 0; i < size; ++i) hash = stir(hash, word(i));
    } else {
        Spread spread(size);
        for (std::size_t i = 0; i < most; ++i) hash = stir(hash, word(spread.next()));
    }
    return hash;
}

std::uint64_t sample_array(PyArrayObject* a) noexcept {
    std::size_t size = 1;
    for (int axis = 0; axis < PyArray_NDIM(a); ++axis)
        size *= static_cast<std::size_t>(PyArray_DIM(a, axis));
    const auto item = static_cast<std::size_t>(PyArray_ITEMSIZE(a));
    if (size == 0 || item == 0 || PyDataType_REFCHK(PyArray_DESCR(a))) return 0;
    const char* bytes = PyArray_BYTES(a);
    const bool dense = PyArray_IS_C_CONTIGUOUS(a) || PyArray_IS_F_CONTIGUOUS(a);
    std::uint64_t hash = start;
    if (dense && item == sizeof hash) {
        hash = sample_words(bytes, size);
    } else if (dense && (size <= most || size * item <= most * 8)) {
        hash = mix_elements(bytes, size, a, hash);
    } else {
        Spread spread(size);
        for (std::size_t i = 0; i < spread.count; ++i) {
            const std::size_t number = spread.next();
            hash = mix_elements(dense ? bytes + number * item : element(a, number), 1, a, hash);
        }
    }
    return hash ? hash : 1;
}

}  // namespace

void set_modes_variable(PyObject* variable) noexcept { modes_variable = Py_NewRef(variable); }

PyObject* set_inner_folders(PyObject* folders) {
    return guarded([&]() -> PyObject* {
        Ref given = checked(PySequence_Tuple(folders));
        Py_XDECREF(inner_folders);
        inner_folders = given.release();
        return Py_NewRef(Py_None);
    });
}

}  // namespace python

namespace host {

using namespace python;

unsigned modes() noexcept {
    PyObject* found = nullptr;
    if (PyContextVar_Get(modes_variable, nullptr, &found) < 0 || !found) {
        PyErr_Clear();
        return 0;
    }
    const Ref held(found);
    return static_cast<unsigned>(PyLong_AsLong(found));
}

std::uint64_t fingerprint(const Value& raw) {
    auto* a = reinterpret_cast<PyArrayObject*>(py(raw.object()));
    if (PyDataType_REFCHK(PyArray_DESCR(a))) return 0;  // objects: nothing to compare bytes of
    Ref packed = checked(PyArray_NewLikeArray(a, NPY_CORDER, nullptr, 0));
    if (PyArray_IS_C_CONTIGUOUS(a))
        packed = Ref(Py_NewRef(py(raw.object())));
    else if (PyArray_CopyInto(reinterpret_cast<PyArrayObject*>(packed.get()), a) < 0)
        throw HostError();
    auto* own = reinterpret_cast<PyArrayObject*>(packed.get());
    return mix_elements(PyArray_BYTES(own), static_cast<std::size_t>(PyArray_SIZE(own)), own,
                        start);
}

std::uint64_t sample(const Value& raw) noexcept {
    PyObject* object = py(raw.object());
    if (PyArray_Check(object)) return sample_array(reinterpret_cast<PyArrayObject*>(object));
    std::uint64_t hash = 0;
    if (PyTuple_Check(object))
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i) {
            PyObject* item = PyTuple_GET_ITEM(object, i);
            if (PyArray_Check(item))
                hash = stir(hash, sample_array(reinterpret_cast<PyArrayObject*>(item)));
        }
    return hash;
}

Special special(const Value& raw) {
    PyObject* object = py(raw.object());
    if (PyTuple_Check(object) || PyList_Check(object)) {
        Special found;
        Ref items = checked(PySequence_Tuple(object));
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.get()); ++i)
            found |= fastad::special(to_value(PyTuple_GET_ITEM(items.get(), i)));
        return found;
    }
    if (!PyArray_Check(object) && !PyArray_CheckScalar(object) && !PyComplex_Check(object))
        return {};
    Ref holder = checked(PyArray_FROM_O(object));
    auto* a = reinterpret_cast<PyArrayObject*>(holder.get());
    const int type = PyArray_TYPE(a);
    if (!PyTypeNum_ISFLOAT(type) && !PyTypeNum_ISCOMPLEX(type)) return {};
    if (PyArray_IS_C_CONTIGUOUS(a) && PyArray_ISALIGNED(a) && PyArray_ISNOTSWAPPED(a)) {
        const auto size = static_cast<std::size_t>(PyArray_SIZE(a));
        const void* data = PyArray_DATA(a);
        switch (type) {
            case NPY_FLOAT64: return special_among(static_cast<const double*>(data), size);
            case NPY_FLOAT32: return special_among(static_cast<const float*>(data), size);
            case NPY_COMPLEX128: return special_among(static_cast<const double*>(data), 2 * size);
            case NPY_COMPLEX64: return special_among(static_cast<const float*>(data), 2 * size);
            default: break;
        }
    }
    return {call_any("isnan", holder.get()), call_any("isinf", holder.get())};
}

Place here() {
    Place place;
    PyFrameObject* innermost = PyEval_GetFrame();
    if (!innermost) return place;
    Ref frame(Py_NewRef(reinterpret_cast<PyObject*>(innermost)));
    while (frame) {
        auto* own = reinterpret_cast<PyFrameObject*>(frame.get());
        Ref code(reinterpret_cast<PyObject*>(PyFrame_GetCode(own)));
        if (!inner_code(reinterpret_cast<PyCodeObject*>(code.get()))) {
            place.instruction = instruction_of(own);
            place.code = Value::take(core(code.release()));
            place.frame = own;
            return place;
        }
        frame = Ref(reinterpret_cast<PyObject*>(PyFrame_GetBack(own)));
    }
    return place;
}

std::string text(const Place& place) {
    auto* code = reinterpret_cast<PyCodeObject*>(py(place.code.object()));
    auto utf8 = [](PyObject* string) -> std::string {
        const char* own = PyUnicode_AsUTF8(string);
        if (!own) PyErr_Clear();
        return own ? own : "?";
    };
    return utf8(code->co_filename) + ", line " + std::to_string(line_of(code, place.instruction)) +
           ", in " + utf8(code->co_name);
}

}  // namespace host
}  // namespace fastad
