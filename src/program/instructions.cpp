// The instructions of a group, and the registers that they work on.
#include <algorithm>
#include <numeric>

#include "host/programs.hpp"
#include "program/grouping.hpp"

namespace fastad::program {

namespace {

Reduction reduction_of(const Op& op) {
    return op.program == InProgram::Max   ? Reduction::Max
           : op.program == InProgram::Min ? Reduction::Min
                                          : Reduction::Sum;
}

}  // namespace

Ref Grouping::acquire() {
    if (free_.empty()) return {Ref::Kind::Register, group_.registers++};
    const Ref ref(Ref::Kind::Register, free_.back());
    free_.pop_back();
    return ref;
}

// The registers of what is read here for the last time.
void Grouping::release_operands() {
    free_.insert(free_.end(), temporary_.begin(), temporary_.end());
    temporary_.clear();
    std::vector<Id>& dying = dying_[now_];
    for (std::size_t i = dying.size(); i-- > 0;) {
        const auto at = held_.find(dying[i]);
        if (at == held_.end()) continue;  // its own value, which is still to come
        if (at->second.kind == Ref::Kind::Register) free_.push_back(at->second.index);
        dying.erase(dying.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

void Grouping::emit() {
    std::vector<std::size_t> last_use(members_.size());
    std::iota(last_use.begin(), last_use.end(), std::size_t{0});
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const Node& node = graph_.nodes[members_[i]];
        for (std::uint32_t k = 0; k < node.count; ++k)
            if (const auto at = position_.find(graph_.operands_of(node)[k]); at != position_.end())
                last_use[at->second] = std::max(last_use[at->second], i);
    }
    std::unordered_map<Id, std::size_t> again;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const Node& node = graph_.nodes[members_[i]];
        for (std::uint32_t k = 0; k < node.count; ++k)
            last_use_of_recomputed(graph_.operands_of(node)[k], i, again);
    }
    dying_.resize(members_.size());
    for (const auto& [id, at] : again) dying_[at].push_back(id);
    for (std::size_t i = 0; i < members_.size(); ++i) dying_[last_use[i]].push_back(members_[i]);
    for (now_ = 0; now_ < members_.size(); ++now_) {
        const Id id = members_[now_];
        if (s_.ways_[id] == Way::Reduce)
            reduce(id);
        else if (!held_.count(id))  // else it was computed beside its twin
            value(id);
        release_operands();
    }
}

void Grouping::last_use_of_recomputed(Id id, std::size_t at,
                                      std::unordered_map<Id, std::size_t>& uses) {
    if (id == no_id || is_constant(id) || position_.count(id) || !s_.recomputed_[id]) return;
    uses[id] = at;
    const Node& node = graph_.nodes[id];
    for (std::uint32_t k = 0; k < node.count; ++k)
        last_use_of_recomputed(graph_.operands_of(node)[k], at, uses);
}

void Grouping::value(Id id) {
    Instruction instruction;
    if (read_outside(id) && recomputable(id)) {
        s_.recomputed_[id] = true;
        if (!read_inside(id) && !s_.needs_look(id)) return;
    }
    if (together(id, instruction)) return;
    const Op& op = *graph_.nodes[id].op;
    instruction = op.kind() == OpKind::Term ? term(id) : elementwise(id);
    // These loops may write where they read.
    if (instruction.kind == Instruction::Kind::Value || instruction.kind == Instruction::Kind::Term)
        release_operands();
    const Destination to = destination(id);
    instruction.out = to.ref;
    plan_.instructions.push_back(instruction);
    deliver(id, to);
}

Instruction Grouping::elementwise(Id id) {
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    Instruction instruction;
    instruction.code = node.op->code;
    instruction.x = operand(operands[0]);
    switch (node.op->program) {
        case InProgram::Cast: instruction.code = Code::positive; return instruction;
        case InProgram::Select:
            instruction.kind = Instruction::Kind::Select;
            instruction.y = operand(operands[1]);
            instruction.z = operand(operands[2]);
            return instruction;
        default: break;
    }
    if (host::inner_loop(*node.op, group_.dtype).run) instruction.kind = Instruction::Kind::Host;
    if (node.count != 2) return instruction;
    instruction.y = operand(operands[1]);
    if (double inverse; group_.dtype == DType::Float64 && s_.multiplies(id, inverse)) {
        instruction.code = Code::multiply;
        instruction.y = number(s_.constant_slot(inverse));
    }
    if (instruction.x.kind == Ref::Kind::Slot) instruction.spread = Spread::X;
    if (instruction.y.kind == Ref::Kind::Slot) instruction.spread = Spread::Y;
    return instruction;
}

Instruction Grouping::term(Id id) {
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    Instruction instruction;
    if (const auto slope = operands[3] == no_id ? slopes_.end() : slopes_.find(operands[3]);
        slope != slopes_.end()) {
        instruction.code = Code::multiply;
        instruction.x = operand(operands[0]);
        if (instruction.x.kind == Ref::Kind::Slot) instruction.spread = Spread::X;
        instruction.y = slope->second.ref;
        if (--slope->second.terms == 0) temporary_.push_back(slope->second.ref.index);
        return instruction;
    }
    instruction.kind = Instruction::Kind::Term;
    instruction.code = node.op->whole->code;
    instruction.which = static_cast<std::uint8_t>(node.op->which);
    instruction.x = lane(operands[0]);
    instruction.y = lane(operands[1]);
    instruction.z = lane(operands[2]);
    instruction.w = lane(operands[3]);
    return instruction;
}

// Another member, still to come, that this one's instruction computes as well.
Id Grouping::twin(Id id) const {
    const Node& node = graph_.nodes[id];
    const Op* other = node.op->elementwise.twin;
    const Id operand = graph_.operands_of(node)[0];
    if (!other || is_constant(operand)) return no_id;
    for (const std::uint32_t reader : s_.consumers(operand))
        if (graph_.nodes[reader].op == other && position_.count(reader) && !held_.count(reader))
            return reader;
    return no_id;
}

// How many members multiply with this one's derivative.
std::size_t Grouping::terms_of(Id id) const {
    const Node& node = graph_.nodes[id];
    std::size_t count = 0;
    for (const std::uint32_t reader : s_.consumers(id)) {
        const Node& own = graph_.nodes[reader];
        if (own.op->kind() != OpKind::Term || !position_.count(reader)) continue;
        const Id* operands = graph_.operands_of(own);
        if (own.op->whole == node.op && operands[3] == id &&
            operands[1] == graph_.operands_of(node)[0])
            ++count;
    }
    return count;
}

// A value with its derivative, or with its twin's value.
bool Grouping::together(Id id, Instruction& instruction) {
    const Node& node = graph_.nodes[id];
    if (node.op->kind() != OpKind::Elementwise) return false;
    const auto& loops = kernels().float64.both;
    const Id other = twin(id);
    const bool leads = loops[static_cast<std::size_t>(node.op->code)] != nullptr;
    const std::size_t terms = leads && other == no_id ? terms_of(id) : 0;
    if (other == no_id && terms == 0) return false;
    instruction.kind = Instruction::Kind::Both;
    instruction.code = leads ? node.op->code : graph_.nodes[other].op->code;
    instruction.x = lane(graph_.operands_of(node)[0]);
    const Destination own = destination(id);
    Destination beside;
    if (terms) {
        beside.ref = acquire();
        slopes_.emplace(id, Slope{beside.ref, terms});
    } else {
        beside = destination(other);
    }
    instruction.out = leads ? own.ref : beside.ref;
    instruction.z = leads ? beside.ref : own.ref;
    plan_.instructions.push_back(instruction);
    deliver(id, own);
    if (!terms) deliver(other, beside);
    return true;
}

bool Grouping::read_outside(Id id) const {
    if (s_.is_output_[id] || s_.is_guarded_[id]) return true;
    for (const std::uint32_t reader : s_.consumers(id))
        if (!position_.count(reader)) return true;
    return false;
}

bool Grouping::read_inside(Id id) const {
    for (const std::uint32_t reader : s_.consumers(id))
        if (position_.count(reader)) return true;
    return false;
}

// Instructions that compute a value again in a later group; far too many where that has not all of
// its operands.
std::size_t Grouping::cost_again(Id id) const {
    constexpr std::size_t never = 1000;
    const Node& node = graph_.nodes[id];
    std::size_t cost = 1;
    for (std::uint32_t k = 0; k < node.count; ++k) {
        const Id operand = graph_.operands_of(node)[k];
        if (s_.scalar_operand(operand)) continue;
        if (is_constant(operand)) continue;
        if (s_.recomputed_[operand]) {
            cost += cost_again(operand);
            continue;
        }
        if (!position_.count(operand)) continue;
        const auto at = held_.find(operand);
        if (at == held_.end() || at->second.kind != Ref::Kind::Memory) return never;
    }
    return cost;
}

// Whether later groups compute a value again sooner than it is stored and loaded.
bool Grouping::recomputable(Id id) const {
    constexpr std::size_t most_again = 3, least_size = 4096;
    const Op& op = *graph_.nodes[id].op;
    if (group_.size < least_size || op.program != InProgram::Loop || !op.cheap ||
        s_.is_output_[id] || s_.is_guarded_[id])
        return false;
    for (const std::uint32_t reader : s_.consumers(id)) {
        if (position_.count(reader)) continue;
        DType own;
        const bool reduces = s_.ways_[reader] == Way::Reduce;
        const bool same = reduces ? s_.reduction(reader, own)
                                  : s_.ways_[reader] == Way::Block && s_.block_dtype(reader, own) &&
                                        same_shape(graph_.meta_of(reader), shape_);
        if (!same || own != group_.dtype) return false;
    }
    return cost_again(id) <= most_again;
}

// What later steps read is written to memory, and read from there inside as well.
Grouping::Destination Grouping::destination(Id id) {
    Destination to;
    const DType own = dtype_of(id);
    const bool outside = read_outside(id) && !s_.recomputed_[id];
    if (outside) {
        to.memory = s_.new_memory(id, group_.size * native_size(own));
        plan_.where[id] = to.memory;
        to.converted = own != group_.dtype;
    }
    if (outside && !to.converted) {
        to.ref = memory(to.memory);
    } else {
        to.ref = acquire();
    }
    held_.emplace(id, to.ref);
    return to;
}

void Grouping::deliver(Id id, const Destination& to) {
    Instruction after;
    after.x = to.ref;
    if (s_.needs_look(id)) {
        after.kind = Instruction::Kind::Look;
        plan_.instructions.push_back(after);
    }
    if (to.converted) {
        after.kind = Instruction::Kind::Store;
        after.dtype = dtype_of(id);
        after.out = memory(to.memory);
        plan_.instructions.push_back(after);
    }
}

DType Grouping::dtype_of(Id id) const {
    return is_constant(id) ? host::describe(graph_.constants[constant_index(id)]).dtype
                           : graph_.space_of(id).dtype;
}

Ref Grouping::load(Id id, bool once) {
    const Where where = s_.memory_of(id);
    s_.use(where);
    Instruction instruction;
    instruction.kind = once ? Instruction::Kind::LoadOnce : Instruction::Kind::Load;
    instruction.dtype = dtype_of(id);
    const std::vector<Extent> strides = s_.spread_strides(id, shape_);
    instruction.which = layout_of(strides, shape_.shape, native_size(dtype_of(id))).flat;
    instruction.extra = s_.add_strides(strides);
    instruction.x = memory(where);
    // One that is loaded once stays for all blocks, and is nobody else's before.
    instruction.out = once ? Ref(Ref::Kind::Register, group_.registers++) : acquire();
    plan_.instructions.push_back(instruction);
    return instruction.out;
}

Ref Grouping::operand(Id id) {
    Ref ref;
    if (const auto at = held_.find(id); at != held_.end()) return at->second;
    if (s_.scalar_operand(id)) return number(s_.slot_of(id));
    if (const Id spread = s_.spread_number(id); spread != no_id && group_.dtype == DType::Float64)
        return number(s_.slot_of(spread));
    if (const auto at = spread_.find(id); at != spread_.end()) return at->second;
    if (!is_constant(id) && s_.recomputed_[id]) {
        Instruction again = elementwise(id);
        again.out = acquire();
        held_.emplace(id, again.out);
        plan_.instructions.push_back(again);
        return again.out;
    }
    const Layout layout =
        layout_of(s_.spread_strides(id, shape_), shape_.shape, native_size(dtype_of(id)));
    if (layout.flat && dtype_of(id) == group_.dtype) {
        const Where where = s_.memory_of(id);
        s_.use(where);
        return memory(where);
    }
    if (layout.period && unit_ % layout.period == 0) {
        ref = load(id, true);
        spread_.emplace(id, ref);
        return ref;
    }
    ref = load(id, false);
    temporary_.push_back(ref.index);
    return ref;
}

// An operand of a loop that takes no single numbers.
Ref Grouping::lane(Id id) {
    if (id == no_id) return Ref();
    const Ref ref = operand(id);
    if (ref.kind != Ref::Kind::Slot) return ref;
    if (const auto at = spread_.find(id); at != spread_.end()) return at->second;
    Instruction instruction;
    instruction.kind = Instruction::Kind::LoadOnce;
    instruction.x = ref;
    instruction.out = Ref(Ref::Kind::Register, group_.registers++);
    spread_.emplace(id, instruction.out);
    plan_.instructions.push_back(instruction);
    return instruction.out;
}

// A reduction's last instruction: its result is a slot or an array.
void Grouping::reduce(Id id) {
    const Space& space = graph_.space_of(id);
    const Op& op = *graph_.nodes[id].op;
    const std::size_t results = graph_.meta(space).size();
    Instruction instruction;
    instruction.x = operand(graph_.operands_of(graph_.nodes[id])[0]);
    instruction.dtype = space.dtype;
    instruction.reduction = reduction_of(op);
    instruction.kind = Instruction::Kind::Rows;
    Reducing own;
    own.length = group_.size / results;
    switch (s_.reduction_axes(id)) {
        case Scheduler::Axes::Leading:
            instruction.kind = Instruction::Kind::Columns;
            own.length = results;
            break;
        case Scheduler::Axes::Mixed: {
            // Where each element goes: the result's strides, none along what is reduced.
            const std::vector<bool> reduced = s_.reduced_axes(id);
            std::vector<Extent> strides(reduced.size(), 0);
            Extent stride = 1;
            for (std::size_t axis = reduced.size(); axis-- > 0;) {
                if (reduced[axis]) continue;
                strides[axis] = stride;
                stride *= shape_.shape[axis];
            }
            own.strides = s_.add_strides(strides);
            instruction.kind = Instruction::Kind::Axes;
            own.length = results;
            break;
        }
        default: break;
    }
    if (op.program == InProgram::Mean)
        own.scale = static_cast<double>(group_.size / std::max<std::size_t>(results, 1));
    instruction.extra = reducing(own);
    Where& where = plan_.where[id];
    if (s_.scalar_space(space)) {
        where.kind = Where::Kind::Slot;
        where.index = plan_.slots++;
        instruction.out = number(where.index);
    } else {
        where = s_.new_memory(id, results * native_size(space.dtype));
        instruction.out = memory(where);
        if (s_.needs_look(id)) plan_.checks.push_back(id);
    }
    plan_.instructions.push_back(instruction);
    ++group_.reductions;
}

}  // namespace fastad::program
