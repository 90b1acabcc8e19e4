// What a tape does with an operation: a record of it, with what its rule will read.
#include <algorithm>

#include "ops/pointwise.hpp"
#include "ops/scratch.hpp"
#include "reverse/tape.hpp"

namespace fastad {

namespace {

// How many hold the object of this value, a box's own for a box, or the array whose memory it
// shows: a view of a view holds that one alone.
long holders_of(const Value& value) noexcept {
    if (!value.is_object() && !value.is_box()) return 0;
    const long own = host::references(value.object());
    const Value& raw = innermost(value);
    const Object* memory = raw.is_object() ? host::owner(raw) : nullptr;
    return memory && memory != value.object() ? own + host::references(memory) : own;
}

// Whether it is a view of the other's memory that nobody else holds.
bool shows(const Value& view, const Value& whole) noexcept {
    return view.is_object() && whole.is_object() && host::references(view.object()) == 1 &&
           host::owner(view) == host::owner(whole);
}

}  // namespace

bool Tape::sees(const Op& op) {
    if (op.kind() == OpKind::Zero && !op.registered() && serial != 0) lost(op.name.c_str());
    return Level::sees(op);
}

bool Tape::read(const Traced& box, Read why) {
    const Lock lock(mutex_);
    const bool given = Level::read(box, why);
    if (!given) lost("a plain number was asked for (TypeError)");
    if (why == Read::User) {
        lost("fastad.getval");
        give(box);
    }
    return given;
}

Value Tape::record(const Applied& applied, Value ans) {
    Scratch<std::uint32_t> operands(applied.count);
    bool any = false;
    for (std::size_t i = 0; i < applied.count; ++i) {
        operands[i] = Entry::none;
        if (applied.differentiable(i)) operands[i] = applied.values[i].traced().index, any = true;
    }
    if (!any) return ans;
    if (Modes::here(Modes::debugging)) [[unlikely]]
        return push_audited(applied, operands.data(), std::move(ans));
    return push_operation(applied, operands.data(), std::move(ans));
}

// The record of a registered primitive: its vjps, and the traced operands in their order.
std::uint32_t Tape::push_foreign(const Applied& applied, const std::uint32_t* operands,
                                 const Value& ans, bool several) {
    std::vector<std::size_t> argnums;
    Scratch<std::uint32_t> traced(applied.count);
    for (std::size_t k = 0; k < applied.count; ++k)
        if (operands[k] != Entry::none) {
            traced[argnums.size()] = operands[k];
            argnums.push_back(k);
        }
    Scratch<Value> kept(argnums.size() + 1);
    // Which of them its rules read, nobody says; but what they read they hold.
    std::vector<Value> parts;
    if (several) parts = host::tuple_items(ans);
    const std::size_t count = applied.count + 1 + parts.size();
    auto seen = [&](std::size_t k) -> const Value& {
        if (k < applied.count) return applied.inner[k];
        return k == applied.count ? ans : parts[k - applied.count - 1];
    };
    Scratch<long> holders(count);
    for (std::size_t k = 0; k < count; ++k) holders[k] = holders_of(seen(k));
    kept[0] =
        host::make_vjps(applied.op, argnums, ans, applied.inner, applied.count, applied.kwnames);
    living(applied);
    const Lock lock(mutex_);
    Meta meta;  // after the user's code has run, which may reshape its result
    if (several)
        meta.dtype = DType::Other;
    else
        meta = meta_of(ans);
    const std::uint32_t index =
        push_record(applied.op, traced.data(), argnums.size(), kept.data(), meta);
    const std::uint32_t place = record(entry(index)).first_kept;
    for (std::size_t k = 0; k < count; ++k)
        if (holders_of(seen(k)) > holders[k])
            prints_.add(place, k < applied.count ? static_cast<std::uint32_t>(k) : Prints::result,
                        seen(k), true);
    return index;
}

// Several results: one record for the primitive, and one for each part that can be differentiated.
Value Tape::push_tuple(const Applied& applied, const std::uint32_t* operands, const Value& ans) {
    const std::uint32_t whole = push_foreign(applied, operands, ans, true);
    std::vector<Value> items = host::tuple_items(ans);
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (items[i].empty() || !host::differentiable(innermost(items[i]))) continue;
        const std::uint32_t from[2] = {whole, Entry::none};
        Value kept[3] = {Value(), Value::integer(static_cast<double>(i)), Value()};
        living(applied);
        const Lock lock(mutex_);
        const std::uint32_t index =
            push_record(operation(Code::part), from, 2, kept, meta_of(items[i]));
        items[i] = box(applied.serial, std::move(items[i]), index);
    }
    return host::tuple_like(ans, std::move(items));
}

// Whether the derivatives of a registered operation are formulas of values that the tape keeps, so
// that its rules need not be called.
bool Tape::suits(const Applied& applied, const std::uint32_t* operands, const Value& ans,
                 std::uint32_t& wanted) const {
    if (!applied.op.pointwise || applied.kwnames) return false;
    for (std::size_t k = 0; k < applied.count && k < 32; ++k)
        if (operands[k] != Entry::none) wanted |= 1u << k;
    return pointwise::suits(applied.op, applied.inner, applied.count, ans, wanted);
}

Value Tape::push_operation(const Applied& applied, const std::uint32_t* operands, Value ans) {
    living(applied);
    const Op& op = applied.op;
    const Value* inner = applied.inner;
    const std::size_t count = applied.count;

    LateLock lock(mutex_, std::defer_lock);
    if (op.kind() != OpKind::Foreign) lock.lock();  // making its vjps runs the user's code
    if (op.kind() == OpKind::Elementwise && ans.is_float() && inner[0].is_number() &&
        (count == 1 || inner[1].is_number())) {
        // Partials may be stored only where all operands are raw numbers one level down: over a box
        // of an outer level they would be constants to it, and its derivative silently lost.
        const Op& rule = rule_of(op, inner, count == 2 && operands[1] != Entry::none);
        const double x = inner[0].number();
        const double y = count == 2 ? inner[1].number() : 0.0;
        double partial[2] = {0.0, 0.0};
        for (std::size_t k = 0; k < count; ++k)
            if (operands[k] != Entry::none)
                partial[k] = rule.elementwise.partial[k](x, y, ans.number());
        const std::uint32_t index = push_scalar(op.code, operands[0], partial[0],
                                                count == 2 ? operands[1] : Entry::none, partial[1]);
        return box(applied.serial, std::move(ans), index);
    }

    if (op.kind() == OpKind::Foreign) {
        if (host::is_tuple(ans)) return push_tuple(applied, operands, ans);
        host::check_result(op, innermost(ans));
    }
    const Meta meta = meta_of(ans);
    const bool own = host::unique(ans);  // before the record holds it too
    const bool view =
        !own && op.kind() == OpKind::Structural && shows(ans, inner[0]) && hidden(operands[0]);
    std::uint32_t index = 0;
    std::uint8_t reads = 0;
    if (op.kind() == OpKind::Elementwise) {
        const Op& rule = rule_of(op, inner, count == 2 && operands[1] != Entry::none);
        for (std::size_t k = 0; k < rule.arity; ++k)
            if (operands[k] != Entry::none) reads |= rule.elementwise.uses[k];
        Value kept[3];
        if (reads & reads_x) kept[0] = inner[0];
        if (rule.arity == 2 && (reads & reads_y)) kept[1] = inner[1];
        if (reads & reads_ans) kept[rule.arity] = ans;
        index = push_record(rule, operands, rule.arity, kept, meta);
    } else if (op.kind() == OpKind::Structural) {
        Scratch<Value> kept(count + 1);
        const Structural& block = op.structural;
        std::size_t traced = 0;
        for (std::size_t k = 0; k < count; ++k) traced += operands[k] != Entry::none;
        for (std::size_t k = 0; k < count; ++k)
            if (operands[k] == Entry::none || block.keeps(k) ||
                (block.linear == Structural::Linear::Separately && traced > 1))
                kept[k] = inner[k];
        if (block.keeps_ans) kept[count] = ans;
        index = push_record(op, operands, count, kept.data(), meta);
    } else if (std::uint32_t wanted = 0; suits(applied, operands, ans, wanted)) {
        lock.lock();
        Scratch<Value> kept(count + 1);
        std::copy_n(inner, count, kept.data());
        kept[count] = ans;
        index = push_record(op, operands, count, kept.data(), meta);
        records_[entry(index).y].kind = OpKind::Pointwise;
    } else {
        index = push_foreign(applied, operands, ans, false);
        lock.lock();
    }
    Record& made = records_[entry(index).y];
    if (own || view) made.sight = own ? Record::Sight::Hidden : Record::Sight::View;
    if (reads != 0)
        take_prints(index, reads);
    else if (made.kind == OpKind::Structural || made.kind == OpKind::Pointwise)
        take_prints(index);
    return box(applied.serial, std::move(ans), index);
}

// Whether its rule reads this kept operand, or (the last) the result: of some only the shape is
// needed.
bool Tape::reads(const Record& record, std::size_t which) const {
    if (record.kind == OpKind::Pointwise) {
        std::uint32_t wanted = 0;
        for (std::uint32_t k = 0; k < record.count; ++k)
            if (operands(record)[k] != Entry::none) wanted |= 1u << k;
        return pointwise::reads(*record.op, record.count, record.dtype, wanted) >> which & 1u;
    }
    return record.kind != OpKind::Structural || which == record.count ||
           record.op->structural.reads(which);
}

// The record whose memory the result of this one shows.
std::uint32_t Tape::shown(std::uint32_t number) const noexcept {
    while (records_[number].sight == Record::Sight::View)
        number = entries_[*operands(records_[number])].y;
    return number;
}

bool Tape::hidden(std::uint32_t operand) const noexcept {
    if (operand == Entry::none || !is_array_entry(operand)) return false;
    const Record& made = records_[shown(entries_[operand].y)];
    return made.op && made.sight == Record::Sight::Hidden;
}

// Of an elementwise record, whose kept values are those that its rule reads.
void Tape::take_prints(std::uint32_t index, std::uint8_t reads) {
    const Record& own = record(entry(index));
    const Value* kept = kept_.data() + own.first_kept;
    const std::uint32_t* operands = operands_.data() + own.first_operand;
    if ((reads & reads_x) && !hidden(operands[0])) prints_.add(own.first_kept, 0, kept[0]);
    const bool square = (reads & reads_x) && own.count == 2 && kept[0].is_object() &&
                        kept[1].is_object() && kept[0].object() == kept[1].object();
    if ((reads & reads_y) && !square && !hidden(operands[1]))
        prints_.add(own.first_kept + 1, 1, kept[1]);
    if ((reads & reads_ans) && own.sight != Record::Sight::Hidden)
        prints_.add(own.first_kept + own.count, Prints::result, kept[own.count]);
}

void Tape::take_prints(std::uint32_t index) {
    const Record& own = record(entry(index));
    const Value* kept = kept_.data() + own.first_kept;
    const std::uint32_t* operands = operands_.data() + own.first_operand;
    for (std::uint32_t k = 0; k <= own.count; ++k) {
        if (!kept[k].is_object() && !kept[k].is_box()) continue;
        const bool result = k == own.count;
        if (hidden(result ? index : operands[k]) || !reads(own, k)) continue;
        prints_.add(own.first_kept + k, result ? Prints::result : k, kept[k]);
    }
}

void Tape::give(const Traced& box) {
    const Lock lock(mutex_);
    if (box.serial != trace_ || sweeps_ > 0 || consumed_ || !is_array_entry(box.index)) return;
    const Value& raw = innermost(box.value);
    const std::uint32_t number = shown(entries_[box.index].y);
    Record& made = records_[number];
    if (!raw.is_object() || !made.op || made.sight == Record::Sight::Given) return;
    const Object* memory = host::owner(raw);
    // A view shows what earlier entries may have kept as well.
    const std::uint32_t first = made.sight == Record::Sight::Hidden ? number : 0;
    made.sight = Record::Sight::Given;
    for (std::uint32_t i = first; memory && i < records_.size(); ++i) {
        const Record& own = records_[i];
        if (!own.op || own.kind == OpKind::Foreign) continue;  // theirs have prints already
        for (std::uint32_t k = 0; k <= own.count; ++k) {
            const Value& value = innermost(kept_[own.first_kept + k]);
            if (value.is_object() && reads(own, k) && host::owner(value) == memory)
                prints_.insert(own.first_kept + k, k == own.count ? Prints::result : k, value);
        }
    }
}

// As push() under a debug mode.
Value Tape::push_audited(const Applied& applied, const std::uint32_t* operands, Value ans) {
    check_value(applied.op, applied.inner, applied.count, ans);
    living(applied);
    const std::uint32_t first = size();
    Value result = push_operation(applied, operands, ans);
    const Lock lock(mutex_);
    if (serial == applied.serial && size() > first)
        audited().recorded(*this, first, applied.op, applied.inner, operands, applied.count, ans);
    return result;
}

}  // namespace fastad
