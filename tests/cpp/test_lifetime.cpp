// Tapes from opening to closing: what ends, what stays usable, and what an exception leaves behind.
#include <cmath>

#include "check.hpp"
#include "trace.hpp"

namespace fastad::testing {
namespace {

Value sin(const Value& x) { return apply(Code::sin, x); }

// Throws as the host does, with the name of the exception caught.
std::string outcome(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.kind == Error::Class::Value ? "ValueError" : "another Error";
    } catch (const HostError&) {
        return "HostError";
    }
    return "nothing";
}

// Both lanes, elements, structural rules, a registered primitive, forward over reverse over
// reverse.
Value everything(const Value& x) {
    static const Primitive doubling = [] {
        Primitive p;
        p.value = [](const Value* args) { return args[0] * weak(2.0); };
        p.vjp = [](std::size_t, const Value& g, const Value&, const Value*) {
            return g * weak(2.0);
        };
        p.jvp = p.vjp;
        return p;
    }();
    static const Op op = foreign("doubling", doubling);
    auto inner = [&](const Value& v) {
        Value total = weak(0.0);
        for (Extent i = 0; i < 3; ++i) total = total + item(v, i) * item(v, -1);
        const Value m = apply(Code::matmul, apply(Code::reshape, v, tuple({3, 1})),
                              apply(Code::reshape, sin(v), tuple({1, 3})));
        const Value twice = apply(op, &v, 1);
        return total + sum(m * v) + sum(apply(Code::max, m, Value::integer(0)) * twice) +
               sum(apply(Code::concatenate, Value::integer(0), v, twice * v));
    };
    auto directional = [&](const Value& v) {
        return derivative(inner, v, array({1.0, 0.5, -0.25}));
    };
    return gradient([&](const Value& v) { return sum(gradient(directional, v) * v); }, x);
}

}  // namespace

FASTAD_TEST(boxes_of_a_closed_tape_raise) {
    Value x, y, array_box;
    {
        Trace trace;
        x = trace.box(weak(1.0));
        y = sin(x);
        array_box = trace.box(array({1.0, 2.0}));
        CHECK(x.traced().alive());
    }
    for (const Value& dead : {x, y, array_box}) {
        CHECK(!dead.traced().alive());
        CHECK(outcome([&] { sin(dead); }) == "ValueError");
        CHECK(outcome([&] { (void)(weak(2.0) * dead); }) == "ValueError");
        CHECK(outcome([&] { apply(Code::greater, dead, weak(0.0)); }) == "ValueError");
        CHECK(outcome([&] { sum(dead); }) == "ValueError");
        CHECK(std::isfinite(numbers_of(dead)[0]));  // its value can still be read
    }
    CHECK(outcome([&] { gradient([&](const Value& v) { return v * x; }, weak(1.0)); }) ==
          "ValueError");
}

FASTAD_TEST(a_recycled_tape_does_not_revive_old_boxes) {
    Value old;
    Tape* storage = nullptr;
    {
        Trace trace;
        storage = &trace.tape();
        old = trace.box(weak(1.0));
    }
    bool recycled = false;
    for (int i = 0; i < 3; ++i) {
        Trace trace;
        recycled = recycled || &trace.tape() == storage;
        CHECK(trace.tape().size() == 0);
        const Value x = trace.box(weak(2.0));
        CHECK(outcome([&] { (void)(x * old); }) == "ValueError");
        CHECK(!trace.owns(old));
        CHECK(number_of(trace.sweep(x * x, weak(1.0), x)) == 4.0);
    }
    CHECK(recycled);
}

FASTAD_TEST(boxes_of_a_closed_forward_level_raise) {
    Value out;
    {
        Forward level;
        out = sin(level.box(weak(1.0), weak(1.0)));
        CHECK_NEAR(number_of(level.tangent(out)), std::cos(1.0), 1e-15);
    }
    CHECK(outcome([&] { sin(out); }) == "ValueError");
}

FASTAD_TEST(a_stopped_tape_records_no_more_and_can_be_swept) {
    Trace trace;
    const Value x = trace.box(array({1.0, 2.0}));
    const Value y = x * x;
    const std::uint64_t serial = trace.tape().trace();
    const std::uint32_t size = trace.tape().size();
    trace.tape().stop();
    CHECK(trace.tape().trace() == serial && !trace.tape().closed());
    CHECK(outcome([&] { (void)(x * x); }) == "ValueError");
    CHECK(outcome([&] { sin(y); }) == "ValueError");
    CHECK(trace.tape().size() == size);
    for (int i = 0; i < 3; ++i)
        CHECK(numbers_of(trace.sweep(y, array({1.0, 10.0}), x)) ==
              (std::vector<double>{2.0, 40.0}));
    const Value h =
        gradient([&](const Value& c) { return sum(trace.sweep(y, c, x)); }, array({1.0, 1.0}));
    CHECK(numbers_of(h) == (std::vector<double>{2.0, 4.0}));
    trace.tape().close();
    CHECK(trace.tape().closed());
    trace.tape().close();  // once more does no harm
}

FASTAD_TEST(a_tape_frees_what_it_keeps_when_it_closes) {
    const long before = live_objects();
    {
        Trace trace;
        const Value x = trace.box(array({1.0, 2.0}));
        for (int i = 0; i < 100; ++i) sin(x * array({1.0, 3.0}));
        CHECK(live_objects() > before + 100);
    }
    CHECK(live_objects() == before);
    {
        Value kept;  // a box that outlives its tape holds its value, not the tape's
        {
            Trace trace;
            kept = sin(trace.box(array({1.0, 2.0})));
            for (int i = 0; i < 100; ++i) kept = sin(kept);
        }
        CHECK(live_objects() == before + 2);
    }
    CHECK(live_objects() == before);
}

FASTAD_TEST(a_million_scalar_operations) {
    constexpr int steps = 1000000;
    Trace trace;
    const Value x = trace.box(weak(0.5)), one = trace.box(weak(1.0));
    Value y = x;
    for (int i = 0; i < steps / 2; ++i) y = sin(y) + one;
    CHECK(trace.tape().size() == steps + 2);
    CHECK(trace.tape().bytes() < 40u * steps);
    const std::vector<Value> g =
        trace.sweep(std::vector{y}, std::vector{weak(1.0)}, std::vector{x, one});
    // The map's fixed point: dy/done = 1 / (1 - cos(y)) there.
    const double fixed = number_of(y);
    CHECK_NEAR(fixed, std::sin(fixed) + 1.0, 1e-12);
    CHECK(number_of(g[0]) == 0.0);
    CHECK_NEAR(number_of(g[1]), 1.0 / (1.0 - std::cos(fixed)), 1e-9);
    CHECK(trace.tape().print().find("more") != std::string::npos);  // the printed tape is cut short
}

FASTAD_TEST(a_long_chain_of_arrays_at_order_2) {
    // Boxes over boxes: releasing them must not recurse.
    auto f = [](const Value& x) {
        Value y = x;
        for (int i = 0; i < 3000; ++i) y = y * weak(1.0) + weak(0.0);
        return sum(y * y);
    };
    const Value h =
        gradient([&](const Value& x) { return sum(gradient(f, x)); }, array({1.0, 2.0}));
    CHECK(numbers_of(h) == (std::vector<double>{2.0, 2.0}));
}

FASTAD_TEST(an_interrupt_is_noticed_in_a_long_sweep) {
    Trace trace;
    const Value x = trace.box(weak(0.5)), one = trace.box(weak(1.0));
    Value y = x;
    for (int i = 0; i < 300000; ++i) y = sin(y) + one;
    interrupt_at(0);
    const double g = number_of(trace.sweep(y, weak(1.0), one));
    const long looks = checks_made();
    CHECK(looks >= 3);
    const long before = live_objects();
    for (long at = 1; at <= looks; ++at) {
        interrupt_at(at);
        CHECK(outcome([&] { trace.sweep(y, weak(1.0), one); }) == "HostError");
        CHECK(host_message() == "interrupted");
        CHECK(live_objects() == before);
    }
    interrupt_at(0);
    CHECK(number_of(trace.sweep(y, weak(1.0), one)) == g);  // the tape is as it was
}

FASTAD_TEST(the_printed_tape_names_its_operations) {
    Trace trace;
    const Value x = trace.box(weak(2.0)), a = trace.box(array({2, 2}, {1.0, 2.0, 3.0, 4.0}));
    const Value s = trace.box(array({1.0, 2.0, 3.0}));
    const Value y = sin(x) * trace.element(s, 2);
    const Value z = apply(Code::tanh, a * y);
    apply(Code::matmul, z, apply(Code::transpose, z));
    sum(apply(Code::power, a, weak(3.0)));
    const std::string text = trace.tape().print();
    for (const char* part :
         {"sin", "multiply", "element(", "tanh", "matmul(", "transpose(", "sum(", "power(",
          "float64", "(2, 2)", "(3,)", "input", "const", "keeps operand 0", "ans (32 bytes)"})
        CHECK_TEXT(text.find(part) != std::string::npos, part << " in\n" << text);
    std::size_t lines = 0;
    for (const char c : text) lines += c == '\n';
    CHECK(lines == trace.tape().size() + 2);
}

FASTAD_TEST(the_printed_formulas_are_the_rules) {
    CHECK(operation(Code::tanh).elementwise.text[0] == "1 / cosh(x)**2");
    CHECK(operation(Code::multiply).elementwise.text[0] == "y");
    CHECK(operation(Code::exp).elementwise.text[0] == "ans");
    CHECK(operation(Code::subtract).elementwise.text[1] == "-1");
    CHECK(&operation_named("tanh") == &operation(Code::tanh));
    CHECK(outcome([] { operation_named("no such operation"); }) == "ValueError");
    for (std::size_t i = 0; i < operation_count; ++i) {
        const Op& op = operation(static_cast<Code>(i));
        CHECK(!op.name.empty() && op.code == static_cast<Code>(i));
        for (std::size_t k = 0; op.kind() == OpKind::Elementwise && k < op.arity; ++k)
            CHECK_TEXT(!op.elementwise.text[k].empty(), op.name);
    }
}

FASTAD_TEST(exceptions_of_the_host_leave_counts_balanced) {
    const Value x = array({0.3, -0.8, 1.7});
    const std::vector<double> expected = numbers_of(everything(x));
    fail_at(0);
    everything(x);
    const long calls = calls_made();
    CHECK(calls > 100);
    const long before = live_objects();
    for (long call = 1; call <= calls; ++call) {
        fail_at(call);
        CHECK_TEXT(outcome([&] { everything(x); }) == "HostError", "call " << call);
        CHECK_TEXT(live_objects() == before, "call " << call << " of " << calls << " left "
                                                     << live_objects() - before << " objects");
    }
    disarm();
    CHECK(numbers_of(everything(x)) == expected);
}

FASTAD_TEST(a_failed_sweep_can_be_repeated) {
    Trace trace;
    const Value x = trace.box(array({0.3, -0.8, 1.7}));
    const Value y = sum(sin(x) * x) * item(x, 1);
    fail_at(0);
    const std::vector<double> expected = numbers_of(trace.sweep(y, weak(1.0), x));
    const long calls = calls_made();
    for (long call = 1; call <= calls; ++call) {
        fail_at(call);
        CHECK(outcome([&] { trace.sweep(y, weak(1.0), x); }) == "HostError");
    }
    disarm();
    CHECK(numbers_of(trace.sweep(y, weak(1.0), x)) == expected);
}

FASTAD_TEST(values_copy_move_and_assign) {
    const long before = live_objects();
    {
        Value a = array({1.0});
        Value b = a;
        CHECK(a.object() == b.object() && !host::unique(a));
        b = weak(2.0);
        CHECK(host::unique(a));
        Value c = std::move(a);
        CHECK(a.empty() && c.is_object());
        c = Value(c);
        Value& alias = c;
        c = alias;
        CHECK(numbers_of(c)[0] == 1.0);
        Object* object = c.release_object();
        CHECK(c.empty());
        host::release(object);
        CHECK(Value::integer(3).kind() == Kind::Integer && !Value::integer(3).is_float());
    }
    CHECK(live_objects() == before);
}

}  // namespace fastad::testing
