// How prints are taken and compared.
#include "reverse/prints.hpp"

#include <algorithm>

#include "host/debug.hpp"
#include "level.hpp"

namespace fastad {

namespace {

// Of the plain value; 0 where there is nothing to look at.
std::uint64_t sample(const Value& value) {
    const Value& raw = innermost(value);
    return raw.is_object() ? host::sample(raw) : 0;
}

}  // namespace

std::string changed_text(const Op& op, bool result, std::size_t argument,
                         const std::string& where) {
    // The recorded core of a function has its name with an underscore, and arguments of its own.
    const bool core = op.name.size() > 1 && op.name[0] == '_';
    const std::string name = core ? op.name.substr(1) : op.name;
    const std::string what =
        result ? "the result of " + name
        : core ? "an array that was an argument of " + name
               : "the array that was argument " + std::to_string(argument) + " of " + name;
    return what + (where.empty() ? "" : " at " + where) +
           " was changed afterwards, and its derivative needs what was in it; use a copy there "
           "(x.copy()), or write into the array only after the gradient" +
           (where.empty() ? " (within fastad.debug_mutation() this message names the line)" : "");
}

void Prints::add(std::uint32_t place, std::uint32_t argument, const Value& value, bool held) {
    const std::uint64_t own = sample(value);
    if (own != 0)
        prints_.push_back({place, argument, held ? Value(innermost(value)) : Value(), own});
}

void Prints::insert(std::uint32_t place, std::uint32_t argument, const Value& value) {
    const auto before = [](const Print& one, std::uint32_t wanted) { return one.place < wanted; };
    const auto at = std::lower_bound(prints_.begin(), prints_.end(), place, before);
    if (at != prints_.end() && at->place == place) return;
    const std::uint64_t own = sample(value);
    if (own != 0) prints_.insert(at, {place, argument, Value(), own});
}

void Prints::compare(const Op& op, Value* kept, std::uint32_t first, std::uint32_t last,
                     Cursor& cursor, bool consume) {
    while (cursor.left > 0 && prints_[cursor.left - 1].place >= first) {
        Print& print = prints_[--cursor.left];
        if (print.place > last) continue;  // of an entry that no cotangent has reached
        const Value& raw = innermost(print.held.empty() ? kept[print.place] : print.held);
        if (!raw.is_object() || raw.object() != cursor.seen) {
            cursor.sample = raw.is_object() ? host::sample(raw) : 0;
            cursor.seen = raw.is_object() ? raw.object() : nullptr;
        }
        if (cursor.sample != print.sample)
            throw Error(Error::Class::Runtime,
                        changed_text(op, print.argument == result, print.argument, ""));
        if (consume && !print.held.empty()) print.held = Value();
    }
}

void Prints::clear() noexcept {
    // Releasing arrays may run code of the host's that opens tapes.
    std::vector<Print> prints;
    prints.swap(prints_);
    prints.clear();
    if (prints.capacity() <= (1u << 14)) prints_.swap(prints);
}

}  // namespace fastad
