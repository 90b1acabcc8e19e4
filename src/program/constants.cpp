#include "program/constants.hpp"

#include <cstring>

namespace fastad::program {

std::uint32_t Constants::number_of(const Value& value, std::vector<Value>& all) {
    const auto next = static_cast<std::uint32_t>(all.size());
    if (value.is_number()) {
        std::uint64_t bits;
        const double number = value.number();
        std::memcpy(&bits, &number, sizeof bits);
        const auto kind = static_cast<std::size_t>(value.kind()) - 1;
        const auto [found, added] = numbers_[kind].try_emplace(bits, next);
        if (added) all.push_back(value);
        return found->second;
    }
    const auto [found, added] = objects_.try_emplace(value.object(), next);
    if (!added) {
        const auto known = contents_.find(found->second);
        if (known == contents_.end() || holds(value, known->second)) return found->second;
        all.push_back(value);
        part(all[found->second], known->second);
        contents_.erase(known);
        found->second = next;
    } else {
        all.push_back(value);
    }
    keep(next, value);
    return next;
}

bool Constants::settle(std::vector<Value>& all) {
    for (auto& [number, contents] : contents_)
        if (!holds(all[number], contents)) part(all[number], contents);
    contents_.clear();
    return intact_;
}

void Constants::clear() noexcept {
    for (auto& numbers : numbers_) numbers.clear();
    objects_.clear();
    contents_.clear();
    intact_ = true;
}

Constants::Contents Constants::contents_of(const Value& value) {
    Contents contents;
    contents.summed = host::sums_of(value, contents.sums);
    if (!contents.summed) contents.copy = host::deep_copy(value);
    return contents;
}

void Constants::keep(std::uint32_t number, const Value& value) {
    Contents contents = contents_of(value);
    if (!contents.empty()) contents_.emplace(number, std::move(contents));
}

bool Constants::holds(const Value& value, const Contents& contents) {
    if (!contents.copy.empty()) return host::same_constant(contents.copy, value);
    host::Sums sums;
    return host::sums_of(value, sums) && sums == contents.sums;
}

// From now on a constant of its own, as it was.
void Constants::part(Value& value, Contents& contents) {
    if (contents.copy.empty())
        intact_ = false;
    else
        value = std::move(contents.copy);
}

}  // namespace fastad::program
