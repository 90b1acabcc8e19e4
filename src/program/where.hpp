// Where values lie.
#pragma once

#include <cstdint>

#include "ops/op.hpp"

namespace fastad::program {

// Where a value lies while the program runs.
struct Where {
    enum class Kind : std::uint8_t { Nowhere, Slot, Memory, Object };
    Kind kind = Kind::Nowhere;
    bool contiguous = true;     // Memory: C order without gaps
    std::uint32_t index = 0;    // slot, buffer, or object
    std::uint32_t strides = 0;  // Memory: the first in Plan::strides
    Extent offset = 0;          // Memory: bytes from the buffer's start
};

// Where something begins, in few bytes. While the plan is made the base is a buffer's number and
// those before it; then what buffers of the arena had is in the offset.
class Address {
  public:
    static constexpr std::uint32_t arena = 0, slots = 1, first_buffer = 2, most = (1u << 24) - 1;

    Address() noexcept = default;
    Address(std::uint32_t base, Extent offset) noexcept
        : bits_(static_cast<std::uint64_t>(offset) << 24 | base) {}
    std::uint32_t base() const noexcept { return static_cast<std::uint32_t>(bits_ & most); }
    Extent offset() const noexcept { return static_cast<std::int64_t>(bits_) >> 24; }
    std::uint64_t bits() const noexcept { return bits_; }
    Address moved(Extent by) const noexcept { return {base(), offset() + by}; }

  private:
    std::uint64_t bits_ = 0;
};

}  // namespace fastad::program
