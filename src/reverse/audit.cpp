// Debug modes: what is checked at the gate and in the sweep, and what is said.
#include "reverse/audit.hpp"

#include <algorithm>
#include <cmath>

#include "reverse/tape.hpp"

namespace fastad {

namespace {

thread_local const InRule* current_rule = nullptr;

const char* const outside = "a line that ran before the debug mode was entered";

// Whether what a result has did not come from what it was computed of.
bool arose(Special result, Special from) noexcept {
    if (result.nan && !from.nan) return true;
    return Modes::here(Modes::infinities) && result.any() && !from.any();
}

// What an operation was given that gave a NaN or an infinity.
std::string given(const char* what, Special from) {
    return std::string("; ") + what +
           (from.infinite ? " had infinities, but no NaN" : " had neither NaN nor infinities");
}

const char* name(Special found) noexcept { return found.nan ? "NaN" : "an infinity"; }

Special special(const Value* values, std::size_t count) {
    Special found;
    for (std::size_t i = 0; i < count; ++i) found |= special(values[i]);
    return found;
}

[[noreturn]] void report(const std::string& what) {
    throw Error(Error::Class::FloatingPoint, "debug_nans: " + what);
}

}  // namespace

Special special(const Value& value) {
    const Value& raw = innermost(value);
    if (raw.is_number()) return {std::isnan(raw.number()), std::isinf(raw.number())};
    return raw.is_object() ? host::special(raw) : Special{};
}

InRule::InRule(const Op& op, const Place& place)
    : outer_(current_rule), place_(place), frame_(host::here().frame) {
    place_.rule = &op;
    current_rule = this;
}
InRule::~InRule() { current_rule = outer_; }

Place here() {
    Place now = host::here();
    return current_rule && current_rule->silent(now) ? current_rule->place() : now;
}

std::string text(const Place& place) {
    const std::string line = place.code.empty() ? outside : host::text(place);
    return place.rule ? line + " (in the derivative of " + place.rule->name + ")" : line;
}

void check_value(const Op& op, const Value* inner, std::size_t count, const Value& ans) {
    if (!Modes::here(Modes::nans)) return;
    const Special result = special(ans);
    if (!result.any()) return;
    const Special from = special(inner, count);
    if (!arose(result, from)) return;
    const Place now = host::here();
    if (current_rule && current_rule->silent(now)) return;
    report(op.name + " gave " + name(result) + " at " + text(now) + given("its arguments", from));
}

void check_tangent(const Op& op, const Value* inner, const Value* tangents, std::size_t count,
                   const Value& ans, const Value& tangent) {
    if (!Modes::here(Modes::nans)) return;
    const Special result = special(tangent);
    if (!result.any()) return;
    const Place now = host::here();
    if (current_rule && current_rule->silent(now)) return;
    Special from = special(inner, count);
    from |= special(tangents, count);
    from |= special(ans);
    if (arose(result, from))
        report("the derivative (JVP) of " + op.name + " gave " + name(result) + " at " + text(now) +
               "; its values and tangents are finite");
}

void Audit::recorded(Tape& tape, std::uint32_t first, const Op& op, const Value* inner,
                     const std::uint32_t* operands, std::size_t count, const Value& ans) {
    const Clock::time_point now = Clock::now();
    Origin made{first, tape.size(), here(), special(ans), {now - last_, {}}};
    if (Modes::here(Modes::nans)) {
        for (std::size_t k = 0; k < count; ++k) {
            const Special own = special(inner[k]);
            made.special |= own;
            if (!own.any() || !entered_.empty()) continue;
            const bool input = operands[k] != Entry::none && tape.is_input(operands[k]);
            if (input || operands[k] == Entry::none)
                entered_ = std::string(name(own)) + " came in with argument " + std::to_string(k) +
                           " of " + op.name + ", " +
                           (input ? "which the derivative is taken by" : "a constant") + ", at " +
                           text(made.place);
        }
    }
    origins_.push_back(made);
    last_ = Clock::now();
    if (!Modes::here(Modes::mutation)) return;
    const Entry& entry = tape.entry(first);
    if (entry.x != Entry::record) return;
    const Record& record = tape.record(entry);
    if (record.kind == OpKind::Foreign) {
        for (std::size_t k = 0; k < count; ++k)  // its rules may have kept any of them
            watch(first, op, k, inner[k], false);
        watch_result(first, op, count, ans);
    } else {
        for (std::size_t k = 0; k <= record.count; ++k)
            if (tape.reads(record, k)) watch(first, op, k, tape.kept(record)[k], k == record.count);
    }
}

// Of a registered primitive's result it shows whether its rule reads it: then the rule holds it,
// beside the one that records and the box. A tuple was taken apart into boxes, which hold its
// items.
void Audit::watch_result(std::uint32_t entry, const Op& op, std::size_t count, const Value& ans) {
    const bool several = host::is_tuple(ans);
    if (!ans.is_object() || host::references(ans.object()) <= (several ? 1 : 2)) return;
    for (const Value& item : several ? host::tuple_items(ans) : std::vector<Value>{ans})
        if (item.is_object() && host::describe(item).array)
            watched_.push_back({entry, &op, count, true, item, host::fingerprint(item)});
}

void Audit::watch(std::uint32_t entry, const Op& op, std::size_t argument, const Value& value,
                  bool result) {
    const Value& raw = innermost(value);
    if (!raw.is_object() || !host::describe(raw).array) return;
    watched_.push_back({entry, &op, argument, result, raw, host::fingerprint(raw)});
}

void Audit::verify(std::uint32_t entry) const {
    const auto by_entry = [](const Watched& one, std::uint32_t wanted) {
        return one.entry < wanted;
    };
    auto one = std::lower_bound(watched_.begin(), watched_.end(), entry, by_entry);
    for (; one != watched_.end() && one->entry == entry; ++one) {
        if (host::fingerprint(one->value) == one->fingerprint) continue;
        throw Error(Error::Class::Runtime,
                    "debug_mutation: " +
                        changed_text(*one->op, one->result, one->argument, text(place(entry))));
    }
}

void Audit::check_cotangent(const Op& op, std::uint32_t entry, Special g, Special before,
                            Special after) const {
    if (!after.any()) return;
    const Origin* own = origin(entry);
    Special from = g;
    from |= before;
    if (own) from |= own->special;
    if (arose(after, from))
        report("the derivative of " + op.name + " gave " + name(after) + " at " +
               text(place(entry)) + given("its values and the cotangent", from) +
               " (where the branch is not taken, see fastad.strict_zero)");
}

void Audit::check_gradient(Special gradient) const {
    if (gradient.nan || (Modes::here(Modes::infinities) && gradient.any()))
        report(std::string("the gradient has ") + name(gradient) + ", which arose in no operation" +
               (entered_.empty() ? "" : ": " + entered_));
}

const Audit::Origin* Audit::origin(std::uint32_t entry) const noexcept {
    const auto after = std::upper_bound(
        origins_.begin(), origins_.end(), entry,
        [](std::uint32_t wanted, const Origin& one) { return wanted < one.first; });
    if (after == origins_.begin() || entry >= (after - 1)->end) return nullptr;
    return &*(after - 1);
}

Place Audit::place(std::uint32_t entry) const {
    const Origin* own = origin(entry);
    return own ? own->place : Place{};
}

void Audit::swept(std::uint32_t entry, Clock::duration time) {
    const Origin* own = origin(entry);
    if (own) origins_[static_cast<std::size_t>(own - origins_.data())].times.backward += time;
}

Audit::Times Audit::times(std::uint32_t entry) const {
    const Origin* own = origin(entry);
    return own && own->first == entry ? own->times : Times{};
}

}  // namespace fastad
