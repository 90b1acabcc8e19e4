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

}  // namespace fastad::program
