#include "reverse/row_rule.hpp"

namespace fastad {

RowRule::RowRule(const Record& record, const Call& call, const Value* kept, std::size_t argnum)
    : record_(record), call_(call), kept_(kept), argnum_(argnum), which_(argnum) {
    if (record.kind == OpKind::Pointwise) {
        which_ = 0;
        vjps_ = host::make_vjps(call.op, {argnum}, kept[record.count], kept, record.count, nullptr);
    } else if (record.kind == OpKind::Foreign) {
        vjps_ = kept[0];
    }
}

Value RowRule::operator()(const Value& g, const Meta& target) const {
    const Op& op = call_.op;
    Value term;
    if (record_.kind == OpKind::Structural) {
        term = op.structural.vjp(call_, argnum_, g);
    } else if (record_.kind == OpKind::Elementwise) {
        const Value none;
        term = elementwise_term(op, argnum_, kept_[0], op.arity == 2 ? kept_[1] : none,
                                kept_[op.arity], call_.ans_meta.dtype, g);
    } else {
        term = sweep_result(host::call_vjp(op, vjps_, which_, g));
        if (!term.empty()) check_cotangent(op, vjps_, which_, term, target, call_.ans_meta);
    }
    return term.empty() ? std::move(term) : fit(term, target);
}

Value RowRule::operator()(const Value& batch, std::size_t row, const Meta& target) const {
    const Value index = Value::integer(static_cast<double>(row));
    Value g = apply(Code::getitem, batch, index);
    if (!call_.ans_meta.array && !g.is_box()) g = host::to_scalar(std::move(g));
    return (*this)(g, target);
}

}  // namespace fastad
