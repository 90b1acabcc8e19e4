// Parts of complex numbers. Cotangents follow autograd: a holomorphic f contributes g * f'(x).
#include "ops/aval.hpp"
#include "ops/blocks.hpp"

namespace fastad {

namespace {

Value real_vjp(const Call&, std::size_t, const Value& g) { return g; }
Value imag_vjp(const Call& call, std::size_t, const Value& g) {
    if (!is_complex(call.meta(0).dtype)) return apply(Code::multiply, g, Value::weak(0.0));
    return apply(Code::multiply, g, host::imaginary(-1.0));
}
Value conjugate_vjp(const Call&, std::size_t, const Value& g) { return apply(Code::conjugate, g); }

// d angle = Im(dx / x); in degrees if asked.
Value angle_coefficient(const Call& call) {
    const Value& x = call.arg(0);
    const Value size = apply(Code::absolute, x);
    const Value turned = apply(Code::conjugate, apply(Code::multiply, x, host::imaginary(1.0)));
    // Twice, since the square may under- or overflow where the quotient does not.
    Value coefficient = apply(Code::divide, apply(Code::divide, turned, size), size);
    const Value& degrees = call.arg(1);
    const bool in_degrees = degrees.is_object()
                                ? host::as_integers(degrees, "deg") == std::vector<Extent>{1}
                                : degrees.is_number() && degrees.number() != 0.0;
    if (in_degrees)
        coefficient = apply(Code::multiply, coefficient, Value::weak(57.295779513082320877));
    return coefficient;
}
// Of integers it is the one of doubles, as of all that goes through arctan2.
bool angle_aval(const Call& call, Aval& result) {
    const bool known = avals::component(call, result) && result.dtype != DType::Bool;
    result.dtype = cotangent_dtype(result.dtype);
    return known;
}
Value angle_term(const Call& call, std::size_t, const Value& g) {
    return apply(Code::multiply, g, angle_coefficient(call));
}

}  // namespace

void blocks::fill_complex(Op* table) {
    Block real;
    real.parameters = {{"val", Differentiable}};
    real.linear = Structural::Linear::Jointly;
    real.aval = avals::component;
    real.vjp = real_vjp;
    real.vjp_batch = blocks::by_element<real_vjp>;
    real.formula = "g";
    real.program = InProgram::Same;
    enter(table, Code::real, real);
    Block imag;
    imag.parameters = {{"val", Differentiable}};
    imag.linear = Structural::Linear::Jointly;
    imag.aval = avals::component;
    imag.vjp = imag_vjp;
    imag.vjp_batch = blocks::by_element<imag_vjp>;
    imag.formula = "-1j * g";
    enter(table, Code::imag, imag);
    Block conjugate;
    conjugate.parameters = {{"x", Differentiable}, {"out", Refused}, {"where", Refused}};
    conjugate.linear = Structural::Linear::Jointly;
    conjugate.aval = avals::elementwise;
    conjugate.vjp = conjugate_vjp;
    conjugate.vjp_batch = blocks::by_element<conjugate_vjp>;
    conjugate.formula = "conj(g)";
    conjugate.program = InProgram::Same;
    enter(table, Code::conjugate, conjugate);
    Block angle;
    angle.parameters = {{"z", Differentiable, true}, {"deg", Static}};
    angle.aval = angle_aval;
    angle.vjp = angle_term;
    angle.vjp_batch = blocks::by_element<angle_term>;
    angle.jvp = angle_term;
    angle.formula = "g * conj(1j * x) / absolute(x)**2";
    enter(table, Code::angle, angle);
}

}  // namespace fastad
