// Before a graph is simplified: arrays of one number become that number, negatives go on to where
// they vanish, what divides by the same as another becomes a product, and a sum of multiples of
// what is summed already a multiple of that sum.
#include "program/rewrite.hpp"

#include <bit>
#include <cmath>
#include <compare>
#include <cstring>
#include <map>
#include <unordered_map>

#include "host/programs.hpp"
#include "program/simplify.hpp"

namespace fastad::program {

namespace {

bool real(DType dtype) noexcept { return dtype == DType::Float64 || dtype == DType::Float32; }

// Of a real number or array that programs compute with.
bool computes(const Space& space) noexcept {
    return real(space.dtype) && space.holder != Holder::Scalar && space.holder != Holder::Opaque;
}

bool elementwise(const Node& node) noexcept {
    return node.op && node.op->program == InProgram::Loop && !node.kwnames &&
           node.op->kind() != OpKind::Foreign && node.count == node.op->arity;
}

// The number that all elements of an array are.
template <class T>
bool one_number(const View& view, double& number) {
    const T* items = reinterpret_cast<const T*>(view.data);
    bool still = true;
    for (int axis = 0; axis < view.rank; ++axis)
        still = still && (view.strides[axis] == 0 || view.shape[axis] == 1);
    if (!still && !view.contiguous) return false;
    for (std::size_t i = 1; !still && i < view.size; ++i)
        if (std::memcmp(items, items + i, sizeof(T)) != 0) return false;
    number = static_cast<double>(*items);
    return std::isfinite(number);
}

// An array's references from the graph that is rewritten, and from the recording it is a copy of.
constexpr std::size_t own_references = 2;

// Arrays that nobody but the recording holds, such as the cotangent of a sum, cannot change.
class Numbers {
  public:
    explicit Numbers(Graph& graph) : graph_(graph), known_(graph.constants.size()) {}

    void run() {
        for (Id id = graph_.inputs; id < graph_.nodes.size(); ++id) {
            Node& node = graph_.nodes[id];
            Id* operands = graph_.operands.data() + node.first_operand;
            if (node.op && node.op->kind() == OpKind::Term) {
                for (std::uint32_t k = 1; k < node.count; ++k)
                    if (const Id number = number_of(operands[0], operands[k], id); number != no_id)
                        operands[0] = number;
                divide(node, operands);
                continue;
            }
            if (!elementwise(node) || node.count != 2) continue;
            for (std::uint32_t k = 0; k < 2; ++k)
                if (const Id number = number_of(operands[k], operands[1 - k], id); number != no_id)
                    operands[k] = number;
            oppose(id, node, operands);
        }
    }

  private:
    struct Known {
        bool looked = false;
        Id number = no_id;
        DType dtype = DType::Other;
    };

    // A constant beside an operand of the result's shape and the constant's type, as a number.
    Id number_of(Id operand, Id other, Id id) {
        if (operand == no_id || !is_constant(operand) || other == no_id || is_constant(other))
            return no_id;
        const Space& space = graph_.space_of(other);
        if (space.holder != Holder::Array || !real(space.dtype) ||
            !same_shape(graph_.meta(space), graph_.meta_of(id)))
            return no_id;
        const std::uint32_t c = constant_index(operand);
        if (c >= known_.size()) return no_id;  // a number already
        Known& known = known_[c];
        if (!known.looked) look(c, known);
        return known.dtype == space.dtype ? known.number : no_id;
    }

    void look(std::uint32_t c, Known& known) {
        known.looked = true;
        const std::optional<double> number = number_everywhere(graph_.constants[c]);
        if (!number) return;
        known.dtype = host::describe(graph_.constants[c]).dtype;
        const auto bits = std::bit_cast<std::uint64_t>(*number);
        const auto next = static_cast<std::uint32_t>(graph_.constants.size());
        const auto [found, added] = numbers_.try_emplace(bits, next);
        if (added) graph_.constants.push_back(Value::weak(*number));
        known.number = constant_bit | found->second;
    }

    // The cotangent of a quotient for x, times 1 / y, is itself one.
    static void divide(Node& node, Id* operands) {
        if (!node.op->whole->divides || node.op->which != 0) return;
        operands[1] = operands[2];
        node.op = node.op->whole;
        node.count = 2;
        node.form = Form::Rule;
    }

    // x * -1 and x / -1.
    void oppose(Id id, Node& node, Id* operands) {
        for (std::uint32_t k = 0; k < 2; ++k) {
            const double neutral = node.op->elementwise.neutral[k];
            if (!node.op->odd[k] || neutral != neutral || !is_number(graph_, operands[k], -neutral))
                continue;
            const Id other = operands[1 - k];
            if (!same_space(graph_, id, other) || !computes(graph_.space_of(id))) continue;
            operands[0] = other;
            node.op = &operation(Code::negative);
            node.count = 1;
            return;
        }
    }

    Graph& graph_;
    std::vector<Known> known_;
    std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
};

// (-x) y is -(x y), and a sum takes a negative up as a difference: bit for bit. The nodes are put
// down anew, with negatives only where they are read as such.
class Signs {
  public:
    explicit Signs(Graph& graph) : graph_(graph) {}

    void run() {
        find_readers();
        const std::vector<Node> old = std::move(graph_.nodes);
        const std::vector<Id> operands = std::move(graph_.operands);
        graph_.nodes.clear();
        graph_.operands.clear();
        graph_.nodes.reserve(old.size());
        graph_.operands.reserve(operands.size());
        std::vector<std::uint32_t> begins(old.size() + 1);
        signed_.resize(old.size());
        for (Id id = 0; id < old.size(); ++id) {
            begins[id] = static_cast<std::uint32_t>(graph_.nodes.size());
            const Node& node = old[id];
            const std::vector<Id> own(operands.begin() + node.first_operand,
                                      operands.begin() + node.first_operand + node.count);
            signed_[id] = put(id, node, own);
        }
        begins[old.size()] = static_cast<std::uint32_t>(graph_.nodes.size());
        for (Guard& guard : graph_.guards) {
            guard.node = plain(guard.node);
            guard.before = begins[guard.before];
        }
        for (Id& output : graph_.outputs) output = plain(output);
    }

  private:
    struct Signed {
        Id id = no_id;
        bool negative = false;
    };

    // ---- in the old graph: whether all readers of a node's opposite do without it

    bool negates(const Node& node, const Id* operands, Id id) const {
        return node.op && node.op->negates && !node.kwnames && node.count == 1 &&
               computes(graph_.space_of(id)) && same_space(graph_, id, operands[0]);
    }
    static bool sums(const Node& node) {
        return elementwise(node) && node.op->elementwise.opposite;
    }
    // A sum of an array's elements from zero: of its axis, type, place and kept axes at most.
    static bool adds_up(const Node& node) {
        return node.op && node.op->program == InProgram::Sum && !node.kwnames && node.count >= 1 &&
               node.count <= 5;
    }
    static bool odd(const Node& node, std::uint32_t k) {
        if (node.op && node.op->kind() == OpKind::Term) return k == 0 && !node.kwnames;
        if (adds_up(node)) return k == 0;
        return elementwise(node) && k < 2 && node.op->odd[k];
    }

    void find_readers() {
        const std::size_t count = graph_.nodes.size();
        vanishes_.assign(count, true);
        std::vector<bool> read(count, false);
        auto keep = [&](Id id) {
            if (id != no_id && !is_constant(id)) vanishes_[id] = false;
        };
        for (const Guard& guard : graph_.guards) keep(guard.node);
        for (const Id output : graph_.outputs) keep(output);
        for (Id id = static_cast<Id>(count); id-- > 0;) {
            const Node& node = graph_.nodes[id];
            if (!read[id]) vanishes_[id] = false;
            const Id* operands = graph_.operands_of(node);
            const bool fits = computes(graph_.space_of(id));
            for (std::uint32_t k = 0; k < node.count; ++k) {
                const Id operand = operands[k];
                if (operand == no_id || is_constant(operand)) continue;
                read[operand] = true;
                bool takes = negates(node, operands, id);
                if (fits && sums(node)) takes = k == 1 || node.op->commutes;
                if (fits && odd(node, k)) takes = vanishes_[id] || adds_up(node);
                if (!takes || !computes(graph_.space_of(operand))) vanishes_[operand] = false;
            }
        }
    }

    // ---- into the new one

    Signed led(Id id) const {
        return id == no_id || is_constant(id) ? Signed{id, false} : signed_[id];
    }

    // An operand as it is, its negative computed where need be.
    Id plain(Id id) {
        const Signed own = led(id);
        return own.negative ? opposite(own.id) : own.id;
    }

    Id opposite(Id id) {
        const auto [found, added] = opposites_.try_emplace(id, no_id);
        if (added) {
            Node node = graph_.nodes[id];
            node.op = &operation(Code::negative);
            node.kwnames = 0;
            found->second = append(node, {id});
        }
        return found->second;
    }

    Id append(Node node, const std::vector<Id>& operands) {
        node.first_operand = static_cast<std::uint32_t>(graph_.operands.size());
        node.count = static_cast<std::uint32_t>(operands.size());
        graph_.operands.insert(graph_.operands.end(), operands.begin(), operands.end());
        graph_.nodes.push_back(node);
        return static_cast<Id>(graph_.nodes.size() - 1);
    }

    // A value whose opposite was computed: as such where its readers can do with it.
    Signed opposed(Id id, Id computed) {
        if (vanishes_[id]) return {computed, true};
        return {opposite(computed), false};
    }

    Signed put(Id id, Node node, const std::vector<Id>& own) {
        std::vector<Id> operands(own.size());
        const bool fits = node.op && computes(graph_.spaces[node.space]);
        if (fits && node.op->negates && node.count == 1 && !node.kwnames && own[0] != no_id &&
            !is_constant(own[0])) {
            const Signed inner = led(own[0]);
            const Space& from = graph_.space_of(inner.id);
            if (from.dtype == graph_.spaces[node.space].dtype &&
                from.holder == graph_.spaces[node.space].holder) {
                if (inner.negative) return {inner.id, false};
                if (!vanishes_[id])
                    if (const auto [at, added] = opposites_.try_emplace(inner.id, no_id); added)
                        at->second = append(node, {inner.id});
                return {inner.id, true};
            }
        }
        if (fits && sums(node)) {
            Signed x = led(own[0]), y = led(own[1]);
            if (x.negative && !y.negative && node.op->commutes) std::swap(x, y);
            const Op* op = y.negative ? node.op->elementwise.opposite : node.op;
            if (x.negative && y.negative && op->commutes) {  // -x - -y
                std::swap(x, y);
                op = node.op;
                x.negative = false;
            } else if (x.negative) {
                x = {opposite(x.id), false};
            }
            node.op = op;
            return {append(node, {x.id, y.id}), false};
        }
        bool negative = false, any = false;
        for (std::uint32_t k = 0; k < node.count; ++k) {
            const Signed operand = led(own[k]);
            const bool taken = fits && operand.negative && odd(node, k);
            operands[k] = taken ? operand.id : plain(own[k]);
            negative = negative != taken;
            any = any || taken;
        }
        if (any && negative && !vanishes_[id] && !adds_up(node)) {  // no gain: as it was
            for (std::uint32_t k = 0; k < node.count; ++k) operands[k] = plain(own[k]);
            negative = false;
        }
        const Node asked = node;
        const std::vector<Id> of = operands;
        if (fits && !multiply_sum(node, operands)) negative = negative != shorten(node, operands);
        const Id computed = append(node, operands);
        remember(asked, of, computed);
        return negative ? opposed(id, computed) : Signed{computed, false};
    }

    // ---- sums of multiples

    // What is odd in both operands, which may change places, is a product
    // (tests/cpp/test_rewrite.cpp).
    static bool multiplies(const Node& node) {
        return elementwise(node) && node.count == 2 && node.form == Form::Rule &&
               node.op->commutes && node.op->odd[0] && node.op->odd[1];
    }

    // The one number that all elements of this operand are, as a node, or no_id.
    Id spread_number(Id id) const {
        if (id == no_id || is_constant(id)) return no_id;
        const Node& node = graph_.nodes[id];
        if (node.op && node.op->program == InProgram::Spread && !node.kwnames)
            return spread_number(graph_.operands_of(node)[0]);
        return computes(graph_.space_of(id)) && graph_.meta_of(id).size() == 1 ? id : no_id;
    }

    // The sum of all s v as s times the sum of all v, where that is there already.
    bool multiply_sum(Node& node, std::vector<Id>& operands) {
        if (!adds_up(node) || graph_.meta(graph_.spaces[node.space]).size() != 1 ||
            operands[0] == no_id || is_constant(operands[0]))
            return false;
        const Id all = operands[0];
        const Node& product = graph_.nodes[all];
        if (!multiplies(product)) return false;
        for (std::uint32_t k = 0; k < 2; ++k) {
            const Id factor = spread_number(graph_.operands_of(product)[k]);
            const Id other = graph_.operands_of(product)[1 - k];
            if (factor == no_id || !same_space(graph_, all, other)) continue;
            const auto found = sums_.find(other);
            if (found == sums_.end()) continue;
            const Id sum = found->second;
            const Space& space = graph_.spaces[node.space];
            const auto as_result = [&](Id id, Id beside) {
                const Space& own = graph_.space_of(id);
                return own.dtype == space.dtype && own.holder == space.holder &&
                       own.rank == space.rank && graph_.space_of(beside).rank <= own.rank;
            };
            if (graph_.space_of(factor).dtype != space.dtype ||
                graph_.space_of(sum).dtype != space.dtype ||
                !(as_result(factor, sum) || as_result(sum, factor)))
                continue;
            operands = {factor, sum};
            node.op = product.op;
            node.form = Form::Rule;
            node.layouts = 0;
            return true;
        }
        return false;
    }

    // ---- quotients by one divisor

    struct Quotient {
        const Op* op;
        std::uint32_t space;
        Id x, y;  // x: no_id for one
        auto operator<=>(const Quotient&) const = default;
    };

    Quotient quotient(const Op* op, std::uint32_t space, Id x, Id y) const {
        return {op, space, is_number(graph_, x, op->elementwise.neutral[1]) ? no_id : x, y};
    }

    // What the user divides keeps its bits: whole quotients are whole.
    static bool divides(const Node& node) {
        return elementwise(node) && node.op->divides && node.form == Form::Rule;
    }

    void remember(const Node& node, const std::vector<Id>& operands, Id id) {
        if (adds_up(node) && computes(graph_.spaces[node.space]) && !is_constant(operands[0]) &&
            operands[0] != no_id && graph_.meta(graph_.spaces[node.space]).size() == 1)
            sums_.try_emplace(operands[0], id);
        if (divides(node) && !is_constant(operands[1]) && computes(graph_.spaces[node.space]))
            quotients_.try_emplace(quotient(node.op, node.space, operands[0], operands[1]), id);
    }

    // As the product with a quotient that is there already: x / y with 1 / y, and the cotangent of
    // y with that of x. Whether it is the opposite of the result.
    bool shorten(Node& node, std::vector<Id>& operands) {
        const bool term = node.op->kind() == OpKind::Term;
        const bool second = term && node.op->whole->by_value && node.op->which == 1;
        if (!second && !divides(node)) return false;
        const auto found =
            second ? quotients_.find(quotient(node.op->whole, node.space, operands[0], operands[2]))
                   : quotients_.find({node.op, node.space, no_id, operands[1]});
        if (found == quotients_.end()) return false;
        if (!second && quotient(node.op, node.space, operands[0], operands[1]) == found->first)
            return false;  // one more of these: common subexpressions are found later
        operands = {operands[second ? 3 : 0], found->second};
        node.op = &operation(Code::multiply);
        return second;
    }

    Graph& graph_;
    std::vector<bool> vanishes_;
    std::vector<Signed> signed_;            // by old node
    std::unordered_map<Id, Id> opposites_;  // by new node
    std::map<Quotient, Id> quotients_;
    std::unordered_map<Id, Id> sums_;  // of all elements of a new node
};

}  // namespace

std::optional<double> number_everywhere(const Value& constant) {
    if (!constant.is_object() || !host::held_alone(constant, own_references)) return {};
    const View view = host::describe(constant);
    if (!view.array || !view.usable || view.size == 0 || !real(view.dtype)) return {};
    double number;
    const bool one = view.dtype == DType::Float64 ? one_number<double>(view, number)
                                                  : one_number<float>(view, number);
    if (!one) return {};
    return number;
}

void rewrite(Graph& graph) {
    Numbers(graph).run();
    Signs(graph).run();
}

}  // namespace fastad::program
