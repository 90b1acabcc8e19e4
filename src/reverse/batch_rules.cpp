// Several cotangents through one record: by kernels, by the block's rule for a batch, or one row
// after the other.
#include "ops/pointwise.hpp"
#include "reverse/batch.hpp"
#include "reverse/metas.hpp"
#include "reverse/row_rule.hpp"

namespace fastad {

void BatchSweep::record(const Record& record, Value g, const Meta& meta) {
    bool complex = fastad::is_complex(meta.dtype);
    for (std::size_t k = 0; k < record.count; ++k) {
        const std::uint32_t operand = tape_.operands(record)[k];
        complex = complex || (operand != Entry::none && is_complex(operand));
    }
    if (record.kind == OpKind::Elementwise && !complex && elementwise(record, g, meta)) return;
    const Value* kept = tape_.kept(record);
    std::vector<Meta> metas(record.count);
    metas_of(tape_, record, metas.data());
    const Call call(*record.op, kept, metas.data(), record.count, &kept[record.count], meta);
    for (std::size_t k = 0; k < record.count; ++k) {
        const std::uint32_t node = tape_.operands(record)[k];
        if (node == Entry::none) continue;
        if (complex && record.kind == OpKind::Elementwise && by_values(record, call, k, g))
            continue;
        if (record.kind == OpKind::Structural && whole(call, k, node, g)) continue;
        if (record.kind == OpKind::Pointwise && scaled(call, k, node, g)) continue;
        rows(record, g, call, k, node);
    }
}

// The array that this entry's first contribution is written to, before it has any: g itself if it
// is not needed any more.
Value BatchSweep::first_room(Value& g, const Wide& wide, bool last) {
    if (last && host::unique(g) && host::flat(g, DType::Float64, wide.shape, wide.rank))
        return std::move(g);
    return host::new_array(DType::Float64, wide.shape, wide.rank);
}

bool BatchSweep::elementwise(const Record& record, Value& g, const Meta& meta) {
    const Op& op = *record.op;
    const Elementwise& e = op.elementwise;
    const Wide wide(static_cast<Extent>(width_), meta);
    const Value* kept = tape_.kept(record);
    const std::uint32_t* operands = tape_.operands(record);
    // Before anything is added: one operand that a kernel cannot read sends all of them the other
    // way.
    Operand lanes[2][4];
    std::size_t last = 0;
    for (std::size_t k = 0; k < op.arity; ++k) {
        if (operands[k] == Entry::none) continue;
        last = k;
        const std::uint8_t uses = e.uses[k];
        const Value* read[4] = {&g, uses & reads_x ? &kept[0] : nullptr,
                                uses & reads_y ? &kept[1] : nullptr,
                                uses & reads_ans ? &kept[op.arity] : nullptr};
        for (std::size_t i = 0; i < 4; ++i)
            if (read[i] && !lay_out(*read[i], wide.shape, wide.rank, lanes[k][i])) return false;
    }
    for (std::size_t k = 0; k < op.arity; ++k) {
        const std::uint32_t node = operands[k];
        if (node == Entry::none) continue;
        const Meta target = tape_.meta(node);
        const bool first =
            !is_scalar(node) && nodes_[node].array.empty() && same_shape(target, meta);
        if (first && e.one(k)) {
            nodes_[node].array = g;
            continue;
        }
        Value fresh;
        double* data;
        if (first) {
            fresh = first_room(g, wide, k == last);
            data = data_of(fresh);
        } else {
            data = is_scalar(node) ? reach(node) : writable(node);
        }
        Operand out;
        Operand part;
        lay_out_target(nullptr, target, meta.shape, meta.rank, sizeof(double), part);
        out.data = reinterpret_cast<const char*>(data);
        out.strides[0] = static_cast<Extent>(target.size() * sizeof(double));
        std::copy_n(part.strides, meta.rank, out.strides + 1);
        batch_adjoint(op.code, k, wide.shape, wide.rank, lanes[k][0], lanes[k][1], lanes[k][2],
                      lanes[k][3], out, !first);
        if (first) nodes_[node].array = std::move(fresh);
    }
    return true;
}

// The rule of complex numbers, on operands that broadcast along the batch's axis, which is the
// first one.
bool BatchSweep::by_values(const Record& record, const Call& call, std::size_t k, const Value& g) {
    const Op& op = *record.op;
    const Value none;
    Value term = elementwise_term(op, k, call.arg(0), op.arity == 2 ? call.arg(1) : none,
                                  call.ans(), call.ans_meta.dtype, g);
    const std::uint32_t node = tape_.operands(record)[k];
    if (!term.empty() && !term.is_box())
        term = batched::fit(std::move(term), tape_.meta(node), static_cast<Extent>(width_));
    if (term.empty() || term.is_box()) return false;
    add_array(node, std::move(term));
    return true;
}

// g added in at an index of the operand, into the one array of its cotangents.
bool BatchSweep::scattered(const Call& call, std::size_t at, std::uint32_t node, const Value& g) {
    const Value& index = call.arg(at);
    if (is_scalar(node)) return false;
    if (is_complex(node)) {
        if (!host::is_view_index(index)) return false;
        Value all = zeros(tape_.meta(node));
        host::add_at(all, host::behind_batch(index), g);
        add_array(node, std::move(all));
        return true;
    }
    if (host::is_view_index(index)) {
        writable(node);
        host::add_at(nodes_[node].array, host::behind_batch(index), g);
        return true;
    }
    const Meta target = tape_.meta(node);
    const Value from = apply(Code::getitem, host::counting(target.shape, target.rank), index);
    const View places = host::describe(from);
    const Value whole = contiguous(g);
    if (whole.empty() || places.size * width_ != host::describe(whole).size) return false;
    const Value list = contiguous(from);
    if (list.empty()) return false;
    const auto* numbers = reinterpret_cast<const double*>(host::describe(list).data);
    const std::vector<std::size_t> positions(numbers, numbers + places.size);
    const double* source = data_of(whole);
    double* to = writable(node);
    const std::size_t size = target.size();
    for (std::size_t row = 0; row < width_; ++row, to += size)
        for (const std::size_t position : positions) to[position] += *source++;
    return true;
}

// A rule for the whole batch, where the operation's block has one.
bool BatchSweep::whole(const Call& call, std::size_t argnum, std::uint32_t node, const Value& g) {
    const Structural& block = call.op.structural;
    if (argnum == 0 && block.scatters && scattered(call, block.scatters, node, g)) return true;
    if (!block.vjp_batch) return false;
    Value term = block.vjp_batch(call, argnum, g, static_cast<Extent>(width_));
    if (!term.empty())
        term = batched::fit(std::move(term), tape_.meta(node), static_cast<Extent>(width_));
    if (term.empty()) return false;
    add_array(node, std::move(term));
    return true;
}

// All rows times the partial derivative, where it is a formula.
bool BatchSweep::scaled(const Call& call, std::size_t argnum, std::uint32_t node, const Value& g) {
    const Meta& meta = call.ans_meta;
    Value room;
    if (meta.array) room = host::new_array(meta.dtype, meta.shape, meta.rank);
    std::vector<Value> values(call.count() + 1);
    for (std::size_t i = 0; i < call.count(); ++i) values[i] = call.arg(i);
    values.back() = call.ans();
    const Value partial =
        pointwise::partial(call.op, argnum, values.data(), call.count(), meta, std::move(room));
    if (partial.empty()) return false;
    Value term = batched::fit(apply(Code::multiply, g, partial), tape_.meta(node),
                              static_cast<Extent>(width_));
    if (term.empty()) return false;
    add_array(node, std::move(term));
    return true;
}

// Any other rule, one row after the other.
void BatchSweep::rows(const Record& record, const Value& g, const Call& call, std::size_t k,
                      std::uint32_t node) {
    const Value* kept = tape_.kept(record);
    const Meta target = tape_.meta(node);
    if (record.kind == OpKind::Foreign) {
        Value term = host::map_rows(kept[0], k, g);
        if (!term.empty() && !term.is_box())
            term = batched::fit(std::move(term), target, static_cast<Extent>(width_));
        if (!term.empty() && !term.is_box()) return add_array(node, std::move(term));
    }
    const RowRule rule(record, call, kept, k);
    const bool complex = is_complex(node);
    Value all;
    if (complex) all = zeros(target);
    for (std::size_t row = 0; row < width_; ++row) {
        Value term = rule(g, row, target);
        if (term.empty()) continue;
        if (complex)
            add_complex_row(all, Value::integer(static_cast<double>(row)), term);
        else
            add_row(node, row, std::move(term), target);
    }
    if (complex) add_array(node, std::move(all));
}

void BatchSweep::add_complex_row(const Value& all, const Value& row, const Value& term) {
    if (term.is_box()) throw NotSweepable{};
    host::add_at(all, row, term);
}

void BatchSweep::add_row(std::uint32_t node, std::size_t row, Value term, const Meta& target) {
    if (term.is_box()) throw NotSweepable{};
    if (is_scalar(node)) {
        if (!term.is_float()) term = host::to_scalar(std::move(term));
        if (!term.is_float()) throw NotSweepable{};
        reach(node)[row] += term.number();
        return;
    }
    const std::size_t size = target.size();
    Operand source;
    if (size == 0) {
        writable(node);
        return;
    }
    if (!lay_out(term, target.shape, target.rank, source)) throw NotSweepable{};
    double* data = writable(node) + row * size;
    Operand out;
    lay_out_target(reinterpret_cast<char*>(data), target, target.shape, target.rank, sizeof(double),
                   out);
    pass_on<double>(target.shape, target.rank, source, out, true);
}

}  // namespace fastad
