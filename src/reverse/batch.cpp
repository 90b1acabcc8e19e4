// Several cotangents backwards over the tape at once, for Jacobians and Hessians.
//
// Every cotangent has a leading axis of the batch's width. Scalar entries hold a block of that many
// numbers; elementwise records run over one more axis, along which the kept operands have stride 0.
// Which entries are reached does not depend on the row, so the results are those of the single
// sweep.
//
// It is a sweep of its own because of what is in a node. The single one keeps a number in the
// node's word and adds to it there, takes cotangents of every dtype, boxed ones too, joins single
// elements and the results of one primitive, reuses arrays, and answers strict zero and audits at
// each step. Of all that a batch has nothing, but blocks, which a node can only point to: 150
// instructions an entry of the scalar lane for a few rows, where one number takes 47. What is known
// of an operation both take from its line or block; where that has no rule for a batch, the
// rows are swept by the rule of one.
#include "reverse/batch.hpp"

namespace fastad {
namespace {

constexpr std::uint32_t interrupt_interval = 1u << 14;

}  // namespace

// The adjoint array of this entry, made of zeros if need be, in memory of its own.
double* BatchSweep::writable(std::uint32_t entry) {
    Value& array = nodes_[entry].array;
    const Wide wide(static_cast<Extent>(width_), tape_.meta(entry));
    if (array.empty()) {
        array = host::new_array(DType::Float64, wide.shape, wide.rank);
        std::fill_n(data_of(array), host::describe(array).size, 0.0);
    } else if (!host::unique(array) || !host::describe(array).contiguous) {
        Value copy = host::new_array(DType::Float64, wide.shape, wide.rank);
        std::fill_n(data_of(copy), host::describe(copy).size, 0.0);
        array = apply(Code::add, array, copy);
    }
    return data_of(array);
}

void BatchSweep::add_array(std::uint32_t entry, Value value) {
    if (is_scalar(entry)) {
        double* target = reach(entry);
        const View view = host::describe(value);
        for (std::size_t row = 0; row < width_; ++row)
            target[row] += *reinterpret_cast<const double*>(view.data + static_cast<Extent>(row) *
                                                                            view.strides[0]);
        return;
    }
    Value& array = nodes_[entry].array;
    if (array.empty()) {
        array = std::move(value);
        return;
    }
    if (is_complex(entry)) {
        array = apply(Code::add, array, value);
        return;
    }
    const View source = host::describe(value);
    if (source.contiguous && source.usable) {
        if (!host::unique(array) && host::unique(value)) std::swap(array, value);
        const View other = host::describe(value);
        if (!other.contiguous) {
            array = apply(Code::add, array, value);
            return;
        }
        double* target = writable(entry);
        const host::Unlocked unlocked(other.size);
        kernels().float64.add(other.size, reinterpret_cast<const double*>(other.data), target);
        return;
    }
    array = apply(Code::add, array, value);
}

void BatchSweep::seed(std::uint32_t entry, const Value& cotangents) {
    add_array(entry, cotangents);
}

Value BatchSweep::batch_of(std::uint32_t entry) {
    Node& node = nodes_[entry];
    if (node.block != untouched) {
        const Extent width = static_cast<Extent>(width_);
        Value array = host::new_array(DType::Float64, &width, 1);
        std::copy_n(block(node.block), width_, data_of(array));
        return array;
    }
    return node.array;
}

Value BatchSweep::result(std::uint32_t entry) {
    return entry < nodes_.size() ? batch_of(entry) : Value();
}

void BatchSweep::run() {
    std::uint32_t until_check = interrupt_interval;
    Prints::Cursor prints = tape_.prints();
    for (std::uint32_t i = static_cast<std::uint32_t>(nodes_.size()); i-- > 0;) {
        Node& node = nodes_[i];
        if (node.block == untouched && node.array.empty()) continue;
        if (--until_check == 0) {
            until_check = interrupt_interval;
            host::check_interrupt();
        }
        const Entry& entry = tape_.entry(i);
        if (entry.x == Entry::input) continue;
        if (entry.x == Entry::element) {
            std::int64_t offset;
            __builtin_memcpy(&offset, &entry.dx, sizeof offset);
            const std::size_t size = tape_.meta(entry.y).size();
            double* target = writable(entry.y) + offset;
            const double* g = block(node.block);
            for (std::size_t row = 0; row < width_; ++row) target[row * size] += g[row];
        } else if (entry.x == Entry::record) {
            const Record& rec = tape_.record(entry);
            if (!rec.op) continue;
            tape_.verify(rec, prints, false);
            Value g = batch_of(i);
            node.array = Value();
            record(rec, std::move(g), tape_.meta(i));
        } else {
            const std::uint32_t from = node.block;
            if (entry.x != Entry::none) add_scaled(entry.x, from, entry.dx);
            if (entry.y != Entry::none) add_scaled(entry.y, from, entry.dy);
        }
        if (nodes_[i].block != untouched) {
            free_.push_back(nodes_[i].block);
            nodes_[i].block = untouched;
        }
    }
}

namespace {

// Everything raw, everything float64, or arrays of complex128 on the way.
bool sweepable(Tape& tape, std::uint32_t entries) {
    for (std::uint32_t i = 0; i < entries; ++i) {
        const Entry& entry = tape.entry(i);
        if (entry.x != Entry::record) continue;
        const Record& record = tape.record(entry);
        const bool complex = record.dtype == DType::Complex128 && record.array && record.op;
        if ((record.dtype != DType::Float64 && !complex) || record.rank >= most_axes - 1)
            return false;
        if (!record.op || record.kind == OpKind::Foreign) continue;
        const Value* kept = tape.kept(record);
        for (std::size_t k = 0; k <= record.count; ++k)
            if (kept[k].is_box()) return false;
    }
    return true;
}

}  // namespace

bool one_by_one(const Tape& tape) {
    return Modes::here(Modes::strict_zero | Modes::debugging) || tape.audit();
}

bool reverse_batch(Tape& tape, const std::vector<Seed>& seeds, Extent width,
                   const std::vector<std::uint32_t>& inputs, std::vector<Value>& results) {
    std::uint32_t top = 0;
    for (const Seed& seed : seeds) {
        top = std::max(top, seed.entry + 1);
        if (seed.cotangent.is_box()) return false;
        const View view = host::describe(seed.cotangent);
        if (view.dtype != DType::Float64 || !view.usable) return false;
    }
    if (width == 0 || one_by_one(tape) || !sweepable(tape, top)) return false;
    tape.begin_sweep(false);
    const Tape::Paused paused(tape);
    BatchSweep sweep(tape, top, width);
    for (const Seed& seed : seeds) sweep.seed(seed.entry, seed.cotangent);
    try {
        sweep.run();
    } catch (const NotSweepable&) {
        return false;
    }
    for (const std::uint32_t input : inputs) results.push_back(sweep.result(input));
    return true;
}

}  // namespace fastad
