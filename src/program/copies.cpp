// Plans of products and of copies.
#include <algorithm>

#include "host/programs.hpp"
#include "program/rewrite.hpp"
#include "program/schedule.hpp"

namespace fastad::program {

// ---- products

void Scheduler::product_step(Id id) {
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    Matrices product;
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
    const Where left = memory_of(operands[0]), right = memory_of(operands[1]);
    use(left);
    use(right);
    const Extent* as = plan_.strides.data() + left.strides;
    const Extent* bs = plan_.strides.data() + right.strides;
    product.a_strides[1] = a.rank == 2 ? as[0] : 0;
    product.a_strides[2] = as[a.rank - 1];
    product.b_strides[1] = bs[0];
    product.b_strides[2] = b.rank == 2 ? bs[1] : 0;
    const Space& space = graph_.space_of(id);
    const auto item = static_cast<Extent>(native_size(space.dtype));
    product.dtype = space.dtype;
    // Of rows that are all alike, such as a sum's cotangent has, one is multiplied: so are those of
    // the result. The same of columns.
    constexpr Extent worth_a_copy = 1000;  // multiplications
    const bool by_rows = a.rank == 2, by_columns = b.rank == 2;
    const bool large = product.rows * product.inner * product.columns > worth_a_copy;
    auto all_alike = [&](Id operand, Extent length, Extent stride) {
        return large && length > 1 &&
               (stride == 0 || (is_constant(operand) &&
                                number_everywhere(graph_.constants[constant_index(operand)])));
    };
    const bool rows_alike = all_alike(operands[0], product.rows, product.a_strides[1]);
    const bool columns_alike = all_alike(operands[1], product.columns, product.b_strides[2]);
    if (rows_alike) product.rows = 1;
    if (columns_alike) product.columns = 1;
    if (space.dtype == DType::Complex128)
        product.loop = host::complex_loop(operation(Code::matmul), 2, space.dtype);
    product.c_strides[1] = item * product.columns;
    product.c_strides[2] = item;
    Where& where = plan_.where[id];
    if (scalar_space(space)) {
        where.kind = Where::Kind::Slot;
        where.index = plan_.slots++;
    } else {
        where = new_memory(id, graph_.meta(space).size() * native_size(space.dtype));
        if (needs_look(id)) plan_.checks.push_back(id);
    }
    product.work = static_cast<std::size_t>(product.rows * product.inner * product.columns) / 4;
    plan_.work += product.work;
    auto known = std::find(plan_.matrices.begin(), plan_.matrices.end(), product);
    if (known == plan_.matrices.end()) known = plan_.matrices.insert(plan_.matrices.end(), product);
    const bool alike = rows_alike || columns_alike;
    const Where one =
        alike ? room(static_cast<std::size_t>(product.rows * product.columns * item)) : where;
    plan_.products.push_back({address(left), address(right), address(one),
                              static_cast<std::uint32_t>(known - plan_.matrices.begin())});
    step(Step::Kind::Product, static_cast<std::uint32_t>(plan_.products.size() - 1), 1);
    if (alike) {
        const Meta meta = graph_.meta(space);
        std::vector<Extent> from;
        if (by_rows) from.push_back(rows_alike ? 0 : product.c_strides[1]);
        if (by_columns) from.push_back(columns_alike ? 0 : item);
        Copy copy;
        copy.kind = Copy::Kind::Strided;
        copy.dtype = space.dtype;
        copy.rank = static_cast<std::uint32_t>(meta.rank);
        copy.shape = add_extents(meta.shape, meta.rank);
        copy.from = address(one);
        copy.from_strides = add_strides(from);
        copy.to = address(where);
        copy.to_strides = where.strides;
        use(one);
        use(where);
        plan_.copies.push_back(copy);
        step(Step::Kind::Copy, static_cast<std::uint32_t>(plan_.copies.size() - 1), 1);
    }
    done(id);
    flush_guards();
}

// ---- copies

void Scheduler::copies_done(Id id, const Where& to, std::uint32_t first, bool looked) {
    plan_.where[id] = to;
    if (is_output_[id] && !looked) plan_.checks.push_back(id);
    plan_.work += graph_.meta_of(id).size();
    const auto count = static_cast<std::uint32_t>(plan_.copies.size()) - first;
    if (count) step(Step::Kind::Copy, first, count);
    done(id);
    flush_guards();
}

// Whether a view shows what its operand holds in C order in that order, if it shows all of it.
bool Scheduler::keeps_order(Id id) const {
    const Node& node = graph_.nodes[id];
    if (node.op->program != InProgram::View || node.op->structural.rearranges) return false;
    const Id* operands = graph_.operands_of(node);
    return std::all_of(operands + 1, operands + node.count, [this](Id operand) {
        if (operand == no_id) return true;
        const Value& constant = graph_.constants[constant_index(operand)];
        return host::type_name(constant) != "str" || host::constant_text(constant) == "'C'";
    });
}

// The node of which a value is a view that shows all its elements in their order.
Id Scheduler::computed_as(Id id) const {
    while (!is_constant(id) && ways_[id] == Way::Alias) {
        const Id from = graph_.operands_of(graph_.nodes[id])[0];
        if (!keeps_order(id) || is_constant(from) ||
            graph_.space_of(from).holder != Holder::Array ||
            graph_.meta_of(from).size() != graph_.meta_of(id).size())
            break;
        id = from;
    }
    return id;
}

// Where the joined axis is the first, or those before it are of length one, each array lies in one
// piece in the whole.
void Scheduler::seat_parts() {
    for (Id id = graph_.inputs; id < graph_.nodes.size(); ++id) {
        if (!needed_[id] || ways_[id] != Way::Copy) continue;
        const Node& node = graph_.nodes[id];
        const Id* operands = graph_.operands_of(node);
        const bool stacks = node.op->program == InProgram::Stack;
        if ((!stacks && node.op->program != InProgram::Join) || scalar_operand(operands[1]) ||
            stacks_complex(id))
            continue;
        const Meta meta = graph_.meta_of(id);
        double axis = 0.0;
        number(operands[0], axis);
        const int along = static_cast<int>(axis) + (axis < 0 ? meta.rank : 0);
        if (!std::all_of(meta.shape, meta.shape + along, [](Extent n) { return n == 1; })) continue;
        Extent offset = 0;
        for (std::uint32_t k = 1; k < node.count; ++k) {
            const Id part = computed_as(operands[k]);
            if (part >= graph_.inputs && ways_[part] != Way::Alias && !is_output_[part])
                seats_.try_emplace(part, Seat{id, offset});
            offset += static_cast<Extent>(graph_.meta_of(operands[k]).size() *
                                          native_size(graph_.space_of(id).dtype));
        }
    }
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
    const bool stacks = node.op->program == InProgram::Stack;
    const std::vector<Extent> whole = strides_of(to, meta);
    const auto along = static_cast<std::size_t>(axis);
    const auto first = static_cast<std::uint32_t>(plan_.copies.size());
    Extent offset = 0;
    bool looked = true;  // at all parts, when they were computed
    for (std::uint32_t k = 1; k < node.count; ++k) {
        const Id part = computed_as(operands[k]);
        const Way way = ways_[part];
        looked = looked && (way == Way::Block || way == Way::Product || way == Way::Contract) &&
                 needs_look(part);
        const Meta own = graph_.meta_of(operands[k]);
        if (const Where lies = memory_of(operands[k]);
            lies.index == to.index && lies.offset == to.offset + offset) {
            offset += whole[along] * (stacks ? 1 : own.shape[along]);
            continue;
        }
        std::vector<Extent> target = whole;
        if (stacks) target.erase(target.begin() + axis);
        Copy copy;
        copy.kind = Copy::Kind::Strided;
        copy.dtype = space.dtype;
        const Where from = memory_of(operands[k]);
        use(from);
        copy.from = address(from);
        copy.to = address(to).moved(offset);
        copy.rank = static_cast<std::uint32_t>(own.rank);
        copy.shape = add_extents(own.shape, own.rank);
        copy.from_strides = from.strides;
        copy.to_strides = add_strides(target);
        offset += whole[along] * (stacks ? 1 : own.shape[along]);
        plan_.copies.push_back(copy);
    }
    copies_done(id, to, first, looked);
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
    zero.to = address(to);
    zero.bytes = meta.size() * native_size(space.dtype);
    plan_.copies.push_back(zero);
    Copy copy;
    copy.kind = Copy::Kind::Strided;
    copy.accumulate = true;
    copy.dtype = space.dtype;
    const Where from = memory_of(operands[2]);
    use(from);
    copy.from = address(from);
    Meta target;
    target.rank = view.rank;
    target.shape = view.shape;
    copy.rank = static_cast<std::uint32_t>(view.rank);
    copy.shape = add_extents(view.shape, view.rank);
    copy.from_strides = add_strides(spread_strides(operands[2], target));
    copy.to = address(to).moved(view.data - host::describe(values[0]).data);
    copy.to_strides = add_strides({view.strides, view.strides + view.rank});
    plan_.copies.push_back(copy);
    copies_done(id, to, first);
    return true;
}

// What would be a view, if its operand lay in C order: a copy in that order.
bool Scheduler::copied_in_order(Id id, const Where& from) {
    const Node& node = graph_.nodes[id];
    const Id operand = graph_.operands_of(node)[0];
    const Space& space = graph_.space_of(id);
    const bool known = space.dtype == DType::Float64 || space.dtype == DType::Float32 ||
                       space.dtype == DType::Complex128;
    if (!known || !keeps_order(id)) return false;
    const Meta own = graph_.meta_of(operand);
    const std::size_t size = own.size();
    if (own.rank == 0 || size == 0 || size > most_gathered || size != graph_.meta(space).size())
        return false;
    // The operation itself, on the numbers of the elements.
    std::vector<Value> values(node.count);
    values[0] = host::counting(own.shape, own.rank);
    for (std::uint32_t k = 1; k < node.count; ++k) {
        const Id other = graph_.operands_of(node)[k];
        if (other != no_id) values[k] = graph_.constants[constant_index(other)];
    }
    const std::vector<double> order =
        host::numbers_of(host::apply(*node.op, values.data(), values.size(), nullptr, Form::Rule));
    for (std::size_t i = 0; i < size; ++i)
        if (order[i] != static_cast<double>(i)) return false;
    use(from);
    const Where to = new_memory(id, size * native_size(space.dtype));
    Copy copy;
    copy.kind = Copy::Kind::Strided;
    copy.dtype = space.dtype;
    copy.from = address(from);
    copy.to = address(to);
    copy.rank = static_cast<std::uint32_t>(own.rank);
    copy.shape = add_extents(own.shape, own.rank);
    copy.from_strides = from.strides;
    copy.to_strides = add_c_order(own, space.dtype);
    const auto first = static_cast<std::uint32_t>(plan_.copies.size());
    plan_.copies.push_back(copy);
    copies_done(id, to, first);
    return true;
}

void Scheduler::copy_step(Id id) {
    if (stacks_complex(id)) return complex_stack_step(id);
    if (casts_to_complex(id)) {
        plan_.where[id] = converted(graph_.operands_of(graph_.nodes[id])[0], DType::Complex128, id);
        if (is_output_[id]) plan_.checks.push_back(id);
        done(id);
        return flush_guards();
    }
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    const Space& space = graph_.space_of(id);
    const Meta meta = graph_.meta(space);
    Copy copy;
    copy.dtype = space.dtype;
    copy.bytes = meta.size() * native_size(space.dtype);
    Where to = plan_.where[id];  // it has its place if a part of it has
    if (to.kind == Where::Kind::Nowhere) to = new_memory(id, copy.bytes);
    use(to);
    copy.to = address(to);
    copy.first = static_cast<std::uint32_t>(plan_.words.size());
    const InProgram program = node.op->program;
    const bool scatter = program == InProgram::Put;
    if (scatter && host::is_view_index(graph_.constants[constant_index(operands[1])]) &&
        scatter_view(id, to))
        return;
    if ((program == InProgram::Stack || program == InProgram::Join) &&
        !scalar_operand(operands[1])) {
        join(id, to);
        return;
    }
    if (program == InProgram::Stack) {
        copy.kind = Copy::Kind::Numbers;
        copy.count = node.count - 1;
        for (std::uint32_t k = 1; k < node.count; ++k) plan_.words.push_back(slot_of(operands[k]));
    } else {
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
            copy.from = address(plan_.where[from]);
        } else {
            const Where source_place = memory_of(from);
            use(source_place);
            copy.from = address(source_place);
            copy.contiguous = source_place.contiguous;
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
                copy.from_strides = source_place.strides;
            }
        }
    }
    plan_.where[id] = to;
    if (needs_look(id) && is_output_[id]) plan_.checks.push_back(id);
    plan_.copies.push_back(copy);
    plan_.work += meta.size();
    step(Step::Kind::Copy, static_cast<std::uint32_t>(plan_.copies.size() - 1), 1);
    done(id);
    flush_guards();
}

}  // namespace fastad::program
