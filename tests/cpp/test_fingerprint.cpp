// Fingerprints of arrays: one bit, a swap and the length are seen.
#include "check.hpp"
#include "memory/fingerprint.hpp"

#include <utility>
#include <vector>

namespace fastad::testing {

FASTAD_TEST(fingerprints_tell_bits_places_and_lengths) {
    for (const std::size_t size : {1u, 7u, 8u, 31u, 32u, 33u, 64u, 1000u}) {
        std::vector<unsigned char> bytes(size);
        for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(i * 37 + 11);
        const Fingerprint own = fingerprint(bytes.data(), size);
        CHECK(own == fingerprint(bytes.data(), size));
        for (std::size_t i = 0; i < size; ++i)
            for (int bit = 0; bit < 8; ++bit) {
                bytes[i] = static_cast<unsigned char>(bytes[i] ^ (1 << bit));
                CHECK(!(own == fingerprint(bytes.data(), size)));
                bytes[i] = static_cast<unsigned char>(bytes[i] ^ (1 << bit));
            }
        for (std::size_t i = 0; i + 1 < size; ++i) {
            if (bytes[i] == bytes[i + 1]) continue;
            std::swap(bytes[i], bytes[i + 1]);
            CHECK(!(own == fingerprint(bytes.data(), size)));
            std::swap(bytes[i], bytes[i + 1]);
        }
        std::vector<unsigned char> longer = bytes;
        longer.push_back(0);
        CHECK(!(own == fingerprint(longer.data(), longer.size())));
    }
}

}  // namespace fastad::testing
