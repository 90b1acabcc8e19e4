#include "program/graph.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "host/programs.hpp"

namespace fastad::program {

std::uint32_t Graph::add_space(const Space& wanted, const Extent* shape) {
    // Programs have few different spaces; the last ones are the likeliest.
    for (std::size_t i = spaces.size(); i-- > 0 && spaces.size() - i <= 16;) {
        const Space& known = spaces[i];
        if (known.dtype == wanted.dtype && known.holder == wanted.holder &&
            known.rank == wanted.rank &&
            std::equal(shape, shape + wanted.rank, extents.data() + known.first_extent))
            return static_cast<std::uint32_t>(i);
    }
    Space space = wanted;
    space.first_extent = static_cast<std::uint32_t>(extents.size());
    extents.insert(extents.end(), shape, shape + wanted.rank);
    spaces.push_back(space);
    return static_cast<std::uint32_t>(spaces.size() - 1);
}

std::uint32_t Graph::space_of_value(const Value& raw) {
    Space space;
    if (raw.kind() == Kind::Strong) space.holder = Holder::Strong;
    if (raw.kind() == Kind::Integer) space.dtype = DType::Int64;
    if (raw.is_number()) return add_space(space, nullptr);
    const View view = raw.is_object() ? host::describe(raw) : View();
    space.dtype = view.dtype;
    space.rank = static_cast<std::uint8_t>(view.rank);
    space.holder = view.array ? Holder::Array : Holder::Scalar;
    if (!raw.is_object() || (!view.array && view.dtype == DType::Other))
        space.holder = Holder::Opaque;
    if (host::is_plain_complex(raw)) space.holder = Holder::Opaque;
    return add_space(space, view.shape);
}

std::size_t Graph::Hash::operator()(const Node& node) const noexcept {
    std::uint64_t hash = reinterpret_cast<std::uintptr_t>(node.op);
    for (const std::uint32_t part : {node.count, node.space, node.place, node.kwnames, node.layouts,
                                     static_cast<std::uint32_t>(node.form)})
        hash = (hash ^ part) * 0x100000001B3u + (hash >> 29);
    return static_cast<std::size_t>(hash);
}

bool Graph::Same::operator()(const Node& a, const Node& b) const noexcept {
    return a.op == b.op && a.count == b.count && a.space == b.space && a.place == b.place &&
           a.kwnames == b.kwnames && a.layouts == b.layouts && a.form == b.form;
}

void Graph::append(const Node& node, std::size_t first_operand) {
    const auto [at, added] = known_.try_emplace(node, static_cast<std::uint32_t>(kinds_.size()));
    if (added) kinds_.push_back(node);
    if (kind_of_.size() % marked == 0) marks_.push_back(static_cast<std::uint32_t>(first_operand));
    kind_of_.push_back(at->second);
}

Id Graph::add(const Node& node, const Id* own) {
    append(node, operands.size());
    operands.insert(operands.end(), own, own + node.count);
    return static_cast<Id>(kind_of_.size() - 1);
}

void Graph::shrink() {
    known_ = {};
    kind_of_.shrink_to_fit();
    marks_.shrink_to_fit();
    operands.shrink_to_fit();
}

void Graph::unpack() {
    std::vector<Node> all;
    all.reserve(kind_of_.size());
    std::uint32_t first = 0;
    for (const std::uint32_t kind : kind_of_) {
        all.push_back(kinds_[kind]);
        all.back().first_operand = first;
        first += all.back().count;
    }
    nodes = std::move(all);
    kinds_ = {};
    kind_of_ = marks_ = {};
}

// Nodes may have fewer operands than when they were unpacked.
void Graph::pack() {
    std::vector<Id> kept;
    kept.reserve(operands.size());
    for (const Node& node : nodes) {
        append(node, kept.size());
        kept.insert(kept.end(), operands_of(node), operands_of(node) + node.count);
    }
    operands = std::move(kept);
    nodes = {};
    shrink();
}

std::size_t Graph::bytes() const noexcept {
    return (nodes.size() + kinds_.size()) * sizeof(Node) + operands.size() * sizeof(Id) +
           (kind_of_.size() + marks_.size()) * sizeof(std::uint32_t) +
           (constants.size() + owners.size()) * sizeof(Value) + spaces.size() * sizeof(Space) +
           extents.size() * sizeof(Extent) + guards.size() * sizeof(Guard) +
           outputs.size() * sizeof(Id);
}

namespace {

std::string operand_text(const Graph& graph, Id id) {
    if (id == no_id) return "-";
    if (!is_constant(id)) return "%" + std::to_string(id);
    return host::constant_text(graph.constants[constant_index(id)]);
}

bool same_operand(const Graph& a, Id x, const Graph& b, Id y) {
    if (x == no_id || y == no_id) return x == y;
    if (is_constant(x) != is_constant(y)) return false;
    if (!is_constant(x)) return x == y;
    return host::same_constant(a.constants[constant_index(x)], b.constants[constant_index(y)]);
}

bool same_layouts(const Graph& a, const Node& x, const Graph& b, const Node& y) {
    if (!x.layouts || !y.layouts) return x.layouts == y.layouts;
    const Extent* own = a.extents.data() + x.layouts - 1;
    const Extent* other = b.extents.data() + y.layouts - 1;
    for (std::uint32_t k = 0; k < x.count; ++k) {
        const Extent rank = *own;
        if (!std::equal(own, own + 1 + rank, other)) return false;
        own += 1 + rank;
        other += 1 + rank;
    }
    return true;
}

bool same_space(const Graph& a, const Space& x, const Graph& b, const Space& y) {
    return x.dtype == y.dtype && x.holder == y.holder && same_shape(a.meta(x), b.meta(y));
}

}  // namespace

std::string text_of(const Graph& graph, const Node& node) {
    if (!node.op) return "input";
    std::string text = node.op->name + "(";
    const Id* operands = graph.operands_of(node);
    for (std::uint32_t i = 0; i < node.count; ++i)
        text += (i ? ", " : "") + operand_text(graph, operands[i]);
    return text + ")";
}

std::string difference(const Graph& a, const Graph& b) {
    const std::size_t count = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < count; ++i) {
        const Node x = a.node(static_cast<Id>(i)), y = b.node(static_cast<Id>(i));
        bool same = x.op == y.op && x.count == y.count && x.form == y.form &&
                    same_space(a, a.spaces[x.space], b, b.spaces[y.space]) &&
                    (x.kwnames == 0) == (y.kwnames == 0) && same_layouts(a, x, b, y);
        if (same && x.kwnames)
            same = host::same_constant(a.constants[x.kwnames - 1], b.constants[y.kwnames - 1]);
        for (std::uint32_t k = 0; same && k < x.count; ++k)
            same = same_operand(a, a.operands_of(x)[k], b, b.operands_of(y)[k]);
        if (same) continue;
        std::string before = text_of(a, x), now = text_of(b, y);
        const Meta own = a.meta(a.spaces[x.space]), other = b.meta(b.spaces[y.space]);
        if (before == now && !same_shape(own, other)) {
            before += " of shape " + shape_text(own);
            now = "one of shape " + shape_text(other);
        }
        return before + " became " + now +
               (b.places[y.place].empty() ? "" : " at " + b.places[y.place]);
    }
    if (a.size() != b.size())
        return std::to_string(a.size()) + " operations became " + std::to_string(b.size());
    if (a.outputs.size() != b.outputs.size()) return "the number of results changed";
    for (std::size_t i = 0; i < a.outputs.size(); ++i)
        if (!same_operand(a, a.outputs[i], b, b.outputs[i]))
            return "result " + std::to_string(i) + " is " + operand_text(a, a.outputs[i]) +
                   " in one call and " + operand_text(b, b.outputs[i]) + " in another";
    return {};
}

}  // namespace fastad::program
