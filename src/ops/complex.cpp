// Parts of complex numbers. Cotangents follow autograd: a holomorphic f contributes g * f'(x).
#include "ops/blocks.hpp"

namespace fastad {

namespace {

Value real_vjp(const Call&, std::size_t, const Value& g) { return g; }
Value real_jvp(const Call&, std::size_t, const Value& t) { return apply(Code::real, t); }
Value imag_vjp(const Call& call, std::size_t, const Value& g) {
    if (!is_complex(call.meta(0).dtype)) return apply(Code::multiply, g, Value::weak(0.0));
    return apply(Code::multiply, g, host::imaginary(-1.0));
}
Value imag_jvp(const Call&, std::size_t, const Value& t) { return apply(Code::imag, t); }
Value conjugate_term(const Call&, std::size_t, const Value& g) { return apply(Code::conjugate, g); }

// d angle = Im(dx / x); in degrees if asked.
Value angle_coefficient(const Call& call) {
    const Value& x = call.arg(0);
    const Value size = apply(Code::absolute, x);
    const Value turned = apply(Code::conjugate, apply(Code::multiply, x, host::imaginary(1.0)));
    Value coefficient = apply(Code::divide, turned, apply(Code::square, size));
    const Value& degrees = call.arg(1);
    const bool in_degrees = degrees.is_object()
                                ? host::as_integers(degrees, "deg") == std::vector<Extent>{1}
                                : degrees.is_number() && degrees.number() != 0.0;
    if (in_degrees)
        coefficient = apply(Code::multiply, coefficient, Value::weak(57.295779513082320877));
    return coefficient;
}
Value angle_term(const Call& call, std::size_t, const Value& g) {
    return apply(Code::multiply, g, angle_coefficient(call));
}

}  // namespace

void blocks::fill_complex(Op* table) {
    struct Line {
        Code code;
        Value (*vjp)(const Call&, std::size_t, const Value&);
        Value (*jvp)(const Call&, std::size_t, const Value&);
        const char* formula;
    };
    const Line lines[] = {
        {Code::real, real_vjp, real_jvp, "g"},
        {Code::imag, imag_vjp, imag_jvp, "-1j * g"},
        {Code::conjugate, conjugate_term, conjugate_term, "conj(g)"},
        {Code::angle, angle_term, angle_term, "g * conj(1j * x) / absolute(x)**2"},
    };
    for (const Line& line : lines) {
        Structural& op = block(table, line.code);
        op.differentiable = 1;
        op.vjp = line.vjp;
        op.jvp = line.jvp;
        op.formula = line.formula;
    }
    block(table, Code::angle).keeps = 1;
}

}  // namespace fastad
