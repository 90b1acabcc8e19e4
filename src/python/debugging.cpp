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
        number_ += step_ + (one_more() ? 1 : 0);
        return number;
    }
    // From each number to the next it is so far, or one more.
    std::size_t step() const noexcept { return step_; }
    bool one_more() noexcept {
        left_ += rest_;
        if (left_ < gaps_) return false;
        left_ -= gaps_;
        return true;
    }
    const std::size_t count;

  private:
    const std::size_t gaps_, step_, rest_;
    std::size_t number_ = 0, left_ = 0;
};

// The places of elements that are as far apart as a Spread says, whatever the strides: an index is
// counted on, without a division for each.
class Places {
  public:
    Places(PyArrayObject* a, std::size_t step) noexcept
        : place_(PyArray_BYTES(a)), rank_(PyArray_NDIM(a)) {
        for (int axis = rank_; axis-- > 0;) {
            const auto length = static_cast<std::size_t>(PyArray_DIM(a, axis));
            axes_[axis] = {PyArray_DIM(a, axis), PyArray_STRIDE(a, axis),
                           static_cast<npy_intp>(step % length), 0};
            step /= length;
        }
    }
    const char* here() const noexcept { return place_; }
    void advance(bool one_more) noexcept {
        npy_intp carry = one_more ? 1 : 0;
        for (int i = rank_; i-- > 0;) {
            Axis& axis = axes_[i];
            npy_intp moved = axis.step + carry;
            carry = axis.index + moved >= axis.length ? 1 : 0;
            if (carry) moved -= axis.length;
            axis.index += moved;
            place_ += moved * axis.stride;
        }
    }

  private:
    struct Axis {
        npy_intp length, stride, step, index;
    };
    const char* place_;
    const int rank_;
    Axis axes_[NPY_MAXDIMS];
};

// Four sums side by side, since each step waits for the one before. A change of one word changes
// its own for certain, and with it the whole.
template <class Next>
std::uint64_t hash_words(std::size_t count, const Next& next) noexcept {
    std::uint64_t lanes[4] = {start, start + 1, start + 2, start + 3};
    std::size_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (std::uint64_t& lane : lanes) lane = stir(lane, next());
    for (std::size_t k = 0; i + k < count; ++k) lanes[k & 3] = stir(lanes[k & 3], next());
    std::uint64_t hash = start;
    for (const std::uint64_t lane : lanes) hash = stir(hash, lane);
    return hash;
}

std::uint64_t word_at(const char* place) noexcept {
    std::uint64_t word;
    std::memcpy(&word, place, sizeof word);
    return word;
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
    if (dense && size <= most && item == sizeof hash) {
        hash = hash_words(size, [&] {
            const std::uint64_t word = word_at(bytes);
            bytes += sizeof word;
            return word;
        });
    } else if (dense && (size <= most || size * item <= most * 8)) {
        hash = mix_elements(bytes, size, a, hash);
    } else if (dense) {
        Spread spread(size);
        if (item == sizeof hash)
            hash = hash_words(most, [&] { return word_at(bytes + spread.next() * sizeof hash); });
        else
            for (std::size_t i = 0; i < spread.count; ++i)
                hash = mix_elements(bytes + spread.next() * item, 1, a, hash);
    } else {
        Spread spread(size);
        Places places(a, spread.step());
        const auto next = [&] {
            const char* place = places.here();
            places.advance(spread.one_more());
            return place;
        };
        if (item == sizeof hash)
            hash = hash_words(spread.count, [&] { return word_at(next()); });
        else
            for (std::size_t i = 0; i < spread.count; ++i) hash = mix_elements(next(), 1, a, hash);
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
    if (PyArray_ISCARRAY_RO(a)) {
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
