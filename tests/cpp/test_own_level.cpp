// A level of a test's own: it lists what is applied, and runs the list again at other inputs.
//
// All that the levels above it compute reaches it through the gate: the values, the cotangents of a
// sweep, the tangents. So a list made at one input is right at every other one.
#include <cmath>
#include <functional>

#include "check.hpp"
#include "trace.hpp"

namespace fastad::testing {

namespace {

class Listing final : public Level {
  public:
    Listing() { serial = next_serial(); }
    Value record(const Applied& applied, Value ans) override {
        names += applied.op.name + " ";
        Step step{&applied.op, {}, {}};
        for (std::size_t i = 0; i < applied.count; ++i) {
            step.constants.push_back(applied.inner[i]);
            step.places.push_back(applied.own(i) ? int(applied.values[i].traced().index) : -1);
        }
        steps_.push_back(std::move(step));
        return box(serial, std::move(ans), count_++);
    }
    bool sees(const Op&) override { return true; }
    bool differentiates() const noexcept override { return false; }
    bool read(const Traced&, Read) override { return ++reads > 0; }
    Value input(Value value) { return box(serial, std::move(value), count_++); }
    // What the list gives for a result, at these inputs.
    Value replay(const Value& result, std::vector<Value> values) const {
        for (const Step& step : steps_) {
            std::vector<Value> operands = step.constants;
            for (std::size_t i = 0; i < operands.size(); ++i)
                if (step.places[i] >= 0) operands[i] = values[std::size_t(step.places[i])];
            values.push_back(apply(*step.op, operands.data(), operands.size()));
        }
        return result.is_box() ? values[result.traced().index] : result;
    }
    std::string names;
    int reads = 0;

  private:
    struct Step {
        const Op* op;
        std::vector<Value> constants;
        std::vector<int> places;
    };
    std::vector<Step> steps_;
    std::uint32_t count_ = 0;
};

Value sin(const Value& x) { return apply(Code::sin, x); }

// To rounding: without a level below, sweeps run in fused kernels.
bool equal(const Value& a, const Value& b) {
    if (shape_of(a) != shape_of(b) || dtype_of(a) != dtype_of(b)) return false;
    const std::vector<double> x = numbers_of(a), y = numbers_of(b);
    for (std::size_t i = 0; i < x.size(); ++i)
        if (!(std::abs(x[i] - y[i]) <= 1e-13 * (1.0 + std::abs(y[i])))) return false;
    return true;
}

// f, recorded at x, gives at y what it gives without a level.
bool replays(const Function& f, const Value& x, const Value& y) {
    Listing level;
    const Value ans = f(level.input(x));
    return equal(innermost(ans), f(x)) && equal(level.replay(ans, {y}), f(y));
}

const Function kinked = [](const Value& x) {
    const Value positive = apply(Code::greater, x, weak(0.0));
    return sum(apply(Code::where, positive, x * x, x * apply(Code::floor, x)) +
               apply(Code::maximum, x, weak(0.5)) * x);
};
const Function picking = [](const Value& x) {
    const Value whole = apply(Code::concatenate, Value::integer(0), x, x * x);
    const Value matrix = apply(Code::reshape, whole, tuple({2, 3}));
    const Value product = apply(Code::dot, matrix, apply(Code::transpose, matrix));
    return item(x, 0) * item(x, 2) + sum(product) * apply(Code::max, x) +
           sum(apply(Code::clip, x, weak(-0.5), weak(1.5)) * x);
};
const Function tidy = [](const Value& x) {
    return sum(apply(Code::tanh, x) / (weak(1.0) + x * x) + apply(Code::power, x * x, weak(1.5)));
};

FASTAD_TEST(values_and_derivatives_reach_a_level_below) {
    const Value x = array({0.3, -1.2, 0.9}), y = array({-0.7, 0.8, 1.9});
    for (const Function& f : {kinked, picking, tidy}) {
        const Function first = [&](const Value& at) { return gradient(f, at); };
        const Function second = [&](const Value& at) {
            return gradient([&](const Value& z) { return sum(first(z) * z); }, at);
        };
        const Function mixed = [&](const Value& at) {
            return derivative([&](const Value& z) { return first(z); }, at, y);
        };
        CHECK(replays(f, x, y));
        CHECK(replays(first, x, y));
        CHECK(replays([&](const Value& at) { return derivative(f, at, y); }, x, y));
        CHECK(replays(second, x, y));
        CHECK(replays(mixed, x, y));
    }
}

FASTAD_TEST(numbers_reach_a_level_below) {
    const Function f = [](const Value& x) {
        return sin(x) * x + apply(Code::floor, x) * x / (x + weak(2.0));
    };
    for (const Value& y : {weak(2.6), weak(0.4)}) {
        CHECK(replays(f, weak(1.3), y));
        CHECK(replays([&](const Value& at) { return gradient(f, at); }, weak(1.3), y));
        CHECK(replays([&](const Value& at) { return derivative(f, at, weak(1.0)); }, weak(1.3), y));
    }
}

FASTAD_TEST(tests_and_operations_of_derivative_zero_are_seen_by_who_asks) {
    Listing level;
    Trace above;
    const Value x = level.input(weak(1.5)), y = above.box(x);
    const Value test = apply(Code::greater, y, weak(1.0)), whole = apply(Code::floor, y);
    CHECK(test.is_box() && test.traced().level == &level);
    CHECK(whole.is_box() && whole.traced().level == &level);
    CHECK_TEXT(level.names == "greater floor ", level.names);
}

FASTAD_TEST(the_window) {
    Listing level;
    Trace above;
    const Value x = level.input(weak(1.5)), y = above.box(x);
    CHECK(primal(y).is_box() && primal(y).traced().level == &level);
    CHECK(level.reads == 0);
    CHECK(number_of(read(y, Read::Truth)) == 1.5 && level.reads == 1);
    CHECK_THROWS(read(y, Read::Float), Error);  // the tape refuses: a derivative would be lost
    CHECK(read(x, Read::Float).number() == 1.5);
    CHECK(!above.tape().losses().empty());
    level.serial = 0;
    CHECK_THROWS(sin(x), Error);
}

}  // namespace

}  // namespace fastad::testing
