// Recycled memory for large arrays: first touch of fresh pages costs more than most operations.
#pragma once

#include <cstddef>
#include <new>

namespace fastad::buffer {

// From this size on an array's memory comes from the pool; below it the host's own allocator is as
// good. Above it that gives memory back to the system between operations, page by page.
inline constexpr std::size_t smallest = std::size_t{4} << 10;
// Idle memory that the pool keeps at most.
inline constexpr std::size_t most_idle = std::size_t{256} << 20;

// The size that is really reserved for a request: whole pages. Programs ask for the same few sizes
// again and again, so that coarser classes would only waste memory.
std::size_t size_class(std::size_t bytes) noexcept;
// Uninitialised, aligned to 64 bytes; null if there is no memory. Callers hold the host's lock.
void* acquire(std::size_t class_bytes) noexcept;
void release(void* memory, std::size_t class_bytes) noexcept;
// Gives all idle memory back to the system, that of the C library as well where it can be told to.
void trim() noexcept;
std::size_t idle_bytes() noexcept;

// For lists that grow long and are dropped again and again: their memory, too, comes from the pool.
template <class T>
struct Allocator {
    using value_type = T;
    Allocator() = default;
    template <class Other>
    Allocator(const Allocator<Other>&) noexcept {}
    T* allocate(std::size_t count) {
        const std::size_t bytes = count * sizeof(T);
        void* memory = bytes < smallest ? ::operator new(bytes) : acquire(size_class(bytes));
        if (!memory) throw std::bad_alloc();
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t count) noexcept {
        const std::size_t bytes = count * sizeof(T);
        if (bytes < smallest)
            ::operator delete(memory);
        else
            release(memory, size_class(bytes));
    }
    friend bool operator==(const Allocator&, const Allocator&) noexcept { return true; }
};

}  // namespace fastad::buffer
