// Slots: what is read from each kind of place, and how it is compared.
#include "python/slots.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include "python/hosted.hpp"

namespace fastad::python {

namespace {

constexpr std::size_t copied_bytes = 1 << 16;  // above, a checksum replaces the copy

PyObject* dict_of(PyObject* holder) noexcept {
    if (!PyType_Check(holder)) return holder;
    return reinterpret_cast<PyTypeObject*>(holder)->tp_dict;
}

// Two sums that depend on every bit and its place: four lanes of multiply and rotate.
void checksum(const char* data, std::size_t count, std::uint64_t* sums) noexcept {
    constexpr std::uint64_t prime = 0x9E3779B97F4A7C15u;
    std::uint64_t lane[4] = {1, 2, 3, 4};
    const auto mix = [](std::uint64_t state, std::uint64_t word) {
        state = (state ^ word) * prime;
        return state << 31 | state >> 33;
    };
    std::size_t i = 0;
    for (; i + 32 <= count; i += 32)
        for (std::size_t k = 0; k < 4; ++k) {
            std::uint64_t word;
            std::memcpy(&word, data + i + 8 * k, 8);
            lane[k] = mix(lane[k], word);
        }
    for (; i < count; ++i) lane[i & 3] = mix(lane[i & 3], static_cast<unsigned char>(data[i]));
    sums[0] = mix(mix(lane[0], lane[1]), count);
    sums[1] = mix(mix(lane[2], lane[3]), ~lane[0]);
}

// Calls visit(data, bytes) with the contents in one piece; false: an exception is set.
template <class Visit>
bool with_contents(PyArrayObject* array, Visit visit) {
    const std::size_t bytes = static_cast<std::size_t>(PyArray_NBYTES(array));
    if (PyArray_IS_C_CONTIGUOUS(array) || PyArray_IS_F_CONTIGUOUS(array)) {
        visit(PyArray_BYTES(array), bytes);
        return true;
    }
    PyObject* copy = PyArray_NewCopy(array, NPY_CORDER);
    if (!copy) return false;
    visit(PyArray_BYTES(reinterpret_cast<PyArrayObject*>(copy)), bytes);
    Py_DECREF(copy);
    return true;
}

std::vector<Py_ssize_t> layout_of(PyArrayObject* array) {
    std::vector<Py_ssize_t> layout{reinterpret_cast<Py_ssize_t>(PyArray_DATA(array)),
                                   reinterpret_cast<Py_ssize_t>(PyArray_DESCR(array)),
                                   PyArray_FLAGS(array)};
    for (int i = 0; i < PyArray_NDIM(array); ++i) {
        layout.push_back(PyArray_DIM(array, i));
        layout.push_back(PyArray_STRIDE(array, i));
    }
    return layout;
}

bool layout_holds(const Slot& slot, PyArrayObject* array) noexcept {
    const std::vector<Py_ssize_t>& layout = slot.layout;
    const int ndim = PyArray_NDIM(array);
    if (layout.size() != 3 + 2 * static_cast<std::size_t>(ndim) ||
        layout[0] != reinterpret_cast<Py_ssize_t>(PyArray_DATA(array)) ||
        layout[1] != reinterpret_cast<Py_ssize_t>(PyArray_DESCR(array)) ||
        layout[2] != PyArray_FLAGS(array))
        return false;
    for (int i = 0; i < ndim; ++i) {
        const std::size_t k = 3 + 2 * static_cast<std::size_t>(i);
        if (layout[k] != PyArray_DIM(array, i) || layout[k + 1] != PyArray_STRIDE(array, i))
            return false;
    }
    return true;
}

bool remember(Slot& slot, PyArrayObject* array) {
    slot.layout = layout_of(array);
    return with_contents(array, [&](const char* data, std::size_t bytes) {
        if (bytes <= copied_bytes)
            slot.bytes.assign(data, data + bytes);
        else
            checksum(data, bytes, slot.sums);
    });
}

bool array_holds(const Slot& slot) {
    auto* array = reinterpret_cast<PyArrayObject*>(slot.holder);
    if (!layout_holds(slot, array)) return false;
    bool same = false;
    if (!with_contents(array, [&](const char* data, std::size_t bytes) {
            if (bytes <= copied_bytes) {
                same = bytes == 0 || !std::memcmp(slot.bytes.data(), data, bytes);
            } else {
                std::uint64_t sums[2];
                checksum(data, bytes, sums);
                same = sums[0] == slot.sums[0] && sums[1] == slot.sums[1];
            }
        }))
        PyErr_Clear();
    return same;
}

bool same_items(PyObject* const* a, PyObject* const* b, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; ++i)
        if (a[i] != b[i] && !same_constant(a[i], b[i])) return false;
    return true;
}

bool same_numpy_scalars(PyObject* a, PyObject* b) {
    PyArray_Descr* descr = PyArray_DescrFromScalar(a);
    if (!descr) {
        PyErr_Clear();
        return false;
    }
    bool same = false;
    if (!PyDataType_REFCHK(descr)) {
        const auto bytes = static_cast<std::size_t>(PyDataType_ELSIZE(descr));
        std::vector<char> left(bytes), right(bytes);
        PyArray_ScalarAsCtype(a, left.data());
        PyArray_ScalarAsCtype(b, right.data());
        // Only the plain numbers have no padding and no unit: others are compared by identity.
        if (PyTypeNum_ISNUMBER(descr->type_num) || PyTypeNum_ISBOOL(descr->type_num))
            same = descr->type_num != NPY_LONGDOUBLE && descr->type_num != NPY_CLONGDOUBLE &&
                   !std::memcmp(left.data(), right.data(), bytes);
    }
    Py_DECREF(descr);
    return same;
}

// Keys: expected is the tuple (key, value, key, value, ...).
bool keys_hold(const Slot& slot) {
    PyObject* dict = dict_of(slot.holder);
    PyObject* const* expected = &PyTuple_GET_ITEM(slot.expected, 0);
    const Py_ssize_t count = PyTuple_GET_SIZE(slot.expected) / 2;
    if (PyDict_GET_SIZE(dict) != count) return false;
    PyObject *key, *value, *any = SlotTable::any();
    Py_ssize_t position = 0;
    for (Py_ssize_t i = 0; PyDict_Next(dict, &position, &key, &value); ++i) {
        if (key != expected[2 * i] && !same_constant(key, expected[2 * i])) return false;
        PyObject* wanted = expected[2 * i + 1];
        if (value != wanted && wanted != any && !same_constant(value, wanted)) return false;
    }
    return true;
}

bool items_hold(const Slot& slot) {
    const Py_ssize_t count = PyTuple_GET_SIZE(slot.expected);
    if (PyList_GET_SIZE(slot.holder) != count) return false;
    PyObject* any = SlotTable::any();
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* value = PyList_GET_ITEM(slot.holder, i);
        PyObject* wanted = PyTuple_GET_ITEM(slot.expected, i);
        if (value != wanted && wanted != any && !same_constant(value, wanted)) return false;
    }
    return true;
}

// What a slot of a single object holds now, borrowed where it can be; `owned` tells.
PyObject* look(const Slot& slot, bool* owned) {
    *owned = false;
    switch (slot.kind) {
        case SlotKind::Cell: return PyCell_GET(slot.holder);
        case SlotKind::Entry: return PyDict_GetItemWithError(dict_of(slot.holder), slot.key);
        case SlotKind::Type: return reinterpret_cast<PyObject*>(Py_TYPE(slot.holder));
        case SlotKind::Mro: return reinterpret_cast<PyTypeObject*>(slot.holder)->tp_mro;
        case SlotKind::Code: return PyFunction_GET_CODE(slot.holder);
        case SlotKind::Defaults: return PyFunction_GET_DEFAULTS(slot.holder);
        case SlotKind::KwDefaults: return PyFunction_GET_KW_DEFAULTS(slot.holder);
        default: break;
    }
    *owned = true;
    if (slot.kind == SlotKind::Space) {
        PyObject* dict = PyObject_GenericGetDict(slot.holder, nullptr);
        if (!dict && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
        return dict;
    }
    if (slot.kind == SlotKind::Member) {
        PyObject* value = Py_TYPE(slot.key)->tp_descr_get(
            slot.key, slot.holder, reinterpret_cast<PyObject*>(Py_TYPE(slot.holder)));
        if (!value && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
        return value;
    }
    return PyObject_CallNoArgs(slot.holder);
}

// Where PyDict_Next finds this very key; -1: nowhere.
Py_ssize_t position_of(PyObject* dict, PyObject* wanted) noexcept {
    Py_ssize_t next = 0, at = 0;
    PyObject* key;
    while (PyDict_Next(dict, &next, &key, nullptr)) {
        if (key == wanted) return at;
        at = next;
    }
    return -1;
}

// What stands under the key of an Entry: a lookup takes three times as long as to look where the
// key stood.
PyObject* entry_of(const Slot& slot) noexcept {
    PyObject *key, *value, *dict = dict_of(slot.holder);
    Py_ssize_t at = slot.at;
    if (at >= 0 && PyDict_Next(dict, &at, &key, &value) && key == slot.key) return value;
    return PyDict_GetItemWithError(dict, slot.key);
}

// A number that every change of a dict replaces by one that no dict had before; 0: this Python has
// none that can be read.
std::uint64_t version_of(PyObject* dict) noexcept {
#if PY_VERSION_HEX < 0x030C0000 && !defined(PYPY_VERSION)
    return reinterpret_cast<PyDictObject*>(dict)->ma_version_tag;
#else
    (void)dict;
    return 0;
#endif
}

// Where the object of a slot stands in memory, of the kinds that are no more than that; else null.
PyObject* const* word_of(const Slot& slot) noexcept {
    switch (slot.kind) {
        case SlotKind::Cell: return &reinterpret_cast<PyCellObject*>(slot.holder)->ob_ref;
        case SlotKind::Code: return &reinterpret_cast<PyFunctionObject*>(slot.holder)->func_code;
        case SlotKind::Defaults:
            return &reinterpret_cast<PyFunctionObject*>(slot.holder)->func_defaults;
        case SlotKind::KwDefaults:
            return &reinterpret_cast<PyFunctionObject*>(slot.holder)->func_kwdefaults;
        case SlotKind::Type: return reinterpret_cast<PyObject* const*>(&slot.holder->ob_type);
        case SlotKind::Mro: return &reinterpret_cast<PyTypeObject*>(slot.holder)->tp_mro;
#ifndef PYPY_VERSION
        case SlotKind::Space: return _PyObject_GetDictPtr(slot.holder);
#endif
        default: return nullptr;
    }
}

bool same_object(PyObject* found, PyObject* expected) {
    if (found == expected) return true;
    return found && expected && same_constant(found, expected);
}

// Whose lock keeps what stands at a place alive while it is compared.
PyObject* guarding(const Slot& slot) noexcept {
    return slot.kind == SlotKind::Entry || slot.kind == SlotKind::Keys ? dict_of(slot.holder)
                                                                       : slot.holder;
}

SlotTable* (*slots_access)(PyObject*) = nullptr;

}  // namespace

SlotTable* slots_of(PyObject* object) { return slots_access ? slots_access(object) : nullptr; }
void set_slots_access(SlotTable* (*access)(PyObject*)) noexcept { slots_access = access; }

bool checksum(PyObject* array, std::uint64_t* sums) {
    const bool seen =
        with_contents(reinterpret_cast<PyArrayObject*>(array),
                      [&](const char* data, std::size_t bytes) { checksum(data, bytes, sums); });
    if (!seen) PyErr_Clear();
    return seen;
}

const std::vector<char>* SlotTable::contents(std::size_t i) const {
    const Slot& slot = slots_[i];
    const bool kept =
        slot.kind == SlotKind::Array &&
        static_cast<std::size_t>(PyArray_NBYTES(reinterpret_cast<PyArrayObject*>(slot.holder))) <=
            copied_bytes;
    return kept ? &slot.bytes : nullptr;
}

PyObject* SlotTable::any() noexcept {
    static PyObject* const marker =
        PyObject_CallNoArgs(reinterpret_cast<PyObject*>(&PyBaseObject_Type));
    return marker;
}

bool same_constant(PyObject* a, PyObject* b) {
    if (a == b) return true;
    if (Py_TYPE(a) != Py_TYPE(b)) return false;
    if (PyFloat_CheckExact(a)) {
        const double x = PyFloat_AS_DOUBLE(a), y = PyFloat_AS_DOUBLE(b);
        return !std::memcmp(&x, &y, sizeof x);
    }
    if (PyComplex_CheckExact(a)) {
        const Py_complex x = PyComplex_AsCComplex(a), y = PyComplex_AsCComplex(b);
        return !std::memcmp(&x, &y, sizeof x);
    }
    if (PyTuple_CheckExact(a)) {
        const Py_ssize_t count = PyTuple_GET_SIZE(a);
        if (count != PyTuple_GET_SIZE(b)) return false;
        return count == 0 || same_items(&PyTuple_GET_ITEM(a, 0), &PyTuple_GET_ITEM(b, 0), count);
    }
    if (PyLong_CheckExact(a) || PyUnicode_CheckExact(a) || PyBytes_CheckExact(a))
        return PyObject_RichCompareBool(a, b, Py_EQ) == 1;
    if (PyArray_CheckScalar(a) && !PyArray_Check(a)) return same_numpy_scalars(a, b);
    return false;
}

bool SlotTable::holds(std::size_t i) {
    const Slot& slot = slots_[i];
    if (slot.ignored) return true;
    const Critical alone(guarding(slot));
    switch (slot.kind) {
        case SlotKind::Keys: return keys_hold(slot);
        case SlotKind::Items: return items_hold(slot);
        case SlotKind::Array: return array_holds(slot);
        default: break;
    }
    bool owned;
    PyObject* found = look(slot, &owned);
    if (!owned) return same_object(found, slot.expected);  // a lookup of a plain key cannot fail
    if (PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_Exception)) PyErr_Clear();  // an interrupt stays
        return false;
    }
    // The code that ran may have added slots, and `slot` be gone.
    const bool same = same_object(found, slots_[i].expected);
    Py_XDECREF(found);
    return same;
}

bool SlotTable::holds_now(std::size_t i) {
    const Slot& slot = slots_[i];
    // The common kinds, where what stands there is the very object, without a call.
    if (slot.kind == SlotKind::Entry && entry_of(slot) == slot.expected) return true;
    if (slot.kind == SlotKind::Keys && slot.expected && PyTuple_GET_SIZE(slot.expected) == 0 &&
        PyDict_GET_SIZE(dict_of(slot.holder)) == 0)
        return true;  // most have no attributes of their own
    return holds(i);
}

bool SlotTable::unchanged() {
    {
        const Lock lock(mutex_);
        if (!arranged_) arrange();
    }
    for (const Word& word : words_)
        if (*word.place != word.expected && !holds(word.slot)) return false;
    std::size_t next = 0;
    for (Dict& own : dicts_) {
        const std::uint64_t version = version_of(own.dict);
        next = own.end;
        if (version != 0 && version == own.version) continue;
        for (std::size_t k = own.first; k < own.end; ++k)
            if (!holds_now(order_[k])) return false;
        if (version != 0) own.version = version;
    }
    for (; next < order_.size(); ++next)
        if (!holds_now(order_[next])) return false;
    return true;
}

void SlotTable::arrange() {
    words_.clear();
    dicts_.clear();
    order_.clear();
    std::vector<std::size_t> entries, others;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        const Slot& slot = slots_[i];
        if (slot.ignored) continue;
        if (PyObject* const* place = word_of(slot))
            words_.push_back({place, slot.expected, i});
        else if (slot.kind == SlotKind::Entry || slot.kind == SlotKind::Keys)
            entries.push_back(i);
        else
            others.push_back(i);
    }
    auto dict = [this](std::size_t i) { return dict_of(slots_[i].holder); };
    std::stable_sort(entries.begin(), entries.end(), [&](std::size_t a, std::size_t b) {
        return std::less<PyObject*>()(dict(a), dict(b));
    });
    for (std::size_t i : entries) {
        if (dicts_.empty() || dicts_.back().dict != dict(i))
            dicts_.push_back({dict(i), 0, order_.size(), 0});
        order_.push_back(i);
        dicts_.back().end = order_.size();
    }
    order_.insert(order_.end(), others.begin(), others.end());
    arranged_ = true;
}

PyObject* SlotTable::current(std::size_t i) {
    const Slot& slot = slots_[i];
    if (slot.kind == SlotKind::Keys) {
        PyObject *key, *value, *dict = dict_of(slot.holder);
        PyObject* pairs = PyList_New(0);
        Py_ssize_t position = 0;
        while (pairs && PyDict_Next(dict, &position, &key, &value)) {
            PyObject* wanted = value;
            // Values outside the wanted names count as any.
            if (slot.key && PySequence_Contains(slot.key, key) != 1) wanted = any();
            if (PyErr_Occurred() || PyList_Append(pairs, key) < 0 ||
                PyList_Append(pairs, wanted) < 0)
                Py_CLEAR(pairs);
        }
        PyObject* result = pairs ? PyList_AsTuple(pairs) : nullptr;
        Py_XDECREF(pairs);
        return result;
    }
    if (slot.kind == SlotKind::Items) return PyList_AsTuple(slot.holder);
    if (slot.kind == SlotKind::Array) return Py_NewRef(slot.holder);
    bool owned;
    PyObject* found = look(slot, &owned);
    if (!owned) Py_XINCREF(found);
    return found;
}

bool SlotTable::refresh(std::size_t i, PyObject** expected) {
    Slot& slot = slots_[i];
    arranged_ = false;
    const Critical alone(guarding(slot));
    if (slot.kind == SlotKind::Array) {
        *expected = nullptr;
        return remember(slot, reinterpret_cast<PyArrayObject*>(slot.holder));
    }
    *expected = current(i);
    if (!*expected && PyErr_Occurred()) return false;
    slot.expected = *expected;
    if (slot.kind == SlotKind::Entry) slot.at = position_of(dict_of(slot.holder), slot.key);
    return true;
}

Py_ssize_t SlotTable::add(SlotKind kind, PyObject* holder, PyObject* key, PyObject** expected) {
    Slot slot{};
    slot.kind = kind;
    slot.holder = holder;
    slot.key = key;
    slots_.push_back(std::move(slot));
    if (!refresh(slots_.size() - 1, expected)) {
        slots_.pop_back();
        return -1;
    }
    asks_ = asks_ || kind == SlotKind::Call;
    return static_cast<Py_ssize_t>(slots_.size()) - 1;
}

}  // namespace fastad::python
