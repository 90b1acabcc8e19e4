// Groups of elementwise nodes of one shape, with the reductions that end in them; products; copies.
#include <algorithm>
#include <numeric>

#include "host/programs.hpp"
#include "program/schedule.hpp"

namespace fastad::program {

namespace {

// Elements of a block, roughly: registers of a few instructions stay in the first-level cache.
constexpr std::size_t block_target = 512;
constexpr std::size_t most_block = 1024;

struct Layout {
    bool flat = false;       // element i lies at i
    bool fixed = false;      // one element for all
    std::size_t period = 0;  // the block of this many elements is repeated; 0: neither
};

Layout layout_of(const std::vector<Extent>& strides, const Extent* shape, std::size_t item) {
    Layout layout;
    Extent expected = static_cast<Extent>(item);
    std::size_t inner = 1;
    bool flat = true;
    std::size_t axis = strides.size();
    for (; axis-- > 0;) {
        if (shape[axis] == 1) continue;
        if (strides[axis] != expected) {
            flat = false;
            break;
        }
        expected *= shape[axis];
        inner *= static_cast<std::size_t>(shape[axis]);
    }
    layout.flat = flat;
    if (flat) return layout;
    bool repeats = true;
    for (std::size_t a = 0; a <= axis; ++a)
        if (shape[a] != 1 && strides[a] != 0) repeats = false;
    if (repeats) {
        layout.period = inner;
        layout.fixed = inner == 1;
    }
    return layout;
}

}  // namespace

std::vector<Extent> Scheduler::strides_of(const Where& where, const Meta& meta) const {
    return {plan_.strides.begin() + where.strides,
            plan_.strides.begin() + where.strides + meta.rank};
}

// An operand's place for each element of a shape that it is broadcast to.
std::vector<Extent> Scheduler::spread_strides(Id operand, const Meta& target) {
    const Where where = memory_of(operand);
    Meta own;
    if (is_constant(operand)) {
        const View view = host::describe(graph_.constants[constant_index(operand)]);
        own.rank = view.rank;
        own.shape = view.shape;
    } else {
        own = graph_.meta_of(operand);
    }
    std::vector<Extent> strides(static_cast<std::size_t>(target.rank), 0);
    const int extra = target.rank - own.rank;
    for (int axis = 0; axis < own.rank; ++axis)
        if (own.shape[axis] != 1)
            strides[static_cast<std::size_t>(axis + extra)] =
                plan_.strides[where.strides + static_cast<std::uint32_t>(axis)];
    return strides;
}

void Scheduler::group(Id seed) {
    DType dtype = DType::Float64;
    const bool reduces = ways_[seed] == Way::Reduce;
    if (reduces)
        reduction(seed, dtype);
    else
        block_dtype(seed, dtype);
    const std::size_t item = native_size(dtype);
    const Meta shape =
        reduces ? graph_.meta_of(graph_.operands_of(graph_.nodes[seed])[0]) : graph_.meta_of(seed);
    // -- which nodes
    std::vector<Id> members;
    std::unordered_map<Id, std::size_t> position;  // of a member in the list
    auto fits = [&](Id id) {
        DType own;
        return ways_[id] == Way::Block && block_dtype(id, own) && own == dtype &&
               same_shape(graph_.meta_of(id), shape);
    };
    auto reads_member = [&](Id id) {
        const Node& node = graph_.nodes[id];
        for (std::uint32_t k = 0; k < node.count; ++k)
            if (position.count(graph_.operands_of(node)[k])) return true;
        return false;
    };
    auto take = [&](Id id) {
        position.emplace(id, members.size());
        members.push_back(id);
        leave(id);
        // What reads a reduction's result cannot be in the group that makes it.
        if (ways_[id] != Way::Reduce) done(id);
    };
    if (reduces) {
        take(seed);
    } else {
        bool more = true;
        while (more && members.size() < most_members) {
            more = false;
            for (const Id id : blocks_ready_)
                if (fits(id)) {
                    take(id);
                    more = true;
                    break;
                }
            if (more) continue;
            // Reductions of what the group computes, and, where it has nothing else, of what it
            // reads; their results are for later steps.
            for (const Id id : others_ready_) {
                if (ways_[id] != Way::Reduce) continue;
                DType own;
                const Id from = graph_.operands_of(graph_.nodes[id])[0];
                if (reduction(id, own) && own == dtype && same_shape(graph_.meta_of(from), shape) &&
                    reads_member(id)) {
                    take(id);
                    more = true;
                    break;
                }
            }
        }
    }

    Group group;
    group.dtype = dtype;
    group.size = shape.size();
    group.rank = static_cast<std::uint32_t>(shape.rank);
    group.shape = add_extents(shape.shape, shape.rank);

    // -- the block: whole rows, and whole periods of what is broadcast along the first axes
    std::size_t unit = 1;
    auto consider = [&](std::size_t period) {
        const std::size_t common = std::lcm(unit, std::max<std::size_t>(period, 1));
        if (common <= most_block) unit = common;
    };
    if (shape.rank > 0) consider(static_cast<std::size_t>(shape.shape[shape.rank - 1]));
    for (const Id id : members) {
        const Node& node = graph_.nodes[id];
        const std::uint32_t operands =
            ways_[id] == Way::Reduce || node.op->code == Code::astype ? 1 : node.count;
        for (std::uint32_t k = 0; k < operands; ++k) {
            const Id operand = graph_.operands_of(node)[k];
            if (operand == no_id || position.count(operand) || scalar_operand(operand)) continue;
            const Layout layout = layout_of(spread_strides(operand, shape), shape.shape, item);
            if (layout.period) consider(layout.period);
        }
        if (ways_[id] == Way::Reduce && reduction_axes(id) == Axes::Leading)
            consider(graph_.meta_of(id).size());
    }
    group.block = std::max<std::size_t>(1, block_target / unit) * unit;
    group.block = std::min(group.block, std::max<std::size_t>(group.size, 1));

    // -- instructions; registers by the last use inside
    std::vector<std::size_t> last_use(members.size(), 0);
    for (std::size_t i = 0; i < members.size(); ++i) {
        const Node& node = graph_.nodes[members[i]];
        for (std::uint32_t k = 0; k < node.count; ++k)
            if (const auto at = position.find(graph_.operands_of(node)[k]); at != position.end())
                last_use[at->second] = i;
    }
    std::vector<std::uint32_t> free;
    std::uint32_t registers = 0;
    auto acquire = [&] {
        if (!free.empty()) {
            const std::uint32_t index = free.back();
            free.pop_back();
            return index;
        }
        return registers++;
    };
    group.first = static_cast<std::uint32_t>(plan_.instructions.size());
    std::unordered_map<Id, Ref> held;    // members' values, and operands that are kept loaded
    std::unordered_map<Id, Ref> spread;  // periodic operands, loaded once
    std::vector<std::vector<Id>> dying(members.size());
    for (std::size_t i = 0; i < members.size(); ++i)
        dying[std::max(last_use[i], i)].push_back(members[i]);

    std::vector<std::uint32_t> temporary;
    auto load = [&](Id operand, bool once) {
        const Where where = memory_of(operand);
        use(where);
        Instruction instruction;
        instruction.kind = once ? Instruction::Kind::LoadOnce : Instruction::Kind::Load;
        instruction.dtype = is_constant(operand)
                                ? host::describe(graph_.constants[constant_index(operand)]).dtype
                                : graph_.space_of(operand).dtype;
        instruction.strides = add_strides(spread_strides(operand, shape));
        instruction.x.kind = Ref::Kind::Memory;
        instruction.x.index = where.index;
        instruction.x.offset = where.offset;
        instruction.out.kind = Ref::Kind::Register;
        instruction.out.index = once ? registers++ : acquire();
        plan_.instructions.push_back(instruction);
        return instruction.out;
    };
    auto operand_ref = [&](Id operand) -> Ref {
        Ref ref;
        if (const auto at = held.find(operand); at != held.end()) return at->second;
        if (scalar_operand(operand)) {
            ref.kind = Ref::Kind::Slot;
            ref.index = slot_of(operand);
            return ref;
        }
        if (const auto at = spread.find(operand); at != spread.end()) return at->second;
        const Where where = memory_of(operand);
        const DType own = is_constant(operand)
                              ? host::describe(graph_.constants[constant_index(operand)]).dtype
                              : graph_.space_of(operand).dtype;
        const Layout layout =
            layout_of(spread_strides(operand, shape), shape.shape, native_size(own));
        if (layout.flat && own == dtype) {
            use(where);
            ref.kind = Ref::Kind::Memory;
            ref.index = where.index;
            ref.offset = where.offset;
            return ref;
        }
        if (layout.period && group.block % layout.period == 0) {
            ref = load(operand, true);
            spread.emplace(operand, ref);
            return ref;
        }
        ref = load(operand, false);
        temporary.push_back(ref.index);
        return ref;
    };
    for (std::size_t i = 0; i < members.size(); ++i) {
        const Id id = members[i];
        const Node& node = graph_.nodes[id];
        const Id* operands = graph_.operands_of(node);
        Instruction instruction;
        if (ways_[id] == Way::Reduce) {
            reduce_instruction(id, operand_ref(operands[0]), shape);
        } else {
            instruction.code = node.op->code;
            if (node.op->code == Code::where) {
                instruction.kind = Instruction::Kind::Select;
                instruction.x = operand_ref(operands[0]);
                instruction.y = operand_ref(operands[1]);
                instruction.z = operand_ref(operands[2]);
            } else if (node.op->code == Code::astype) {
                instruction.code = Code::positive;
                instruction.x = operand_ref(operands[0]);
            } else {
                instruction.x = operand_ref(operands[0]);
                if (node.count == 2) instruction.y = operand_ref(operands[1]);
                if (host::inner_loop(*node.op, dtype).run)
                    instruction.kind = Instruction::Kind::Host;
                double divisor;
                if (node.op->code == Code::divide && dtype == DType::Float64 &&
                    number(operands[1], divisor) && exact_reciprocal(divisor)) {
                    instruction.code = Code::multiply;
                    instruction.y.index = constant_slot(1.0 / divisor);
                }
            }
            const bool x_fixed = instruction.x.kind == Ref::Kind::Slot;
            if (instruction.kind != Instruction::Kind::Select && node.count == 2 &&
                instruction.code != Code::positive) {
                if (x_fixed) instruction.spread = Spread::X;
                if (instruction.y.kind == Ref::Kind::Slot) instruction.spread = Spread::Y;
            }
            // Used by a later step: it is written to memory, and read from there inside as well.
            bool outside = is_output_[id];
            for (std::uint32_t c = first_consumer_[id]; c < first_consumer_[id + 1]; ++c)
                outside = outside || !position.count(consumer_list_[c]);
            outside = outside || !guards_of_[id].empty();
            const DType own = graph_.space_of(id).dtype;
            Where memory;
            if (outside) {
                memory = new_memory(id, group.size * native_size(own));
                plan_.where[id] = memory;
            }
            if (outside && own == dtype) {
                instruction.out.kind = Ref::Kind::Memory;
                instruction.out.index = memory.index;
            } else {
                instruction.out.kind = Ref::Kind::Register;
                instruction.out.index = acquire();
            }
            held.emplace(id, instruction.out);
            plan_.instructions.push_back(instruction);
            if (needs_look(id)) {
                Instruction look;
                look.kind = Instruction::Kind::Look;
                look.x = instruction.out;
                plan_.instructions.push_back(look);
            }
            if (outside && own != dtype) {
                Instruction store;
                store.kind = Instruction::Kind::Store;
                store.dtype = own;
                store.x = instruction.out;
                store.out.kind = Ref::Kind::Memory;
                store.out.index = memory.index;
                plan_.instructions.push_back(store);
            }
        }
        for (const std::uint32_t index : temporary) free.push_back(index);
        temporary.clear();
        for (const Id dead : dying[i])
            if (const auto at = held.find(dead);
                at != held.end() && at->second.kind == Ref::Kind::Register)
                free.push_back(at->second.index);
    }
    group.registers = registers;
    group.count = static_cast<std::uint32_t>(plan_.instructions.size()) - group.first;
    plan_.groups.push_back(group);
    plan_.work += group.size * group.count;
    step(Step::Kind::Group, static_cast<std::uint32_t>(plan_.groups.size() - 1), 1);
    for (const Id id : members)
        if (ways_[id] == Way::Reduce) done(id);
    flush_guards();
}

// A reduction's last instruction: its result is a slot or an array.
void Scheduler::reduce_instruction(Id id, const Ref& x, const Meta& shape) {
    const Space& space = graph_.space_of(id);
    const Code code = graph_.nodes[id].op->code;
    const std::size_t results = graph_.meta(space).size();
    const std::size_t whole = shape.size();
    Instruction instruction;
    const Axes axes = reduction_axes(id);
    instruction.dtype = space.dtype;
    if (axes == Axes::Mixed) {
        // Where each element goes: the result's strides, none along what is reduced.
        const std::vector<bool> reduced = reduced_axes(id);
        std::vector<Extent> strides(reduced.size(), 0);
        Extent stride = 1;
        for (std::size_t axis = reduced.size(); axis-- > 0;) {
            if (reduced[axis]) continue;
            strides[axis] = stride;
            stride *= shape.shape[axis];
        }
        instruction.strides = add_strides(strides);
    }
    instruction.kind = axes == Axes::Leading ? Instruction::Kind::Columns
                       : axes == Axes::Mixed ? Instruction::Kind::Axes
                                             : Instruction::Kind::Rows;
    instruction.code = code == Code::mean ? Code::sum : code;
    if (code == Code::mean)
        instruction.scale = static_cast<double>(whole / std::max<std::size_t>(results, 1));
    instruction.length = axes == Axes::Leading || axes == Axes::Mixed ? results : whole / results;
    instruction.x = x;
    Where& where = plan_.where[id];
    if (scalar_space(space)) {
        where.kind = Where::Kind::Slot;
        where.index = plan_.slots++;
        instruction.out.kind = Ref::Kind::Slot;
        instruction.out.index = where.index;
    } else {
        where = new_memory(id, results * native_size(space.dtype));
        instruction.out.kind = Ref::Kind::Memory;
        instruction.out.index = where.index;
        if (needs_look(id)) plan_.checks.push_back(id);
    }
    plan_.instructions.push_back(instruction);
}

bool Scheduler::needs_look(Id id) const {
    if (is_output_[id]) return graph_.nodes[id].op->kind() != OpKind::Test;
    // Passed on by some consumer, which is looked at in its turn.
    for (std::uint32_t c = first_consumer_[id]; c < first_consumer_[id + 1]; ++c) {
        const Id to = consumer_list_[c];
        const Node& node = graph_.nodes[to];
        const Way way = ways_[to];
        if (way == Way::Host || way == Way::Copy || way == Way::Alias) continue;
        for (std::uint32_t k = 0; k < node.count; ++k)
            if (graph_.operands_of(node)[k] == id && k < 2 && node.op->passes[k]) return false;
    }
    return !graph_.nodes[id].op->finite && graph_.nodes[id].op->kind() != OpKind::Test;
}

// ---- products

void Scheduler::product_step(Id id) {
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    Product product;
    auto meta_of = [&](Id operand) {
        if (!is_constant(operand)) return graph_.meta_of(operand);
        const View view = host::describe(graph_.constants[constant_index(operand)]);
        Meta meta;
        meta.rank = view.rank;
        meta.shape = view.shape;
        return meta;
    };
    const Meta a = meta_of(operands[0]), b = meta_of(operands[1]);
    // Before memory_of, which may move the extents that a and b point to.
    product.rows = a.rank == 2 ? a.shape[0] : 1;
    product.inner = a.shape[a.rank - 1];
    product.columns = b.rank == 2 ? b.shape[1] : 1;
    product.a = memory_of(operands[0]);
    product.b = memory_of(operands[1]);
    use(product.a);
    use(product.b);
    const Extent* as = plan_.strides.data() + product.a.strides;
    const Extent* bs = plan_.strides.data() + product.b.strides;
    product.a_strides[1] = a.rank == 2 ? as[0] : 0;
    product.a_strides[2] = as[a.rank - 1];
    product.b_strides[1] = bs[0];
    product.b_strides[2] = b.rank == 2 ? bs[1] : 0;
    product.c_strides[1] = 8 * product.columns;
    product.c_strides[2] = 8;
    const Space& space = graph_.space_of(id);
    Where& where = plan_.where[id];
    if (scalar_space(space)) {
        where.kind = Where::Kind::Slot;
        where.index = plan_.slots++;
    } else {
        where = new_memory(id, graph_.meta(space).size() * 8);
        if (needs_look(id)) plan_.checks.push_back(id);
    }
    product.c = where;
    plan_.work += static_cast<std::size_t>(product.rows * product.inner * product.columns) / 4;
    plan_.products.push_back(product);
    step(Step::Kind::Product, static_cast<std::uint32_t>(plan_.products.size() - 1), 1);
    done(id);
    flush_guards();
}

// ---- copies

void Scheduler::copies_done(Id id, const Where& to, std::uint32_t first) {
    plan_.where[id] = to;
    if (is_output_[id]) plan_.checks.push_back(id);
    plan_.work += graph_.meta_of(id).size();
    step(Step::Kind::Copy, first, static_cast<std::uint32_t>(plan_.copies.size()) - first);
    done(id);
    flush_guards();
}

// Arrays one after another into their places.
void Scheduler::join(Id id, const Where& to) {
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    const Space& space = graph_.space_of(id);
    const Meta meta = graph_.meta(space);
    double number_of_axis = 0.0;
    number(operands[0], number_of_axis);
    auto axis = static_cast<int>(number_of_axis);
    if (axis < 0) axis += meta.rank;
    const bool stacks = node.op->code == Code::stack;
    const std::vector<Extent> whole = strides_of(to, meta);
    const auto along = static_cast<std::size_t>(axis);
    const auto first = static_cast<std::uint32_t>(plan_.copies.size());
    Extent offset = 0;
    for (std::uint32_t k = 1; k < node.count; ++k) {
        const Meta own = graph_.meta_of(operands[k]);
        std::vector<Extent> target = whole;
        if (stacks) target.erase(target.begin() + axis);
        Copy copy;
        copy.kind = Copy::Kind::Strided;
        copy.dtype = space.dtype;
        copy.from = memory_of(operands[k]);
        use(copy.from);
        copy.to = to;
        copy.to.offset += offset;
        copy.rank = static_cast<std::uint32_t>(own.rank);
        copy.shape = add_extents(own.shape, own.rank);
        copy.from_strides = copy.from.strides;
        copy.to_strides = add_strides(target);
        offset += whole[along] * (stacks ? 1 : own.shape[along]);
        plan_.copies.push_back(copy);
    }
    copies_done(id, to, first);
}

// Added into zeros, at a view.
bool Scheduler::scatter_view(Id id, const Where& to) {
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    const Space& space = graph_.space_of(id);
    const Meta meta = graph_.meta(space);
    if (scalar_space(graph_.space_of(operands[2]))) return false;
    const Value values[2] = {host::new_array(meta.dtype, meta.shape, meta.rank),
                             graph_.constants[constant_index(operands[1])]};
    const Value part = host::apply(operation(Code::getitem), values, 2, nullptr, Form::Rule);
    const View view = part.is_object() ? host::describe(part) : View();
    if (!view.array || view.rank == 0) return false;
    const auto first = static_cast<std::uint32_t>(plan_.copies.size());
    Copy zero;
    zero.kind = Copy::Kind::Zero;
    zero.dtype = space.dtype;
    zero.to = to;
    plan_.copies.push_back(zero);
    Copy copy;
    copy.kind = Copy::Kind::Strided;
    copy.accumulate = true;
    copy.dtype = space.dtype;
    copy.from = memory_of(operands[2]);
    use(copy.from);
    Meta target;
    target.rank = view.rank;
    target.shape = view.shape;
    copy.rank = static_cast<std::uint32_t>(view.rank);
    copy.shape = add_extents(view.shape, view.rank);
    copy.from_strides = add_strides(spread_strides(operands[2], target));
    copy.to = to;
    copy.to.offset += view.data - host::describe(values[0]).data;
    copy.to_strides = add_strides({view.strides, view.strides + view.rank});
    plan_.copies.push_back(copy);
    copies_done(id, to, first);
    return true;
}

void Scheduler::copy_step(Id id) {
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    const Space& space = graph_.space_of(id);
    const Meta meta = graph_.meta(space);
    Copy copy;
    copy.dtype = space.dtype;
    copy.to = new_memory(id, meta.size() * native_size(space.dtype));
    copy.first = static_cast<std::uint32_t>(plan_.words.size());
    if (node.op->code == Code::scatter &&
        host::is_view_index(graph_.constants[constant_index(operands[1])]) &&
        scatter_view(id, copy.to))
        return;
    if ((node.op->code == Code::stack || node.op->code == Code::concatenate) &&
        !scalar_operand(operands[1])) {
        join(id, copy.to);
        return;
    }
    if (node.op->code == Code::stack) {
        copy.kind = Copy::Kind::Numbers;
        copy.count = node.count - 1;
        for (std::uint32_t k = 1; k < node.count; ++k) plan_.words.push_back(slot_of(operands[k]));
    } else {
        const bool scatter = node.op->code == Code::scatter;
        copy.kind = scatter ? Copy::Kind::Scatter : Copy::Kind::Gather;
        const Id from = scatter ? operands[2] : operands[0];
        const Meta whole = scatter ? meta : graph_.meta_of(from);
        // Which elements the index takes: done once, on the numbers of the elements.
        const Value numbers[2] = {host::counting(whole.shape, whole.rank),
                                  graph_.constants[constant_index(operands[1])]};
        const Value taken = host::apply(operation(Code::getitem), numbers, 2, nullptr, Form::Rule);
        std::vector<double> places = host::numbers_of(taken);
        copy.count = static_cast<std::uint32_t>(places.size());
        std::vector<bool> seen(scatter ? meta.size() : 0, false);
        for (const double place : places) {
            const auto element = static_cast<std::uint32_t>(place);
            plan_.words.push_back(element);
            if (!scatter) continue;
            if (seen[element]) copy.accumulate = true;
            seen[element] = true;
        }
        const Space& source = graph_.space_of(from);
        if (scalar_space(source)) {
            copy.from = plan_.where[from];
        } else {
            copy.from = memory_of(from);
            use(copy.from);
            const Meta own = graph_.meta(source);
            if (scatter) {
                // The update broadcasts to what the index takes.
                const View view = taken.is_object() ? host::describe(taken) : View();
                Meta target;
                target.rank = view.rank;
                target.shape = view.shape;
                copy.rank = static_cast<std::uint32_t>(view.rank);
                copy.shape = add_extents(view.shape, view.rank);
                copy.from_strides = add_strides(spread_strides(from, target));
            } else {
                copy.rank = static_cast<std::uint32_t>(own.rank);
                copy.shape = add_extents(own.shape, own.rank);
                copy.from_strides = copy.from.strides;
            }
        }
    }
    plan_.where[id] = copy.to;
    if (needs_look(id) && is_output_[id]) plan_.checks.push_back(id);
    plan_.copies.push_back(copy);
    plan_.work += meta.size();
    step(Step::Kind::Copy, static_cast<std::uint32_t>(plan_.copies.size() - 1), 1);
    done(id);
    flush_guards();
}

}  // namespace fastad::program
