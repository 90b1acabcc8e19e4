// A value that travels through the gate: a number held inline, an opaque host object, or a box.
#pragma once

#include <cstdint>
#include <utility>

#include "host/memory.hpp"

namespace fastad {

// What a value is. Weak is a Python float and Integer a Python int: neither decides a dtype. Strong
// is a float64 scalar of NumPy. The three numbers are held inline, so that scalar programs make no
// object for them.
enum class Kind : std::uint8_t { None, Weak, Strong, Integer, Object, Box };

class Value {
  public:
    Value() noexcept = default;
    static Value weak(double number) noexcept { return Value(Kind::Weak, number); }
    static Value strong(double number) noexcept { return Value(Kind::Strong, number); }
    static Value integer(double number) noexcept { return Value(Kind::Integer, number); }
    // Takes over one reference of the caller.
    static Value take(Object* object) noexcept { return Value(Kind::Object, object); }
    static Value take_box(Object* object) noexcept { return Value(Kind::Box, object); }
    static Value share(Object* object) noexcept {
        host::retain(object);
        return take(object);
    }
    static Value share_box(Object* object) noexcept {
        host::retain(object);
        return take_box(object);
    }

    Value(const Value& other) noexcept : kind_(other.kind_), payload_(other.payload_) {
        if (holds_object()) host::retain(payload_.object);
    }
    Value(Value&& other) noexcept : kind_(other.kind_), payload_(other.payload_) {
        other.kind_ = Kind::None;
    }
    Value& operator=(Value other) noexcept {
        std::swap(kind_, other.kind_);
        std::swap(payload_, other.payload_);
        return *this;
    }
    ~Value() {
        if (holds_object()) host::release(payload_.object);
    }

    Kind kind() const noexcept { return kind_; }
    bool empty() const noexcept { return kind_ == Kind::None; }
    bool is_number() const noexcept { return kind_ >= Kind::Weak && kind_ <= Kind::Integer; }
    // A float64 one level down: what the scalar lane may hold as its operand.
    bool is_float() const noexcept { return kind_ == Kind::Weak || kind_ == Kind::Strong; }
    bool is_box() const noexcept { return kind_ == Kind::Box; }
    bool is_object() const noexcept { return kind_ == Kind::Object; }
    double number() const noexcept { return payload_.number; }
    const double* number_address() const noexcept { return &payload_.number; }
    Object* object() const noexcept { return payload_.object; }
    // Gives the reference to the caller and leaves the value empty.
    Object* release_object() noexcept {
        kind_ = Kind::None;
        return payload_.object;
    }
    inline Traced& traced() const noexcept;

  private:
    union Payload {
        double number;
        Object* object;
    };
    bool holds_object() const noexcept { return kind_ >= Kind::Object; }
    Value(Kind kind, double number) noexcept : kind_(kind) { payload_.number = number; }
    Value(Kind kind, Object* object) noexcept : kind_(kind) { payload_.object = object; }

    Kind kind_ = Kind::None;
    Payload payload_{0.0};
};

class Level;

// The part of a box that the core knows: where it stands, and its value one level down.
struct Traced {
    Level* level = nullptr;
    std::uint64_t serial = 0;
    Value value;
    Value attached;           // what its level keeps with it: a tangent, the host's node
    std::uint32_t index = 0;  // where it stands in its level's records: an entry of a tape

    inline bool alive() const noexcept;  // in level.hpp
};

inline Traced& Value::traced() const noexcept {
    return *reinterpret_cast<Traced*>(reinterpret_cast<char*>(payload_.object) + host::box_offset);
}

}  // namespace fastad
