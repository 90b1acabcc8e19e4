// The gate: one function that every operation passes, on values of any level. It finds the highest
// level among the operands and descends one level; what a level does with the operation is its own.
#include "level.hpp"
#include "ops/scratch.hpp"

namespace fastad {

namespace {

// A registered function must not see boxes of the level that records it: what it makes of them is
// recorded already, and its rules know nothing of it.
void reject_live_box(const Op& op, const Value& result, std::uint64_t top) {
    if (result.is_box() && result.traced().alive() && result.traced().serial >= top)
        throw Error(
            Error::Class::Type,
            op.name +
                ": its function saw a traced value of the level that records it, from outside "
                "or inside an argument without a rule; pass that value as an argument of its "
                "own, and give it a rule");
}

// The operation one level down; a container as its result is for the host to take apart.
Value value_of(const Op& op, const Value* inner, std::size_t count, Object* kwnames, Form form,
               std::uint64_t top) {
    Value ans = apply(op, inner, count, kwnames, form);
    if (op.kind() != OpKind::Foreign) return ans;
    if (host::has_parts(op, ans)) throw HasParts{std::move(ans)};
    if (host::is_tuple(ans))
        for (const Value& item : host::tuple_items(ans)) reject_live_box(op, item, top);
    else
        reject_live_box(op, ans, top);
    return ans;
}

bool stands_for_value(const Traced& traced) noexcept {
    return traced.serial != 0 && !traced.alive() && traced.level->constant(traced.serial);
}

// A box of an ended level that stands for its value is a constant, one level down. The result is a
// box of that level again, which nothing is recorded for, so that a rule that takes the value out
// of it, as one level, takes out that level; sweep_result() does so for the others.
Value apply_to_constants(const Op& op, const Value* values, std::size_t count, Object* kwnames,
                         Form form, std::uint64_t top) {
    std::vector<Value> constants(values, values + count);
    Level* level = nullptr;
    for (Value& value : constants)
        if (value.is_box() && value.traced().serial == top) {
            level = value.traced().level;
            value = Value(value.traced().value);
        }
    Value result = apply(op, constants.data(), count, kwnames, form);
    if (op.kind() == OpKind::Zero || op.kind() == OpKind::Test) return result;
    auto boxed = [level, top](Value value) {
        if (value.empty() || !host::differentiable(innermost(value))) return value;
        Traced traced;
        traced.level = level;
        traced.serial = top;
        traced.value = std::move(value);
        return Value::take_box(host::new_box(std::move(traced)));
    };
    if (!host::is_tuple(result)) return boxed(std::move(result));
    std::vector<Value> items = host::tuple_items(result);
    for (Value& item : items) item = boxed(std::move(item));
    return host::tuple_like(result, std::move(items));
}

// An operand that is not of the highest level; an ended one is the constant that it stands for.
Value beside(const Value& value) {
    return value.is_box() && !value.traced().alive() ? sweep_result(value) : value;
}

}  // namespace

Value apply(const Op& op, const Value* values, std::size_t count, Object* kwnames, Form form) {
    std::uint64_t top = 0;
    Level* level = nullptr;
    bool alive = true;
    for (std::size_t i = 0; i < count; ++i) {
        if (!values[i].is_box()) continue;
        const Traced& traced = values[i].traced();
        const bool own_alive = traced.alive();
        if (!own_alive && !stands_for_value(traced)) trace_ended(op);
        if (traced.serial > top) {
            top = traced.serial;
            level = traced.level;
            alive = own_alive;
        }
    }
    if (!level) return host::apply(op, values, count, kwnames, form);
    if (!alive) return apply_to_constants(op, values, count, kwnames, form, top);

    if (op.composed && !kwnames && !level->differentiates())
        if (Value ans = host::composed(op, values, count); !ans.empty()) return ans;
    Scratch<Value> inner(count, [&](std::size_t i) noexcept -> Value {
        if (!values[i].is_box()) return values[i];
        return values[i].traced().serial == top ? values[i].traced().value : beside(values[i]);
    });
    if (!level->sees(op)) {
        if (op.elementwise.of_complex && level->differentiates() && count == 1 && !kwnames &&
            is_complex(meta_of(values[0]).dtype))
            return op.elementwise.of_complex(values[0]);
        return apply(op, inner.data(), count, kwnames, form);
    }
    if (op.effects()) level->before(op, inner.data(), count);
    Value ans = value_of(op, inner.data(), count, kwnames, form, top);
    return level->record({op, values, inner.data(), count, kwnames, top, form}, std::move(ans));
}

Value apply_term(const Op& term, const Value* values) {
    Level* level = nullptr;
    std::uint64_t serial = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        if (!values[i].is_box()) continue;
        const Traced& traced = values[i].traced();
        if (!traced.alive() || (level && traced.serial != serial)) return {};
        level = traced.level;
        serial = traced.serial;
    }
    return level ? level->term(term, values) : Value();
}

Value sweep_result(Value value) {
    while (value.is_box() && stands_for_value(value.traced())) value = Value(value.traced().value);
    return value;
}

}  // namespace fastad
