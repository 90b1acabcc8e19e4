// Observer: CPython's profile and trace hooks.
#include "python/observer.hpp"

#include <frameobject.h>  // PyFrame_GetBack and the frame itself, before 3.11

#include <new>

namespace fastad::python {

namespace {

const char* const capsule_name = "fastad.observer";

long last_instruction(PyFrameObject* frame) {
#if PY_VERSION_HEX >= 0x030B0000
    return PyFrame_GetLasti(frame);
#else
    return frame->f_lasti;
#endif
}

// Whether a function is one by which Python code warns, whoever calls it.
bool warns(PyObject* function) {
    static PyObject* const module = PyImport_ImportModule("_warnings");
    static PyObject* const warn = module ? PyObject_GetAttrString(module, "warn") : nullptr;
    return warn && PyCFunction_Check(function) && PyCFunction_Check(warn) &&
           reinterpret_cast<PyCFunctionObject*>(function)->m_ml ==
               reinterpret_cast<PyCFunctionObject*>(warn)->m_ml;
}

}  // namespace

std::atomic<int> Observer::running_count{0};
thread_local PyFrameObject* Observer::caller = nullptr;

void Observer::start() {
    PyThreadState* thread = PyThreadState_Get();
    outer_ = thread->c_profilefunc;
    outer_object_ = thread->c_profileobj;
    Py_XINCREF(outer_object_);
    token_ = PyCapsule_New(this, capsule_name, nullptr);
    if (!token_) throw std::bad_alloc();
    PyEval_SetProfile(notice, token_);
    running_ = true;
    ++running_count;
    if (!follows_) return;
    outer_trace_ = thread->c_tracefunc;
    outer_trace_object_ = thread->c_traceobj;
    Py_XINCREF(outer_trace_object_);
    PyEval_SetTrace(follow, token_);
}

void Observer::stop() {
    if (!running_) return;
    running_ = false;
    --running_count;
    if (follows_) {
        if (PyThreadState_Get()->c_traceobj == token_)
            PyEval_SetTrace(outer_trace_, outer_trace_object_);
        Py_CLEAR(outer_trace_object_);
    }
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
    for (const auto& entry : kinds_) Py_DECREF(entry.first);
    kinds_.clear();
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
            if (code == observer->last_ || observer->codes_.count(code)) {
                Py_DECREF(code);
                observer->last_ = code;
            } else {
                const int inherits = observer->inherits(frame);
                if (inherits == 0) {
                    observer->codes_.try_emplace(code, true);
                    observer->last_ = code;
                } else {
                    Py_DECREF(code);
                    if (inherits < 0) return -1;
                }
            }
        } else if (what == PyTrace_C_CALL) {
            const int inherits = observer->inherits(frame);
            if (inherits < 0) return -1;
            if (inherits == 0 || warns(arg)) observer->notice_call(frame, arg);
        }
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return -1;
    }
    if (observer->outer_) return observer->outer_(observer->outer_object_, frame, what, arg);
    return 0;
}

int Observer::classify(PyObject* code, Code& kind) {
    const auto known = kinds_.find(code);
    if (known != kinds_.end()) {
        kind = known->second;
        return 0;
    }
    PyObject* answer = PyObject_CallOneArg(passed_over_, code);
    if (!answer) return -1;
    const long number = PyLong_AsLong(answer);
    Py_DECREF(answer);
    if (PyErr_Occurred()) return -1;
    kind = static_cast<Code>(number & 3);
    if (kinds_.try_emplace(code, kind).second) Py_INCREF(code);
    return 0;
}

int Observer::matters(PyFrameObject* frame) {
    Code kind = Code::AsItsCaller;
    bool own = true;
    Py_INCREF(frame);
    while (frame) {
        auto* code = reinterpret_cast<PyObject*>(PyFrame_GetCode(frame));
        const int failed = classify(code, kind);
        Py_DECREF(code);
        const bool through = kind == Code::AsItsCaller || (kind == Code::Passed && !own);
        if (failed || !through) {
            Py_DECREF(frame);
            return failed ? -1 : kind == Code::Followed;
        }
        PyFrameObject* outer = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        if (outer && outer == caller) {
            Py_DECREF(outer);
            return 0;
        }
        frame = outer;
        own = false;
    }
    return 1;
}

// Whether a frame is passed over because of who called it.
int Observer::inherits(PyFrameObject* frame) {
    auto* code = reinterpret_cast<PyObject*>(PyFrame_GetCode(frame));
    Code kind = Code::Followed;
    const int failed = classify(code, kind);
    Py_DECREF(code);
    if (failed) return -1;
    if (kind != Code::AsItsCaller) return 0;
    const int found = matters(frame);
    return found < 0 ? -1 : !found;
}

// A frame begins: its instructions are followed unless it is passed over.
int Observer::enter(PyFrameObject* frame) {
    const int found = matters(frame);
    if (found < 0) return -1;
    auto* object = reinterpret_cast<PyObject*>(frame);
    if (PyObject_SetAttrString(object, "f_trace_lines", Py_False) < 0) return -1;
    return found ? PyObject_SetAttrString(object, "f_trace_opcodes", Py_True) : 0;
}

int Observer::follow(PyObject* self, PyFrameObject* frame, int what, PyObject*) {
    auto* observer = static_cast<Observer*>(PyCapsule_GetPointer(self, capsule_name));
    if (!observer) return -1;
    try {
        if (what == PyTrace_CALL) return observer->enter(frame);
        if (what == PyTrace_OPCODE) {
            auto* code = PyFrame_GetCode(frame);
            const auto place = reinterpret_cast<std::uintptr_t>(code) ^
                               static_cast<std::uintptr_t>(last_instruction(frame)) << 40;
            Py_DECREF(code);
            observer->way_ = (observer->way_ ^ place) * 0x9E3779B97F4A7C15u;
            observer->way_ ^= observer->way_ >> 29;
        }
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return -1;
    }
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
