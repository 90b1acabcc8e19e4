#include "forward/column_sweep.hpp"

#include <algorithm>

#include "forward/fused.hpp"
#include "forward/tangent.hpp"
#include "ops/pointwise.hpp"
#include "reverse/adjoint.hpp"
#include "reverse/metas.hpp"
#include "reverse/sweep.hpp"

namespace fastad {
namespace {

constexpr std::uint32_t interrupt_interval = 1u << 14;

Value new_batch(const Meta& meta, Extent width) {
    std::vector<Extent> shape(meta.shape, meta.shape + meta.rank);
    shape.insert(shape.begin(), width);
    return host::new_array(DType::Float64, shape.data(), meta.rank + 1);
}

// Of what is a plain number itself.
const Value& plain(const Value& tangents) {
    if (tangents.is_box()) throw NoColumns{};
    return tangents;
}

bool any_box(const Value* values, std::size_t count) {
    return std::any_of(values, values + count, [](const Value& one) { return one.is_box(); });
}

}  // namespace

template <class Function>
void ForwardSweep::each_operand(std::uint32_t i, Function&& function) const {
    const Entry& entry = tape_.entry(i);
    if (entry.x == Entry::input) return;
    if (entry.x == Entry::element) return function(entry.y);
    if (entry.x == Entry::record) {
        const Record& record = tape_.record(entry);
        if (!record.op) return;
        const std::uint32_t* operands = tape_.operands(record);
        for (std::size_t k = 0; k < record.count; ++k)
            if (operands[k] != Entry::none) function(operands[k]);
        return;
    }
    if (entry.x != Entry::none) function(entry.x);
    if (entry.y != Entry::none) function(entry.y);
}

bool ForwardSweep::prepare() {
    Prints::Cursor cursor = tape_.prints();
    needed_[output_] = 1;
    for (std::uint32_t i = output_ + 1; i-- > 0;) {
        if (!needed_[i]) continue;
        const Entry& entry = tape_.entry(i);
        if (entry.x == Entry::record) {
            const Record& record = tape_.record(entry);
            if (record.dtype != DType::Float64 || record.rank >= most_axes - 1) return false;
            if (record.op) {
                if (record.op->structural.bundled) return false;
                const Value* kept = tape_.kept(record);
                for (std::size_t k = 0; k <= record.count; ++k)
                    traced_ = traced_ || kept[k].is_box();
                tape_.verify(record, cursor, false);
            }
            largest_ = std::max(largest_, tape_.meta(i).size());
        }
        each_operand(i, [&](std::uint32_t operand) {
            needed_[operand] = 1;
            if (last_use_[operand] == 0) last_use_[operand] = i;
        });
    }
    return true;
}

void ForwardSweep::seed(std::uint32_t input, std::size_t first, std::size_t count, std::size_t row,
                        Extent width) {
    const Meta meta = tape_.meta(input);
    const std::size_t size = meta.size();
    Value unit = new_batch(meta, width);
    double* data = data_of(unit);
    std::fill_n(data, static_cast<std::size_t>(width) * size, 0.0);
    for (std::size_t i = 0; i < count; ++i) data[(row + i) * size + first + i] = 1.0;
    tangents_[input] = std::move(unit);
}

Value ForwardSweep::run(Extent width) {
    std::uint32_t until_check = interrupt_interval;
    for (std::uint32_t i = 0; i <= output_; ++i) {
        if (!needed_[i] || tape_.is_input(i)) continue;
        if (--until_check == 0) {
            until_check = interrupt_interval;
            host::check_interrupt();
        }
        bool any = false;
        each_operand(i, [&](std::uint32_t operand) { any = any || reached(operand); });
        if (!any) continue;
        const Entry& entry = tape_.entry(i);
        if (entry.x == Entry::record)
            tangents_[i] = of_record(tape_.record(entry), tape_.meta(i), width);
        else if (entry.x == Entry::element)
            element(i, entry, width);
        else
            scaled_sum(i, entry, width);
        each_operand(i, [&](std::uint32_t operand) {
            if (last_use_[operand] == i) forget(operand);
        });
    }
    return array_of(output_, width);
}

double* ForwardSweep::place(std::uint32_t i, Extent width) {
    if (free_.empty()) {
        numbers_[i] = room_.size();
        room_.resize(room_.size() + static_cast<std::size_t>(width));
    } else {
        numbers_[i] = free_.back();
        free_.pop_back();
    }
    return room_.data() + numbers_[i];
}

Value ForwardSweep::array_of(std::uint32_t i, Extent width) {
    if (numbers_[i] == nowhere) return tangents_[i];
    Value array = host::new_array(DType::Float64, &width, 1);
    std::copy_n(room_.data() + numbers_[i], width, data_of(array));
    return array;
}

// Of one element of an array.
void ForwardSweep::element(std::uint32_t i, const Entry& entry, Extent width) {
    std::int64_t offset;
    __builtin_memcpy(&offset, &entry.dx, sizeof offset);
    const Value parent = contiguous(plain(tangents_[entry.y]));
    const double* from = data_of(parent) + offset;
    const std::size_t size = tape_.meta(entry.y).size();
    double* column = place(i, width);
    for (Extent row = 0; row < width; ++row, from += size) column[row] = *from;
}

void ForwardSweep::scaled_sum(std::uint32_t i, const Entry& entry, Extent width) {
    double* sum = place(i, width);
    bool first = true;
    const std::uint32_t operands[2] = {entry.x, entry.y};
    const double partials[2] = {entry.dx, entry.dy};
    for (int k = 0; k < 2; ++k) {
        if (operands[k] == Entry::none || !reached(operands[k])) continue;
        const double partial = partials[k];
        const std::size_t at = numbers_[operands[k]];
        View view;
        if (at == nowhere) view = host::describe(plain(tangents_[operands[k]]));
        const char* from = at == nowhere ? view.data : reinterpret_cast<char*>(&room_[at]);
        const Extent stride = at == nowhere ? view.strides[0] : Extent{sizeof(double)};
        for (Extent row = 0; row < width; ++row, from += stride) {
            const double term = partial * *reinterpret_cast<const double*>(from);
            sum[row] = first ? term : sum[row] + term;
        }
        first = false;
    }
}

namespace {

// By the rules in forward mode of a registered operation whose operands and result are kept.
Value registered_tangent(const Call& call, const Value* tangents) {
    Value total;
    for (std::size_t k = 0; k < call.count(); ++k) {
        if (tangents[k].empty()) continue;
        std::vector<Value> args(call.count());
        for (std::size_t i = 0; i < args.size(); ++i) args[i] = call.arg(i);
        Value term =
            host::call_jvp(call.op, k, tangents[k], call.ans(), args.data(), args.size(), nullptr);
        if (term.empty()) continue;
        term = conform(term, call.ans_meta);
        total = total.empty() ? std::move(term) : apply(Code::add, total, term);
    }
    return total.empty() ? host::zeros(call.ans_meta) : total;
}

}  // namespace

// Of a registered operation: its vjps are linear, and go forwards as well.
Value ForwardSweep::of_maps(const Value& vjps, const std::vector<Value>& tangents,
                            const std::vector<Meta>& metas, const Meta& meta) {
    Value like = Value::strong(1.0);
    if (meta.array) {
        like = host::new_array(DType::Float64, meta.shape, meta.rank);
        std::fill_n(data_of(like), meta.size(), 1.0);
    }
    Value total;
    for (std::size_t k = 0; k < tangents.size(); ++k) {
        if (tangents[k].empty()) continue;
        if (metas[k].dtype != DType::Float64) throw NoColumns{};
        Value term = host::map_columns(vjps, k, tangents[k], like);
        if (!term.is_object() && !term.is_box()) throw NoColumns{};
        const Meta own = meta_of(term);
        if (own.dtype != DType::Float64 || own.rank != meta.rank + 1) throw NoColumns{};
        total = total.empty() ? std::move(term) : apply(Code::add, total, term);
    }
    return total;
}

// Of one that is elementwise, whose partial derivatives are formulas; empty where they are not.
Value ForwardSweep::scaled(const Record& record, const std::vector<Value>& tangents,
                           const std::vector<Meta>& metas, const Meta& meta, Extent width) {
    Value total;
    for (std::size_t k = 0; k < tangents.size(); ++k) {
        if (tangents[k].empty()) continue;
        Value room;
        if (meta.array) room = host::new_array(meta.dtype, meta.shape, meta.rank);
        const Value partial = pointwise::partial(*record.op, k, tape_.kept(record), record.count,
                                                 meta, std::move(room));
        if (partial.empty()) return {};
        const Value along = batched::aligned(tangents[k], metas[k], meta.rank, width);
        Value term = apply(Code::multiply, along, partial);
        total = total.empty() ? std::move(term) : apply(Code::add, total, term);
    }
    return total;
}

namespace {

// Elementwise rules are written for operands that broadcast: they take a batch as it is.
Value through_gate(const Call& call, std::vector<Value>& tangents, Extent width) {
    const Meta& meta = call.ans_meta;
    for (std::size_t k = 0; k < tangents.size(); ++k)
        if (!tangents[k].empty())
            tangents[k] = batched::aligned(tangents[k], call.meta(k), meta.rank, width);
    std::vector<Extent> shape(meta.shape, meta.shape + meta.rank);
    shape.insert(shape.begin(), width);
    const Meta wide{meta.dtype, true, meta.rank + 1, shape.data()};
    const Call batch(call.op, &call.arg(0), &call.meta(0), call.count(), &call.ans(), wide);
    return elementwise_tangent(batch, tangents.data());
}

}  // namespace

Value ForwardSweep::of_record(const Record& record, const Meta& meta, Extent width) {
    const Op& op = *record.op;
    const std::size_t count = record.count;
    const std::uint32_t* operands = tape_.operands(record);
    const Value* kept = tape_.kept(record);
    std::vector<Value> tangents(count);
    std::vector<Meta> metas(count);
    metas_of(tape_, record, metas.data());
    for (std::size_t k = 0; k < count; ++k)
        if (operands[k] != Entry::none) tangents[k] = array_of(operands[k], width);
    const bool boxed = any_box(kept, count + 1) || any_box(tangents.data(), count);
    if (record.kind == OpKind::Elementwise && boxed)
        return through_gate({op, kept, metas.data(), count, &kept[count], meta}, tangents, width);
    if (record.kind == OpKind::Elementwise)
        if (Value whole = fused_tangents(op, kept, tangents.data(), meta, width); !whole.empty())
            return whole;
    if (record.kind == OpKind::Foreign) return of_maps(kept[0], tangents, metas, meta);
    if (record.kind == OpKind::Pointwise)
        if (Value whole = scaled(record, tangents, metas, meta, width); !whole.empty())
            return whole;
    const Call call(op, kept, metas.data(), count, &kept[count], meta);
    if (record.kind == OpKind::Structural && op.structural.jvp_batch) {
        const Value term = op.structural.jvp_batch(call, tangents.data(), width);
        if (!term.empty()) {
            Meta own = meta_of(term);
            --own.rank;
            ++own.shape;
            return batched::broadcast(term, own, meta, width);
        }
    }
    const bool jointly =
        record.kind == OpKind::Structural && op.structural.linear == Structural::Linear::Jointly;
    std::vector<Value> rows{Value::integer(0)};
    std::vector<Value> row(count);
    for (Extent i = 0; i < width; ++i) {
        for (std::size_t k = 0; k < count; ++k) {
            if (tangents[k].empty()) {
                if (operands[k] != Entry::none && jointly) row[k] = host::zeros(metas[k]);
                continue;
            }
            row[k] = apply(Code::getitem, tangents[k], Value::integer(static_cast<double>(i)));
            if (!metas[k].array && !row[k].is_box()) row[k] = host::to_scalar(std::move(row[k]));
        }
        Value term = record.kind == OpKind::Structural    ? structural_tangent(call, row.data())
                     : record.kind == OpKind::Elementwise ? elementwise_tangent(call, row.data())
                                                          : registered_tangent(call, row.data());
        rows.push_back(conform(term, meta));
    }
    return apply(operation(Code::stack), rows.data(), rows.size());
}

}  // namespace fastad
