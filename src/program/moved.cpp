// Registered operations that only move elements: where they go is asked once, of the operation.
#include "host/programs.hpp"
#include "program/schedule.hpp"

namespace fastad::program {

bool Scheduler::movable(Id id) const {
    const Node& node = graph_.nodes[id];
    if (!node.op->moves || node.count == 0) return false;
    const Id* operands = graph_.operands_of(node);
    if (operands[0] == no_id || is_constant(operands[0])) return false;
    for (std::uint32_t k = 1; k < node.count; ++k)
        if (operands[k] != no_id && !is_constant(operands[k])) return false;
    const Space &from = graph_.space_of(operands[0]), &to = graph_.space_of(id);
    for (const Space* space : {&from, &to})
        if (space->holder != Holder::Array || scalar_space(*space)) return false;
    if (from.dtype != to.dtype || (to.dtype != DType::Float64 && to.dtype != DType::Float32))
        return false;
    const std::size_t size = graph_.meta(from).size();
    return size > 0 && size <= most_gathered && graph_.meta(to).size() <= most_gathered;
}

// Elements that come from nowhere are zero.
void Scheduler::moved_step(Id id) {
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    const Space& space = graph_.space_of(id);
    const Meta from = graph_.meta_of(operands[0]);
    std::vector<Value> values(node.count);
    const Value numbers[2] = {host::counting(from.shape, from.rank), Value::weak(1.0)};
    values[0] = host::apply(operation(Code::add), numbers, 2, nullptr, Form::Rule);
    for (std::uint32_t k = 1; k < node.count; ++k)
        if (operands[k] != no_id) values[k] = graph_.constants[constant_index(operands[k])];
    const std::vector<double> sources =
        host::numbers_of(host::apply(*node.op, values.data(), values.size(), nullptr, Form::Rule));
    std::vector<std::uint32_t> taken, put(from.size(), no_id);
    bool zeros = false, once = true;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        if (sources[i] == 0.0) {
            zeros = true;
            continue;
        }
        const auto source = static_cast<std::uint32_t>(sources[i]) - 1;
        taken.push_back(source);
        once = once && put[source] == no_id;
        put[source] = static_cast<std::uint32_t>(i);
    }
    for (const std::uint32_t place : put) once = once && place != no_id;
    if (zeros && !once) return host(id);

    Copy copy;
    copy.kind = zeros ? Copy::Kind::Scatter : Copy::Kind::Gather;
    copy.dtype = space.dtype;
    const Where source = memory_of(operands[0]);
    use(source);
    copy.from = address(source);
    copy.contiguous = source.contiguous;
    copy.bytes = sources.size() * native_size(space.dtype);
    const Where to = new_memory(id, copy.bytes);
    copy.to = address(to);
    const std::vector<std::uint32_t>& words = zeros ? put : taken;
    copy.first = static_cast<std::uint32_t>(plan_.words.size());
    copy.count = static_cast<std::uint32_t>(words.size());
    plan_.words.insert(plan_.words.end(), words.begin(), words.end());
    const Meta own = graph_.meta_of(operands[0]);
    copy.rank = static_cast<std::uint32_t>(own.rank);
    copy.shape = add_extents(own.shape, own.rank);
    copy.from_strides = source.strides;
    plan_.copies.push_back(copy);
    copies_done(id, to, static_cast<std::uint32_t>(plan_.copies.size() - 1));
}

}  // namespace fastad::program
