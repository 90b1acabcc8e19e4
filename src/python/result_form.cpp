#include "python/result_form.hpp"

#include <memory>

#include "python/hosted.hpp"

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
        parts_.push_back({Kind::Leaf, 0, nullptr});
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
        parts_.push_back({Kind::Constant, 0, Py_NewRef(first)});
        return true;
    }
    if (kind == "dict") {
        if (!second || !PyTuple_Check(first)) {
            PyErr_SetString(PyExc_TypeError, "a dict's form has keys and parts");
            return false;
        }
        parts_.push_back({Kind::Dict, PyTuple_GET_SIZE(first), Py_NewRef(first)});
        return read_parts(second);
    }
    const Py_ssize_t count = PyTuple_Check(first) ? PyTuple_GET_SIZE(first) : 0;
    parts_.push_back({kind == "list" ? Kind::List : Kind::Tuple, count, nullptr});
    return read_parts(first);
}

void ResultForm::arrange() {
    flat_ = parts_[0].kind == Kind::Tuple && parts_.size() == leaves_ + 1 &&
            static_cast<std::size_t>(parts_[0].count) == leaves_;
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
