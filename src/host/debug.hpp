// What the core asks of its host for the debug modes, and for the prints of arrays.
#pragma once

#include <cstdint>
#include <string>

namespace fastad {

struct Place;
struct Special;
class Value;

namespace host {

// The modes that hold where the program stands (modes.hpp).
unsigned modes() noexcept;

// A number over some 64 elements spread over an array, all of them where they are few; over the
// arrays in a tuple, which is an index. 0 where there is nothing to look at.
std::uint64_t sample(const Value& raw) noexcept;

// A number over all elements of an array, another one where an element differs; what is NaN or
// infinite among them, in tuples too; where the user's program stands, and that line in words.
std::uint64_t fingerprint(const Value& raw);
Special special(const Value& raw);
Place here();
std::string text(const Place& place);

}  // namespace host
}  // namespace fastad
