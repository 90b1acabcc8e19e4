#include "program/record.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "host/programs.hpp"
#include "kernels/kernels.hpp"
#include "modes.hpp"
#include "program/term.hpp"
#include "reverse/audit.hpp"

namespace fastad::program {

namespace {

// More nodes than this are a loop that should not be unrolled.
constexpr std::size_t most_nodes = std::size_t{1} << 26;

const char* words(Read why) {
    switch (why) {
        case Read::Int: return "int()";
        case Read::Float: return "float(), or a function that wants a plain number,";
        case Read::Complex: return "complex()";
        case Read::Array:
        case Read::Integers: return "a plain array made of a recorded value";
        case Read::Floor: return "math.floor()";
        case Read::Ceil: return "math.ceil()";
        case Read::Round: return "round()";
        case Read::Trunc: return "math.trunc()";
        case Read::Text: return "printing or formatting";
        case Read::Hash: return "hash(), or its use as a key,";
        case Read::Layout: return "flags";
        case Read::Rule: return "a derivative rule that looks at values";
        case Read::User: return "getval";
        default: return "reading a plain value";
    }
}

// The operation whose value a read as a whole number depends on.
const Op* whole_part(Read why) {
    switch (why) {
        case Read::Int:
        case Read::Trunc: return &operation(Code::trunc);
        case Read::Floor: return &operation(Code::floor);
        case Read::Ceil: return &operation(Code::ceil);
        case Read::Round: return &operation(Code::rint);
        default: return nullptr;
    }
}

double rounded(Read why, double number) {
    switch (why) {
        case Read::Floor: return std::floor(number);
        case Read::Ceil: return std::ceil(number);
        case Read::Round: return std::nearbyint(number);
        default: return std::trunc(number);
    }
}

}  // namespace

Recording* Recording::open() {
    Recording* recording = LevelPool<Recording>::shared().pop();
    if (!recording) recording = new Recording;
    recording->graph_ = std::make_unique<Graph>();
    recording->graph_->places.emplace_back();
    recording->serial = next_serial();
    return recording;
}

void Recording::close() noexcept {
    serial = 0;
    static_cast<RecordingState&>(*this) = RecordingState();
    LevelPool<Recording>::shared().push(this);
}

std::uint32_t Recording::place() {
    const Place here = host::here();
    if (here.code.empty()) return 0;
    if (here.code.object() == last_code_ && here.instruction == last_instruction_)
        return last_place_;
    const auto [found, added] =
        places_.try_emplace(host::text(here), static_cast<std::uint32_t>(graph_->places.size()));
    if (added) graph_->places.push_back(found->first);
    last_code_ = here.code.object();  // kept alive by the frame that runs it; only compared
    last_instruction_ = here.instruction;
    return last_place_ = found->second;
}

void Recording::kill(const std::string& reason) {
    const Lock lock(mutex_);
    if (!dead_.empty()) return;
    raised_ = under_way_ > 0;
    dead_ = reason;
    const std::string& line = graph_->places[place()];
    if (!line.empty()) dead_ += " at " + line;
}

// A function of the user's, or one that calls such, runs at each replay, and reads captured state
// as it is then: as it was before the call. What the recorded function changed on its way is not
// made. Nor does it meet the arrays that others hold: what it writes into its operands would be
// lost.
void Recording::before(const Op& op, const Value* operands, std::size_t count) {
    if (!dead_.empty() || question_.empty()) return;
    const std::string reason = host::answer_in_words(question_, op, operands, count);
    if (!reason.empty()) return kill(reason);
    std::vector<Constants::Contents> held(count);
    for (std::size_t i = 0; i < count; ++i)
        if (operands[i].is_object()) held[i] = Constants::contents_of(operands[i]);
    const Lock lock(mutex_);
    operands_before_.push_back(std::move(held));
}

void Recording::look_after(const Applied& applied) {
    if (operands_before_.empty()) return;
    const std::vector<Constants::Contents> held = std::move(operands_before_.back());
    operands_before_.pop_back();
    for (std::size_t i = 0; i < std::min(held.size(), applied.count); ++i)
        if (!held[i].empty() && !Constants::holds(applied.inner[i], held[i]))
            kill("it calls " + applied.op.name +
                 ", which changes what it is given, which a replay would not do");
    if (!dead_.empty() || question_.empty()) return;
    const std::string reason =
        host::answer_in_words(question_, applied.op, applied.inner, applied.count);
    if (!reason.empty()) kill(reason);
}

// Operands that lie in no C order, as rank and strides one after the other, rank 0 for others: what
// a function of the user's makes of an array may depend on that. Constants and inputs are given as
// they are.
std::uint32_t Recording::layouts_of(const Applied& applied, const std::vector<Id>& operands) {
    std::vector<Extent> layouts;
    bool any = false;
    for (std::size_t i = 0; i < applied.count; ++i) {
        const Value& inner = applied.inner[i];
        const bool computed = operands[i] != no_id && !is_constant(operands[i]) &&
                              !is_input(operands[i]) && inner.is_object();
        const View view = computed ? host::describe(inner) : View();
        if (!view.array || view.contiguous || view.size < 2) {
            layouts.push_back(0);
            continue;
        }
        any = true;
        layouts.push_back(view.rank);
        layouts.insert(layouts.end(), view.strides, view.strides + view.rank);
    }
    if (!any) return 0;
    const auto first = static_cast<std::uint32_t>(graph_->extents.size());
    graph_->extents.insert(graph_->extents.end(), layouts.begin(), layouts.end());
    return first + 1;
}

std::uint32_t Recording::constant_number(const Value& value) {
    return constants_.number_of(value, graph_->constants);
}

Id Recording::operand(const Value& value, std::uint64_t own_serial) {
    if (value.empty()) return no_id;
    if (value.is_box()) {
        if (value.traced().serial == own_serial) return value.traced().index;
        kill("a traced value of an outer function is used");
        return no_id;
    }
    return constant_bit | constant_number(value);
}

// What something is added into: new zeros for each time, of which one array of a space is kept.
Id Recording::zeros(const Value& value, std::uint64_t own_serial) {
    if (!value.is_object()) return operand(value, own_serial);
    const auto [known, added] = zeros_.try_emplace(graph_->space_of_value(value), no_id);
    if (added) known->second = operand(value, own_serial);
    return known->second;
}

std::uint32_t Recording::push(const Op* op, const Id* operands, std::size_t count, const Value& ans,
                              std::uint32_t kwnames, Form form, std::uint32_t layouts) {
    Graph& graph = *graph_;
    if (graph.size() >= most_nodes) {
        kill("more than " + std::to_string(most_nodes) + " operations");
        return 0;
    }
    if (op && op->registered() && registered_.insert(op).second)
        graph.owners.push_back(host::owner_of(*op));
    Node node;
    node.op = op;
    node.count = static_cast<std::uint32_t>(count);
    node.space = graph.space_of_value(ans);
    node.kwnames = kwnames;
    node.layouts = layouts;
    node.form = form;
    node.place = place();
    return graph.add(node, operands);
}

Value Recording::input(Value value) {
    const Lock lock(mutex_);
    if (value.kind() == Kind::Integer) {
        has_whole_ = true;
        whole_.resize(graph_->size() + 1);
        whole_.back() = true;
        value = Value::weak(value.number());
    }
    const std::uint32_t index = push(nullptr, nullptr, 0, value, 0, Form::Rule);
    ++graph_->inputs;
    const View view = value.is_object() ? host::describe(value) : View();
    graph_->input_contiguous.push_back(view.contiguous && view.usable);
    graph_->input_strides.push_back(static_cast<std::uint32_t>(graph_->extents.size()));
    graph_->extents.insert(graph_->extents.end(), view.strides, view.strides + view.rank);
    return box(serial, std::move(value), index);
}

bool Recording::whole(Id id) const {
    if (id == no_id) return true;
    if (is_constant(id)) return graph_->constants[constant_index(id)].kind() == Kind::Integer;
    return id < whole_.size() && whole_[id];
}

void Recording::guard(std::uint32_t node, bool exact, double expected) {
    graph_->guards.push_back(
        {node, exact, expected, place(), static_cast<std::uint32_t>(graph_->size())});
}

// Arithmetic of ints is done with doubles: it is the same while they hold the results exactly, and
// while none is a negative zero. Arrays of integers, which would become arrays of floats, may hold
// more.
void Recording::guard_whole(const Applied& applied, std::uint32_t index, const Value& ans) {
    const auto derived = [this](Id id) { return !is_constant(id) && whole(id) && id != no_id; };
    const auto integers = [this](Id id) {
        if (id == no_id) return false;
        const DType dtype = is_constant(id)
                                ? host::describe(graph_->constants[constant_index(id)]).dtype
                                : graph_->space_of(id).dtype;
        return dtype > DType::Bool && dtype <= DType::IntOther;
    };
    const Node node = graph_->node(index);
    const Id* own = graph_->operands_of(node);
    const std::uint32_t count = node.count;
    if (std::any_of(own, own + count, derived))
        for (std::uint32_t i = 0; i < count; ++i)
            if (!derived(own[i]) && !whole(own[i]) && integers(own[i]))
                return kill("an array of integers meets an int");
    if (!applied.op.keeps_whole) return;
    bool may_be_minus_zero = applied.op.minus_zero;
    for (std::uint32_t i = 0; i < node.count; ++i) {
        const Id id = graph_->operands_of(node)[i];
        if (!whole(id)) return;
        if (i < 2 && applied.op.keeps_sign[i] && is_constant(id) &&
            graph_->constants[constant_index(id)].number() > 0.0)
            may_be_minus_zero = false;
    }
    if (!ans.is_number() || applied.op.sometimes_whole) return kill("arithmetic of an int");
    constexpr double largest = 9007199254740992.0;
    const double number = ans.number();
    if (!(std::abs(number) < largest) || (may_be_minus_zero && number == 0.0))
        return kill("an int that a float cannot hold");
    whole_.resize(index + 1);
    whole_[index] = true;
    guards_of_ints_ += may_be_minus_zero ? 2 : 1;
    if (may_be_minus_zero) guard(index, false, 1.0);
    const Id size[2] = {
        push(&operation(Code::absolute), &index, 1, Value::weak(std::abs(number)), 0, Form::Rule),
        constant_bit | constant_number(Value::weak(largest))};
    Value truth = host::make_scalar(DType::Bool, 1.0);
    guard(push(&operation(Code::less), size, 2, truth, 0, Form::Rule), false, 1.0);
}

// Whether an operation raises depends on its values, and no guard can say which of them.
const std::string& Recording::dead() const noexcept {
    static const std::string reason = "an operation in it raises an error, or gives a container";
    return dead_.empty() && under_way_ > 0 ? reason : dead_;
}

// A value between bounds as what programs compute themselves: the larger of it and the lower one,
// the smaller of that and the upper one. Only where all three are of one space.
std::uint32_t Recording::push_bounds(const Applied& applied, const Id* operands, const Value& ans) {
    if (applied.count < 2 || applied.count > 3 || is_constant(operands[0])) return no_id;
    const std::uint32_t space = graph_->space_of_value(ans);  // it may be a new one
    const Space& from = graph_->space_of(operands[0]);
    const Space& to = graph_->spaces[space];
    if ((to.dtype != DType::Float64 && to.dtype != DType::Float32) || from.dtype != to.dtype ||
        !same_shape(graph_->meta(from), graph_->meta(to)))
        return no_id;
    std::uint32_t index = no_id;
    for (std::size_t k = 1; k < applied.count; ++k) {
        if (absent(applied.values[k])) continue;
        const Op& bound = k == 1 ? operation(Code::maximum) : operation(Code::minimum);
        const Id pair[2] = {index == no_id ? operands[0] : index, operands[k]};
        index = push(&bound, pair, 2, ans, 0, Form::Rule);
    }
    return index;
}

// How many elements a mask takes is a shape, which programs know: another number is another way.
void Recording::guard_counts(const Applied& applied, const std::vector<Id>& operands) {
    const InProgram what = applied.op.program;
    if (what != InProgram::Take && what != InProgram::Put && what != InProgram::Index) return;
    for (std::size_t i = 0; i < applied.count; ++i) {
        if (operands[i] == no_id || is_constant(operands[i]) ||
            applied.op.structural.differentiable(i))
            continue;
        const Value& mask = applied.values[i].traced().value;
        if (!mask.is_object() || host::is_tuple(mask) ||
            host::describe(mask).dtype != DType::Bool || !counted_.insert(operands[i]).second)
            continue;
        const Op& sum = operation(Code::sum);
        const Value count = apply(sum, &mask, 1);
        double number = 0.0;
        if (!host::number_of(count, number)) continue;
        guard(push(&sum, &operands[i], 1, count, 0, Form::Rule), true, number);
    }
}

Value Recording::record(const Applied& applied, Value ans) {
    const Lock lock(mutex_);
    living(applied);
    --under_way_;
    if (applied.op.effects()) look_after(applied);
    if (!dead_.empty()) {
        // Boxes go on being boxes, so that the rest of the call does what it would have done.
        if (!host::traceable(ans)) return ans;
        return box(applied.serial, std::move(ans), 0);
    }
    std::vector<Id> operands(applied.count);
    for (std::size_t i = 0; i < applied.count; ++i) {
        const bool target = i == 0 && applied.op.program == InProgram::Put;
        operands[i] = target ? zeros(applied.values[i], applied.serial)
                             : operand(applied.values[i], applied.serial);
    }
    const std::uint32_t names =
        applied.kwnames ? constant_number(Value::share(applied.kwnames)) + 1 : 0;
    if (ans.is_box()) {  // the function returned a traced value of an outer trace
        kill(applied.op.name + " returns a traced value of an outer function");
        return ans;
    }
    guard_counts(applied, operands);
    std::uint32_t index = no_id;
    if (applied.op.program == InProgram::Bound && !names)
        index = push_bounds(applied, operands.data(), ans);
    if (index == no_id)
        index = push(&applied.op, operands.data(), operands.size(), ans, names, applied.form,
                     applied.op.effects() ? layouts_of(applied, operands) : 0);
    if (has_whole_) guard_whole(applied, index, ans);
    const bool tuple = host::is_tuple(ans);
    // A structural operation's tuple is one value: an index, which only getitem and scatter take.
    if (tuple && applied.op.kind() == OpKind::Structural)
        return box(applied.serial, std::move(ans), index);
    if (tuple) {
        std::vector<Value> items = host::tuple_items(ans);
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (items[i].empty() || !host::traceable(items[i])) {
                kill(applied.op.name + " returns something that is no number or array");
                continue;
            }
            const Id part[2] = {
                index, constant_bit | constant_number(Value::integer(static_cast<double>(i)))};
            const std::uint32_t at = push(&operation(Code::part), part, 2, items[i], 0, Form::Rule);
            items[i] = box(applied.serial, std::move(items[i]), at);
        }
        return host::tuple_like(ans, std::move(items));
    }
    if (!host::traceable(ans)) {
        // A plain truth or number: the program relies on it, as on any that Python reads.
        double number = 0.0;
        if (host::number_of(ans, number)) {
            graph_->guards.push_back(
                {index, true, number, place(), static_cast<std::uint32_t>(graph_->size())});
        } else {
            kill(applied.op.name + " returns " + host::type_name(ans));
        }
        return ans;
    }
    return box(applied.serial, std::move(ans), index);
}

// A sum of cotangents where the first of them lies: that one is in nobody else's hands, and what is
// recorded holds no values.
bool Recording::add_into(const Value& present, const Value& more) {
    const Lock lock(mutex_);
    if (!dead_.empty() || Modes::here(Modes::debugging) || host::references(present.object()) != 1)
        return false;
    Traced& own = present.traced();
    const Value& other = more.traced().value;
    if (!own.value.is_object() || !other.is_object()) return false;
    const View view = host::describe(own.value);
    const auto added = [&](auto zero, const auto& loops) {
        using T = decltype(zero);
        auto* to = static_cast<T*>(host::flat(own.value, view.dtype, view.shape, view.rank));
        auto* from = static_cast<const T*>(host::flat(other, view.dtype, view.shape, view.rank));
        if (!to || !from || !host::unique(own.value)) return false;
        const host::Unlocked unlocked(view.size);
        loops.add(view.size, from, to);
        return true;
    };
    const bool done = view.dtype == DType::Float64   ? added(0.0, kernels().float64)
                      : view.dtype == DType::Float32 ? added(0.0F, kernels().float32)
                                                     : false;
    if (!done) return false;
    const Id operands[2] = {own.index, more.traced().index};
    own.index = push(&operation(Code::add), operands, 2, own.value, 0, Form::Rule);
    return true;
}

Value Recording::restated(Traced of) {
    const Lock lock(mutex_);
    if (dead_.empty() && !of.value.is_number())
        kill("a complex number of NumPy's becomes Python's");  // no operation does so
    else if (dead_.empty())
        of.index = push(&operation(Code::positive), &of.index, 1, of.value, 0, Form::Rule);
    return Level::restated(std::move(of));
}

Value Recording::term(const Op& op, const Value* values) {
    if (!op.whole->fused[op.which]) return {};
    Value inner[4];
    for (std::size_t i = 0; i < 4; ++i) {
        inner[i] = values[i].is_box() ? Value(values[i].traced().value) : Value(values[i]);
        if (inner[i].is_box()) return {};
    }
    Value ans = term_value(op, inner);
    if (ans.empty()) return {};
    sees(op);
    return record({op, values, inner, 4, nullptr, serial, Form::Rule}, std::move(ans));
}

bool Recording::read(const Traced& traced, Read why) {
    const Lock lock(mutex_);
    if (!dead_.empty()) return true;
    double number = 0.0;
    const bool known = host::number_of(traced.value, number);
    const Op* part = whole_part(why);
    if (part && (!known || !std::isfinite(number))) part = nullptr;
    const DType dtype = graph_->space_of(traced.index).dtype;
    // One whole number that is read as such: an axis, a shift.
    if ((why == Read::Integers || why == Read::Array) && known &&
        (is_whole(traced.index) || (dtype > DType::Bool && dtype <= DType::IntOther)))
        why = Read::Index;
    if (!part && why != Read::Truth && why != Read::Index) {
        kill(std::string(words(why)) + " reads a recorded value");
        return true;
    }
    if (!known) {
        kill(why == Read::Index ? "a value that is no whole number is an index of a plain array"
                                : "a value that is no number decides a branch");
        return true;
    }
    if (part) {
        if (dtype <= DType::LongDouble)
            guard(push(part, &traced.index, 1, traced.value, 0, Form::Rule), true,
                  rounded(why, number));
        else
            guard(traced.index, true, number);
    } else {
        const bool exact = why == Read::Index;
        guard(traced.index, exact, exact ? number : (number != 0.0 ? 1.0 : 0.0));
    }
    return true;
}

std::unique_ptr<Graph> Recording::finish(const std::vector<Value>& outputs) {
    for (const Value& output : outputs) graph_->outputs.push_back(operand(output, serial));
    if (!constants_.settle(graph_->constants)) kill("it changes a large array that it has used");
    if (!dead().empty()) return nullptr;
    serial = 0;
    graph_->shrink();
    return std::move(graph_);
}

}  // namespace fastad::program
