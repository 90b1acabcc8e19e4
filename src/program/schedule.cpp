#include "program/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include "host/programs.hpp"
#include "program/simplify.hpp"

namespace fastad::program {

Scheduler::Scheduler(Graph& graph, const std::vector<bool>& needed, Plan& plan)
    : graph_(graph), needed_(needed), plan_(plan), constant_spaces_(graph.constants.size()) {
    for (std::size_t c = 0; c < graph.constants.size(); ++c)
        if (graph.constants[c].is_object())
            constant_spaces_[c] = graph.space_of_value(graph.constants[c]);
}

// Lists of consumers, one after the other.
std::vector<std::uint32_t> Scheduler::consumers(Id id) const {
    return {consumer_list_.begin() + first_consumer_[id],
            consumer_list_.begin() + first_consumer_[id + 1]};
}

void Scheduler::run() {
    const std::size_t count = graph_.nodes.size();
    plan_.where.resize(count);
    waiting_.assign(count, 0);
    first_consumer_.assign(count + 1, 0);
    is_output_.assign(count, false);
    guards_of_.resize(count);
    guard_done_.assign(graph_.guards.size(), false);
    constant_buffers_.assign(graph_.constants.size(), no_id);
    for (const Id output : graph_.outputs)
        if (output != no_id && !is_constant(output)) is_output_[output] = true;
    for (std::uint32_t g = 0; g < graph_.guards.size(); ++g) {
        const Id node = graph_.guards[g].node;
        if (is_constant(node))
            guard_done_[g] = true;
        else
            guards_of_[node].push_back(g);
    }
    auto each_edge = [&](auto&& act) {
        Id last_call = no_id;  // functions of the host's keep their order: they may have effects
        for (Id id = 0; id < count; ++id) {
            if (!needed_[id]) continue;
            const Node& node = graph_.nodes[id];
            const Id* operands = graph_.operands_of(node);
            for (std::uint32_t k = 0; k < node.count; ++k)
                if (operands[k] != no_id && !is_constant(operands[k])) act(operands[k], id);
            if (!node.op || node.op->code != Code::foreign) continue;
            if (last_call != no_id) act(last_call, id);
            last_call = id;
        }
    };
    each_edge([&](Id from, Id to) {
        ++first_consumer_[from + 1];
        ++waiting_[to];
    });
    for (std::size_t i = 0; i < count; ++i) first_consumer_[i + 1] += first_consumer_[i];
    consumer_list_.resize(first_consumer_[count]);
    std::vector<std::uint32_t> next(first_consumer_.begin(), first_consumer_.end() - 1);
    each_edge([&](Id from, Id to) { consumer_list_[next[from]++] = to; });

    // Slots: numbers among the constants first, then inputs, then results.
    ways_.resize(count);
    for (Id id = 0; id < count; ++id)
        if (needed_[id] || !graph_.nodes[id].op) ways_[id] = classify(id);
    for (std::uint32_t c = 0; c < graph_.constants.size(); ++c) {
        double value;
        if (!number(constant_bit | c, value)) continue;
        constant_slot(value);
        if (exact_reciprocal(value)) constant_slot(1.0 / value);
    }
    constant_slot(0.0);
    plan_.slots = static_cast<std::uint32_t>(plan_.numbers.size());
    for (Id id = 0; id < graph_.inputs; ++id) {
        Where& where = plan_.where[id];
        const Space& space = graph_.space_of(id);
        if (scalar_space(space)) {
            where.kind = Where::Kind::Slot;
            where.index = plan_.slots++;
        } else if (space.holder == Holder::Array && native_size(space.dtype) > 0) {
            Buffer buffer;
            buffer.source = Buffer::Source::Input;
            buffer.index = id;
            buffer.node = id;
            buffer.bytes = graph_.meta(space).size() * native_size(space.dtype);
            where.kind = Where::Kind::Memory;
            where.index = static_cast<std::uint32_t>(plan_.buffers.size());
            where.contiguous = graph_.input_contiguous[id];
            plan_.buffers.push_back(buffer);
            const Extent* strides = graph_.extents.data() + graph_.input_strides[id];
            where.strides = add_strides({strides, strides + space.rank});
        } else {
            where.kind = Where::Kind::Object;
            where.index = plan_.objects++;
        }
        plan_.inputs.push_back(where);
    }
    plan_.first_result = plan_.slots;
    absorb_products();
    for (Id id = graph_.inputs; id < count; ++id)
        if (needed_[id] && waiting_[id] == 0) ready(id);  // of constants alone
    for (Id id = 0; id < graph_.inputs; ++id) done(id);

    while (true) {
        while (!aliases_ready_.empty() || !scalars_ready_.empty()) {
            if (!aliases_ready_.empty()) {
                std::vector<Id> now;
                now.swap(aliases_ready_);
                for (const Id id : now) alias(id);
            } else {
                scalars();
            }
        }
        if (ready_by_size_.empty()) break;
        const Id id = ready_by_size_.begin()->second;
        if (ways_[id] == Way::Block || ways_[id] == Way::Reduce) {
            group(id);
            continue;
        }
        leave(id);
        switch (ways_[id]) {
            case Way::Product: product_step(id); break;
            case Way::Copy: copy_step(id); break;
            default: host(id); break;
        }
    }
    // Outputs stay to the end.
    const auto end = static_cast<std::uint32_t>(plan_.steps.size());
    for (Id id = 0; id < count; ++id)
        if (is_output_[id] && plan_.where[id].kind == Where::Kind::Memory)
            plan_.buffers[plan_.where[id].index].dies = end;
    for (const Id id : plan_.checks)
        if (plan_.where[id].kind == Where::Kind::Memory)
            plan_.buffers[plan_.where[id].index].dies = end;
}

// x * y + z as one instruction, with both roundings, where nothing else reads the product.
void Scheduler::absorb_products() {
    absorbed_.assign(graph_.nodes.size(), false);
    for (Id id = graph_.inputs; id < graph_.nodes.size(); ++id) {
        if (!needed_[id] || ways_[id] != Way::Scalar) continue;
        const Node& node = graph_.nodes[id];
        if (node.op->code != Code::add && node.op->code != Code::subtract) continue;
        const Id* operands = graph_.operands_of(node);
        for (std::uint32_t k = 0; k < 2; ++k) {
            const Id product = operands[k];
            if (is_constant(product) || product < graph_.inputs || operands[0] == operands[1])
                continue;
            if (ways_[product] == Way::Scalar && graph_.nodes[product].op->code == Code::multiply &&
                !is_output_[product] && guards_of_[product].empty() &&
                first_consumer_[product + 1] - first_consumer_[product] == 1) {
                absorbed_[product] = true;
                break;
            }
        }
    }
}

void Scheduler::ready(Id id) {
    if (absorbed_[id]) return done(id);
    switch (ways_[id]) {
        case Way::Scalar: scalars_ready_.push_back(id); break;
        case Way::Alias: aliases_ready_.push_back(id); break;
        case Way::Block:
            blocks_ready_.insert(id);
            ready_by_size_.emplace(size_of(id), id);
            break;
        case Way::Input: break;
        default:
            others_ready_.insert(id);
            ready_by_size_.emplace(size_of(id), id);
            break;
    }
}

std::size_t Scheduler::size_of(Id id) const {
    const Id whole = ways_[id] == Way::Reduce ? graph_.operands_of(graph_.nodes[id])[0] : id;
    return graph_.meta_of(whole).size();
}

void Scheduler::leave(Id id) {
    blocks_ready_.erase(id);
    others_ready_.erase(id);
    ready_by_size_.erase({size_of(id), id});
}

void Scheduler::done(Id id) {
    for (const std::uint32_t g : guards_of_[id]) guard_nodes_.push_back(g);
    if (graph_.nodes[id].op) ++plan_.nodes;
    for (std::uint32_t i = first_consumer_[id]; i < first_consumer_[id + 1]; ++i) {
        const Id to = consumer_list_[i];
        if (--waiting_[to] == 0) ready(to);
    }
}

Step& Scheduler::step(Step::Kind kind, std::uint32_t first, std::uint32_t count) {
    Step step;
    step.kind = kind;
    step.first = first;
    step.count = count;
    while (guards_done_ < guard_done_.size() && guard_done_[guards_done_]) ++guards_done_;
    step.guards = guards_done_;
    plan_.steps.push_back(step);
    return plan_.steps.back();
}

std::uint32_t Scheduler::constant_slot(double number) {
    std::uint64_t bits;
    std::memcpy(&bits, &number, sizeof bits);
    const auto [found, added] =
        number_slots_.try_emplace(bits, static_cast<std::uint32_t>(plan_.numbers.size()));
    if (added) plan_.numbers.push_back(number);
    return found->second;
}

std::uint32_t Scheduler::slot_of(Id operand) {
    double value;
    if (is_constant(operand)) {
        number(operand, value);
        return constant_slot(value);
    }
    return plan_.where[operand].index;
}

// ---- numbers

namespace {}  // namespace

// Powers of two: x / c is x * (1 / c), bit for bit.
bool exact_reciprocal(double number) noexcept {
    int exponent;
    const double mantissa = std::frexp(number, &exponent);
    return (mantissa == 0.5 || mantissa == -0.5) && exponent > -1000 && exponent < 1000;
}

namespace {

// Kinds that have a loop of their own; all others go through the kernels in batches.
bool own_loop(Code code, RunKind& kind) noexcept {
    switch (code) {
        case Code::add: kind = RunKind::Add; return true;
        case Code::subtract: kind = RunKind::Subtract; return true;
        case Code::multiply: kind = RunKind::Multiply; return true;
        case Code::divide: kind = RunKind::Divide; return true;
        case Code::negative: kind = RunKind::Negative; return true;
        default: return false;
    }
}

}  // namespace

void Scheduler::scalars() {
    const auto first = static_cast<std::uint32_t>(plan_.runs.size());
    step_runs_ = first;
    while (!scalars_ready_.empty()) {
        std::vector<Id> level;
        level.swap(scalars_ready_);
        struct Key {
            RunKind kind;
            Code code;
            std::uint32_t buffer;
            Id id;
        };
        std::vector<Key> keys;
        keys.reserve(level.size());
        for (const Id id : level) {
            const Node& node = graph_.nodes[id];
            Key key{RunKind::Unary, node.op->code, 0, id};
            const Id* operands = graph_.operands_of(node);
            double divisor;
            if (node.op->kind() == OpKind::Structural && node.op->code != Code::where) {
                key.kind = RunKind::Load;
                key.code = Code::getitem;
                key.buffer = memory_of(operands[0]).index;
            } else if (node.op->code == Code::divide && number(operands[1], divisor) &&
                       exact_reciprocal(divisor)) {
                key.kind = RunKind::Multiply;
            } else if (const int product = absorbed_operand(id); product >= 0) {
                key.kind = node.op->code == Code::add ? RunKind::MultiplyAdd
                           : product == 0             ? RunKind::MultiplySubtract
                                                      : RunKind::SubtractMultiply;
            } else if (node.op->code == Code::where) {
                key.kind = RunKind::Select;
            } else if (!own_loop(node.op->code, key.kind)) {
                key.kind = node.count == 1 ? RunKind::Unary : RunKind::Binary;
            }
            keys.push_back(key);
        }
        std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
            return std::tie(a.kind, a.code, a.buffer, a.id) <
                   std::tie(b.kind, b.code, b.buffer, b.id);
        });
        if (chain(level)) {
            for (const Id id : level) done(id);
            guard_runs();
            continue;
        }
        for (std::size_t i = 0; i < keys.size();) {
            std::size_t end = i;
            std::vector<Id> nodes;
            for (; end < keys.size() && keys[end].kind == keys[i].kind &&
                   keys[end].code == keys[i].code && keys[end].buffer == keys[i].buffer;
                 ++end)
                nodes.push_back(keys[end].id);
            scalar_run(keys[i].kind, keys[i].code, nodes);
            i = end;
        }
        for (const Id id : level) done(id);
        guard_runs();
    }
    step(Step::Kind::Scalars, first, static_cast<std::uint32_t>(plan_.runs.size()) - first);
}

// Which operand of a sum is a product that it computes itself; -1 if none.
int Scheduler::absorbed_operand(Id id) const {
    const Node& node = graph_.nodes[id];
    if (node.op->code != Code::add && node.op->code != Code::subtract) return -1;
    for (int k = 0; k < 2; ++k) {
        const Id operand = graph_.operands_of(node)[k];
        if (!is_constant(operand) && absorbed_[operand]) return k;
    }
    return -1;
}

// A level of few instructions, of the kinds that have loops of their own, joins a chain: starting a
// run costs more than the instruction.
bool Scheduler::chain(const std::vector<Id>& level) {
    constexpr std::size_t few = 4;
    if (level.size() > few) return false;
    std::vector<std::uint32_t> words;
    std::uint32_t out = plan_.slots;
    for (const Id id : level) {
        const Node& node = graph_.nodes[id];
        const Id* operands = graph_.operands_of(node);
        RunKind kind;
        if (node.op->kind() != OpKind::Elementwise || !own_loop(node.op->code, kind)) return false;
        std::uint32_t z = 0;
        double divisor;
        if (const int product = absorbed_operand(id); product >= 0) {
            kind = kind == RunKind::Add ? RunKind::MultiplyAdd
                   : product == 0       ? RunKind::MultiplySubtract
                                        : RunKind::SubtractMultiply;
            z = slot_of(operands[1 - product]);
            operands = graph_.operands_of(graph_.nodes[operands[product]]);
        }
        const std::uint32_t x = slot_of(operands[0]);
        std::uint32_t y = kind == RunKind::Negative ? 0 : slot_of(operands[1]);
        if (kind == RunKind::Divide && number(operands[1], divisor) && exact_reciprocal(divisor)) {
            kind = RunKind::Multiply;
            y = constant_slot(1.0 / divisor);
        }
        words.insert(words.end(), {static_cast<std::uint32_t>(kind), x, y, z});
    }
    // Results of a chain lie side by side, as those of a run do.
    const bool continues = !plan_.runs.empty() && plan_.runs.back().kind == RunKind::Chain &&
                           plan_.runs.back().out + plan_.runs.back().count == out &&
                           plan_.runs.size() > step_runs_;
    if (!continues)
        plan_.runs.push_back(
            {RunKind::Chain, Code::add, 0, out, static_cast<std::uint32_t>(plan_.words.size())});
    plan_.runs.back().count += static_cast<std::uint32_t>(level.size());
    plan_.words.insert(plan_.words.end(), words.begin(), words.end());
    for (const Id id : level) {
        plan_.where[id].kind = Where::Kind::Slot;
        plan_.where[id].index = plan_.slots++;
    }
    return true;
}

// Which element of its operand a node is.
void Scheduler::element_of(Id id, Extent* position) const {
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    const Meta meta = graph_.meta_of(operands[0]);
    std::fill_n(position, meta.rank, Extent{0});
    if (meta.size() == 1) return;
    const Value& index = graph_.constants[constant_index(operands[1])];
    if (host::element_index(index, meta.shape, meta.rank, position)) return;
    // The operation itself, on the numbers of the elements.
    const Value values[2] = {host::counting(meta.shape, meta.rank), index};
    const Value taken = host::apply(*node.op, values, 2, nullptr, Form::Rule);
    auto rest = static_cast<Extent>(host::numbers_of(taken).front());
    for (int axis = meta.rank; axis-- > 0;) {
        position[axis] = rest % meta.shape[axis];
        rest /= meta.shape[axis];
    }
}

void Scheduler::scalar_run(RunKind kind, Code code, const std::vector<Id>& nodes) {
    Run run{kind, code, static_cast<std::uint32_t>(nodes.size()), plan_.slots,
            static_cast<std::uint32_t>(plan_.words.size())};
    if (kind == RunKind::Load) {
        const Where from = memory_of(graph_.operands_of(graph_.nodes[nodes[0]])[0]);
        use(from);
        plan_.words.push_back(from.index);
        for (const Id id : nodes) {
            const Id* operands = graph_.operands_of(graph_.nodes[id]);
            const Where where = memory_of(operands[0]);
            const Meta meta = graph_.meta_of(operands[0]);
            Extent position[64];
            element_of(id, position);
            Extent offset = where.offset;
            for (int axis = 0; axis < meta.rank; ++axis)
                offset += position[axis] *
                          plan_.strides[where.strides + static_cast<std::uint32_t>(axis)];
            const auto wide = static_cast<std::uint64_t>(offset);
            plan_.words.push_back(static_cast<std::uint32_t>(wide));
            plan_.words.push_back(static_cast<std::uint32_t>(wide >> 32));
        }
    } else if (kind == RunKind::MultiplyAdd || kind == RunKind::MultiplySubtract ||
               kind == RunKind::SubtractMultiply) {
        for (std::uint32_t k = 0; k < 3; ++k)
            for (const Id id : nodes) {
                const int which = absorbed_operand(id);
                const Id* operands = graph_.operands_of(graph_.nodes[id]);
                const Id product = operands[which];
                plan_.words.push_back(k < 2 ? slot_of(graph_.operands_of(graph_.nodes[product])[k])
                                            : slot_of(operands[1 - which]));
            }
    } else if (kind == RunKind::Multiply && code == Code::divide) {
        for (std::uint32_t k = 0; k < 2; ++k)
            for (const Id id : nodes) {
                const Id operand = graph_.operands_of(graph_.nodes[id])[k];
                double divisor = 1.0;
                if (k == 1) number(operand, divisor);
                plan_.words.push_back(k == 0 ? slot_of(operand) : constant_slot(1.0 / divisor));
            }
    } else {
        const std::uint32_t arity = graph_.nodes[nodes[0]].count;
        for (std::uint32_t k = 0; k < arity; ++k)
            for (const Id id : nodes)
                plan_.words.push_back(slot_of(graph_.operands_of(graph_.nodes[id])[k]));
    }
    for (const Id id : nodes) {
        Where& where = plan_.where[id];
        where.kind = Where::Kind::Slot;
        where.index = plan_.slots++;
    }
    plan_.runs.push_back(run);
}

void Scheduler::guard_runs() {
    if (guard_nodes_.empty()) return;
    std::sort(guard_nodes_.begin(), guard_nodes_.end());
    Run run{RunKind::Guard, Code::add, static_cast<std::uint32_t>(guard_nodes_.size()), 0,
            static_cast<std::uint32_t>(plan_.words.size())};
    for (const std::uint32_t g : guard_nodes_) {
        plan_.words.push_back(g);
        guard_done_[g] = true;
        use(plan_.where[graph_.guards[g].node]);
    }
    guard_nodes_.clear();
    plan_.runs.push_back(run);
}

// ---- what lies where something else lies

void Scheduler::alias(Id id) {
    const Node& node = graph_.nodes[id];
    const Id from = graph_.operands_of(node)[0];
    const Space& space = graph_.space_of(id);
    if (scalar_space(space) && scalar_space(graph_.space_of(from))) {
        plan_.where[id] = plan_.where[from];
        done(id);
        return;
    }
    if (scalar_space(graph_.space_of(from))) {  // broadcast_to of a number
        Where where = new_memory(id, sizeof(double));
        Copy copy;
        copy.kind = Copy::Kind::Numbers;
        copy.to = where;
        copy.first = static_cast<std::uint32_t>(plan_.words.size());
        copy.count = 1;
        plan_.words.push_back(slot_of(from));
        plan_.copies.push_back(copy);
        step(Step::Kind::Copy, static_cast<std::uint32_t>(plan_.copies.size() - 1), 1);
        where.contiguous = graph_.meta(space).size() == 1;
        where.strides = add_strides(std::vector<Extent>(space.rank, 0));
        plan_.where[id] = where;
        done(id);
        return;
    }
    // The operation itself, done on an array of the same layout, shows what the view is.
    const Where source = memory_of(from);
    const Meta meta = graph_.meta_of(from);
    Value dummy;
    if (const auto known = dummies_.find(from); known != dummies_.end()) {
        dummy = known->second;
    } else if (source.contiguous) {
        dummy = host::new_array(meta.dtype, meta.shape, meta.rank);
    } else {
        host(id);
        return;
    }
    std::vector<Value> values(node.count);
    values[0] = dummy;
    for (std::uint32_t k = 1; k < node.count; ++k)
        if (graph_.operands_of(node)[k] != no_id)
            values[k] = graph_.constants[constant_index(graph_.operands_of(node)[k])];
    const Value view = host::apply(*node.op, values.data(), values.size(), nullptr, Form::Rule);
    const View laid = view.is_object() ? host::describe(view) : View();
    const View base = host::describe(dummy);
    const Extent offset = laid.data - base.data;
    const Space& target = graph_.space_of(id);
    bool shares = laid.array && laid.rank == target.rank && host::shares_memory(dummy, view);
    if (!shares) {
        host(id);
        return;
    }
    Where where = source;
    where.offset += offset;
    where.strides = add_strides({laid.strides, laid.strides + laid.rank});
    where.contiguous = laid.contiguous;
    plan_.where[id] = where;
    dummies_.emplace(id, view);
    done(id);
}

// ---- the host

void Scheduler::host(Id id) {
    const Node& node = graph_.nodes[id];
    for (std::uint32_t k = 0; k < node.count; ++k) {
        const Id operand = graph_.operands_of(node)[k];
        if (operand != no_id && !is_constant(operand)) use(plan_.where[operand]);
    }
    // A call may have effects: what decides whether the program comes here is looked at first.
    flush_guards();
    Where& where = plan_.where[id];
    const Space& space = graph_.space_of(id);
    Call call;
    call.node = id;
    call.result = no_id;
    if (scalar_space(space)) {
        where.kind = Where::Kind::Slot;
        where.index = plan_.slots++;
    } else {
        call.result = plan_.objects++;
        where.kind = Where::Kind::Object;
        where.index = call.result;
        if (space.holder == Holder::Array && native_size(space.dtype) > 0) {
            Buffer buffer;
            buffer.source = Buffer::Source::Object;
            buffer.index = call.result;
            buffer.node = id;
            const Meta meta = graph_.meta(space);
            buffer.bytes = meta.size() * native_size(space.dtype);
            where.kind = Where::Kind::Memory;
            where.index = static_cast<std::uint32_t>(plan_.buffers.size());
            where.contiguous = true;
            std::vector<Extent> strides(space.rank);
            Extent stride = static_cast<Extent>(native_size(space.dtype));
            for (int axis = space.rank; axis-- > 0;) {
                strides[static_cast<std::size_t>(axis)] = stride;
                stride *= meta.shape[axis];
            }
            where.strides = add_strides(strides);
            plan_.buffers.push_back(buffer);
        }
    }
    plan_.calls.push_back(call);
    step(Step::Kind::Call, static_cast<std::uint32_t>(plan_.calls.size() - 1), 1);
    done(id);
    flush_guards();
}

void Scheduler::flush_guards() {
    if (guard_nodes_.empty()) return;
    const auto first = static_cast<std::uint32_t>(plan_.runs.size());
    guard_runs();
    step(Step::Kind::Scalars, first, static_cast<std::uint32_t>(plan_.runs.size()) - first);
}

// ---- memory

std::uint32_t Scheduler::add_strides(const std::vector<Extent>& strides) {
    const auto first = static_cast<std::uint32_t>(plan_.strides.size());
    plan_.strides.insert(plan_.strides.end(), strides.begin(), strides.end());
    return first;
}

std::uint32_t Scheduler::add_extents(const Extent* shape, int rank) {
    const auto first = static_cast<std::uint32_t>(plan_.extents.size());
    plan_.extents.insert(plan_.extents.end(), shape, shape + rank);
    return first;
}

void Scheduler::use(const Where& where) {
    if (where.kind == Where::Kind::Memory)
        plan_.buffers[where.index].dies = static_cast<std::uint32_t>(plan_.steps.size());
}

// An array, where it lies; constants where their owner keeps them.
Where Scheduler::memory_of(Id operand) {
    if (!is_constant(operand)) return plan_.where[operand];
    const std::uint32_t c = constant_index(operand);
    const View view = host::describe(graph_.constants[c]);
    if (constant_buffers_[c] == no_id) {
        Buffer buffer;
        buffer.source = Buffer::Source::Constant;
        buffer.index = c;
        buffer.bytes = view.size * native_size(view.dtype);
        constant_buffers_[c] = static_cast<std::uint32_t>(plan_.buffers.size());
        plan_.buffers.push_back(buffer);
        plan_.constants.push_back(
            {c, constant_spaces_[c], add_strides({view.strides, view.strides + view.rank})});
    }
    Where where;
    where.kind = Where::Kind::Memory;
    where.index = constant_buffers_[c];
    where.contiguous = view.contiguous;
    where.strides = add_strides({view.strides, view.strides + view.rank});
    return where;
}

// Room for the node's own value: in the result where it is one, else in the arena.
Where Scheduler::new_memory(Id id, std::size_t bytes) {
    const Space& space = graph_.space_of(id);
    Buffer buffer;
    buffer.node = id;
    buffer.bytes = bytes;
    buffer.born = buffer.dies = static_cast<std::uint32_t>(plan_.steps.size());
    const Meta meta = graph_.meta(space);
    if (is_output_[id] && space.holder == Holder::Array &&
        bytes == meta.size() * native_size(space.dtype)) {
        buffer.source = Buffer::Source::Output;
        for (std::uint32_t i = 0; i < graph_.outputs.size(); ++i)
            if (graph_.outputs[i] == id) {
                buffer.index = i;
                break;
            }
    }
    Where where;
    where.kind = Where::Kind::Memory;
    where.index = static_cast<std::uint32_t>(plan_.buffers.size());
    plan_.buffers.push_back(buffer);
    std::vector<Extent> strides(space.rank);
    Extent stride = static_cast<Extent>(native_size(space.dtype));
    for (int axis = space.rank; axis-- > 0;) {
        strides[static_cast<std::size_t>(axis)] = stride;
        stride *= meta.shape[axis];
    }
    where.strides = add_strides(strides);
    return where;
}

}  // namespace fastad::program
