// What a test writes its programs with: arithmetic on Value, one level at a time, and derivatives.
#pragma once

#include <functional>
#include <vector>

#include "forward/tangent.hpp"
#include "host.hpp"
#include "reverse/sweep.hpp"
#include "reverse/tape.hpp"

namespace fastad::testing {

inline Value operator+(const Value& x, const Value& y) { return apply(Code::add, x, y); }
inline Value operator-(const Value& x, const Value& y) { return apply(Code::subtract, x, y); }
inline Value operator*(const Value& x, const Value& y) { return apply(Code::multiply, x, y); }
inline Value operator/(const Value& x, const Value& y) { return apply(Code::divide, x, y); }
inline Value operator-(const Value& x) { return apply(Code::negative, x); }
inline Value weak(double number) { return Value::weak(number); }
inline Value strong(double number) { return Value::strong(number); }
inline Value sum(const Value& x) { return apply(Code::sum, x); }
inline Value item(const Value& x, Extent i) {
    return apply(Code::getitem, x, Value::integer(static_cast<double>(i)));
}

// A reverse level, closed with its scope.
class Trace {
  public:
    Trace() : tape_(Tape::open()) {}
    ~Trace() { tape_->close(); }
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    Tape& tape() noexcept { return *tape_; }
    Value box(Value value);
    // x[i] of a one-dimensional float64 box, as an element entry of the scalar lane.
    Value element(const Value& box, Extent i);
    bool owns(const Value& value) const noexcept;
    // Cotangents of the inputs, empty where none arrived.
    std::vector<Value> sweep(const std::vector<Value>& outputs,
                             const std::vector<Value>& cotangents, const std::vector<Value>& inputs,
                             bool consume = false);
    Value sweep(const Value& output, const Value& cotangent, const Value& input,
                bool consume = false) {
        return sweep(std::vector{output}, std::vector{cotangent}, std::vector{input}, consume)[0];
    }

  private:
    Tape* tape_;
};

// A forward level.
class Forward {
  public:
    Forward() : level_(ForwardLevel::open()) {}
    ~Forward() { level_->close(); }
    Forward(const Forward&) = delete;
    Forward& operator=(const Forward&) = delete;
    Value box(Value value, const Value& tangent);
    Value tangent(const Value& out) const;  // empty where the output does not depend on the input

  private:
    ForwardLevel* level_;
};

using Function = std::function<Value(const Value&)>;
using Functions = std::function<Value(const std::vector<Value>&)>;

// The gradient of the sum of f's elements.
Value gradient(const Function& f, const Value& x, bool consume = true);
std::vector<Value> gradients(const Functions& f, const std::vector<Value>& xs, bool consume = true);
Value derivative(const Function& f, const Value& x, const Value& tangent);
Value ones_like(const Value& value);
Value zeros_like(const Value& value);

}  // namespace fastad::testing
