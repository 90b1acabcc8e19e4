// The debug modes: where the first NaN or infinity arose, which array was changed between its use
// and the sweep, the lines of the user's program that did so, and how long each operation took.
//
// Nothing of this lies on the way of an ordinary program: one counter tells the gate and the sweep
// that a mode is on in some context.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "modes.hpp"
#include "ops/op.hpp"

namespace fastad {

class Tape;

// Of a value's elements: whether some are NaN, and whether some are infinite.
struct Special {
    bool nan = false;
    bool infinite = false;
    bool any() const noexcept { return nan || infinite; }
    Special& operator|=(Special other) noexcept {
        nan = nan || other.nan;
        infinite = infinite || other.infinite;
        return *this;
    }
};
Special special(const Value& value);

// A line of the user's program: code and instruction are the host's. `rule` is set where that
// line's operation is being differentiated.
struct Place {
    Value code;
    int instruction = -1;
    const void* frame = nullptr;  // which call of it; only compared
    const Op* rule = nullptr;
};

// While one of these lives, this thread evaluates the derivative of an operation: what that returns
// is checked, what it computes on its way is not (strict_zero lets it meet infinities).
class InRule {
  public:
    InRule(const Op& op, const Place& place);
    ~InRule();
    InRule(const InRule&) = delete;
    InRule& operator=(const InRule&) = delete;
    const Place& place() const noexcept { return place_; }
    // False while code of the user's runs within the rule: a checkpoint, a rule from Python.
    bool silent(const Place& now) const noexcept { return now.frame == frame_; }

  private:
    const InRule* outer_;
    Place place_;
    const void* frame_;
};

// Where the user's program stands.
Place here();
std::string text(const Place& place);

// Throw if a NaN or an infinity arose here: it is in the result, not in the operands.
void check_value(const Op& op, const Value* inner, std::size_t count, const Value& ans);
void check_tangent(const Op& op, const Value* inner, const Value* tangents, std::size_t count,
                   const Value& ans, const Value& tangent);

// What a tape remembers of its operations under a debug mode.
class Audit {
  public:
    using Clock = std::chrono::steady_clock;
    // From the operation before it, and in sweeps.
    struct Times {
        Clock::duration forward{};
        Clock::duration backward{};
    };
    // An operation was recorded: the entries from `first` to the tape's end.
    void recorded(Tape& tape, std::uint32_t first, const Op& op, const Value* inner,
                  const std::uint32_t* operands, std::size_t count, const Value& ans);
    // Throws if what the rule of this entry reads is not what it was when it was used.
    void verify(std::uint32_t entry) const;
    // An operand of this entry had the cotangent `before`, and has `after` by the entry's own, g.
    void check_cotangent(const Op& op, std::uint32_t entry, Special g, Special before,
                         Special after) const;
    // Throws where a sweep ends with NaN though none arose in it: it came from outside.
    void check_gradient(Special gradient) const;
    Place place(std::uint32_t entry) const;
    // One entry was swept.
    void swept(std::uint32_t entry, Clock::duration time);
    Times times(std::uint32_t entry) const;

  private:
    struct Origin {
        std::uint32_t first;  // the entries from here
        std::uint32_t end;    // up to here
        Place place;
        Special special;  // of operands and result: their derivatives may have the same
        Times times;
    };
    struct Watched {
        std::uint32_t entry;
        const Op* op;
        std::size_t argument;  // the operand's number; the count of operands for the result
        bool result;
        Value value;
        std::uint64_t fingerprint;
    };
    const Origin* origin(std::uint32_t entry) const noexcept;
    void watch(std::uint32_t entry, const Op& op, std::size_t argument, const Value& value,
               bool result);
    void watch_result(std::uint32_t entry, const Op& op, std::size_t count, const Value& ans);

    std::vector<Origin> origins_;
    std::vector<Watched> watched_;
    Clock::time_point last_ = Clock::now();  // the end of the operation before
    std::string entered_;                    // where the first NaN or infinity came in from outside
};

}  // namespace fastad
