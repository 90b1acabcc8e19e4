// What a recording is: a flat list of applications, in order, with what Python read between them.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ops/op.hpp"

namespace fastad::program {

// What a value is, beside its numbers: Python's float, a NumPy scalar, an array, or an object that
// only the host knows (a tuple of results, a complex number of Python's).
enum class Holder : std::uint8_t { Weak, Strong, Scalar, Array, Opaque };

struct Space {
    DType dtype = DType::Float64;
    Holder holder = Holder::Weak;
    std::uint8_t rank = 0;
    std::uint32_t first_extent = 0;
};

// An operand: a node, or a constant of the graph.
using Id = std::uint32_t;
inline constexpr Id constant_bit = 0x80000000u;
inline constexpr Id no_id = 0xFFFFFFFFu;
inline bool is_constant(Id id) noexcept { return (id & constant_bit) != 0; }
inline std::uint32_t constant_index(Id id) noexcept { return id & ~constant_bit; }

// One application. An input has no operation.
struct Node {
    const Op* op = nullptr;
    std::uint32_t first_operand = 0;
    std::uint32_t count = 0;
    std::uint32_t space = 0;
    std::uint32_t place = 0;    // the user's line
    std::uint32_t kwnames = 0;  // a constant's index + 1; 0: no keywords
    std::uint32_t layouts = 0;  // of its operands, in Graph::extents + 1; 0: C order
    Form form = Form::Rule;
};

// What Python read from a node: its truth, or the number itself (an index, the end of a loop).
struct Guard {
    Id node = no_id;
    bool exact = false;
    double expected = 0.0;
    std::uint32_t place = 0;
    std::uint32_t before = 0;  // how many nodes were recorded by then
};

struct Graph {
    std::vector<Node> nodes;   // while they are unpacked
    std::vector<Id> operands;  // of one node after the other
    std::vector<Value> constants;
    std::vector<Value> owners;  // what keeps registered operations alive, which nodes point to
    std::vector<Space> spaces;
    std::vector<Extent> extents;
    std::vector<Guard> guards;
    std::vector<Id> outputs;
    std::vector<std::string> places;
    std::uint32_t inputs = 0;                  // the first nodes
    std::vector<std::uint32_t> input_strides;  // of each input, in extents
    std::vector<bool> input_contiguous;

    // Nodes are kept in few bytes, since many have operation, number of operands, space and line
    // alike; unpacked while a plan is made, which changes them.
    Id add(const Node& node, const Id* operands);
    void unpack();
    void pack();
    // No more are added.
    void shrink();
    std::size_t size() const noexcept { return nodes.empty() ? kind_of_.size() : nodes.size(); }
    Node node(Id id) const noexcept {
        if (!nodes.empty()) return nodes[id];
        Node node = kinds_[kind_of_[id]];
        node.first_operand = marks_[id / marked];
        for (Id other = id / marked * marked; other < id; ++other)
            node.first_operand += kinds_[kind_of_[other]].count;
        return node;
    }
    const Id* operands_of(const Node& node) const noexcept {
        return operands.data() + node.first_operand;
    }
    const Space& space_of(Id id) const noexcept {
        return spaces[nodes.empty() ? kinds_[kind_of_[id]].space : nodes[id].space];
    }
    Meta meta(const Space& space) const noexcept {
        return {space.dtype, space.holder == Holder::Array, space.rank,
                extents.data() + space.first_extent};
    }
    Meta meta_of(Id node) const noexcept { return meta(space_of(node)); }
    std::uint32_t add_space(const Space& space, const Extent* shape);
    // The space of a plain value; Opaque where the core cannot describe it.
    std::uint32_t space_of_value(const Value& raw);
    std::size_t bytes() const noexcept;

  private:
    struct Hash {
        std::size_t operator()(const Node& node) const noexcept;
    };
    struct Same {
        bool operator()(const Node& a, const Node& b) const noexcept;
    };
    void append(const Node& node, std::size_t first_operand);

    static constexpr Id marked = 16;  // nodes from one mark to the next
    std::vector<Node> kinds_;
    std::unordered_map<Node, std::uint32_t, Hash, Same> known_;  // while nodes are added
    std::vector<std::uint32_t> kind_of_, marks_;                 // marks: first operands
};

// Null text where both have the same nodes, constants and outputs; else what differs first.
std::string difference(const Graph& a, const Graph& b);
std::string text_of(const Graph& graph, const Node& node);

}  // namespace fastad::program
