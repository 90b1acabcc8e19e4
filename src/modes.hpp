// Modes that hold within a context of the program: debug modes, strict zeros.
//
// The host keeps them where its contexts are kept, so that they follow its tasks and threads. It is
// asked only while some mode is entered anywhere: an ordinary program reads one counter.
#pragma once

#include <atomic>

#include "host/debug.hpp"

namespace fastad {

struct Modes {
    static constexpr unsigned nans = 1;
    static constexpr unsigned infinities = 2;  // beside nans: they are looked for as well
    static constexpr unsigned mutation = 4;
    // A cotangent that is exactly zero contributes exactly zero in every adjoint, and the
    // derivative of sqrt at 0 is taken as 0: 0 * inf picks up no NaN from a branch that where() did
    // not take.
    static constexpr unsigned strict_zero = 8;
    // Tapes note the user's line of each operation, and how long it took.
    static constexpr unsigned places = 16;
    static constexpr unsigned debugging = nans | mutation | places;

    // Of those asked for, the ones that hold here.
    static unsigned here(unsigned asked) noexcept {
        return entered_.load(std::memory_order_relaxed) > 0 ? host::modes() & asked : 0;
    }
    // The host tells when a context takes modes on and when it leaves them.
    static void entered(unsigned modes) noexcept;
    static void left(unsigned modes) noexcept;

  private:
    static std::atomic<int> entered_;
};

// What keeps operations from the short ways: debug modes, in all contexts, and replaced rules.
extern std::atomic<int> detours;
inline bool detoured() noexcept { return detours.load(std::memory_order_relaxed) > 0; }

}  // namespace fastad
