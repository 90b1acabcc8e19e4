#include "python/result_form.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace fastad::python {

namespace {

const char* const capsule_name = "fastad.result_form";

}  // namespace

ResultForm::~ResultForm() {
    for (const Part& part : parts_) Py_XDECREF(part.object);
}

bool ResultForm::read_parts(PyObject* parts) {
    if (!PyTuple_Check(parts)) {
        PyErr_SetString(PyExc_TypeError, "a form's parts are a tuple");
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(parts); ++i)
        if (!read(PyTuple_GET_ITEM(parts, i))) return false;
    return true;
}

bool ResultForm::read(PyObject* description) {
    if (description == Py_None) {
        parts_.push_back({Kind::Leaf, 0, nullptr, false, 0, {}});
        ++leaves_;
        return true;
    }
    const char* word;
    PyObject *first, *second = nullptr;
    if (!PyTuple_Check(description) ||
        !PyArg_ParseTuple(description, "sO|O", &word, &first, &second)) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "a form is None or a tuple");
        return false;
    }
    const std::string kind = word;
    if (kind == "constant") {
        parts_.push_back({Kind::Constant, 0, Py_NewRef(first), false, 0, {}});
        return true;
    }
    if (kind == "dict") {
        if (!second || !PyTuple_Check(first)) {
            PyErr_SetString(PyExc_TypeError, "a dict's form has keys and parts");
            return false;
        }
        parts_.push_back({Kind::Dict, PyTuple_GET_SIZE(first), Py_NewRef(first), false, 0, {}});
        return read_parts(second);
    }
    const Py_ssize_t count = PyTuple_Check(first) ? PyTuple_GET_SIZE(first) : 0;
    parts_.push_back({kind == "list" ? Kind::List : Kind::Tuple, count, nullptr, false, 0, {}});
    return read_parts(first);
}

void ResultForm::arrange() {
    flat_ = parts_[0].kind == Kind::Tuple && parts_.size() == leaves_ + 1 &&
            static_cast<std::size_t>(parts_[0].count) == leaves_;
    holds_numbers_ = true;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        Part& part = parts_[i];
        constants_ = constants_ || part.kind == Kind::Constant;
        if (part.kind == Kind::Constant || part.kind == Kind::Dict) holds_numbers_ = false;
        if (part.kind != Kind::List && part.kind != Kind::Tuple) continue;
        part.numbers = true;
        for (Py_ssize_t k = 1; k <= part.count && part.numbers; ++k)
            part.numbers = parts_[i + static_cast<std::size_t>(k)].kind == Kind::Leaf;
    }
    for (std::size_t i = parts_.size(); i-- > 0;) measure(i);
}

// What a part holds comes after it, and is measured before.
void ResultForm::measure(std::size_t at) {
    Part& part = parts_[at];
    part.end = at + 1;
    const bool sequence = part.kind == Kind::List || part.kind == Kind::Tuple;
    bool even = sequence && part.count > 0;
    for (Py_ssize_t i = 0; i < part.count; ++i) {
        const Part& item = parts_[part.end];
        even = even && (item.kind == Kind::Leaf || !item.shape.empty()) &&
               item.shape == parts_[at + 1].shape;
        part.end = item.end;
    }
    if (!even) return;
    part.shape = parts_[at + 1].shape;
    part.shape.insert(part.shape.begin(), part.count);
}

PyObject* ResultForm::make(std::size_t& at, std::size_t& leaf,
                           std::vector<PyObject*>& outputs) const {
    const Part& part = parts_[at++];
    switch (part.kind) {
        case Kind::Leaf: {
            PyObject* object = outputs[leaf];
            outputs[leaf++] = nullptr;
            return object;
        }
        case Kind::Constant: return Py_NewRef(part.object);
        case Kind::List:
        case Kind::Tuple: {
            const bool list = part.kind == Kind::List;
            Ref whole = checked(list ? PyList_New(part.count) : PyTuple_New(part.count));
            for (Py_ssize_t i = 0; i < part.count; ++i) {
                PyObject* item;
                if (parts_[at].kind == Kind::Leaf) {  // most are: without a call
                    item = outputs[leaf];
                    outputs[leaf++] = nullptr;
                    ++at;
                } else {
                    item = make(at, leaf, outputs);
                }
                if (list)
                    PyList_SET_ITEM(whole.get(), i, item);
                else
                    PyTuple_SET_ITEM(whole.get(), i, item);
            }
            return whole.release();
        }
        case Kind::Dict: {
            Ref whole = checked(PyDict_New());
            for (Py_ssize_t i = 0; i < part.count; ++i) {
                Ref item(make(at, leaf, outputs));
                if (PyDict_SetItem(whole.get(), PyTuple_GET_ITEM(part.object, i), item.get()) < 0)
                    throw HostError();
            }
            return whole.release();
        }
    }
    return nullptr;
}

bool ResultForm::take_part(PyObject* value, std::size_t& at, std::vector<PyObject*>& leaves) const {
    const Part& part = parts_[at++];
    switch (part.kind) {
        case Kind::Leaf: leaves.push_back(value); return true;
        case Kind::Constant: return true;
        case Kind::List:
        case Kind::Tuple:
            if (part.kind == Kind::List ? !PyList_CheckExact(value) : !PyTuple_CheckExact(value))
                return false;
            if (PySequence_Fast_GET_SIZE(value) != part.count) return false;
            for (Py_ssize_t i = 0; i < part.count; ++i)
                if (!take_part(PySequence_Fast_GET_ITEM(value, i), at, leaves)) return false;
            return true;
        case Kind::Dict:
            if (!PyDict_CheckExact(value) || PyDict_GET_SIZE(value) != part.count) return false;
            for (Py_ssize_t i = 0; i < part.count; ++i) {
                PyObject* item = PyDict_GetItemWithError(value, PyTuple_GET_ITEM(part.object, i));
                if (!item) PyErr_Clear();
                if (!item || !take_part(item, at, leaves)) return false;
            }
            return true;
    }
    return false;
}

bool ResultForm::take(PyObject* value, std::vector<PyObject*>& leaves) const {
    if (flat_) {
        if (!PyTuple_CheckExact(value) || PyTuple_GET_SIZE(value) != parts_[0].count) return false;
        for (Py_ssize_t i = 0; i < parts_[0].count; ++i)
            leaves.push_back(PyTuple_GET_ITEM(value, i));
        return true;
    }
    std::size_t part = 0;
    return take_part(value, part, leaves);
}

PyObject* ResultForm::build(std::vector<PyObject*>& outputs) const {
    if (flat_) {  // value and gradient, say
        PyObject* tuple = PyTuple_New(parts_[0].count);
        if (!tuple) {
            for (PyObject* output : outputs) Py_XDECREF(output);
            throw HostError();
        }
        for (Py_ssize_t i = 0; i < parts_[0].count; ++i)
            PyTuple_SET_ITEM(tuple, i, outputs[static_cast<std::size_t>(i)]);
        return tuple;
    }
    std::size_t part = 0, leaf = 0;
    try {
        return make(part, leaf, outputs);
    } catch (...) {
        for (PyObject* output : outputs) Py_XDECREF(output);
        throw;
    }
}

namespace {

PyObject* new_number(const program::NumbersRun& run, std::size_t output) {
    const double number = run.result(output);
    if (run.weak(output)) return PyFloat_FromDouble(number);
    PyObject* object = PyArrayScalar_New(Double);
    if (object) PyArrayScalar_ASSIGN(object, Double, number);
    return object;
}

bool refill_number(PyObject* object, const program::NumbersRun& run, std::size_t output) noexcept {
    if (Py_REFCNT(object) != 1) return false;
    if (run.weak(output)) {
        if (!PyFloat_CheckExact(object)) return false;
        reinterpret_cast<PyFloatObject*>(object)->ob_fval = run.result(output);
    } else {
        if (Py_TYPE(object) != float64_type) return false;
        PyArrayScalar_ASSIGN(object, Double, run.result(output));
    }
    return true;
}

PyObject** items_of(PyObject* container, bool list) noexcept {
    return list ? reinterpret_cast<PyListObject*>(container)->ob_item
                : reinterpret_cast<PyTupleObject*>(container)->ob_item;
}

}  // namespace

PyObject* ResultForm::make(std::size_t& at, std::size_t& leaf,
                           const program::NumbersRun& run) const {
    const Part& part = parts_[at++];
    if (part.kind == Kind::Leaf) return checked(new_number(run, leaf++)).release();
    const bool list = part.kind == Kind::List;
    Ref whole = checked(list ? PyList_New(part.count) : PyTuple_New(part.count));
    PyObject** items = items_of(whole.get(), list);
    for (Py_ssize_t i = 0; i < part.count; ++i) items[i] = make(at, leaf, run);
    return whole.release();
}

PyObject* ResultForm::build(const program::NumbersRun& run) const {
    std::size_t part = 0, leaf = 0;
    return make(part, leaf, run);
}

bool ResultForm::refill_part(PyObject* value, std::size_t& at, std::size_t& leaf,
                             const program::NumbersRun& run) const noexcept {
    const Part& part = parts_[at++];
    if (part.kind == Kind::Leaf) return refill_number(value, run, leaf++);
    const bool list = part.kind == Kind::List;
    if (Py_REFCNT(value) != 1 || !(list ? PyList_CheckExact(value) : PyTuple_CheckExact(value)) ||
        Py_SIZE(value) != part.count)
        return false;
    PyObject* const* items = items_of(value, list);
    if (part.numbers) {
        for (Py_ssize_t i = 0; i < part.count; ++i)
            if (!refill_number(items[i], run, leaf++)) return false;
        at += static_cast<std::size_t>(part.count);
        return true;
    }
    for (Py_ssize_t i = 0; i < part.count; ++i)
        if (!refill_part(items[i], at, leaf, run)) return false;
    return true;
}

bool ResultForm::refill(PyObject* whole, const program::NumbersRun& run) const noexcept {
    std::size_t part = 0, leaf = 0;
    return refill_part(whole, part, leaf, run);
}

namespace {

double* doubles_of(PyObject* object, const std::vector<Py_ssize_t>& shape) noexcept {
    if (Py_TYPE(object) != &PyArray_Type) return nullptr;
    auto* array = reinterpret_cast<PyArrayObject*>(object);
    if (PyArray_TYPE(array) != NPY_FLOAT64 || !PyArray_ISCARRAY(array) ||
        static_cast<std::size_t>(PyArray_NDIM(array)) != shape.size())
        return nullptr;
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
        if (PyArray_DIM(array, static_cast<int>(axis)) != shape[axis]) return nullptr;
    return static_cast<double*>(PyArray_DATA(array));
}

}  // namespace

bool ResultForm::take_numbers_of(PyObject* value, std::size_t& at, NumberPlaces& into) const {
    const Part& part = parts_[at++];
    if (part.kind == Kind::Leaf || (!part.shape.empty() && Py_TYPE(value) == &PyArray_Type)) {
        double* numbers = doubles_of(value, part.shape);
        if (!numbers) return false;
        std::size_t count = 1;
        for (const Py_ssize_t length : part.shape) count *= static_cast<std::size_t>(length);
        for (std::size_t i = 0; i < count; ++i) into.places.push_back(numbers + i);
        if (into.held) into.held->emplace_back(Py_NewRef(value));
        at = part.end;
        return true;
    }
    const bool list = part.kind == Kind::List;
    if (!(list ? PyList_CheckExact(value) : PyTuple_CheckExact(value)) ||
        Py_SIZE(value) != part.count)
        return false;
    PyObject* const* items = items_of(value, list);
    for (Py_ssize_t i = 0; i < part.count; ++i)
        if (!take_numbers_of(items[i], at, into)) return false;
    return true;
}

bool ResultForm::take_numbers(PyObject* out, NumberPlaces into) const {
    std::size_t part = 0;
    into.places.reserve(leaves_);
    return take_numbers_of(out, part, into);
}

bool ResultForm::is_whole(const std::vector<PyObject*>& places) const noexcept {
    return !constants_ && std::find(places.begin(), places.end(), Py_None) == places.end();
}

PyObject* LastResults::refilled(const ResultForm& form, const program::NumbersRun& run) noexcept {
    PyObject* kept = kept_[oldest_];
    if (!kept || !form.refill(kept, run)) return nullptr;
    oldest_ ^= 1;
    return Py_NewRef(kept);
}

PyObject* LastResults::keep(PyObject* made) noexcept {
    PyObject* dropped = std::exchange(kept_[oldest_], Py_NewRef(made));
    oldest_ ^= 1;
    return dropped;
}

int LastResults::visit(visitproc visit, void* arg) const {
    for (PyObject* kept : kept_) Py_VISIT(kept);
    return 0;
}

void LastResults::clear() {
    for (PyObject*& kept : kept_) Py_CLEAR(kept);
}

PyObject* make_result_form(PyObject* description) {
    auto form = std::make_unique<ResultForm>();
    if (!form->read(description)) return nullptr;
    form->arrange();
    PyObject* capsule = PyCapsule_New(form.get(), capsule_name, [](PyObject* object) {
        delete static_cast<ResultForm*>(PyCapsule_GetPointer(object, capsule_name));
    });
    if (capsule) form.release();
    return capsule;
}

const ResultForm* result_form_of(PyObject* object) noexcept {
    if (!PyCapsule_CheckExact(object)) return nullptr;
    return static_cast<const ResultForm*>(PyCapsule_GetPointer(object, capsule_name));
}

}  // namespace fastad::python
