// One cotangent backwards over the tape.
#include "reverse/sweep.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "kernels/kernels.hpp"
#include "memory/buffer.hpp"
#include "reverse/adjoint.hpp"

namespace fastad {
namespace {

constexpr std::uint32_t interrupt_interval = 1u << 16;  // entries between two looks for Ctrl-C

// One word a node. A double, or a mark in a signalling NaN, which arithmetic never yields: 0 for a
// node that no cotangent has reached, else the number of a held value.
using Slot = std::uint64_t;
constexpr Slot mark = 0x7FF4000000000000u;
constexpr Slot untouched = mark;

bool is_mark(Slot slot) noexcept { return (slot >> 48) == (mark >> 48); }
double as_double(Slot slot) noexcept {
    double number;
    __builtin_memcpy(&number, &slot, sizeof number);
    return number;
}
Slot as_slot(double number) noexcept {
    if (std::isnan(number)) number = std::numeric_limits<double>::quiet_NaN();
    Slot slot;
    __builtin_memcpy(&slot, &number, sizeof slot);
    return slot;
}

bool all_zero(const Value& g) {
    if (g.is_number()) return g.number() == 0.0;
    const View view = host::describe(g);
    if (!g.is_object() || !view.contiguous || !view.usable || view.dtype != DType::Float64)
        return false;
    const auto* numbers = reinterpret_cast<const double*>(view.data);
    return std::all_of(numbers, numbers + view.size, [](double number) { return number == 0.0; });
}

class Sweep {
  public:
    Sweep(Tape& tape, std::uint32_t entries, bool consume)
        : tape_(tape), consume_(consume), slots_(entries, untouched) {}

    void seed(std::uint32_t entry, const Value& cotangent) { add_value(entry, cotangent); }
    void run();
    Value result(std::uint32_t entry) {
        if (entry >= slots_.size() || slots_[entry] == untouched) return {};
        return look(entry);
    }

  private:
    // Contributions that are single elements of an array, boxed: joined into one scatter when the
    // array is reached, since one dense array an element would make a loop over x[i] quadratic.
    struct Pending {
        std::vector<Extent> offsets;
        std::vector<Value> values;
    };

    // Returns how much work it was, in units of an entry; 0 for one.
    std::size_t visit(std::uint32_t i);
    void run_audited();
    const Op& op_of(std::uint32_t i) const;
    std::vector<std::uint32_t> operands_of(std::uint32_t i) const;

    void hold(std::uint32_t entry, Value value) {
        std::size_t place;
        if (!free_.empty()) {
            place = free_.back();
            free_.pop_back();
            held_[place] = std::move(value);
        } else {
            place = held_.size();
            held_.push_back(std::move(value));
        }
        slots_[entry] = mark | (place + 1);
    }
    Value& held(std::uint32_t entry) noexcept { return held_[(slots_[entry] & 0xFFFFFFFFu) - 1]; }

    void join_pending(std::uint32_t entry);
    Value take(std::uint32_t entry);
    Value look(std::uint32_t entry);

    void add_number(std::uint32_t entry, double number) {
        Slot& slot = slots_[entry];
        if (slot == untouched)
            slot = as_slot(number);
        else if (!is_mark(slot)) [[likely]]
            slot = as_slot(as_double(slot) + number);
        else
            add_value(entry, Value::strong(number));
    }
    void add_value(std::uint32_t entry, Value value);
    void add_scaled(std::uint32_t entry, const Value& g, double partial) {
        if (partial == 1.0) return add_value(entry, g);
        const Value product = apply(Code::multiply, g, Value::weak(partial));
        add_value(entry, strict_ ? masked(g, product) : product);
    }
    // Zero where g is exactly zero, for strict_zero.
    static Value masked(const Value& g, const Value& product) {
        return apply(Code::where, apply(Code::equal, g, Value::weak(0.0)), Value::weak(0.0),
                     product);
    }
    static Value strict_term(const Elementwise& e, Value coefficient, const Value& g) {
        if (e.root)
            coefficient =
                apply(Code::where, apply(Code::isinf, coefficient), Value::weak(0.0), coefficient);
        return masked(g, apply(Code::multiply, g, coefficient));
    }
    double strict_product(double g, double partial, std::uint32_t i) const {
        if (g == 0.0) return 0.0;
        if (std::isinf(partial) && operation(tape_.scalar_code(i)).elementwise.root) return 0.0;
        return g * partial;
    }
    void element(const Entry& entry, const Value& g);
    Value* writable(std::uint32_t entry);

    void record(const Record& record, Value g, const Meta& meta);
    void elementwise(const Record& record, Value g, const Meta& meta);
    // A new array for an adjoint, or one that this sweep has done with.
    Value room(const Meta& meta);
    void spare(Value value);
    template <class T>
    bool flat(const Record& record, std::size_t which, std::uint32_t node, Value& g,
              const Meta& meta, bool last);
    template <class T>
    bool fused(const Record& record, std::size_t which, std::uint32_t node, Value& g,
               const Meta& meta, bool last);
    void structural(const Record& record, Value g, const Meta& meta);
    bool in_place(const Call& call, std::size_t argnum, std::uint32_t node, const Value& g);
    void foreign(const Record& record, const Value& g, const Meta& meta);

    Tape& tape_;
    bool consume_;
    const bool strict_ = Modes::here(Modes::strict_zero) != 0;
    std::size_t prints_left_ = tape_.prints();
    std::vector<Slot> slots_;
    std::vector<Value> held_;
    std::vector<std::size_t> free_;
    static constexpr std::size_t most_spares = 4;
    Value spares_[most_spares];
    std::size_t spare_count_ = 0;
    std::unordered_map<std::uint32_t, Pending> pending_;
    // Cotangents of the parts of a primitive with several results, until all have come.
    std::unordered_map<std::uint32_t, std::vector<Value>> bundles_;
};

void Sweep::run() {
    if ((Modes::here(Modes::nans)) || tape_.audit()) [[unlikely]]
        return run_audited();
    std::uint32_t until_check = interrupt_interval;
    for (std::uint32_t i = static_cast<std::uint32_t>(slots_.size()); i-- > 0;) {
        if (slots_[i] == untouched) continue;  // not the same as zero: its rule must not run at all
        if (--until_check == 0) {
            until_check = interrupt_interval;
            host::check_interrupt();
        }
        // Work counts, not only entries: an array stands for many.
        const std::size_t work = visit(i);
        if (work > 0) [[unlikely]]
            until_check = work < until_check ? until_check - static_cast<std::uint32_t>(work) : 1;
    }
}

// One entry's contributions to its operands.
inline std::size_t Sweep::visit(std::uint32_t i) {
    const Slot slot = slots_[i];
    const Entry& entry = tape_.entry(i);
    if (entry.x < Entry::limit || entry.x == Entry::none) [[likely]] {
        if (!is_mark(slot)) [[likely]] {
            const double g = as_double(slot);
            if (strict_) [[unlikely]] {
                if (entry.x != Entry::none) add_number(entry.x, strict_product(g, entry.dx, i));
                if (entry.y != Entry::none) add_number(entry.y, strict_product(g, entry.dy, i));
                return 0;
            }
            if (entry.x != Entry::none) add_number(entry.x, g * entry.dx);
            if (entry.y != Entry::none) add_number(entry.y, g * entry.dy);
        } else {
            // The record is a constant linear map, whatever the cotangent is.
            const Value g = take(i);
            if (entry.x != Entry::none) add_scaled(entry.x, g, entry.dx);
            if (entry.y != Entry::none) add_scaled(entry.y, g, entry.dy);
        }
    } else if (entry.x == Entry::element) {
        if (is_mark(slot))
            element(entry, take(i));
        else
            element(entry, Value::strong(as_double(slot)));
    } else if (entry.x == Entry::record) {
        const Record& rec = tape_.record(entry);
        if (!rec.op) return 0;
        tape_.verify(rec, prints_left_, consume_);
        const Meta meta = tape_.meta(i);
        record(rec, take(i), meta);
        if (consume_) {
            Value* kept = tape_.kept(rec);
            for (std::size_t k = 0; k <= rec.count; ++k) kept[k] = Value();
        }
        return meta.size() >> 6;
    }
    return 0;
}

const Op& Sweep::op_of(std::uint32_t i) const {
    const Entry& entry = tape_.entry(i);
    if (entry.x == Entry::record) return *tape_.record(entry).op;
    return operation(entry.x == Entry::element ? Code::getitem : tape_.scalar_code(i));
}

// The entries that visiting this one adds to, if their cotangents can be looked at meanwhile.
std::vector<std::uint32_t> Sweep::operands_of(std::uint32_t i) const {
    const Entry& entry = tape_.entry(i);
    if (entry.x == Entry::element) return {entry.y};
    if (entry.x == Entry::record) {
        const Record& rec = tape_.record(entry);
        if (rec.op->code == Code::part) return {};  // one of several results, bundled until all are
        const std::uint32_t* own = tape_.operands(rec);
        std::vector<std::uint32_t> operands;
        for (std::size_t k = 0; k < rec.count; ++k)
            if (own[k] != Entry::none) operands.push_back(own[k]);
        return operands;
    }
    std::vector<std::uint32_t> operands;
    if (entry.x != Entry::none) operands.push_back(entry.x);
    if (entry.y != Entry::none) operands.push_back(entry.y);
    return operands;
}

// As run(), under a debug mode: slowly, with a look at every contribution.
void Sweep::run_audited() {
    Audit& audit = tape_.audited();
    for (std::uint32_t i = static_cast<std::uint32_t>(slots_.size()); i-- > 0;) {
        if (slots_[i] == untouched || tape_.is_input(i)) continue;
        if (i % 64 == 0) host::check_interrupt();
        audit.verify(i);
        if (!Modes::here(Modes::nans)) {
            const Audit::Clock::time_point start = Audit::Clock::now();
            visit(i);
            audit.swept(i, Audit::Clock::now() - start);
            continue;
        }
        const Op& op = op_of(i);
        // A consuming visit drops them, and with them perhaps the user's primitive and its
        // operation.
        std::vector<Value> kept;
        if (tape_.is_array_entry(i)) {
            const Record& rec = tape_.record(tape_.entry(i));
            kept.assign(tape_.kept(rec), tape_.kept(rec) + rec.count + 1);
        }
        const std::vector<std::uint32_t> operands = operands_of(i);
        std::vector<Special> before;
        Special g;
        std::vector<Special> after;
        {
            const InRule rule(op, audit.place(i));
            g = special(look(i));
            for (const std::uint32_t k : operands)
                before.push_back(slots_[k] == untouched ? Special{} : special(look(k)));
            visit(i);
            for (const std::uint32_t k : operands)
                after.push_back(slots_[k] == untouched ? Special{} : special(look(k)));
        }
        for (std::size_t k = 0; k < operands.size(); ++k)
            audit.check_cotangent(op, i, g, before[k], after[k]);
    }
}

void Sweep::join_pending(std::uint32_t entry) {
    const auto bundle = bundles_.find(entry);
    if (bundle != bundles_.end()) {
        held(entry) = host::tuple_like(Value(), std::move(bundle->second));
        bundles_.erase(bundle);
        return;
    }
    const auto found = pending_.find(entry);
    if (found == pending_.end()) return;
    Pending pending = std::move(found->second);
    pending_.erase(found);
    const Meta meta = tape_.meta(entry);
    std::vector<Value> parts;
    parts.reserve(pending.values.size() + 1);
    parts.push_back(Value::integer(0));
    for (Value& value : pending.values) parts.push_back(std::move(value));
    const Value values = apply(operation(Code::stack), parts.data(), parts.size());
    const Extent flat = static_cast<Extent>(meta.size());
    const Value like = host::broadcast(Value::strong(0.0), &flat, 1);
    const Value index = host::index_array(pending.offsets.data(), pending.offsets.size());
    Value sum = apply(Code::scatter, like, index, values);
    sum = shaped::reshape(sum, meta.shape, meta.rank);
    Value& place = held(entry);
    place = place.empty() ? std::move(sum) : apply(Code::add, place, sum);
}

Value Sweep::look(std::uint32_t entry) {
    const Slot slot = slots_[entry];
    if (!is_mark(slot)) return Value::strong(as_double(slot));
    if (!pending_.empty() || !bundles_.empty()) join_pending(entry);
    return held(entry);
}

Value Sweep::take(std::uint32_t entry) {
    const Slot slot = slots_[entry];
    if (!is_mark(slot)) return Value::strong(as_double(slot));
    if (!pending_.empty() || !bundles_.empty()) join_pending(entry);
    const std::size_t place = (slots_[entry] & 0xFFFFFFFFu) - 1;
    Value value = std::move(held_[place]);
    free_.push_back(place);
    slots_[entry] = untouched;
    return value;
}

// The held array of this entry if it may be added into where it lies.
Value* Sweep::writable(std::uint32_t entry) {
    const Slot slot = slots_[entry];
    if (slot == untouched || !is_mark(slot)) return nullptr;
    Value& value = held(entry);
    if (!value.is_object()) return nullptr;
    return host::unique(value) ? &value : nullptr;
}

void Sweep::add_value(std::uint32_t entry, Value value) {
    if (slots_[entry] == untouched) {
        if (value.is_float() && !tape_.is_array_entry(entry))
            slots_[entry] = as_slot(value.number());
        else if (value.is_float() && !tape_.meta(entry).array)
            slots_[entry] = as_slot(value.number());
        else
            hold(entry, std::move(value));
        return;
    }
    if (!is_mark(slots_[entry])) {
        if (value.is_float()) {
            add_number(entry, value.number());
        } else {
            const double number = as_double(slots_[entry]);
            hold(entry, apply(Code::add, Value::strong(number), value));
        }
        return;
    }
    if (held(entry).empty()) {  // only pending elements so far
        held(entry) = std::move(value);
        return;
    }
    if (value.is_object() && held(entry).is_object()) {
        Value& present = held(entry);
        const View a = host::describe(present);
        const View b = host::describe(value);
        if (a.array && b.array && a.dtype == b.dtype && a.contiguous && b.contiguous && a.usable &&
            b.usable && a.size == b.size &&
            (a.dtype == DType::Float64 || a.dtype == DType::Float32)) {
            const bool into_present = host::unique(present);
            if (into_present || host::unique(value)) {
                const char* source = into_present ? b.data : a.data;
                char* target = into_present ? a.data : b.data;
                {
                    const host::Unlocked unlocked(a.size);
                    if (a.dtype == DType::Float64)
                        kernels().float64.add(a.size, reinterpret_cast<const double*>(source),
                                              reinterpret_cast<double*>(target));
                    else
                        kernels().float32.add(a.size, reinterpret_cast<const float*>(source),
                                              reinterpret_cast<float*>(target));
                }
                if (!into_present) held(entry) = std::move(value);
                return;
            }
        }
    }
    const Meta meta = tape_.meta(entry);
    if (meta.dtype == DType::Other && !meta.array) {
        Value sum = host::add_objects(Value(held(entry)), value);
        held(entry) = std::move(sum);
        return;
    }
    // The place is looked up again: the addition may run code that holds values here.
    // NumPy makes a scalar of a sum of 0-d arrays; fit() makes it an array again.
    Value sum = fit(apply(Code::add, Value(held(entry)), value), tape_.meta(entry));
    held(entry) = std::move(sum);
}

void Sweep::element(const Entry& entry, const Value& g) {
    const std::uint32_t parent = entry.y;
    std::int64_t offset;
    __builtin_memcpy(&offset, &entry.dx, sizeof offset);
    if (g.is_float()) {
        if (slots_[parent] == untouched) hold(parent, host::zeros(tape_.meta(parent)));
        if (Value* target = writable(parent)) {
            const View view = host::describe(*target);
            if (view.contiguous && view.usable && view.dtype == DType::Float64) {
                reinterpret_cast<double*>(view.data)[offset] += g.number();
                return;
            }
        } else if (held(parent).is_object()) {
            Value copy = host::zeros(tape_.meta(parent));
            const View view = host::describe(copy);
            reinterpret_cast<double*>(view.data)[offset] = g.number();
            add_value(parent, std::move(copy));
            return;
        }
    }
    if (slots_[parent] == untouched) hold(parent, Value());
    Pending& pending = pending_[parent];
    pending.offsets.push_back(static_cast<Extent>(offset));
    pending.values.push_back(g);
}

void Sweep::record(const Record& record, Value g, const Meta& meta) {
    if (strict_ && record.kind != OpKind::Elementwise && record.op->code != Code::part &&
        all_zero(g)) {
        const std::uint32_t* operands = tape_.operands(record);
        for (std::size_t k = 0; k < record.count; ++k)
            if (operands[k] != Entry::none && tape_.meta(operands[k]).dtype != DType::Other)
                add_value(operands[k], host::zeros(tape_.meta(operands[k])));
        return;
    }
    switch (record.kind) {
        case OpKind::Elementwise: elementwise(record, std::move(g), meta); break;
        case OpKind::Structural: structural(record, std::move(g), meta); break;
        default: foreign(record, g, meta); break;
    }
}

Value Sweep::room(const Meta& meta) {
    for (std::size_t i = spare_count_; i-- > 0;)
        if (host::flat(spares_[i], meta.dtype, meta.shape, meta.rank)) {
            Value value = std::move(spares_[i]);
            spares_[i] = std::move(spares_[--spare_count_]);
            return value;
        }
    return host::new_array(meta.dtype, meta.shape, meta.rank);
}

void Sweep::spare(Value value) {
    // Large arrays go back to the pool instead, which others can draw from.
    if (spare_count_ == most_spares || !value.is_object()) return;
    if (host::describe(value).size * sizeof(double) >= buffer::smallest) return;
    if (host::unique(value)) spares_[spare_count_++] = std::move(value);
}

// The commonest case on its own: everything C-contiguous and of one shape, or a number.
template <class T>
bool Sweep::flat(const Record& record, std::size_t which, std::uint32_t node, Value& g,
                 const Meta& meta, bool last) {
    const Op& op = *record.op;
    const Meta target = tape_.meta(node);
    if (!target.array || !same_shape(target, meta)) return false;
    const T* from = static_cast<const T*>(host::flat(g, meta.dtype, meta.shape, meta.rank));
    if (!from) return false;
    const std::size_t size = meta.size();
    const Elementwise& e = op.elementwise;
    const bool reached = slots_[node] != untouched;
    if (!reached && e.constant[which] && e.coefficient[which] == 1.0) {
        hold(node, g);
        return true;
    }
    constexpr std::size_t few = 256;
    T numbers[3][few];
    const T* lanes[3] = {nullptr, nullptr, nullptr};
    const Value* kept = tape_.kept(record);
    const std::size_t places[3] = {0, 1, op.arity};
    for (std::size_t k = 0; k < 3; ++k) {
        if (!(e.uses[which] >> k & 1u)) continue;
        const Value& value = kept[places[k]];
        if (value.is_number()) {
            if (size > few) return false;
            std::fill_n(numbers[k], size, static_cast<T>(value.number()));
            lanes[k] = numbers[k];
        } else {
            lanes[k] = static_cast<const T*>(host::flat(value, meta.dtype, meta.shape, meta.rank));
            if (!lanes[k]) return false;
        }
    }
    const AdjointLoop<T> loop =
        kernels().loops<T>().adjoint[static_cast<std::size_t>(op.code)][which];
    auto run = [&](T* data, bool accumulate) {
        const host::Unlocked unlocked(size);
        loop(size, from, lanes[0], lanes[1], lanes[2], data, accumulate);
    };
    if (reached) {
        Value* present = writable(node);
        if (!present) return false;
        auto* data = static_cast<T*>(host::flat(*present, meta.dtype, meta.shape, meta.rank));
        if (!data) return false;
        run(data, true);
        return true;
    }
    if (last && host::unique(g)) {
        run(const_cast<T*>(from), false);  // this node's own cotangent is not needed any more
        hold(node, std::move(g));
        return true;
    }
    Value fresh = room(target);
    run(static_cast<T*>(host::flat(fresh, meta.dtype, meta.shape, meta.rank)), false);
    hold(node, std::move(fresh));
    return true;
}

// The fused path: g, the kept operands and the target all plain memory of type T.
template <class T>
bool Sweep::fused(const Record& record, std::size_t which, std::uint32_t node, Value& g,
                  const Meta& meta, bool last) {
    const Op& op = *record.op;
    const Value* kept = tape_.kept(record);
    const Meta target = tape_.meta(node);
    const std::uint8_t uses = op.elementwise.uses[which];
    Operand lanes[4];
    if (!lay_out(g, meta.shape, meta.rank, lanes[0])) return false;
    const Value* read[3] = {uses & reads_x ? &kept[0] : nullptr,
                            uses & reads_y ? &kept[1] : nullptr,
                            uses & reads_ans ? &kept[op.arity] : nullptr};
    for (std::size_t k = 0; k < 3; ++k) {
        if (!read[k]) continue;
        if (read[k]->is_box() || !lay_out(*read[k], meta.shape, meta.rank, lanes[k + 1]))
            return false;
        // A wider constant makes NumPy compute in the wider type.
        if (dtype_for<T> != DType::Float64 && lanes[k + 1].dtype != dtype_for<T> &&
            !read[k]->is_number())
            return false;
    }

    Operand out;
    auto run = [&](char* data, bool accumulate) {
        lay_out_target(data, target, meta.shape, meta.rank, sizeof(T), out);
        const host::Unlocked unlocked(meta.size());
        elementwise_adjoint<T>(op.code, which, meta.shape, meta.rank, lanes[0], lanes[1], lanes[2],
                               lanes[3], out, accumulate);
    };

    if (!target.array) {
        // A scalar operand: the sum over all elements. float64 goes to the scalar lane.
        if (dtype_for<T> != DType::Float64) return false;
        double total = 0.0;
        run(reinterpret_cast<char*>(&total), true);
        add_number(node, total);
        return true;
    }
    const bool equal = same_shape(target, meta);

    if (slots_[node] != untouched) {
        if (const Value* present = writable(node)) {
            const View view = host::describe(*present);
            if (view.contiguous && view.usable && same_shape(target, view) &&
                view.dtype == target.dtype) {
                run(view.data, true);
                return true;
            }
        }
    } else if (equal && op.elementwise.constant[which] &&
               op.elementwise.coefficient[which] == 1.0) {
        hold(node, g);
        return true;
    }
    if (equal && last && g.is_object()) {
        const View view = host::describe(g);
        if (view.contiguous && view.array && view.dtype == target.dtype && host::unique(g)) {
            run(view.data, false);  // this node's own cotangent is not needed any more: reuse it
            add_value(node, std::move(g));
            return true;
        }
    }
    Value fresh = room(target);
    const View view = host::describe(fresh);
    if (!equal) __builtin_memset(view.data, 0, view.size * sizeof(T));
    run(view.data, !equal);
    add_value(node, std::move(fresh));
    return true;
}

void Sweep::elementwise(const Record& record, Value g, const Meta& meta) {
    const Op& op = *record.op;
    const std::uint32_t* operands = tape_.operands(record);
    std::size_t last = 0;
    for (std::size_t k = 0; k < op.arity; ++k)
        if (operands[k] != Entry::none) last = k;
    for (std::size_t k = 0; k <= last; ++k) {
        const std::uint32_t node = operands[k];
        if (node == Entry::none) continue;
        const DType dtype = tape_.meta(node).dtype;
        if (!strict_ && !g.is_box() && meta.array && dtype == meta.dtype) {
            if (dtype == DType::Float64 && flat<double>(record, k, node, g, meta, k == last))
                continue;
            if (dtype == DType::Float32 && flat<float>(record, k, node, g, meta, k == last))
                continue;
            if (dtype == DType::Float64 && fused<double>(record, k, node, g, meta, k == last))
                continue;
            if (dtype == DType::Float32 && fused<float>(record, k, node, g, meta, k == last))
                continue;
        }
        const Elementwise& e = op.elementwise;
        const Value* kept = tape_.kept(record);
        const Value none;
        const Value& y = op.arity == 2 ? kept[1] : none;
        const Value contribution = strict_ && !e.constant[k]
                                       ? strict_term(e, e.rule[k](kept[0], y, kept[op.arity]), g)
                                       : elementwise_term(e, k, kept[0], y, kept[op.arity], g);
        add_value(node, fit(contribution, tape_.meta(node)));
    }
    spare(std::move(g));
}

// The block's own adjoint of plain memory, into what this node has got already or into a new array.
bool Sweep::in_place(const Call& call, std::size_t argnum, std::uint32_t node, const Value& g) {
    const Meta& target = call.meta(argnum);
    if (!target.array || g.is_box() || call.ans().is_box()) return false;
    for (std::size_t i = 0; i < call.count(); ++i)
        if (call.arg(i).is_box()) return false;
    if (const Value* present = writable(node))
        if (call.op.structural.adjoint(call, argnum, g, *present, true)) return true;
    Value fresh = room(target);
    if (!call.op.structural.adjoint(call, argnum, g, fresh, false)) {
        spare(std::move(fresh));
        return false;
    }
    add_value(node, std::move(fresh));
    return true;
}

void Sweep::structural(const Record& record, Value g, const Meta& meta) {
    const Op& op = *record.op;
    const std::uint32_t* operands = tape_.operands(record);
    const Value* kept = tape_.kept(record);
    if (op.code == Code::part) {
        const std::uint32_t whole = operands[0];
        if (slots_[whole] == untouched) hold(whole, Value());
        std::vector<Value>& parts = bundles_[whole];
        const auto position = static_cast<std::size_t>(kept[1].number());
        if (parts.size() <= position) parts.resize(position + 1);
        parts[position] = std::move(g);
        return;
    }
    if (op.code == Code::getitem) {
        const std::uint32_t parent = operands[0];
        const Meta target = tape_.meta(parent);
        const bool plain =
            target.dtype == meta.dtype && target.dtype != DType::Other && target.array;
        if (plain && !g.is_box() && !kept[1].is_box()) {
            // Scattered into the parent's own adjoint: no zero array of the parent's size is made
            // but one.
            if (slots_[parent] == untouched) hold(parent, host::zeros(target));
            if (!writable(parent)) {
                if (!held(parent).is_box() && !held(parent).empty())
                    add_value(parent, host::zeros(target));
            }
            if (const Value* whole = writable(parent)) {
                host::add_at(*whole, kept[1], g);
                return;
            }
        } else if (target.rank == 1 && kept[1].kind() == Kind::Integer && target.array) {
            const double at = kept[1].number();
            if (slots_[parent] == untouched) hold(parent, Value());
            Pending& pending = pending_[parent];
            pending.offsets.push_back(
                static_cast<Extent>(at < 0 ? at + double(target.shape[0]) : at));
            pending.values.push_back(g);
            return;
        }
    }
    std::vector<Meta> metas(record.count);
    for (std::size_t k = 0; k < record.count; ++k) {
        if (operands[k] != Entry::none)
            metas[k] = tape_.meta(operands[k]);
        else if (op.structural.differentiable(k))
            metas[k] = meta_of(kept[k]);
    }
    const Call call(op, kept, metas.data(), record.count, &kept[record.count], meta);
    for (std::size_t k = 0; k < record.count; ++k) {
        if (operands[k] == Entry::none) continue;
        if (op.structural.adjoint && in_place(call, k, operands[k], g)) continue;
        Value contribution = op.structural.vjp(call, k, g);
        if (contribution.empty()) continue;
        const Meta target = tape_.meta(operands[k]);
        contribution = fit(contribution, target);
        add_value(operands[k], std::move(contribution));
    }
}

void Sweep::foreign(const Record& record, const Value& g, const Meta& meta) {
    const std::uint32_t* operands = tape_.operands(record);
    for (std::size_t k = 0; k < record.count; ++k) {
        const Value contribution =
            sweep_result(host::call_vjp(*record.op, tape_.kept(record)[0], k, g));
        if (contribution.empty()) continue;
        const Meta target = tape_.meta(operands[k]);
        check_cotangent(*record.op, tape_.kept(record)[0], k, contribution, target, meta);
        add_value(operands[k], fit(contribution, target));
    }
}

}  // namespace

void check_cotangent(const Op& op, const Value& vjps, std::size_t which, const Value& cotangent,
                     const Meta& target, const Meta& ans) {
    const Meta own = meta_of(cotangent);
    // Of the result's shape is right for an operand that was broadcast to it.
    auto spreads = [&own, &target] {
        if (target.rank > own.rank) return false;
        for (int axis = 0; axis < target.rank; ++axis) {
            const Extent length = target.shape[axis];
            if (length != 1 && length != own.shape[axis + own.rank - target.rank]) return false;
        }
        return true;
    };
    const bool numeric = own.dtype != DType::Other || target.dtype == DType::Other;
    if (!numeric || !(same_shape(own, target) || (same_shape(own, ans) && spreads())))
        host::wrong_cotangent(op, vjps, which, cotangent, target);
}

std::vector<Value> reverse(Tape& tape, std::vector<Seed> seeds,
                           const std::vector<std::uint32_t>& inputs, bool consume) {
    tape.begin_sweep(consume);
    const Tape::Paused paused(tape);
    std::uint32_t top = 0;
    for (const Seed& seed : seeds) top = std::max(top, seed.entry + 1);
    Sweep sweep(tape, top, consume);
    for (Seed& seed : seeds) {
        Value cotangent = std::move(seed.cotangent);
        sweep.seed(seed.entry, cotangent);
    }
    sweep.run();
    std::vector<Value> results;
    results.reserve(inputs.size());
    for (const std::uint32_t input : inputs) results.push_back(sweep.result(input));
    if (Modes::here(Modes::nans)) [[unlikely]] {
        Special found;
        for (const Value& result : results) found |= special(result);
        tape.audited().check_gradient(found);
    }
    return results;
}

}  // namespace fastad
