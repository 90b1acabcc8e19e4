// Where elementwise operations are tried: points inside their domains, away from kinks and jumps.
#pragma once

#include <cstdint>
#include <utility>

#include "ops/op.hpp"

namespace fastad::testing {

// A small generator of its own, so that every platform draws the same numbers.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed * 2654435769u + 88172645463325252u) {}
    std::uint64_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_;
    }
    double between(double low, double high) {
        return low + (high - low) * static_cast<double>(next() >> 11) * 0x1p-53;
    }
    std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() >> 16) % count; }

  private:
    std::uint64_t state_;
};

inline double sample(Code code, std::size_t argument, Random& random) {
    switch (code) {
        case Code::log:
        case Code::log2:
        case Code::log10:
        case Code::log1p:
        case Code::sqrt:
        case Code::cbrt:
        case Code::reciprocal: return random.between(0.2, 3.0);
        case Code::arcsin:
        case Code::arccos:
        case Code::arctanh: return random.between(-0.9, 0.9);
        case Code::arccosh: return random.between(1.2, 3.0);
        case Code::tan: return random.between(-1.2, 1.2);
        case Code::power:
        case Code::float_power:
            return argument == 0 ? random.between(0.2, 3.0) : random.between(-2.0, 3.0);
        case Code::divide:
            return argument == 0 ? random.between(-2.0, 2.0) : random.between(0.3, 2.0);
        // The quotient is k + 0.2 ... k + 0.8, so no multiple of y is near x.
        case Code::remainder:
        case Code::fmod:
            return argument == 0 ? static_cast<double>(random.below(4)) + random.between(0.3, 0.7)
                                 : random.between(0.96, 1.0);
        // First arguments lie below the second's tenths or above them, never close.
        case Code::maximum:
        case Code::minimum:
        case Code::fmax:
        case Code::fmin:
            return static_cast<double>(random.below(5)) - 2.0 + (argument == 0 ? 0.0 : 0.5);
        case Code::absolute:
        case Code::fabs:
        case Code::copysign:
        case Code::heaviside: {
            const double size = random.between(0.2, 2.0);
            return random.below(2) ? size : -size;
        }
        default: return random.between(-2.0, 2.0);
    }
}

template <class Visit>
void each_elementwise(const Visit& visit) {
    for (std::size_t i = 0; i < operation_count; ++i) {
        const Op& op = operation(static_cast<Code>(i));
        if (op.kind() == OpKind::Elementwise) visit(op);
    }
}

}  // namespace fastad::testing
