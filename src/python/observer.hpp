// Observer: which code ran in this thread, which C functions it called, and which way it took.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>

namespace fastad::python {

// Installed as the thread's profile function; one that was there is called as well.
class Observer {
  public:
    // `passed_over`, a function of a code object, says what its inside matters: a Code's number.
    // With `follows`, every instruction of what matters enters `way`.
    Observer(PyObject* passed_over, bool follows) noexcept
        : passed_over_(passed_over), follows_(follows) {}
    ~Observer() { clear(); }
    void start();
    void stop();
    void clear() noexcept;
    // True while some thread is observed.
    static bool any_runs() noexcept { return running_count.load(std::memory_order_relaxed) > 0; }
    // While an operation's function runs, for the frame that called it: what the function calls of
    // the libraries, it vouches for.
    class Hosting {
      public:
        Hosting() noexcept : outer_(caller) {
            if (any_runs()) caller = PyEval_GetFrame();
        }
        ~Hosting() { caller = outer_; }
        Hosting(const Hosting&) = delete;
        Hosting& operator=(const Hosting&) = delete;

      private:
        PyFrameObject* outer_;
    };
    // A list of the code objects that ran.
    PyObject* codes() const;
    // A number that two runs share if they ran the same instructions in the same order.
    std::uint64_t way() const noexcept { return way_; }
    // A list of (function, code that called it, line), one for each function and caller.
    PyObject* calls() const;

  private:
    static std::atomic<int> running_count;
    static thread_local PyFrameObject* caller;  // borrowed, only compared
    static int notice(PyObject* self, PyFrameObject* frame, int what, PyObject* arg);
    static int follow(PyObject* self, PyFrameObject* frame, int what, PyObject* arg);
    int enter(PyFrameObject* frame);
    // Whether the inside of a frame matters: 1, 0, or -1 with an exception.
    int matters(PyFrameObject* frame);
    int inherits(PyFrameObject* frame);
    enum class Code : std::uint8_t {
        Followed,     // its inside matters
        Passed,       // it does not
        Vouches,      // nor does that of AsItsCaller that it calls
        AsItsCaller,  // it matters unless what called it, perhaps through Passed, vouches
    };
    int classify(PyObject* code, Code& kind);
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
    PyObject* passed_over_;  // borrowed
    bool follows_;
    std::unordered_map<PyObject*, Code> kinds_;
    std::uint64_t way_ = 0;
    Py_tracefunc outer_trace_ = nullptr;
    PyObject* outer_trace_object_ = nullptr;
};

}  // namespace fastad::python
