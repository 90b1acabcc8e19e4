// Scalar nodes, level by level, in runs of one kind.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "host/programs.hpp"
#include "program/schedule.hpp"
#include "program/simplify.hpp"

namespace fastad::program {

// Powers of two: x / c is x * (1 / c), bit for bit.
bool exact_reciprocal(double number) noexcept {
    int exponent;
    const double mantissa = std::frexp(number, &exponent);
    return (mantissa == 0.5 || mantissa == -0.5) && exponent > -1000 && exponent < 1000;
}

namespace {

// What runs compute themselves; all else goes through the kernels in batches.
RunKind kind_of(const Op& op) noexcept {
    if (op.program == InProgram::Select) return RunKind::Select;
    if (op.program != InProgram::Loop) return RunKind::Load;
    switch (op.code) {
#define SCALAR(NAME) \
    case Code::NAME: return RunKind::NAME;
#include "program/scalars.def"
#undef SCALAR
        default: return op.arity == 1 ? RunKind::Unary : RunKind::Binary;
    }
}
bool computes_itself(RunKind kind) noexcept { return kind < RunKind::Unary; }

// A sum or difference with a product in it: which of its operands that is.
bool takes_product(RunKind kind) noexcept {
    return kind == RunKind::add || kind == RunKind::subtract;
}
RunKind fused_kind(RunKind kind, int product) noexcept {
    return kind == RunKind::add ? RunKind::MultiplyAdd
           : product == 0       ? RunKind::MultiplySubtract
                                : RunKind::SubtractMultiply;
}

}  // namespace

bool Scheduler::multiplies(Id id, double& inverse) const {
    const Node& node = graph_.nodes[id];
    double divisor;
    if (kind_of(*node.op) != RunKind::divide || !number(graph_.operands_of(node)[1], divisor) ||
        !exact_reciprocal(divisor))
        return false;
    inverse = 1.0 / divisor;
    return true;
}

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
            Key key{kind_of(*node.op), node.op->code, 0, id};
            if (const Id other = twin(id); other != no_id) {
                const auto code = static_cast<std::size_t>(node.op->code);
                if (!kernels().float64.both[code]) continue;  // it is computed beside that one
                key.kind = RunKind::Both;
            }
            double inverse;
            if (key.kind == RunKind::Load) {  // by whatever operation
                key.code = {};
                key.buffer = memory_of(graph_.operands_of(node)[0]).index;
            } else if (multiplies(id, inverse)) {
                key.kind = RunKind::multiply;
            } else if (const int product = absorbed_operand(id); product >= 0) {
                key.kind = fused_kind(key.kind, product);
            }
            keys.push_back(key);
        }
        std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
            return std::tie(a.kind, a.code, a.buffer, a.id) <
                   std::tie(b.kind, b.code, b.buffer, b.id);
        });
        if (chain(level)) {
            for (const Id id : level) done(id);
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
    }
    guard_runs();  // all at once, since nothing before has effects
    step(Step::Kind::Scalars, first, static_cast<std::uint32_t>(plan_.runs.size()) - first);
}

// The operand that a number equals bit for bit, such as x where x * 1 is of another type; no_id if
// there is none.
Id Scheduler::equal_number(Id id) const {
    const Node& node = graph_.nodes[id];
    if (!node.op || node.op->program != InProgram::Loop || node.kwnames || node.count != 2 ||
        node.op->arity != 2)
        return no_id;
    const auto real = [this](Id own) {
        const Space& space = graph_.space_of(own);
        return scalar_space(space) && space.dtype == DType::Float64;
    };
    if (!real(id)) return no_id;
    const Id* operands = graph_.operands_of(node);
    for (int k = 0; k < 2; ++k) {
        const Id other = operands[1 - k];
        if (other != no_id && !is_constant(other) && real(other) &&
            is_number(graph_, operands[k], node.op->elementwise.neutral[k]))
            return other;
    }
    return no_id;
}

// A node with the other function of the same operand, which is on the same level; one of several.
Id Scheduler::sibling(Id id) const {
    const Node& node = graph_.nodes[id];
    const Op* other = node.op->elementwise.twin;
    if (!other || node.op->program != InProgram::Loop) return no_id;
    const Id operand = graph_.operands_of(node)[0];
    if (is_constant(operand)) return no_id;
    for (const std::uint32_t reader : consumers(operand))
        if (graph_.nodes[reader].op == other && needed_[reader] && ways_[reader] == Way::Scalar)
            return reader;
    return no_id;
}

// What one function of the kernels gives together with this node.
Id Scheduler::twin(Id id) const {
    const Id other = sibling(id);
    return other != no_id && sibling(other) == id ? other : no_id;
}

// Which operand of a sum is a product that it computes itself; -1 if none.
int Scheduler::absorbed_operand(Id id) const {
    const Node& node = graph_.nodes[id];
    if (!takes_product(kind_of(*node.op))) return -1;
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
        RunKind kind = kind_of(*node.op);
        if (!computes_itself(kind)) return false;
        std::uint32_t z = 0;
        double inverse;
        if (const int product = absorbed_operand(id); product >= 0) {
            kind = fused_kind(kind, product);
            z = slot_of(operands[1 - product]);
            operands = graph_.operands_of(graph_.nodes[operands[product]]);
        }
        const std::uint32_t x = slot_of(operands[0]);
        std::uint32_t y = graph_.nodes[id].count == 1 ? 0 : slot_of(operands[1]);
        if (kind == RunKind::Select) z = slot_of(operands[2]);
        if (multiplies(id, inverse)) {
            kind = RunKind::multiply;
            y = constant_slot(inverse);
        }
        words.insert(words.end(), {static_cast<std::uint32_t>(kind), x, y, z});
    }
    // Results of a chain lie side by side, as those of a run do.
    const bool continues = !plan_.runs.empty() && plan_.runs.back().kind == RunKind::Chain &&
                           plan_.runs.back().out + plan_.runs.back().count == out &&
                           plan_.runs.size() > step_runs_;
    if (!continues)
        plan_.runs.push_back(
            {RunKind::Chain, {}, 0, out, static_cast<std::uint32_t>(plan_.words.size())});
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
    } else if (double inverse; kind == RunKind::multiply && multiplies(nodes[0], inverse)) {
        for (const Id id : nodes)
            plan_.words.push_back(slot_of(graph_.operands_of(graph_.nodes[id])[0]));
        for (const Id id : nodes) {
            multiplies(id, inverse);
            plan_.words.push_back(constant_slot(inverse));
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
    if (kind == RunKind::Both) {
        for (const Id id : nodes) {
            Where& where = plan_.where[twin(id)];
            where.kind = Where::Kind::Slot;
            where.index = plan_.slots++;
        }
    }
    plan_.runs.push_back(run);
}

void Scheduler::guard_runs() {
    if (guard_nodes_.empty()) return;
    std::sort(guard_nodes_.begin(), guard_nodes_.end());
    Run run{RunKind::Guard,
            {},
            static_cast<std::uint32_t>(guard_nodes_.size()),
            0,
            static_cast<std::uint32_t>(plan_.words.size())};
    for (const std::uint32_t g : guard_nodes_) {
        plan_.words.push_back(g);
        guard_done_[g] = true;
        use(plan_.where[graph_.guards[g].node]);
    }
    guard_nodes_.clear();
    plan_.runs.push_back(run);
}

// x * y + z as one instruction, with both roundings, where nothing else reads the product.
void Scheduler::absorb_products() {
    absorbed_.assign(graph_.nodes.size(), false);
    for (Id id = graph_.inputs; id < graph_.nodes.size(); ++id) {
        if (!needed_[id] || ways_[id] != Way::Scalar) continue;
        const Node& node = graph_.nodes[id];
        if (!takes_product(kind_of(*node.op))) continue;
        const Id* operands = graph_.operands_of(node);
        for (std::uint32_t k = 0; k < 2; ++k) {
            const Id product = operands[k];
            if (is_constant(product) || product < graph_.inputs || operands[0] == operands[1])
                continue;
            if (ways_[product] == Way::Scalar &&
                kind_of(*graph_.nodes[product].op) == RunKind::multiply && !is_output_[product] &&
                !is_guarded_[product] &&
                first_consumer_[product + 1] - first_consumer_[product] == 1) {
                absorbed_[product] = true;
                break;
            }
        }
    }
}

}  // namespace fastad::program
