// Observer: which code ran in this thread, and which C functions it called.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <functional>
#include <unordered_map>
#include <utility>

namespace fastad::python {

// Installed as the thread's profile function; one that was there is called as well.
class Observer {
  public:
    ~Observer() { clear(); }
    void start();
    void stop();
    void clear() noexcept;
    // A list of the code objects that ran.
    PyObject* codes() const;
    // A list of (function, code that called it, line), one for each function and caller.
    PyObject* calls() const;

  private:
    static int notice(PyObject* self, PyFrameObject* frame, int what, PyObject* arg);
    void notice_call(PyFrameObject* frame, PyObject* function);

    struct Call {
        PyObject* function;
        PyObject* caller;
        int line;
    };
    using Place = std::pair<const void*, const void*>;
    struct Hash {
        std::size_t operator()(const Place& place) const noexcept {
            return std::hash<const void*>()(place.first) * 31 +
                   std::hash<const void*>()(place.second);
        }
    };
    std::unordered_map<PyObject*, bool> codes_;
    std::unordered_map<Place, Call, Hash> calls_;
    PyObject* last_ = nullptr;
    PyObject* token_ = nullptr;
    Py_tracefunc outer_ = nullptr;
    PyObject* outer_object_ = nullptr;
    bool running_ = false;
};

}  // namespace fastad::python
