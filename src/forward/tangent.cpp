// What a forward level does with an operation: its value, and the tangent by the rules.
#include "forward/tangent.hpp"

#include <string>
#include <vector>

#include "forward/fused.hpp"
#include "ops/scratch.hpp"
#include "reverse/audit.hpp"

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
Value linear_tangent(const Applied& applied, const Value* tangents, const Value& ans) {
    const Op& op = applied.op;
    const bool jointly = op.structural.linear == Structural::Linear::Jointly;
    std::vector<Value> args(applied.inner, applied.inner + applied.count);
    Value total;
    bool any = false;
    for (std::size_t k = 0; k < args.size(); ++k) {
        if (!op.structural.differentiable(k)) continue;
        any = any || !tangents[k].empty();
        if (jointly) {
            if (!args[k].empty()) args[k] = tangents[k].empty() ? no_tangent(args[k]) : tangents[k];
        } else if (!tangents[k].empty()) {
            args[k] = tangents[k];
            const Value term = conform(apply(op, args.data(), args.size()), ans);
            total = total.empty() ? term : apply(Code::add, total, term);
            args[k] = applied.inner[k];
        }
    }
    if (jointly && any) total = conform(apply(op, args.data(), args.size()), ans);
    return total;
}

Value tangent_of(const Applied& applied, const Value* tangents, const Value& ans) {
    const Op& op = applied.op;
    const Value* inner = applied.inner;
    const std::size_t count = applied.count;
    Value total;
    auto add = [&](Value term) {
        if (term.empty()) return;
        term = conform(term, ans);
        total = total.empty() ? std::move(term) : apply(Code::add, total, term);
    };
    if (op.kind() == OpKind::Elementwise) {
        const Op& rule = rule_of(op, inner, count == 2 && !tangents[1].empty());
        if (Value whole = fused_tangent(rule, inner, tangents, ans); !whole.empty()) return whole;
        const Value none;
        for (std::size_t k = 0; k < rule.arity; ++k)
            if (!tangents[k].empty())
                add(elementwise_term(rule.elementwise, k, inner[0],
                                     rule.arity == 2 ? inner[1] : none, ans, tangents[k]));
    } else if (op.kind() == OpKind::Structural) {
        if (op.structural.linear != Structural::Linear::No)
            return linear_tangent(applied, tangents, ans);
        Scratch<Meta> metas(count);
        for (std::size_t k = 0; k < count; ++k)
            if (op.structural.differentiable(k)) metas[k] = meta_of(inner[k]);
        const Call call(op, inner, metas.data(), count, &ans, meta_of(ans));
        for (std::size_t k = 0; k < count; ++k)
            if (!tangents[k].empty()) add(op.structural.jvp(call, k, tangents[k]));
    } else {
        for (std::size_t k = 0; k < count; ++k)
            if (!tangents[k].empty())
                add(host::call_jvp(op, k, tangents[k], ans, inner, count, applied.kwnames));
    }
    return total;
}

}  // namespace

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
