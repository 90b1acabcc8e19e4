// What a forward level does with an operation: its value, and the tangent by the rules.
#include "forward/tangent.hpp"

#include <string>

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
    if (op.kind == OpKind::Elementwise) {
        const Op& rule = rule_of(op, inner, count == 2 && !tangents[1].empty());
        const Value none;
        for (std::size_t k = 0; k < rule.arity; ++k) {
            if (tangents[k].empty()) continue;
            const Elementwise& e = rule.elementwise;
            if (e.constant[k]) {
                if (e.coefficient[k] == 1.0)
                    add(tangents[k]);
                else if (e.coefficient[k] == -1.0)
                    add(apply(Code::negative, tangents[k]));
                else
                    add(apply(Code::multiply, tangents[k], Value::weak(e.coefficient[k])));
            } else {
                add(apply(Code::multiply, tangents[k],
                          e.rule[k](inner[0], rule.arity == 2 ? inner[1] : none, ans)));
            }
        }
    } else if (op.kind == OpKind::Structural) {
        Scratch<Meta> metas(count);
        for (std::size_t k = 0; k < count; ++k)
            if (k >= 31 || (op.structural.differentiable >> k & 1u)) metas[k] = meta_of(inner[k]);
        const Call call(op, inner, metas.data(), count, &ans, meta_of(ans));
        if (op.structural.jvp_joint) {
            bool any = false;
            for (std::size_t k = 0; k < count; ++k) any = any || !tangents[k].empty();
            if (any) add(op.structural.jvp_joint(call, tangents));
            return total;
        }
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
    const bool audited = detoured() && Debug::nans();
    if (audited) [[unlikely]]
        check_value(applied.op, applied.inner, applied.count, ans);
    if (applied.op.kind == OpKind::Foreign && host::is_tuple(ans))
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
