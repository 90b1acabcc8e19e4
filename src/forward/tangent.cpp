// What a forward level does with an operation: its value, and the tangent by the rules.
#include "forward/tangent.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "forward/fused.hpp"
#include "modes.hpp"
#include "ops/pointwise.hpp"
#include "ops/scratch.hpp"
#include "reverse/audit.hpp"
#include "strict.hpp"

namespace fastad {

ForwardLevel* ForwardLevel::open() {
    ForwardLevel* level = LevelPool<ForwardLevel>::shared().pop();
    if (!level) level = new ForwardLevel;
    level->serial = next_serial();
    return level;
}

void ForwardLevel::close() noexcept {
    serial = 0;
    LevelPool<ForwardLevel>::shared().push(this);
}

namespace {

// The tangent of a constant operand: a zero that does not widen the result's dtype.
Value no_tangent(const Value& inner) {
    return innermost(inner).is_number() ? Value::weak(0.0) : host::zeros(meta_of(inner));
}

// A linear operation's JVP is itself.
Value linear_tangent(const Call& call, const Value* tangents) {
    const Op& op = call.op;
    const bool jointly = op.structural.linear == Structural::Linear::Jointly;
    std::vector<Value> args(call.count());
    // Where whole numbers are asked for the result is cut, its tangent is not.
    const DType dtype = cotangent_dtype(call.ans_meta.dtype);
    const bool cut = dtype != call.ans_meta.dtype;
    for (std::size_t k = 0; k < args.size(); ++k) {
        args[k] = call.arg(k);
        if (cut && !args[k].empty() && k < op.structural.parameters.size() &&
            op.structural.parameters[k].name == std::string_view("dtype"))
            args[k] = host::dtype_object(dtype);
    }
    Value total;
    bool any = false;
    for (std::size_t k = 0; k < args.size(); ++k) {
        if (!op.structural.differentiable(k)) continue;
        any = any || !tangents[k].empty();
        if (jointly) {
            if (!tangents[k].empty())
                args[k] = tangents[k];
            else if (!args[k].empty())
                args[k] = no_tangent(args[k]);
        } else if (!tangents[k].empty()) {
            args[k] = tangents[k];
            const Value term = conform(apply(op, args.data(), args.size()), call.ans_meta);
            total = total.empty() ? term : apply(Code::add, total, term);
            args[k] = call.arg(k);
        }
    }
    if (jointly && any) total = conform(apply(op, args.data(), args.size()), call.ans_meta);
    return total;
}

// The sum of what each tangent gives.
template <class Term>
Value sum_of_terms(const Value* tangents, std::size_t count, const Meta& ans, Term&& term) {
    Value total;
    for (std::size_t k = 0; k < count; ++k) {
        if (tangents[k].empty()) continue;
        Value one = term(k);
        if (one.empty()) continue;
        one = conform(one, ans);
        total = total.empty() ? std::move(one) : apply(Code::add, total, one);
    }
    return total;
}

// Of a registered elementwise operation, by the formulas of its partial derivatives; empty where
// that does not apply, or where there is no tangent.
Value pointwise_tangent(const Applied& applied, const Value* tangents, const Value& ans) {
    const Op& op = applied.op;
    const std::size_t count = applied.count;
    if (!op.pointwise || applied.kwnames) return {};
    std::uint32_t wanted = 0;
    for (std::size_t k = 0; k < count && k < 32; ++k) {
        if (tangents[k].is_box()) return {};
        if (!tangents[k].empty()) wanted |= 1u << k;
    }
    if (!pointwise::suits(op, applied.inner, count, ans, wanted)) return {};
    const Meta meta = meta_of(ans);
    Scratch<Value> values(count + 1);
    for (std::size_t k = 0; k < count; ++k) values[k] = applied.inner[k];
    values[count] = ans;
    Scratch<Value> partials(count);
    for (std::size_t k = 0; k < count; ++k) {
        if (!(wanted >> k & 1u)) continue;
        Value room;
        if (meta.array) room = host::new_array(meta.dtype, meta.shape, meta.rank);
        partials[k] = pointwise::partial(op, k, values.data(), count, meta, std::move(room));
        if (partials[k].empty()) return {};
    }
    return sum_of_terms(tangents, count, meta, [&](std::size_t k) {
        return apply(Code::multiply, tangents[k], partials[k]);
    });
}

// Under strict_zero a derivative of zero takes nothing from a tangent that is not finite:
// cotangents of zero are such derivatives, where a sweep is differentiated.
Value strict_tangent(const Op& op, const Value* inner, const Value* tangents, const Value& ans) {
    const Meta meta = meta_of(ans);
    const DType dtype = meta.dtype;
    return sum_of_terms(tangents, op.arity, meta, [&](std::size_t k) {
        const Value y = op.arity == 2 ? inner[1] : Value();
        if (op.elementwise.constant[k])
            return elementwise_term(op, k, inner[0], y, ans, dtype, tangents[k]);
        return strict_product(elementwise_rule(op, k, inner[0], y, ans, dtype), tangents[k]);
    });
}

Value tangent_of(const Applied& applied, const Value* tangents, const Value& ans) {
    const Op& op = applied.op;
    const Value* inner = applied.inner;
    const std::size_t count = applied.count;
    if (op.kind() == OpKind::Elementwise) {
        const Op& rule = rule_of(op, inner, count == 2 && !tangents[1].empty());
        if (Modes::here(Modes::strict_zero)) return strict_tangent(rule, inner, tangents, ans);
        if (Value whole = fused_tangent(rule, inner, tangents, ans); !whole.empty()) return whole;
        return elementwise_tangent({rule, inner, nullptr, rule.arity, &ans, meta_of(ans)},
                                   tangents);
    }
    if (op.kind() == OpKind::Structural) {
        Scratch<Meta> metas(count);
        if (op.structural.linear == Structural::Linear::No)
            for (std::size_t k = 0; k < count; ++k)
                if (op.structural.differentiable(k)) metas[k] = meta_of(inner[k]);
        return structural_tangent({op, inner, metas.data(), count, &ans, meta_of(ans)}, tangents);
    }
    if (Value total = pointwise_tangent(applied, tangents, ans); !total.empty()) return total;
    return sum_of_terms(tangents, count, meta_of(ans), [&](std::size_t k) {
        return host::call_jvp(op, k, tangents[k], ans, inner, count, applied.kwnames);
    });
}

}  // namespace

Value elementwise_tangent(const Call& call, const Value* tangents) {
    return sum_of_terms(tangents, call.count(), call.ans_meta, [&](std::size_t k) {
        return elementwise_term(call.op, k, call.arg(0), call.arg(1), call.ans(),
                                call.ans_meta.dtype, tangents[k]);
    });
}

Value structural_tangent(const Call& call, const Value* tangents) {
    const Structural& block = call.op.structural;
    if (block.linear != Structural::Linear::No) return linear_tangent(call, tangents);
    return sum_of_terms(tangents, call.count(), call.ans_meta,
                        [&](std::size_t k) { return block.jvp(call, k, tangents[k]); });
}

Value ForwardLevel::record_tuple(const Applied& applied, const Value* tangents, const Value& ans) {
    const Op& op = applied.op;
    std::vector<Value> items = host::tuple_items(ans);
    std::vector<Value> totals(items.size());
    for (std::size_t k = 0; k < applied.count; ++k) {
        if (tangents[k].empty()) continue;
        const Value term =
            host::call_jvp(op, k, tangents[k], ans, applied.inner, applied.count, applied.kwnames);
        if (term.empty()) continue;
        const std::vector<Value> parts = host::tuple_items(term);
        if (parts.size() != items.size())
            throw Error(Error::Class::Value, op.name + ": its jvp returned " +
                                                 std::to_string(parts.size()) + " tangents for " +
                                                 std::to_string(items.size()) + " results");
        for (std::size_t i = 0; i < parts.size(); ++i) {
            if (parts[i].empty() || items[i].empty()) continue;
            if (!host::differentiable(innermost(items[i]))) continue;  // a count, a flag
            const Value part = conform(parts[i], items[i]);
            totals[i] = totals[i].empty() ? part : apply(Code::add, totals[i], part);
        }
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (totals[i].empty()) continue;
        items[i] = box(applied.serial, std::move(items[i]), 0, std::move(totals[i]));
    }
    return host::tuple_like(ans, std::move(items));
}

Value ForwardLevel::record(const Applied& applied, Value ans) {
    Scratch<Value> tangents(applied.count);
    for (std::size_t i = 0; i < applied.count; ++i)
        if (applied.differentiable(i)) tangents[i] = tangent(applied.values[i].traced());
    const bool audited = Modes::here(Modes::nans) != 0;
    if (audited) [[unlikely]]
        check_value(applied.op, applied.inner, applied.count, ans);
    if (applied.op.kind() == OpKind::Foreign && host::is_tuple(ans))
        return record_tuple(applied, tangents.data(), ans);
    Value total;
    if (audited) [[unlikely]] {
        {
            const InRule rule(applied.op, here());
            total = tangent_of(applied, tangents.data(), ans);
        }
        check_tangent(applied.op, applied.inner, tangents.data(), applied.count, ans, total);
    } else {
        total = tangent_of(applied, tangents.data(), ans);
    }
    if (total.empty()) return ans;
    return box(applied.serial, std::move(ans), 0, std::move(total));
}

}  // namespace fastad
