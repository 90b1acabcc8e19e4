#include "program/simplify.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace fastad::program {

bool is_number(const Graph& graph, Id id, double number) noexcept {
    if (id == no_id || !is_constant(id)) return false;
    const Value& value = graph.constants[constant_index(id)];
    return value.is_number() && value.number() == number &&
           std::signbit(value.number()) == std::signbit(number);
}

bool same_space(const Graph& graph, Id node, Id operand) noexcept {
    if (operand == no_id || is_constant(operand)) return false;
    const Space& a = graph.space_of(node);
    const Space& b = graph.space_of(operand);
    // Scalars of one dtype may be of several types: complex and numpy.complex128.
    if (a.holder == Holder::Scalar || a.holder == Holder::Opaque) return false;
    return a.dtype == b.dtype && a.holder == b.holder && same_shape(graph.meta(a), graph.meta(b));
}

namespace {

// The operand that the node's value equals bit for bit, or no_id.
Id identity(const Graph& graph, Id id) {
    const Node& node = graph.nodes[id];
    if (!node.op || node.kwnames || node.count == 0) return no_id;
    const Id* x = graph.operands_of(node);
    const bool same = same_space(graph, id, x[0]);
    switch (node.op->program) {
        case InProgram::Loop: {
            const Elementwise& e = node.op->elementwise;
            if (node.op->same) return same ? x[0] : no_id;
            // A complex factor multiplies infinities by its zero, and changes the signs of zeros.
            if (node.op->arity != 2 || is_complex(graph.space_of(id).dtype)) return no_id;
            if (is_number(graph, x[1], e.neutral[1]) && same) return x[0];
            if (is_number(graph, x[0], e.neutral[0]) && same_space(graph, id, x[1])) return x[1];
            return no_id;
        }
        case InProgram::View: return same && !node.op->structural.rearranges ? x[0] : no_id;
        case InProgram::Cast:
        case InProgram::Spread: return same ? x[0] : no_id;
        case InProgram::Same: return same && !is_complex(graph.space_of(id).dtype) ? x[0] : no_id;
        default: return no_id;
    }
}

bool real_floating(DType dtype) noexcept {
    return dtype == DType::Float64 || dtype == DType::Float32;
}

bool commutes(const Graph& graph, const Node& node) noexcept {
    return node.op->commutes && node.count == 2 && real_floating(graph.spaces[node.space].dtype);
}

// Where a power is a square: one product, where the power's loop takes 10 to 20 times as long.
void make_square(const Graph& graph, Id id, Node& node) {
    if (!node.op || !node.op->squares || node.kwnames || node.count != 2) return;
    const Id* x = graph.operands_of(node);
    const DType dtype = graph.space_of(id).dtype;
    if (!real_floating(dtype) || !is_number(graph, x[1], 2.0) || !same_space(graph, id, x[0]))
        return;
    node.op = &operation(Code::square);
    node.count = 1;
}

std::uint64_t mixed(std::uint64_t hash, Id operand) noexcept {
    return (hash ^ operand) * 0x100000001B3u + (hash >> 29);
}

// How an operation was written decides the type of its result, which its space tells; what programs
// compute with their own loops has the same bits then.
bool formless(const Graph& graph, const Node& node) noexcept {
    const Space& space = graph.spaces[node.space];
    return node.op->program == InProgram::Loop && node.op->kind() != OpKind::Foreign &&
           real_floating(space.dtype) && space.holder != Holder::Scalar &&
           space.holder != Holder::Opaque;
}

// Whether two nodes are the same application: operands may stand the other way round.
bool same_application(const Graph& graph, const Node& a, const Node& b) {
    if (a.op != b.op || a.space != b.space || a.count != b.count) return false;
    if (a.form != b.form && !formless(graph, a)) return false;
    const Id* x = graph.operands_of(a);
    const Id* y = graph.operands_of(b);
    return std::equal(x, x + a.count, y) || (commutes(graph, a) && x[0] == y[1] && x[1] == y[0]);
}

bool is_computed(Id id) { return id != no_id && !is_constant(id); }

// Whether the node runs even where its result is not used: it is a function of the host's, is an
// element that need not be there, a power of integers that need be none, or has a shape that
// depends on values, which Python has read without a guard.
bool always_runs(const Graph& graph, Id id) {
    const Node& node = graph.nodes[id];
    if (!node.op) return false;
    const Id* operands = graph.operands_of(node);
    if (node.op->may_raise()) return true;
    switch (node.op->program) {
        case InProgram::Part: {  // of the tuple of such a function
            const Op* whole = is_constant(operands[0]) ? nullptr : graph.nodes[operands[0]].op;
            return whole && whole->may_raise();
        }
        case InProgram::Take: {
            const Id index = operands[1];
            if (!is_computed(index)) return false;
            const Node& places = graph.nodes[index];
            if (!places.op || places.op->program != InProgram::Index) return true;
            const Id* each = graph.operands_of(places);
            return std::any_of(each, each + places.count, is_computed);
        }
        case InProgram::Loop: {
            const DType dtype = graph.space_of(id).dtype;
            return node.op->sometimes_whole && dtype > DType::Bool && dtype <= DType::IntOther;
        }
        default: return false;
    }
}

}  // namespace

std::vector<bool> simplify(Graph& graph) {
    const std::size_t count = graph.nodes.size();
    std::vector<Id> stands(count);
    // Nodes that stand for themselves, at their hash or behind it.
    std::vector<Id> known(std::bit_ceil(2 * count + 1), no_id);
    auto led = [&](Id id) { return id == no_id || is_constant(id) ? id : stands[id]; };
    for (Id id = 0; id < count; ++id) {
        stands[id] = id;
        Node& node = graph.nodes[id];
        Id* operands = graph.operands.data() + node.first_operand;
        for (std::uint32_t k = 0; k < node.count; ++k) operands[k] = led(operands[k]);
        make_square(graph, id, node);
        if (!node.op || node.op->effects() || node.kwnames) continue;
        const Id same = identity(graph, id);
        if (same != no_id) {
            stands[id] = same;
            continue;
        }
        std::uint64_t hash =
            reinterpret_cast<std::uintptr_t>(node.op) + node.space * 0x9E3779B97F4A7C15u;
        if (commutes(graph, node)) {
            const auto [first, second] = std::minmax(operands[0], operands[1]);
            hash = mixed(mixed(hash, first), second);
        } else {
            for (std::uint32_t k = 0; k < node.count; ++k) hash = mixed(hash, operands[k]);
        }
        bool found = false;
        std::size_t at = (hash ^ hash >> 32) & (known.size() - 1);
        for (; known[at] != no_id && !found; at = (at + 1) & (known.size() - 1)) {
            found = same_application(graph, graph.nodes[known[at]], node);
            if (found) stands[id] = known[at];
        }
        if (!found) known[at] = id;
    }
    for (Guard& guard : graph.guards) guard.node = led(guard.node);
    std::vector<bool> needed(count, false);
    for (const Guard& guard : graph.guards)
        if (!is_constant(guard.node)) needed[guard.node] = true;
    for (Id& output : graph.outputs) {
        output = led(output);
        if (output != no_id && !is_constant(output)) needed[output] = true;
    }
    for (Id id = static_cast<Id>(count); id-- > 0;) {
        const Node& node = graph.nodes[id];
        if (stands[id] == id && always_runs(graph, id)) needed[id] = true;
        if (!needed[id]) continue;
        const Id* operands = graph.operands_of(node);
        for (std::uint32_t k = 0; k < node.count; ++k)
            if (operands[k] != no_id && !is_constant(operands[k])) needed[operands[k]] = true;
    }
    return needed;
}

}  // namespace fastad::program
