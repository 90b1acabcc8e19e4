// Scalar nodes in runs of one kind: of those that are ready, what most have in common comes first.
#include <algorithm>
#include <cmath>
#include <map>
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
// Whether its operands may lie side by side, without a list: what is left gathers them for a loop
// of the kernels.
bool moves_on(RunKind kind) noexcept { return kind != RunKind::Binary; }

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

Scheduler::Alike Scheduler::alike(Id id) const {
    const Node& node = graph_.nodes[id];
    Alike own{kind_of(*node.op), {}, 0};
    double inverse;
    if (twin(id) != no_id) {
        own.kind = RunKind::Both;
        own.code = node.op->code;
    } else if (own.kind == RunKind::Load) {  // by whatever operation
        own.buffer = graph_.operands_of(node)[0];
    } else if (multiplies(id, inverse)) {
        own.kind = RunKind::multiply;
    } else if (const int product = absorbed_operand(id); product >= 0) {
        own.kind = fused_kind(own.kind, product);
    } else if (!computes_itself(own.kind)) {
        own.code = node.op->code;
    }
    return own;
}

// What most nodes that are ready have in common comes first: while it runs, others of the other
// kinds become ready, and fewer runs do all. Where few are alike they are computed one after the
// other, in the order in which they became ready: any other was found to take a third longer.
void Scheduler::scalars() {
    constexpr std::size_t few = 3;  // up to here starting a run costs more than the instructions
    const auto first = static_cast<std::uint32_t>(plan_.runs.size());
    step_runs_ = first;
    using Turn = std::pair<std::size_t, Id>;
    std::map<Alike, std::vector<Turn>> waiting;
    for (std::size_t turn = 0;;) {
        for (const Id id : scalars_ready_) {
            const auto code = static_cast<std::size_t>(graph_.nodes[id].op->code);
            if (twin(id) != no_id && !kernels().float64.both[code]) continue;  // beside its twin
            waiting[alike(id)].emplace_back(turn++, id);
        }
        scalars_ready_.clear();
        if (waiting.empty()) break;
        auto largest = waiting.begin();
        for (auto at = waiting.begin(); at != waiting.end(); ++at)
            if (at->second.size() > largest->second.size()) largest = at;
        std::vector<Turn> turns;
        if (largest->second.size() <= few) {
            const auto joins = [](const auto& own) { return computes_itself(own.first.kind); };
            for (const auto& own : waiting)
                if (joins(own)) turns.insert(turns.end(), own.second.begin(), own.second.end());
            std::erase_if(waiting, joins);
            std::sort(turns.begin(), turns.end());
        }
        std::vector<Id> nodes;
        if (!turns.empty()) {
            for (const Turn& own : turns) nodes.push_back(own.second);
            chain(nodes);
        } else {
            for (const Turn& own : largest->second) nodes.push_back(own.second);
            const Alike own = largest->first;
            waiting.erase(largest);
            if (own.kind == RunKind::Load)
                load_run(nodes);
            else
                scalar_run(own, nodes);
            if (own.kind == RunKind::Both) {
                const std::size_t count = nodes.size();
                for (std::size_t i = 0; i < count; ++i) nodes.push_back(twin(nodes[i]));
            }
        }
        for (const Id id : nodes) done(id);
    }
    running_sums(first);
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

// A node with the other function of the same operand, which is ready when this one is; one of
// several.
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

Scheduler::Scalar Scheduler::scalar(Id id) {
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    Scalar own{kind_of(*node.op), static_cast<int>(node.count), {}, id};
    double inverse;
    if (const int product = absorbed_operand(id); product >= 0) {
        const Id* factors = graph_.operands_of(graph_.nodes[operands[product]]);
        own.kind = fused_kind(own.kind, product);
        own.arity = 3;
        own.slots[0] = slot_of(factors[0]);
        own.slots[1] = slot_of(factors[1]);
        own.slots[2] = slot_of(operands[1 - product]);
    } else if (multiplies(id, inverse)) {
        own.kind = RunKind::multiply;
        own.slots[0] = slot_of(operands[0]);
        own.slots[1] = constant_slot(inverse);
    } else {
        for (int k = 0; k < own.arity; ++k) own.slots[k] = slot_of(operands[k]);
    }
    return own;
}

// Instructions of any kinds that have loops of their own, one after the other.
void Scheduler::chain(const std::vector<Id>& nodes) {
    const std::uint32_t out = plan_.slots;
    const bool continues = plan_.runs.size() > step_runs_ &&
                           plan_.runs.back().kind == RunKind::Chain &&
                           plan_.runs.back().out + plan_.runs.back().count == out;
    if (!continues)
        plan_.runs.push_back(
            {RunKind::Chain, {}, 0, 0, out, static_cast<std::uint32_t>(plan_.words.size())});
    plan_.runs.back().count += static_cast<std::uint32_t>(nodes.size());
    for (const Id id : nodes) {
        const Scalar own = scalar(id);
        plan_.words.insert(plan_.words.end(), {static_cast<std::uint32_t>(own.kind), own.slots[0],
                                               own.slots[1], own.slots[2]});
        plan_.where[id].kind = Where::Kind::Slot;
        plan_.where[id].index = plan_.slots++;
    }
}

namespace {

// How an instruction of a chain goes on from the result before it; Chain: it does not.
RunKind goes_on(std::uint32_t* words, std::uint32_t before) {
    switch (static_cast<RunKind>(words[0])) {
        case RunKind::add:
            if (words[1] != before && words[2] == before) std::swap(words[1], words[2]);
            return words[1] == before && words[2] != before ? RunKind::RunningAdd : RunKind::Chain;
        case RunKind::subtract:
            return words[1] == before && words[2] != before ? RunKind::RunningSubtract
                                                            : RunKind::Chain;
        case RunKind::MultiplyAdd:
            return words[3] == before && words[1] != before && words[2] != before
                       ? RunKind::RunningMultiplyAdd
                       : RunKind::Chain;
        case RunKind::SubtractMultiply:
            return words[3] == before && words[1] != before && words[2] != before
                       ? RunKind::RunningSubtractMultiply
                       : RunKind::Chain;
        default: return RunKind::Chain;
    }
}

}  // namespace

// Sums of many terms, out of the chains from this run on.
void Scheduler::running_sums(std::size_t first) {
    constexpr std::uint32_t worth_a_run = 8;
    std::vector<Run> all;
    for (std::size_t r = first; r < plan_.runs.size(); ++r) {
        const Run& run = plan_.runs[r];
        const auto part = [&](RunKind kind, std::uint32_t from, std::uint32_t end) {
            if (from < end)
                all.push_back({kind, {}, 0, end - from, run.out + from, run.first + 4 * from});
        };
        if (run.kind != RunKind::Chain) {
            all.push_back(run);
            continue;
        }
        std::uint32_t from = 0;
        for (std::uint32_t i = 0; i < run.count;) {
            std::uint32_t* words = plan_.words.data() + run.first + 4 * i;
            const RunKind kind = i > 0 ? goes_on(words, run.out + i - 1) : RunKind::Chain;
            std::uint32_t end = i + 1;
            while (kind != RunKind::Chain && end < run.count &&
                   goes_on(plan_.words.data() + run.first + 4 * end, run.out + end - 1) == kind)
                ++end;
            if (end - i >= worth_a_run) {
                part(RunKind::Chain, from, i);
                part(kind, i, end);
                from = end;
            }
            i = end;
        }
        part(RunKind::Chain, from, run.count);
    }
    plan_.runs.resize(first);
    plan_.runs.insert(plan_.runs.end(), all.begin(), all.end());
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

void Scheduler::load_run(const std::vector<Id>& nodes) {
    const Where from = memory_of(graph_.operands_of(graph_.nodes[nodes[0]])[0]);
    use(from);
    const Meta meta = graph_.meta_of(graph_.operands_of(graph_.nodes[nodes[0]])[0]);
    const auto first = static_cast<std::uint32_t>(plan_.words.size());
    plan_.words.push_back(from.index);
    for (const Id id : nodes) {
        Extent position[64];
        element_of(id, position);
        Extent offset = from.offset;
        for (int axis = 0; axis < meta.rank; ++axis)
            offset +=
                position[axis] * plan_.strides[from.strides + static_cast<std::uint32_t>(axis)];
        const auto wide = static_cast<std::uint64_t>(offset);
        plan_.words.push_back(static_cast<std::uint32_t>(wide));
        plan_.words.push_back(static_cast<std::uint32_t>(wide >> 32));
    }
    place_results({RunKind::Load, {}, 0, 0, 0, first}, nodes);
}

// The results of a run lie side by side.
void Scheduler::place_results(Run run, const std::vector<Id>& nodes) {
    run.count = static_cast<std::uint32_t>(nodes.size());
    run.out = plan_.slots;
    for (const Id id : nodes) {
        plan_.where[id].kind = Where::Kind::Slot;
        plan_.where[id].index = plan_.slots++;
    }
    if (run.kind == RunKind::Both)
        for (const Id id : nodes) {
            Where& where = plan_.where[twin(id)];
            where.kind = Where::Kind::Slot;
            where.index = plan_.slots++;
        }
    plan_.runs.push_back(run);
}

void Scheduler::scalar_run(const Alike& alike, const std::vector<Id>& nodes) {
    constexpr std::size_t worth_a_run = 16;
    std::vector<Scalar> all;
    all.reserve(nodes.size());
    for (const Id id : nodes) {
        all.push_back(scalar(id));
        Scalar& own = all.back();
        const bool commutes = alike.kind == RunKind::multiply || alike.kind == RunKind::add ||
                              (own.arity == 3 && alike.kind != RunKind::Select);
        if (commutes && own.slots[0] > own.slots[1]) std::swap(own.slots[0], own.slots[1]);
    }
    // In the order of their operands, so that these lie side by side where they can.
    std::sort(all.begin(), all.end(), [](const Scalar& a, const Scalar& b) {
        return std::tie(a.slots[0], a.slots[1], a.slots[2], a.id) <
               std::tie(b.slots[0], b.slots[1], b.slots[2], b.id);
    });
    const int arity = all[0].arity;
    // How many from here on have operands that all go on or stay.
    const auto even = [&](std::size_t from, std::uint8_t& moves) {
        moves = 0;
        std::size_t end = from + 1;
        for (; end < all.size(); ++end) {
            std::uint8_t own = 0;
            for (int k = 0; k < arity; ++k) {
                const std::uint32_t step = all[end].slots[k] - all[end - 1].slots[k];
                if (step > 1) return end - from;
                own = static_cast<std::uint8_t>(own | step << k);
            }
            if (end == from + 1) moves = own;
            if (own != moves || own == 0) return end - from;
        }
        return end - from;
    };
    const auto put = [&](std::size_t from, std::size_t end, std::uint8_t moves) {
        if (from == end) return;
        std::vector<Id> ids;
        for (std::size_t i = from; i < end; ++i) ids.push_back(all[i].id);
        const auto first = static_cast<std::uint32_t>(plan_.words.size());
        for (int k = 0; k < arity; ++k)
            for (std::size_t i = from; i < (moves ? from + 1 : end); ++i)
                plan_.words.push_back(all[i].slots[k]);
        place_results({alike.kind, alike.code, moves, 0, 0, first}, ids);
    };
    std::size_t from = 0;
    for (std::size_t at = 0; at < all.size();) {
        std::uint8_t moves;
        const std::size_t count = even(at, moves);
        if (count < worth_a_run || moves == 0 || !moves_on(alike.kind)) {
            at += count;
            continue;
        }
        put(from, at, 0);
        put(at, at + count, moves);
        from = at += count;
    }
    put(from, all.size(), 0);
}

void Scheduler::guard_runs() {
    if (guard_nodes_.empty()) return;
    std::sort(guard_nodes_.begin(), guard_nodes_.end());
    Run run{RunKind::Guard,
            {},
            0,
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
