// The pool behind buffer.hpp: idle blocks in the order in which they came back.
#include "memory/buffer.hpp"

#include <cstdlib>
#include <new>
#include <vector>

#if defined(_WIN32)
#include <malloc.h>
#endif

namespace fastad::buffer {
namespace {

struct Block {
    void* memory;
    std::size_t bytes;
};

// Leaked on purpose: arrays may outlive static destruction.
std::vector<Block>& idle() {
    static auto* blocks = new std::vector<Block>;
    return *blocks;
}
std::size_t idle_total = 0;

#if defined(_WIN32)  // Microsoft's library has no aligned_alloc
void* allocate(std::size_t bytes) noexcept { return _aligned_malloc(bytes, 64); }
void deallocate(void* memory) noexcept { _aligned_free(memory); }
#else
void* allocate(std::size_t bytes) noexcept { return std::aligned_alloc(64, bytes); }
void deallocate(void* memory) noexcept { std::free(memory); }
#endif

void drop(std::size_t place) noexcept {
    std::vector<Block>& blocks = idle();
    idle_total -= blocks[place].bytes;
    deallocate(blocks[place].memory);
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(place));
}

}  // namespace

std::size_t size_class(std::size_t bytes) noexcept {
    constexpr std::size_t page = 4096;
    return (bytes + page - 1) / page * page;
}

void* acquire(std::size_t class_bytes) noexcept {
    std::vector<Block>& blocks = idle();
    for (std::size_t i = blocks.size(); i-- > 0;)  // the latest is the likeliest to be in a cache
        if (blocks[i].bytes == class_bytes) {
            void* memory = blocks[i].memory;
            idle_total -= class_bytes;
            blocks[i] = blocks.back();
            blocks.pop_back();
            return memory;
        }
    return allocate(class_bytes);
}

void release(void* memory, std::size_t class_bytes) noexcept {
    std::vector<Block>& blocks = idle();
    if (class_bytes > most_idle) return deallocate(memory);
    while (idle_total + class_bytes > most_idle) drop(0);
    try {
        blocks.push_back({memory, class_bytes});
        idle_total += class_bytes;
    } catch (const std::bad_alloc&) {
        deallocate(memory);
    }
}

void trim() noexcept {
    while (!idle().empty()) drop(idle().size() - 1);
}

std::size_t idle_bytes() noexcept { return idle_total; }

}  // namespace fastad::buffer
