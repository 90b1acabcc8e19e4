// The pool behind buffer.hpp: idle blocks by their size, and in the order in which they came back.
#include "memory/buffer.hpp"

#include <cstdlib>
#include <new>
#include <unordered_map>

#include "lock.hpp"

#if defined(_WIN32) || defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace fastad::buffer {
namespace {

// Written into an idle block itself.
struct Idle {
    std::size_t bytes;
    Idle* older;  // among all idle blocks
    Idle* newer;
    Idle* below;  // among those of the same size
    Idle* above;
};
static_assert(sizeof(Idle) <= smallest);

// From here on an array may lie in pages of 2 MB: as NumPy asks for its own.
[[maybe_unused]] constexpr std::size_t huge = std::size_t{4} << 20, huge_page = huge / 2;

#if defined(_WIN32)  // Microsoft's library has no aligned_alloc
void* allocate(std::size_t bytes) noexcept { return _aligned_malloc(bytes, 64); }
void deallocate(void* memory) noexcept { _aligned_free(memory); }
#else
// aligned_alloc would ask for multiples of the alignment.
void* aligned(std::size_t alignment, std::size_t bytes) noexcept {
    void* memory = nullptr;
    return ::posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
}
void* allocate(std::size_t bytes) noexcept {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (bytes >= huge) {
        void* memory = aligned(huge_page, bytes);
        if (memory) ::madvise(memory, bytes, MADV_HUGEPAGE);  // a wish: as well without
        return memory;
    }
#endif
    return aligned(64, bytes);
}
void deallocate(void* memory) noexcept { std::free(memory); }
#endif

struct Pool {
    std::unordered_map<std::size_t, Idle*> latest;  // of each size; kept when there is none left
    Idle* oldest = nullptr;
    Idle* newest = nullptr;
    std::size_t total = 0;
    Mutex mutex;

    void take(Idle* block, Idle** top) noexcept {
        (block->older ? block->older->newer : oldest) = block->newer;
        (block->newer ? block->newer->older : newest) = block->older;
        if (block->below) block->below->above = block->above;
        (block->above ? block->above->below : *top) = block->below;
        total -= block->bytes;
    }
    void drop_oldest() noexcept {
        Idle* block = oldest;
        take(block, &latest.find(block->bytes)->second);
        deallocate(block);
    }
};

// Leaked on purpose: arrays may outlive static destruction.
Pool& pool() {
    static auto* own = new Pool;
    return *own;
}

}  // namespace

std::size_t size_class(std::size_t bytes) noexcept {
    constexpr std::size_t page = 4096;
    return (bytes + page - 1) / page * page;
}

void* acquire(std::size_t class_bytes) noexcept {
    Pool& own = pool();
    const Lock lock(own.mutex);
    const auto found = own.latest.find(class_bytes);
    if (found != own.latest.end() && found->second) {
        Idle* block = found->second;  // the latest is the likeliest to be in a cache
        own.take(block, &found->second);
        return block;
    }
    return allocate(class_bytes);
}

void release(void* memory, std::size_t class_bytes) noexcept {
    Pool& own = pool();
    if (class_bytes > most_idle) return deallocate(memory);
    const Lock lock(own.mutex);
    while (own.total + class_bytes > most_idle) own.drop_oldest();
    try {
        Idle*& top = own.latest[class_bytes];
        auto* block = new (memory) Idle{class_bytes, own.newest, nullptr, top, nullptr};
        if (top) top->above = block;
        (own.newest ? own.newest->newer : own.oldest) = block;
        own.newest = top = block;
        own.total += class_bytes;
    } catch (const std::bad_alloc&) {
        deallocate(memory);
    }
}

void trim() noexcept {
    const Lock lock(pool().mutex);
    while (pool().oldest) pool().drop_oldest();
#if defined(__GLIBC__)
    ::malloc_trim(0);  // small arrays come from there
#endif
}

std::size_t idle_bytes() noexcept {
    const Lock lock(pool().mutex);
    return pool().total;
}

}  // namespace fastad::buffer
