// Sorting with places. A number is a whole one of the same order, of which the 32 bits that tell
// most of a line's numbers apart are sorted digit by digit together with the places, in one word;
// runs of numbers that they do not tell apart are sorted by all of their bits.
#include "kernels/sorting.hpp"

#include <algorithm>
#include <bit>
#include <type_traits>

namespace fastad::sorting {

namespace {

template <class T>
using Key = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

// A whole number of the same order, and back to none: NaN and -0.0 are looked for beside it.
template <class T>
Key<T> key_of(T number) noexcept {
    constexpr Key<T> sign = Key<T>{1} << (8 * sizeof(T) - 1);
    const auto bits = std::bit_cast<Key<T>>(number);
    const Key<T> negative = static_cast<Key<T>>(-static_cast<Key<T>>(bits >> (8 * sizeof(T) - 1)));
    return bits ^ (negative | sign);
}

// So short that shifting elements one by one is soonest.
constexpr std::size_t few = 24;
// From this length on wider digits pay, of which there are fewer.
constexpr std::size_t many = 4096;

// With its elements behind one another, or with a stride.
template <class T, bool dense>
struct Line {
    const T* x;
    std::size_t length, stride;
    T at(std::size_t i) const noexcept { return dense ? x[i] : x[i * stride]; }
};

template <class T, bool dense>
bool order_few(const Line<T, dense>& line, std::uint32_t* order) noexcept {
    Key<T> keys[few];
    constexpr Key<T> minus_zero = Key<T>{1} << (8 * sizeof(T) - 1);
    bool usual = true;
    for (std::size_t i = 0; i < line.length; ++i) {
        const T number = line.at(i);
        usual &= number == number && std::bit_cast<Key<T>>(number) != minus_zero;
        const Key<T> key = key_of(number);
        std::size_t place = i;
        for (; place > 0 && keys[place - 1] > key; --place) {
            keys[place] = keys[place - 1];
            order[place] = order[place - 1];
        }
        keys[place] = key;
        order[place] = static_cast<std::uint32_t>(i);
    }
    return usual;
}

// Sorts words by 32 bits in their upper half, digit by digit from the lowest; the result lies where
// it is returned. Each word is made once, by its number.
template <unsigned bits, class Word>
std::uint64_t* by_digits(const Word& word_of, std::uint64_t* words, std::uint64_t* room,
                         std::size_t length) noexcept {
    constexpr unsigned digits = (32 + bits - 1) / bits;
    constexpr std::size_t values = std::size_t{1} << bits;
    std::uint32_t counts[digits][values] = {};
    for (std::size_t i = 0; i < length; ++i) {
        const std::uint64_t word = words[i] = word_of(i);
        for (unsigned d = 0; d < digits; ++d) ++counts[d][word >> (32 + d * bits) & (values - 1)];
    }
    for (unsigned d = 0; d < digits; ++d) {
        std::uint32_t* own = counts[d];
        const unsigned shift = 32 + d * bits;
        if (own[words[0] >> shift & (values - 1)] == length) continue;  // all alike in this digit
        std::uint32_t before = 0;
        for (std::size_t v = 0; v < values; ++v) {
            const std::uint32_t here = own[v];
            own[v] = before;
            before += here;
        }
        for (std::size_t i = 0; i < length; ++i)
            room[own[words[i] >> shift & (values - 1)]++] = words[i];
        std::swap(words, room);
    }
    return words;
}

template <class T, bool dense>
bool order_many(const Line<T, dense>& line, std::uint64_t* words,
                const std::uint64_t*& sorted) noexcept {
    constexpr Key<T> minus_zero = Key<T>{1} << (8 * sizeof(T) - 1);
    Key<T> least = ~Key<T>{0}, most = 0;
    bool usual = true;
    for (std::size_t i = 0; i < line.length; ++i) {
        const T number = line.at(i);
        usual &= number == number && std::bit_cast<Key<T>>(number) != minus_zero;
        const Key<T> key = key_of(number);
        least = std::min(least, key);
        most = std::max(most, key);
    }
    if (!usual) return false;
    const auto width = static_cast<int>(std::bit_width(static_cast<Key<T>>(least ^ most)));
    const int dropped = std::max(width - 32, 0);
    auto word_of = [&line, dropped](std::size_t i) {
        const auto key = static_cast<std::uint32_t>(key_of(line.at(i)) >> dropped);
        return std::uint64_t{key} << 32 | i;
    };
    std::uint64_t* room = words + line.length;
    std::uint64_t* done = line.length < many ? by_digits<8>(word_of, words, room, line.length)
                                             : by_digits<11>(word_of, words, room, line.length);
    sorted = done;
    if (dropped == 0) return true;
    auto place = [](std::uint64_t word) { return static_cast<std::uint32_t>(word); };
    auto key = [&](std::uint64_t word) { return key_of(line.at(place(word))); };
    for (std::size_t i = 1; i < line.length; ++i) {
        if (done[i] >> 32 != done[i - 1] >> 32) continue;
        const std::size_t first = i - 1;
        while (i < line.length && done[i] >> 32 == done[first] >> 32) ++i;
        // Stably, by hand where there are few: the library's own takes memory.
        auto less = [&](std::uint64_t one, std::uint64_t other) {
            const Key<T> a = key(one), b = key(other);
            return a < b || (a == b && place(one) < place(other));
        };
        std::sort(done + first, done + i, less);
    }
    return true;
}

}  // namespace

std::size_t words_for(std::size_t length) noexcept { return length > few ? 2 * length : 0; }

namespace {

template <class T, bool dense>
bool order_each(const T* x, std::size_t outer, std::size_t length, std::size_t inner,
                std::int64_t* places, std::uint64_t* words) {
    for (std::size_t o = 0; o < outer; ++o)
        for (std::size_t k = 0; k < inner; ++k) {
            const std::size_t start = o * length * inner + k;
            const Line<T, dense> line{x + start, length, inner};
            auto put = [&](std::size_t i, std::uint32_t from) {
                const std::size_t step = dense ? 1 : inner;
                places[start + i * step] = static_cast<std::int64_t>(start + from * step);
            };
            if (length <= few) {
                std::uint32_t order[few];
                if (!order_few(line, order)) return false;
                for (std::size_t i = 0; i < length; ++i) put(i, order[i]);
                continue;
            }
            const std::uint64_t* sorted;
            if (!order_many(line, words, sorted)) return false;
            for (std::size_t i = 0; i < length; ++i) put(i, static_cast<std::uint32_t>(sorted[i]));
        }
    return true;
}

}  // namespace

template <class T>
bool order_lines(const T* x, std::size_t outer, std::size_t length, std::size_t inner,
                 std::int64_t* places, std::uint64_t* words) {
    if (length > ~std::uint32_t{0}) return false;
    return inner == 1 ? order_each<T, true>(x, outer, length, inner, places, words)
                      : order_each<T, false>(x, outer, length, inner, places, words);
}

template bool order_lines(const double*, std::size_t, std::size_t, std::size_t, std::int64_t*,
                          std::uint64_t*);
template bool order_lines(const float*, std::size_t, std::size_t, std::size_t, std::int64_t*,
                          std::uint64_t*);

}  // namespace fastad::sorting
