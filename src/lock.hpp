// Locks for what threads share. Where the host runs one thread at a time they are nothing: what
// they guard calls no code of the host's that would let another thread run.
#pragma once

#include <mutex>

namespace fastad {

#if defined(FASTAD_FREE_THREADED)
inline constexpr bool free_threaded = true;
using Mutex = std::recursive_mutex;
#else
inline constexpr bool free_threaded = false;
struct Mutex {
    void lock() noexcept {}
    void unlock() noexcept {}
};
#endif
using Lock = std::lock_guard<Mutex>;
using LateLock = std::unique_lock<Mutex>;  // for what calls the host in between

}  // namespace fastad
