// Observer: CPython's profile hook.
#include "python/observer.hpp"

#include <new>

namespace fastad::python {

namespace {

const char* const capsule_name = "fastad.observer";

}  // namespace

void Observer::start() {
    PyThreadState* thread = PyThreadState_Get();
    outer_ = thread->c_profilefunc;
    outer_object_ = thread->c_profileobj;
    Py_XINCREF(outer_object_);
    token_ = PyCapsule_New(this, capsule_name, nullptr);
    if (!token_) throw std::bad_alloc();
    PyEval_SetProfile(notice, token_);
    running_ = true;
}

void Observer::stop() {
    if (!running_) return;
    running_ = false;
    // Whoever set another profile function meanwhile keeps it.
    if (PyThreadState_Get()->c_profileobj == token_) PyEval_SetProfile(outer_, outer_object_);
    Py_CLEAR(outer_object_);
    Py_CLEAR(token_);
    outer_ = nullptr;
    last_ = nullptr;
}

void Observer::clear() noexcept {
    for (const auto& entry : codes_) Py_DECREF(entry.first);
    for (const auto& entry : calls_) {
        Py_DECREF(entry.second.function);
        Py_DECREF(entry.second.caller);
    }
    codes_.clear();
    calls_.clear();
    last_ = nullptr;
}

void Observer::notice_call(PyFrameObject* frame, PyObject* function) {
    const void* method =
        PyCFunction_Check(function)
            ? static_cast<const void*>(reinterpret_cast<PyCFunctionObject*>(function)->m_ml)
            : static_cast<const void*>(function);
    auto* code = reinterpret_cast<PyObject*>(PyFrame_GetCode(frame));
    const auto [place, fresh] = calls_.try_emplace({code, method}, Call{function, code, 0});
    if (!fresh) {
        Py_DECREF(code);
        return;
    }
    Py_INCREF(function);
    place->second.line = PyFrame_GetLineNumber(frame);
}

int Observer::notice(PyObject* self, PyFrameObject* frame, int what, PyObject* arg) {
    auto* observer = static_cast<Observer*>(PyCapsule_GetPointer(self, capsule_name));
    if (!observer) return -1;
    try {
        if (what == PyTrace_CALL) {
            auto* code = reinterpret_cast<PyObject*>(PyFrame_GetCode(frame));
            if (code == observer->last_ || !observer->codes_.try_emplace(code, true).second)
                Py_DECREF(code);
            observer->last_ = code;
        } else if (what == PyTrace_C_CALL) {
            observer->notice_call(frame, arg);
        }
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return -1;
    }
    if (observer->outer_) return observer->outer_(observer->outer_object_, frame, what, arg);
    return 0;
}

PyObject* Observer::codes() const {
    PyObject* list = PyList_New(0);
    for (const auto& entry : codes_)
        if (!list || PyList_Append(list, entry.first) < 0) {
            Py_XDECREF(list);
            return nullptr;
        }
    return list;
}

PyObject* Observer::calls() const {
    PyObject* list = PyList_New(0);
    for (const auto& entry : calls_) {
        const Call& call = entry.second;
        PyObject* item =
            list ? Py_BuildValue("(OOi)", call.function, call.caller, call.line) : nullptr;
        if (!item || PyList_Append(list, item) < 0) {
            Py_XDECREF(item);
            Py_XDECREF(list);
            return nullptr;
        }
        Py_DECREF(item);
    }
    return list;
}

}  // namespace fastad::python
