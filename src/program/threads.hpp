// Threads that take parts of large groups.
#pragma once

#include <cstddef>
#include <functional>

namespace fastad::program {

// How many threads one replay may use, its own among them. At first FASTAD_NUM_THREADS, or one.
std::size_t threads() noexcept;
void set_threads(std::size_t count) noexcept;

// Calls work(part, memory) once for each part, in any order and on any of the threads, and returns
// when all are done; what one throws is thrown here. Each thread has `bytes` of memory of its own,
// this one `own`. Where other threads are busy with another replay, this one does it all.
void share(std::size_t parts, std::size_t bytes, char* own,
           const std::function<void(std::size_t part, char* memory)>& work);

}  // namespace fastad::program
