// The constants of a recording: each once, and with what it held when it was used.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "host/programs.hpp"
#include "value.hpp"

namespace fastad::program {

// Numbers are told apart by their bits, objects by identity. What an array or a container holds may
// change after an operation has read it: a program then has a copy of what was read, and keeps the
// object itself where it still holds the same when all is recorded. Of a large array there is a
// checksum in the place of a copy.
class Constants {
  public:
    // The number, among all constants, of one that is used now.
    std::uint32_t number_of(const Value& value, std::vector<Value>& all);
    // Called when all is recorded. False: a large array changed after it was used.
    bool settle(std::vector<Value>& all);
    void clear() noexcept;

    struct Contents {
        Value copy;  // empty: the sums stand for it, if there are any
        host::Sums sums;
        bool summed = false;
        bool empty() const noexcept { return copy.empty() && !summed; }
    };
    // What a value holds now; empty for one that cannot change.
    static Contents contents_of(const Value& value);
    static bool holds(const Value& value, const Contents& contents);

  private:
    void keep(std::uint32_t number, const Value& value);
    void part(Value& value, Contents& contents);

    std::unordered_map<std::uint64_t, std::uint32_t> numbers_[3];  // by kind, then bits
    std::unordered_map<const Object*, std::uint32_t> objects_;
    std::unordered_map<std::uint32_t, Contents> contents_;  // of those that can change
    bool intact_ = true;
};

}  // namespace fastad::program
