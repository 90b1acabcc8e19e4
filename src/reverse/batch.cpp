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
#include <algorithm>
#include <vector>

#include "kernels/kernels.hpp"
#include "ops/pointwise.hpp"
#include "reverse/adjoint.hpp"
#include "reverse/row_rule.hpp"

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

    bool is_complex(std::uint32_t entry) const {
        return fastad::is_complex(tape_.meta(entry).dtype);
    }
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
    void record(const Record& record, Value g, const Meta& meta);
    Value first_room(Value& g, const Wide& wide, bool last);
    bool elementwise(const Record& record, Value& g, const Meta& meta);
    Value zeros(const Meta& target) const {
        const Wide wide(static_cast<Extent>(width_), target);
        return host::zeros({target.dtype, true, wide.rank, wide.shape});
    }
    bool by_values(const Record& record, const Call& call, std::size_t k, const Value& g);
    bool scattered(const Call& call, std::size_t at, std::uint32_t node, const Value& g);
    bool whole(const Call& call, std::size_t argnum, std::uint32_t node, const Value& g);
    bool scaled(const Call& call, std::size_t argnum, std::uint32_t node, const Value& g);
    void rows(const Record& record, const Value& g, const Call& call, std::size_t k,
              std::uint32_t node);
    void add_row(std::uint32_t node, std::size_t row, Value term, const Meta& target);
    void add_complex_row(const Value& all, const Value& row, const Value& term);

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

void BatchSweep::record(const Record& record, Value g, const Meta& meta) {
    bool complex = fastad::is_complex(meta.dtype);
    for (std::size_t k = 0; k < record.count; ++k) {
        const std::uint32_t operand = tape_.operands(record)[k];
        complex = complex || (operand != Entry::none && is_complex(operand));
    }
    if (record.kind == OpKind::Elementwise && !complex && elementwise(record, g, meta)) return;
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
    Value term =
        elementwise_term(op, k, call.arg(0), op.arity == 2 ? call.arg(1) : none, call.ans(), g);
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
