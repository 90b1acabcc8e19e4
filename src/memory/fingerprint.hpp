// What tells the bytes of an array from others, where keeping a copy would take too much memory.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace fastad {

struct Fingerprint {
    std::uint64_t first = 0, second = 0;
    bool operator==(const Fingerprint&) const = default;
};

// Four lanes, each a bijection of the word that it takes in: a change of one word changes its lane
// for certain, others go unnoticed once in 2^64.
inline Fingerprint fingerprint(const void* data, std::size_t bytes) noexcept {
    constexpr std::uint64_t odd[4] = {0x9E3779B97F4A7C15u, 0xD6E8FEB86659FD93u, 0xA0761D6478BD642Fu,
                                      0xE7037ED1A0B428DBu};
    constexpr std::size_t block = 4 * sizeof(std::uint64_t);
    std::uint64_t lanes[4] = {odd[1], odd[2], odd[3], odd[0]};
    const auto take = [&](const std::uint64_t* words) {
        for (int k = 0; k < 4; ++k) lanes[k] = std::rotl((lanes[k] ^ words[k]) * odd[k], 29);
    };
    const auto* from = static_cast<const char*>(data);
    std::uint64_t words[4];
    for (; bytes >= block; from += block, bytes -= block) {
        std::memcpy(words, from, block);
        take(words);
    }
    std::memset(words, 0, block);
    std::memcpy(words, from, bytes);
    take(words);
    Fingerprint result{bytes, ~std::uint64_t{bytes}};
    for (int k = 0; k < 4; ++k) {
        result.first = std::rotl((result.first ^ lanes[k]) * odd[0], 31);
        result.second = std::rotl((result.second + lanes[3 - k]) * odd[2], 27);
    }
    return result;
}

}  // namespace fastad
