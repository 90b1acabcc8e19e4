// Several cotangents backwards over the tape at once, for Jacobians and Hessians.
//
// Every cotangent has a leading axis of the batch's width. Scalar entries hold a block of that many
// numbers; elementwise records run over one more axis, along which the kept operands have stride 0.
// Which entries are reached does not depend on the row, so the results are those of the single
// sweep.
#include <algorithm>
#include <vector>

#include "kernels/kernels.hpp"
#include "reverse/adjoint.hpp"
#include "reverse/sweep.hpp"

namespace fastad {
namespace {

constexpr std::uint32_t interrupt_interval = 1u << 14;

// A meta with the batch's axis in front. Owns its shape.
struct Wide {
    Extent shape[most_axes + 1];
    int rank = 0;
    Wide(Extent width, const Meta& meta) : rank(meta.rank + 1) {
        shape[0] = width;
        std::copy(meta.shape, meta.shape + meta.rank, shape + 1);
    }
};

// Found in the middle: a rule gave a boxed or foreign cotangent, which only the single sweep can
// add up.
struct NotSweepable {};

class BatchSweep {
  public:
    BatchSweep(Tape& tape, std::uint32_t entries, Extent width)
        : tape_(tape), width_(static_cast<std::size_t>(width)), nodes_(entries) {}

    void seed(std::uint32_t entry, const Value& cotangents);
    void run();
    Value result(std::uint32_t entry);

  private:
    static constexpr std::uint32_t untouched = 0xFFFFFFFFu;

    // A block of numbers for a scalar entry, an array for another one.
    struct Node {
        std::uint32_t block = untouched;
        Value array;
    };

    bool is_scalar(std::uint32_t entry) const {
        return !tape_.is_array_entry(entry) || !tape_.meta(entry).array;
    }
    double* block(std::uint32_t number) { return blocks_.data() + number * width_; }
    // The entry's block, zero if it was not there.
    double* reach(std::uint32_t entry) {
        Node& node = nodes_[entry];
        if (node.block == untouched) {
            if (free_.empty()) {
                node.block = static_cast<std::uint32_t>(blocks_.size() / width_);
                blocks_.resize(blocks_.size() + width_, 0.0);
            } else {
                node.block = free_.back();
                free_.pop_back();
                std::fill_n(block(node.block), width_, 0.0);
            }
        }
        return block(node.block);
    }
    void add_scaled(std::uint32_t entry, std::uint32_t from, double partial) {
        double* target = reach(entry);  // may move the blocks: take the source afterwards
        kernels().float64.scale(width_, partial, block(from), target, true);
    }
    void add_array(std::uint32_t entry, Value value);
    double* writable(std::uint32_t entry);

    Value batch_of(std::uint32_t entry);
    void record(const Record& record, const Value& g, const Meta& meta);
    bool elementwise(const Record& record, const Value& g, const Meta& meta);
    void rows(const Record& record, const Value& g, const Call& call);
    bool whole(const Record& record, const Value& g, const Call& call);

    Tape& tape_;
    std::size_t width_;
    std::vector<Node> nodes_;
    std::vector<double> blocks_;
    std::vector<std::uint32_t> free_;
};

double* data_of(const Value& array) {
    return reinterpret_cast<double*>(host::describe(array).data);
}

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
    const View source = host::describe(value);
    if (source.contiguous && source.usable) {
        double* target = writable(entry);
        kernels().float64.add(source.size, reinterpret_cast<const double*>(source.data), target);
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
            record(rec, g, tape_.meta(i));
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

void BatchSweep::record(const Record& record, const Value& g, const Meta& meta) {
    if (record.kind == OpKind::Elementwise && elementwise(record, g, meta)) return;
    const Value* kept = tape_.kept(record);
    std::vector<Meta> metas(record.count);
    for (std::size_t k = 0; k < record.count; ++k) {
        const std::uint32_t operand = tape_.operands(record)[k];
        if (operand != Entry::none)
            metas[k] = tape_.meta(operand);
        else if (record.kind == OpKind::Structural && record.op->structural.differentiable(k))
            metas[k] = meta_of(kept[k]);
    }
    const Call call(*record.op, kept, metas.data(), record.count, &kept[record.count], meta);
    if (record.kind == OpKind::Structural && whole(record, g, call)) return;
    rows(record, g, call);
}

bool BatchSweep::elementwise(const Record& record, const Value& g, const Meta& meta) {
    const Op& op = *record.op;
    const Wide wide(static_cast<Extent>(width_), meta);
    const Value* kept = tape_.kept(record);
    // Before anything is added: one operand that a kernel cannot read sends all of them the other
    // way.
    Operand lanes[2][4];
    for (std::size_t k = 0; k < op.arity; ++k) {
        if (tape_.operands(record)[k] == Entry::none) continue;
        const std::uint8_t uses = op.elementwise.uses[k];
        const Value* read[4] = {&g, uses & reads_x ? &kept[0] : nullptr,
                                uses & reads_y ? &kept[1] : nullptr,
                                uses & reads_ans ? &kept[op.arity] : nullptr};
        for (std::size_t i = 0; i < 4; ++i)
            if (read[i] && !lay_out(*read[i], wide.shape, wide.rank, lanes[k][i])) return false;
    }
    for (std::size_t k = 0; k < op.arity; ++k) {
        const std::uint32_t node = tape_.operands(record)[k];
        if (node == Entry::none) continue;
        const Meta target = tape_.meta(node);
        double* data = is_scalar(node) ? reach(node) : writable(node);
        Operand out;
        Operand part;
        lay_out_target(nullptr, target, meta.shape, meta.rank, sizeof(double), part);
        out.data = reinterpret_cast<const char*>(data);
        out.strides[0] = static_cast<Extent>(target.size() * sizeof(double));
        std::copy_n(part.strides, meta.rank, out.strides + 1);
        const host::Unlocked unlocked(meta.size() * width_);
        elementwise_adjoint<double>(op.code, k, wide.shape, wide.rank, lanes[k][0], lanes[k][1],
                                    lanes[k][2], lanes[k][3], out, true);
    }
    return true;
}

// A rule for the whole batch, where the operation's block has one.
bool BatchSweep::whole(const Record& record, const Value& g, const Call& call) {
    const auto rule = record.op->structural.vjp_batch;
    const std::uint32_t node = tape_.operands(record)[0];
    if (!rule || is_scalar(node)) return false;
    const Value term = rule(call, g, static_cast<Extent>(width_));
    if (term.empty()) return false;
    add_array(node, term);
    return true;
}

// Any other rule, one row after the other.
void BatchSweep::rows(const Record& record, const Value& g, const Call& call) {
    const Meta& meta = call.ans_meta;
    const Op& op = *record.op;
    const std::uint32_t* operands = tape_.operands(record);
    const Value* kept = tape_.kept(record);
    for (std::size_t row = 0; row < width_; ++row) {
        const Value index = Value::integer(static_cast<double>(row));
        Value part = apply(Code::getitem, g, index);
        if (!meta.array) part = host::to_scalar(std::move(part));
        for (std::size_t k = 0; k < record.count; ++k) {
            const std::uint32_t node = operands[k];
            if (node == Entry::none) continue;
            Value term;
            const Meta target = tape_.meta(node);
            if (record.kind == OpKind::Structural) {
                term = op.structural.vjp(call, k, part);
            } else if (record.kind == OpKind::Elementwise) {
                const Value none;
                term = elementwise_term(op.elementwise, k, kept[0], op.arity == 2 ? kept[1] : none,
                                        kept[op.arity], part);
            } else {
                term = sweep_result(host::call_vjp(op, kept[0], k, part));
                if (!term.empty()) check_cotangent(op, kept[0], k, term, target, meta);
            }
            if (term.empty()) continue;
            term = fit(term, target);
            if (term.is_box()) throw NotSweepable{};
            if (is_scalar(node)) {
                if (!term.is_float()) term = host::to_scalar(std::move(term));
                if (!term.is_float()) throw NotSweepable{};
                reach(node)[row] += term.number();
                continue;
            }
            const std::size_t size = target.size();
            Operand source;
            if (size == 0) {
                writable(node);
                continue;
            }
            if (!lay_out(term, target.shape, target.rank, source)) throw NotSweepable{};
            double* data = writable(node) + row * size;
            Operand out;
            lay_out_target(reinterpret_cast<char*>(data), target, target.shape, target.rank,
                           sizeof(double), out);
            const Operand nothing{};
            elementwise_adjoint<double>(Code::add, 0, target.shape, target.rank, source, nothing,
                                        nothing, nothing, out, true);
        }
    }
}

// Everything raw, everything float64.
bool sweepable(Tape& tape, std::uint32_t entries) {
    for (std::uint32_t i = 0; i < entries; ++i) {
        const Entry& entry = tape.entry(i);
        if (entry.x != Entry::record) continue;
        const Record& record = tape.record(entry);
        if (record.dtype != DType::Float64 || record.rank >= most_axes - 1) return false;
        if (!record.op || record.kind == OpKind::Foreign) continue;
        const Value* kept = tape.kept(record);
        for (std::size_t k = 0; k <= record.count; ++k)
            if (kept[k].is_box()) return false;
    }
    return true;
}

}  // namespace

bool reverse_batch(Tape& tape, const std::vector<Seed>& seeds, Extent width,
                   const std::vector<std::uint32_t>& inputs, std::vector<Value>& results) {
    std::uint32_t top = 0;
    for (const Seed& seed : seeds) {
        top = std::max(top, seed.entry + 1);
        if (seed.cotangent.is_box()) return false;
        const View view = host::describe(seed.cotangent);
        if (view.dtype != DType::Float64 || !view.usable) return false;
    }
    const bool one_by_one = Modes::here(Modes::strict_zero | Modes::debugging) || tape.audit();
    if (width == 0 || one_by_one || !sweepable(tape, top)) return false;
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
