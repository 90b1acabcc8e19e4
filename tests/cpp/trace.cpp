// Levels and derivatives for the tests.
#include "trace.hpp"

namespace fastad::testing {

namespace {
Value constant_like(const Value& value, double number) {
    const Meta meta = meta_of(value);
    const DType dtype = cotangent_dtype(meta.dtype);
    if (!meta.array) return scalar(dtype, number);
    return filled(shape_of(value), number, dtype);
}
}  // namespace

Value ones_like(const Value& value) { return constant_like(value, 1.0); }
Value zeros_like(const Value& value) { return constant_like(value, 0.0); }

Value Trace::box(Value value) { return tape_->input(std::move(value)); }

Value Trace::element(const Value& box, Extent i) {
    Traced traced;
    traced.level = tape_;
    traced.serial = tape_->serial;
    const std::vector<double> numbers = numbers_of(box.traced().value);
    traced.index = tape_->push_element(box.traced().index, i);
    traced.value = Value::strong(numbers.at(static_cast<std::size_t>(i)));
    return Value::take_box(host::new_box(std::move(traced)));
}

bool Trace::owns(const Value& value) const noexcept {
    return value.is_box() && value.traced().level == tape_ &&
           value.traced().serial == tape_->trace();
}

std::vector<Value> Trace::sweep(const std::vector<Value>& outputs,
                                const std::vector<Value>& cotangents,
                                const std::vector<Value>& inputs, bool consume) {
    std::vector<Seed> seeds;
    for (std::size_t i = 0; i < outputs.size(); ++i)
        if (owns(outputs[i]))
            seeds.push_back({outputs[i].traced().index,
                             fit(cotangents[i], tape_->meta(outputs[i].traced().index))});
    std::vector<std::uint32_t> entries;
    for (const Value& input : inputs) entries.push_back(input.traced().index);
    return reverse(*tape_, std::move(seeds), entries, consume);
}

Value Forward::box(Value value, const Value& tangent) {
    return level_->input(std::move(value), tangent);
}

Value Forward::tangent(const Value& out) const {
    if (!out.is_box() || out.traced().level != level_) return {};
    return ForwardLevel::tangent(out.traced());
}

std::vector<Value> gradients(const Functions& f, const std::vector<Value>& xs, bool consume) {
    Trace trace;
    std::vector<Value> boxes;
    for (const Value& x : xs) boxes.push_back(trace.box(x));
    const Value ans = f(boxes);
    std::vector<Value> results =
        trace.sweep(std::vector{ans}, std::vector{ones_like(ans)}, boxes, consume);
    for (std::size_t i = 0; i < xs.size(); ++i)
        if (results[i].empty()) results[i] = zeros_like(xs[i]);
    return results;
}

Value gradient(const Function& f, const Value& x, bool consume) {
    return gradients([&](const std::vector<Value>& boxes) { return f(boxes[0]); }, {x}, consume)[0];
}

Value derivative(const Function& f, const Value& x, const Value& tangent) {
    Forward level;
    const Value ans = f(level.box(x, tangent));
    const Value result = level.tangent(ans);
    return result.empty() ? zeros_like(ans) : result;
}

}  // namespace fastad::testing
