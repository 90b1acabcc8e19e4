// Several cotangents backwards over a tape of traced operands, at once: Jacobians of Jacobians, and
// those that a program records.
//
// Every cotangent has a leading axis of the batch's width, also that of a number, and every step
// goes through the gate. An elementwise rule is written for operands that broadcast, so that it
// takes a batch as it is; structural operations have rules for a batch in their blocks; what has
// none is asked row by row.
#include <algorithm>

#include "reverse/adjoint.hpp"
#include "reverse/metas.hpp"
#include "reverse/row_rule.hpp"
#include "reverse/sweep.hpp"

namespace fastad {
namespace {

constexpr std::uint32_t interrupt_interval = 1u << 10;

class TracedBatch {
  public:
    TracedBatch(Tape& tape, std::uint32_t entries, Extent width)
        : tape_(tape), width_(width), nodes_(entries) {}

    void add(std::uint32_t entry, Value cotangents) {
        Value& own = nodes_[entry];
        own = own.empty() ? std::move(cotangents) : apply(Code::add, own, cotangents);
    }
    // False where something has no batch: numbers that are not of double precision.
    bool run();
    Value result(std::uint32_t entry) { return entry < nodes_.size() ? nodes_[entry] : Value(); }

  private:
    void add_scaled(std::uint32_t entry, const Value& g, double partial) {
        if (entry != Entry::none) add(entry, apply(Code::multiply, g, Value::weak(partial)));
    }
    void element(const Entry& entry, const Value& g);
    bool record(const Record& record, const Value& g, const Meta& meta);
    Value term(const Record& record, const Call& call, std::size_t k, const Value& g,
               const Meta& target);
    Value by_rows(const Record& record, const Call& call, std::size_t k, const Value& g,
                  const Meta& target);

    Tape& tape_;
    Extent width_;
    std::vector<Value> nodes_;
};

bool TracedBatch::run() {
    std::uint32_t until_check = interrupt_interval;
    Prints::Cursor prints = tape_.prints();
    for (std::uint32_t i = static_cast<std::uint32_t>(nodes_.size()); i-- > 0;) {
        if (nodes_[i].empty() || tape_.is_input(i)) continue;
        if (--until_check == 0) {
            until_check = interrupt_interval;
            host::check_interrupt();
        }
        const Value g = std::move(nodes_[i]);
        nodes_[i] = Value();
        const Entry& entry = tape_.entry(i);
        if (entry.x == Entry::record) {
            const Record& rec = tape_.record(entry);
            if (!rec.op) continue;
            tape_.verify(rec, prints, false);
            if (!record(rec, g, tape_.meta(i))) return false;
        } else if (entry.x == Entry::element) {
            element(entry, g);
        } else {
            add_scaled(entry.x, g, entry.dx);
            add_scaled(entry.y, g, entry.dy);
        }
    }
    return true;
}

// A number that was taken out of a plain array.
void TracedBatch::element(const Entry& entry, const Value& g) {
    std::int64_t offset;
    __builtin_memcpy(&offset, &entry.dx, sizeof offset);
    const Meta parent = tape_.meta(entry.y);
    const Extent flat = static_cast<Extent>(parent.size());
    const Meta row{DType::Float64, true, 1, &flat};
    const Value sum = apply(Code::scatter, batched::zeros(row, width_),
                            host::position_index(1, static_cast<Extent>(offset)), g);
    add(entry.y, batched::reshape(sum, parent.shape, parent.rank, width_));
}

bool TracedBatch::record(const Record& record, const Value& g, const Meta& meta) {
    const Value* kept = tape_.kept(record);
    std::vector<Meta> metas(record.count);
    metas_of(tape_, record, metas.data());
    const Call call(*record.op, kept, metas.data(), record.count, &kept[record.count], meta);
    for (std::size_t k = 0; k < record.count; ++k) {
        const std::uint32_t node = tape_.operands(record)[k];
        if (node == Entry::none) continue;
        const Meta target = tape_.meta(node);
        Value part = term(record, call, k, g, target);
        if (part.empty()) part = by_rows(record, call, k, g, target);
        if (part.empty()) return false;
        add(node, std::move(part));
    }
    return true;
}

// By a rule for all rows; empty where there is none.
Value TracedBatch::term(const Record& record, const Call& call, std::size_t k, const Value& g,
                        const Meta& target) {
    const Value* kept = tape_.kept(record);
    const Op& op = *record.op;
    Value found;
    if (record.kind == OpKind::Elementwise) {
        const Value none;
        found = elementwise_term(op, k, kept[0], op.arity == 2 ? kept[1] : none, kept[op.arity],
                                 call.ans_meta.dtype, g);
    } else if (record.kind == OpKind::Structural) {
        if (op.structural.vjp_batch) found = op.structural.vjp_batch(call, k, g, width_);
    } else if (record.kind == OpKind::Foreign) {
        found = host::map_rows(kept[0], k, g);
        if (!found.empty()) found = sweep_result(std::move(found));
    }
    return found.empty() ? found : batched::fit(found, target, width_);
}

Value TracedBatch::by_rows(const Record& record, const Call& call, std::size_t k, const Value& g,
                           const Meta& target) {
    const RowRule rule(record, call, tape_.kept(record), k);
    std::vector<Value> rows{Value::integer(0)};
    for (Extent row = 0; row < width_; ++row) {
        Value part = rule(g, static_cast<std::size_t>(row), target);
        rows.push_back(part.empty() ? host::zeros(target) : std::move(part));
    }
    const Value whole = apply(operation(Code::stack), rows.data(), rows.size());
    return batched::fit(whole, target, width_);
}

}  // namespace

bool traced_batch(Tape& tape, const std::vector<Seed>& seeds, Extent width,
                  const std::vector<std::uint32_t>& inputs, std::vector<Value>& results) {
    if (one_by_one(tape)) return false;
    std::uint32_t top = 0;
    for (const Seed& seed : seeds) top = std::max(top, seed.entry + 1);
    for (std::uint32_t i = 0; i < top; ++i) {
        if (!tape.is_array_entry(i)) continue;
        const Record& record = tape.record(tape.entry(i));
        if (record.dtype != DType::Float64 || record.rank >= most_axes - 1) return false;
        if (record.op && record.op->structural.bundled) return false;
    }
    tape.begin_sweep(false);
    const Tape::Paused paused(tape);
    TracedBatch sweep(tape, top, width);
    for (const Seed& seed : seeds) sweep.add(seed.entry, seed.cotangent);
    if (!sweep.run()) return false;
    for (const std::uint32_t input : inputs) results.push_back(sweep.result(input));
    return true;
}

}  // namespace fastad
