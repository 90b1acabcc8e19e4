// What levels have in common, and the window through which values are taken out of boxes.
#include "level.hpp"

#include <atomic>

#include "host/space.hpp"

namespace fastad {

namespace {

std::atomic<FirstLevel> first_level{nullptr};

}  // namespace

void at_first_level(FirstLevel act) noexcept { first_level.store(act, std::memory_order_release); }

void begin_levels() {
    if (const FirstLevel act = first_level.load(std::memory_order_acquire)) act();
}

std::uint64_t next_serial() noexcept {
    static std::atomic<std::uint64_t> counter{0};
    begin_levels();
    return counter.fetch_add(1, std::memory_order_relaxed) + 1;
}

void trace_ended(const Op& op) {
    throw Error(
        Error::Class::Value,
        op.name +
            ": an argument is a box whose trace has ended; do not keep traced values after the "
            "function under grad returns (return them, or use fastad.getval inside)");
}

void Level::living(const Applied& applied) const {
    if (serial != applied.serial) trace_ended(applied.op);
}

bool Level::read(const Traced&, Read why) {
    switch (why) {
        case Read::Index:
        case Read::Int:
        case Read::Float:
        case Read::Complex:
        case Read::Array: return false;
        default: return true;
    }
}

namespace {

const char* words(Read why) {
    switch (why) {
        case Read::Index: return "using it as an index";
        case Read::Int: return "int()";
        case Read::Float: return "float()";
        case Read::Complex: return "complex()";
        case Read::Array: return "numpy.array() or numpy.asarray()";
        default: return "this";
    }
}

}  // namespace

Refusal::Refusal(Read given)
    : Error(Error::Class::Type, std::string(words(given)) +
                                    " reads the plain number out of a traced value, and its "
                                    "derivative would be lost"),
      why(given) {}

Value read(const Value& value, Read why) {
    const Value* inner = &value;
    for (; inner->is_box(); inner = &inner->traced().value) {
        const Traced& traced = inner->traced();
        // What one level refuses is not read, and those below have nothing to be told of.
        const bool given = traced.alive() ? traced.level->read(traced, why)
                                          : why == Read::Truth || why >= Read::Integers;
        if (!given) throw Refusal(why);
    }
    return *inner;
}

const Value& primal(const Value& value) noexcept {
    const Value* inner = &value;
    while (inner->is_box() && (!inner->traced().alive() || inner->traced().level->differentiates()))
        inner = &inner->traced().value;
    return *inner;
}

Meta meta_of(const Value& value) {
    const Value& raw = innermost(value);
    return raw.is_object() ? host::space_of(raw) : Meta();
}

}  // namespace fastad
