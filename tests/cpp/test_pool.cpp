// The pool of large arrays' memory: what comes back is given out again, and what is idle is
// bounded.
#include <vector>

#include "check.hpp"
#include "memory/buffer.hpp"

namespace fastad::testing {

FASTAD_TEST(idle_memory_is_given_out_again_by_size) {
    buffer::trim();
    const std::size_t small = buffer::size_class(buffer::smallest);
    const std::size_t large = buffer::size_class(5 * buffer::smallest + 1);
    CHECK(large % 4096 == 0 && large > 5 * buffer::smallest);
    void* a = buffer::acquire(small);
    void* b = buffer::acquire(small);
    void* c = buffer::acquire(large);
    buffer::release(a, small);
    buffer::release(c, large);
    buffer::release(b, small);
    CHECK(buffer::idle_bytes() == 2 * small + large);
    CHECK(buffer::acquire(small) == b);  // the latest
    CHECK(buffer::acquire(large) == c);
    CHECK(buffer::acquire(small) == a);
    CHECK(buffer::idle_bytes() == 0);
    for (void* memory : {a, b}) buffer::release(memory, small);
    buffer::release(c, large);
    buffer::trim();
    CHECK(buffer::idle_bytes() == 0);
}

FASTAD_TEST(idle_memory_is_bounded_and_the_oldest_goes_first) {
    buffer::trim();
    const std::size_t eighth = buffer::most_idle / 8, half = buffer::most_idle / 2;
    std::vector<void*> blocks;
    for (int i = 0; i < 8; ++i) blocks.push_back(buffer::acquire(eighth));
    for (void* block : blocks) buffer::release(block, eighth);
    CHECK(buffer::idle_bytes() == buffer::most_idle);
    buffer::release(buffer::acquire(half), half);  // in place of the four oldest
    CHECK(buffer::idle_bytes() == buffer::most_idle);
    for (std::size_t i = 8; i-- > 4;) CHECK(buffer::acquire(eighth) == blocks[i]);
    CHECK(buffer::idle_bytes() == half);
    for (std::size_t i = 4; i < 8; ++i) buffer::release(blocks[i], eighth);
    void* whole = buffer::acquire(2 * buffer::most_idle);  // larger than the pool may be
    buffer::release(whole, 2 * buffer::most_idle);
    CHECK(buffer::idle_bytes() == buffer::most_idle);
    buffer::trim();
}

}  // namespace fastad::testing
