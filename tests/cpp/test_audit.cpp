// Debug modes: where NaN arose, what was changed behind the tape's back, and where traces were
// lost.
#include <limits>

#include "check.hpp"
#include "trace.hpp"

namespace fastad::testing {
namespace {

constexpr double nan_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

struct Nans : InMode {
    explicit Nans(bool infinities = true)
        : InMode(infinities ? Modes::nans | Modes::infinities : Modes::nans) {}
};
struct Mutation : InMode {
    Mutation() : InMode(Modes::mutation) {}
};

// What is said, with the class of the error; "" if nothing is.
std::string said(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        const char* kind = error.kind == Error::Class::FloatingPoint ? "FloatingPoint: "
                           : error.kind == Error::Class::Runtime     ? "Runtime: "
                                                                     : "other: ";
        return kind + std::string(error.what());
    }
    return "";
}
bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

Value masked_root(const Value& x) {
    at_line(1);
    const Value root = apply(Code::sqrt, x);
    at_line(2);
    const Value result =
        sum(apply(Code::where, apply(Code::greater, x, weak(0.0)), root, weak(0.0)));
    at_line(3);
    return result;
}

}  // namespace

FASTAD_TEST(the_operation_that_gave_nan_is_named) {
    const Nans mode;
    auto program = [](const Value& x) {
        at_line(7);
        return sum(apply(Code::log, x - weak(1.0)));
    };
    for (const Value& x : {array({2.0, 0.5}), weak(0.5), strong(0.5)}) {
        const std::string text = said([&] { gradient(program, x); });
        CHECK_TEXT(has(text, "FloatingPoint: ") && has(text, "log gave NaN at line 7"), text);
    }
    const std::string tangent =
        said([&] { derivative(program, array({2.0, 0.5}), array({1.0, 1.0})); });
    CHECK_TEXT(has(tangent, "log gave NaN at line 7"), tangent);
    CHECK(said([&] { gradient(program, array({2.0, 3.0})); }).empty());
}

FASTAD_TEST(the_derivative_that_gave_nan_is_named) {
    const Value x = array({0.0, 4.0});
    {
        const Nans mode;
        const std::string text = said([&] { gradient(masked_root, x); });
        CHECK_TEXT(has(text, "derivative of sqrt gave NaN at line 1"), text);
        const std::string tangent = said([&] { derivative(masked_root, x, array({1.0, 1.0})); });
        CHECK_TEXT(has(tangent, "(JVP) of sqrt gave an infinity at line 1"), tangent);
        {
            const InMode strict(Modes::strict_zero);
            CHECK_NEAR(numbers_of(gradient(masked_root, x))[1], 0.25, 1e-15);
        }
        const std::string number =
            said([&] { gradient([](const Value& v) { return apply(Code::sqrt, v); }, weak(0.0)); });
        CHECK_TEXT(has(number, "derivative of sqrt gave an infinity"), number);
    }
    CHECK(std::isnan(numbers_of(gradient(masked_root, x))[0]));
}

FASTAD_TEST(a_nan_from_outside_is_told_apart) {
    const Nans mode;
    at_line(5);
    const Value weights = array({1.0, nan_number});
    const std::string constant = said(
        [&] { gradient([&](const Value& v) { return sum(v * weights); }, array({1.0, 2.0})); });
    CHECK_TEXT(has(constant, "argument 1 of multiply, a constant, at line 5"), constant);
    const std::string argument = said(
        [&] { gradient([](const Value& v) { return sum(v * v); }, array({nan_number, 2.0})); });
    CHECK_TEXT(has(argument, "argument 0 of multiply, which the derivative is taken by"), argument);
    const Value mask = array({-infinity, 0.0});
    CHECK(said([&] {
              gradient([&](const Value& v) { return sum(apply(Code::maximum, v, mask)); },
                       array({1.0, 2.0}));
          }).empty());
}

FASTAD_TEST(infinities_can_be_let_pass) {
    const Nans mode(false);
    auto program = [](const Value& x) { return sum(weak(1.0) / (x - x)); };
    const std::string text = said([&] { gradient(program, array({1.0})); });
    CHECK_TEXT(has(text, "NaN"), text);  // inf - inf in the sum of two contributions
    CHECK(said([&] {
              gradient([](const Value& x) { return sum(apply(Code::sqrt, x)); }, array({0.0}));
          }).empty());
}

FASTAD_TEST(a_changed_operand_is_noticed) {
    Value buffer = array({1.0, 2.0, 3.0});
    auto first_of = [](const Value& value) {
        return reinterpret_cast<double*>(host::describe(value).data);
    };
    for (const bool changed : {false, true}) {
        const Mutation mode;
        const std::string text = said([&] {
            gradient(
                [&](const Value& x) {
                    at_line(11);
                    const Value y = sum(x * buffer) + sum(x + buffer);
                    at_line(12);
                    if (changed) first_of(buffer)[1] += 1.0;
                    return y;
                },
                array({1.0, 1.0, 1.0}));
        });
        CHECK_TEXT(changed == has(text,
                                  "Runtime: debug_mutation: the array that was argument 1 of "
                                  "multiply at line 11"),
                   text);
        CHECK(changed || text.empty());
    }
    const Mutation mode;
    const std::string result = said([&] {
        gradient(
            [&](const Value& x) {
                const Value y = apply(Code::exp, x);
                first_of(innermost(y))[0] = 0.0;
                return sum(y);
            },
            array({1.0, 1.0}));
    });
    CHECK_TEXT(has(result, "the result of exp"), result);
}

FASTAD_TEST(modes_change_no_gradient_of_any_order) {
    auto cubic = [](const Value& x) {
        return sum(x * x * apply(Code::tanh, x) +
                   apply(Code::concatenate, Value::integer(0), item(x, 0) * x));
    };
    auto twice = [&](const Value& x) { return sum(gradient(cubic, x) * x); };
    const Value x = array({0.5, 1.5, -2.0});
    const std::vector<double> plain = numbers_of(gradient(twice, x));
    const Nans nans;
    const Mutation mutation;
    const std::vector<double> checked = numbers_of(gradient(twice, x));
    for (std::size_t i = 0; i < plain.size(); ++i) CHECK_NEAR(checked[i], plain[i], 1e-14);
}

FASTAD_TEST(an_audit_ends_with_its_tape) {
    const long before = live_objects();
    {
        const Mutation mode;
        Trace trace;
        const Value x = trace.box(array({1.0, 2.0}));
        const Value y = sum(x * x);
        CHECK(trace.tape().audit() != nullptr);
    }
    CHECK(live_objects() == before);
    Trace trace;
    CHECK(trace.tape().audit() == nullptr);
    CHECK(!detoured());
}

FASTAD_TEST(the_first_places_of_a_lost_trace_are_kept) {
    Trace trace;
    const Value x = trace.box(array({1.5, 2.5}));
    for (int line = 1; line <= 9; ++line) {
        at_line(line);
        apply(Code::floor, x);
    }
    const std::string text = trace.tape().losses();
    CHECK_TEXT(text == "floor at line 1; floor at line 2; floor at line 3; floor at line 4", text);
}

}  // namespace fastad::testing
