// The programs of one signature: a tree by guards.
#pragma once

#include <vector>

#include "lock.hpp"
#include "python/programs.hpp"

namespace fastad::python {

class Paths {
  public:
    ~Paths();
    void add(PyObject* program);
    // As many as there are now; none is ever taken away.
    std::vector<PyObject*> programs() const;

    // As Program::run(), along the path that agrees with what is known: programs are tried in
    // turn, each time one that has the same answers before the guard that failed, and another
    // there.
    int run(PyObject* const* inputs, std::vector<PyObject*>& outputs, PyObject* const* places,
            bool agreed);
    // Gives back what programs keep to run in; true if that was much.
    bool rest() const;
    // The guard that no path agreed with last, and where guards stand; null: none.
    const program::Guard* failed(const std::vector<std::string>** places) const;

  private:
    std::size_t branch(std::size_t from, std::size_t guard) const;

    mutable Mutex mutex_;
    std::vector<PyObject*> programs_;
    std::size_t last_ = 0;
    std::size_t failed_program_ = static_cast<std::size_t>(-1), failed_guard_ = 0;
};

Paths* paths_of(PyObject* object);  // null if it has none

}  // namespace fastad::python
