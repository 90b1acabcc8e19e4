// The order of numbers along an axis: where each of the sorted ones lies.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastad::sorting {

// Memory that order_lines() works in, for lines of this length: so many 64-bit words.
std::size_t words_for(std::size_t length) noexcept;

// Writes, for each of `outer` times `inner` lines of x, where its elements lie in rising order, as
// places in the whole array; equal ones keep their order. The lines' elements are `inner` apart.
// False, and places without meaning, where numbers that compare as equal differ in their bits or
// compare as nothing (NaN, -0.0): then the order alone does not say what a sort returns.
template <class T>
bool order_lines(const T* x, std::size_t outer, std::size_t length, std::size_t inner,
                 std::int64_t* places, std::uint64_t* words);

}  // namespace fastad::sorting
