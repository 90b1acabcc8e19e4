// The programs of one signature: a tree by guards.
#pragma once

#include <atomic>
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
    // there. `run(program)` runs one of them.
    template <class Run>
    int run(Run&& run) {
        LateLock lock(mutex_);
        if (programs_.empty()) return Program::doubtful;
        std::size_t at = last_ < programs_.size() ? last_ : 0;
        for (std::size_t tries = 0; tries < programs_.size(); ++tries) {
            const Program& program = program_at(at);
            lock.unlock();
            const int outcome = run(program);
            lock.lock();
            if (outcome < 0) {
                if (outcome == Program::complete) last_ = at;
                return outcome;
            }
            if (!turn(at, outcome)) return outcome;
        }
        return static_cast<int>(failed_guard_);
    }
    // Whether the program that is tried first is one of numbers.
    bool of_numbers() const {
        const Lock lock(mutex_);
        return !programs_.empty() && program_at(last_ < programs_.size() ? last_ : 0).of_numbers();
    }
    // Whether a run of one of the programs may let other code run meanwhile.
    bool lets_others() const noexcept { return lets_others_.load(std::memory_order_relaxed); }
    // Gives back what programs keep to run in; true if that was much.
    bool rest() const;
    // The guard that no path agreed with last, and where guards stand; null: none.
    const program::Guard* failed(const std::vector<std::string>** places) const;

  private:
    const Program& program_at(std::size_t at) const {
        return *reinterpret_cast<ProgramObject*>(programs_[at])->program;
    }
    // After a guard failed: another program to try; false if there is none.
    bool turn(std::size_t& at, int guard);
    std::size_t branch(std::size_t from, std::size_t guard) const;

    mutable Mutex mutex_;
    std::vector<PyObject*> programs_;
    std::atomic<bool> lets_others_ = false;
    std::size_t last_ = 0;
    std::size_t failed_program_ = static_cast<std::size_t>(-1), failed_guard_ = 0;
};

Paths* paths_of(PyObject* object);  // null if it has none

}  // namespace fastad::python
