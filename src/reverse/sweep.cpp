// One cotangent backwards over the tape: the walk, and the adding up.
#include "reverse/sweep.hpp"

#include <algorithm>

#include "kernels/kernels.hpp"
#include "reverse/adjoint.hpp"
#include "reverse/single.hpp"

namespace fastad {
namespace {

constexpr std::uint32_t interrupt_interval = 1u << 16;  // entries between two looks for Ctrl-C

}  // namespace

void Sweep::run() {
    if ((Modes::here(Modes::nans)) || tape_.audit()) [[unlikely]]
        return run_audited();
    together_ = !strict_;
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

namespace {

template <class T>
void add(const View& view, const View& from, const Value& value) {
    auto* target = reinterpret_cast<T*>(view.data);
    if (from.contiguous) {
        const host::Unlocked unlocked(view.size);
        kernels().loops<T>().add(view.size, reinterpret_cast<const T*>(from.data), target);
        return;
    }
    const Meta meta{view.dtype, true, view.rank, view.shape};
    Operand source, out;
    lay_out(value, view.shape, view.rank, source);
    lay_out_target(view.data, meta, view.shape, view.rank, sizeof(T), out);
    const host::Unlocked unlocked(view.size);
    pass_on<T>(view.shape, view.rank, source, out, true);
}

// Adds a cotangent to another one where that lies. False, and nothing done, where somebody else
// sees it, or where it is not plain memory in C order.
bool added(const Value& present, const Value& value) {
    const View view = host::describe(present), from = host::describe(value);
    if (!view.array || !from.array || view.dtype != from.dtype || !view.contiguous ||
        !view.usable || !from.usable || !same_shape(view, from) || view.rank >= most_axes ||
        !host::unique(present))
        return false;
    if (view.dtype == DType::Float64)
        add<double>(view, from, value);
    else if (view.dtype == DType::Float32)
        add<float>(view, from, value);
    else
        return false;
    return true;
}

}  // namespace

// One entry's contributions to its operands.
inline std::size_t Sweep::visit(std::uint32_t i) {
    const Slot slot = slots_[i];
    const Entry& entry = tape_.entry(i);
    if (entry.x < Entry::limit || entry.x == Entry::none) [[likely]] {
        if (!is_mark(slot)) [[likely]] {
            const double g = as_double(slot);
            if (strict_) [[unlikely]] {
                if (entry.x != Entry::none) add_number(entry.x, strict_number(g, entry.dx, i));
                if (entry.y != Entry::none) add_number(entry.y, strict_number(g, entry.dy, i));
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
        const Meta meta = tape_.meta(i);
        if (together_ && rec.kind == OpKind::Elementwise && meta.size() >= long_enough)
            if (const std::size_t work = stretch(i, meta)) return work >> 6;
        tape_.verify(rec, prints_, consume_);
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
    return entry.x == Entry::element ? operation(Code::getitem) : operation(tape_.scalar_code(i));
}

// The entries that visiting this one adds to, if their cotangents can be looked at meanwhile.
std::vector<std::uint32_t> Sweep::operands_of(std::uint32_t i) const {
    const Entry& entry = tape_.entry(i);
    if (entry.x == Entry::element) return {entry.y};
    if (entry.x == Entry::record) {
        const Record& rec = tape_.record(entry);
        if (rec.op->structural.bundled) return {};  // one of several results, bundled until all are
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
        if (added(held(entry), value)) return spare(std::move(value), tape_.meta(entry).size());
        if (added(value, held(entry))) {
            held(entry) = std::move(value);
            return;
        }
    }
    if (value.is_box() && held(entry).is_box()) {
        const Traced &own = held(entry).traced(), &more = value.traced();
        if (own.level == more.level && own.serial == more.serial && own.alive() &&
            own.level->add_into(held(entry), value))
            return;
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
