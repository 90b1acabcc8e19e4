// The interface of a level: what it does with one application of an operation, which operations it
// sees, and what it means to it that Python reads a plain value. A new kind of level is one class.
#pragma once

#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

#include "lock.hpp"
#include "ops/op.hpp"
#include "value.hpp"

namespace fastad {

class Tape;

// One application of an operation, as the level of its highest operand meets it.
struct Applied {
    const Op& op;
    const Value* values;  // the operands; those of this level are boxes of this serial
    const Value* inner;   // the same one level down
    std::size_t count;
    Object* kwnames;       // the host's names of the last operands, or null
    std::uint64_t serial;  // the level's when it was applied
    Form form;

    bool own(std::size_t i) const noexcept {
        return values[i].is_box() && values[i].traced().serial == serial;
    }
    // Of this level, and not an index, a condition or another argument of derivative zero.
    bool differentiable(std::size_t i) const noexcept { return own(i) && !op.discrete(i); }
};

// Why a plain value is wanted of a box.
enum class Read : std::uint8_t {
    Truth,     // bool(x): a branch
    Index,     // a position
    Int,       // the four conversions to what no level can trace
    Float,     //
    Complex,   //
    Array,     //
    Integers,  // a plain array of integers, whose derivative is zero
    Floor,     // a number as Python's int, in four ways
    Ceil,      //
    Round,     //
    Trunc,     //
    Text,      // printing
    Hash,      // a key of a dict
    Layout,    // who owns an array's memory
    Rule,      // a rule or a composite takes it as a constant
    User       // fastad.getval
};

// A plain value was wanted that must not be had. The host knows who asked for it, and may say so.
struct Refusal : Error {
    explicit Refusal(Read why);
    Read why;
};

// Serial numbers come from one atomic counter, so that levels nest rightly across threads and
// nothing has to be unwound after an exception. A level's storage is recycled but never freed: a
// box whose serial no longer equals its level's has outlived its trace, and says so.
class Level {
  public:
    // What becomes of the result, computed one level down: recorded and boxed, or as it is.
    virtual Value record(const Applied& applied, Value ans) = 0;
    // Whether this operation is recorded here. Where not, it passes to the level below: those of
    // derivative zero and tests do so on levels that differentiate.
    virtual bool sees(const Op& op) {
        return op.kind() != OpKind::Zero && op.kind() != OpKind::Test;
    }
    // Called between that and its value, of an operation that may have effects, with the operands
    // one level down.
    virtual void before(const Op&, const Value*, std::size_t) {}
    // An operation of kind Term, whose boxes are all of this level, as one record; empty where the
    // rule's operations are to be recorded.
    virtual Value term(const Op&, const Value*) { return {}; }
    // Adds a box of this level to another that nobody else holds, where that lies; false where it
    // cannot be. The sum is for cotangents.
    virtual bool add_into(const Value&, const Value&) { return false; }
    // One of its boxes with its value as another kind of scalar: a Python number for NumPy's.
    virtual Value restated(Traced box) { return Value::take_box(host::new_box(std::move(box))); }
    // The plain value of one of its boxes is wanted. False if it must not be had here, since its
    // derivative would be lost without a word.
    virtual bool read(const Traced& box, Read why);
    // Whether primal() takes this level off.
    virtual bool differentiates() const noexcept { return true; }
    // Whether a user's primitive without rules is an error here, before its function runs.
    virtual bool needs_rules() const noexcept { return differentiates(); }
    // Whether boxes of this serial, which has ended, stand for their values: of a level that is
    // swept just now, or whose boxes outlive it.
    virtual bool constant(std::uint64_t) const noexcept { return outlived; }

    std::uint64_t serial = 0;
    // A mode of the process: boxes may be used when their level has ended, as the constants that
    // they stand for, instead of an error.
    static inline bool outlived = false;
    // Where operations on numbers may be recorded with their partials at once, past the gate; null
    // for all levels but tapes.
    Tape* const scalar_lane;

  protected:
    explicit Level(Tape* lane = nullptr) noexcept : scalar_lane(lane) {}
    ~Level() = default;

    // A box of this level. What is attached belongs to the level: a tangent, a node.
    Value box(std::uint64_t at, Value value, std::uint32_t index, Value attached = {}) {
        Traced traced;
        traced.level = this;
        traced.serial = at;
        traced.value = std::move(value);
        traced.attached = std::move(attached);
        traced.index = index;
        return Value::take_box(host::new_box(std::move(traced)));
    }
    // Held while what was recorded changes: boxes may go to other threads.
    mutable Mutex mutex_;
    // Throws if the level has ended since: an operation may run code of the host's, and let other
    // threads run.
    void living(const Applied& applied) const;
};

std::uint64_t next_serial() noexcept;
// What the host does before the first level: each thread that opens one calls it, until it is taken
// away again.
using FirstLevel = void (*)();
void at_first_level(FirstLevel act) noexcept;
void begin_levels();
// The error for a box that is used after its trace has ended.
[[noreturn]] void trace_ended(const Op& op);

inline bool Traced::alive() const noexcept { return serial != 0 && level->serial == serial; }

// Levels that are idle, for the next traces. A deep nest of levels in many threads is some hundred
// of them.
template <class T>
class LevelPool {
  public:
    T* pop() {
        const std::lock_guard<std::mutex> guard(mutex_);
        if (idle_.empty()) return nullptr;
        T* level = idle_.back();
        idle_.pop_back();
        return level;
    }
    void push(T* level) noexcept {
        const std::lock_guard<std::mutex> guard(mutex_);
        try {
            idle_.push_back(level);
        } catch (const std::bad_alloc&) {
            // Lost to the pool; its serial is 0, so that no box takes it for a living level.
        }
    }
    // Leaked on purpose: boxes may outlive static destruction.
    static LevelPool& shared() {
        static auto* pool = new LevelPool;
        return *pool;
    }

  private:
    std::mutex mutex_;
    std::vector<T*> idle_;
};

// ---- the window: what may be taken out of a box

// The value with all levels removed, for questions that have the same answer at every input: type,
// dtype, shape, layout (see meta_of). Its numbers are read with read().
inline const Value& innermost(const Value& value) noexcept {
    const Value* inner = &value;
    while (inner->is_box()) inner = &inner->traced().value;
    return *inner;
}
// The plain value: every level is told, and may refuse with an error.
Value read(const Value& value, Read why);
// The value without the levels that differentiate: what a rule may take as a constant. A box of
// another level is left, and an operation on it is recorded there.
const Value& primal(const Value& value) noexcept;

// Thrown where an operation of the user's returned a container: the host records its leaves
// instead.
struct HasParts {
    Value ans;
};

}  // namespace fastad
