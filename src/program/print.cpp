// A program in words: inputs, steps with their instructions, guards, results, memory.
#include "host/programs.hpp"
#include "program/program.hpp"

namespace fastad::program {

namespace {

std::string space_text(const Graph& graph, const Space& space) {
    if (space.holder == Holder::Opaque) return "object";
    if (space.holder == Holder::Weak) return "float";
    std::string text = dtype_name(space.dtype);
    return space.holder == Holder::Array ? text + shape_text(graph.meta(space)) : text;
}

// A group as one step runs it.
struct Shown {
    const Plan& plan;
    const Group& group;
    const Address* addresses;

    std::string text(const Ref& ref) const {
        const std::size_t lines = group.stride() * native_size(group.dtype) / line_bytes;
        const Address address = ref.kind == Ref::Kind::Register ? Address() : addresses[ref.index];
        switch (ref.kind) {
            case Ref::Kind::Register: return "r" + std::to_string(ref.index / lines);
            case Ref::Kind::Memory:
                return "buffer " + std::to_string(address.base() - Address::first_buffer);
            case Ref::Kind::Slot:
                return "slot " +
                       std::to_string(static_cast<std::size_t>(address.offset()) / sizeof(double));
            default: return "";
        }
    }
};

const char* kind_text(const Instruction& instruction) {
    switch (instruction.kind) {
        case Instruction::Kind::Select: return "where";
        case Instruction::Kind::Load: return "load";
        case Instruction::Kind::LoadOnce: return "load once";
        case Instruction::Kind::Store: return "store";
        case Instruction::Kind::Look: return "look";
        case Instruction::Kind::Rows:
        case Instruction::Kind::Columns:
        case Instruction::Kind::Axes:
            return instruction.reduction == Reduction::Sum   ? "sum"
                   : instruction.reduction == Reduction::Max ? "max"
                                                             : "min";
        default: return operation(instruction.code).name.c_str();
    }
}

std::string instruction_text(const Shown& shown, const Instruction& instruction) {
    std::string text = "    ";
    if (instruction.kind != Instruction::Kind::Look) text += shown.text(instruction.out) + " = ";
    text += kind_text(instruction);
    if (instruction.kind == Instruction::Kind::Both) text += " and derivative";
    if (instruction.kind == Instruction::Kind::Term)
        text += operation(instruction.code).arity == 1 ? "'" : (instruction.which ? "'y" : "'x");
    if (instruction.kind == Instruction::Kind::Rows)
        text += " of " + std::to_string(shown.plan.reducing[instruction.extra].length) + " each";
    else if (instruction.kind == Instruction::Kind::Columns ||
             instruction.kind == Instruction::Kind::Axes)
        text += " to " + std::to_string(shown.plan.reducing[instruction.extra].length);
    text += "(" + shown.text(instruction.x);
    for (const Ref* ref : {&instruction.y, &instruction.z, &instruction.w})
        if (ref->kind != Ref::Kind::None) text += ", " + shown.text(*ref);
    return text + ")\n";
}

}  // namespace

// Planned again: what a program keeps is less than what is shown of it.
std::string Program::print() const {
    Graph graph = *graph_;
    graph.unpack();
    const Plan plan = make_plan(graph);
    std::string text =
        "program: " + std::to_string(graph.inputs) + " inputs, " + std::to_string(plan.nodes) +
        " operations in " + std::to_string(plan.steps.size()) + " steps, " +
        std::to_string(graph.guards.size()) + " guards, " + std::to_string(plan.calls.size()) +
        " host calls, " + std::to_string(bytes()) +
        " bytes (arrays: " + std::to_string(plan.arena) + ")\n";
    // Nodes by the step that computes them.
    for (Id id = 0; id < graph.size(); ++id) {
        const Node node = graph.node(id);
        const Where where = plan.where[id];
        if (where.kind == Where::Kind::Nowhere && node.op) continue;
        std::string line = "  %" + std::to_string(id) + " = " + text_of(graph, node);
        line += ": " + space_text(graph, graph.space_of(id));
        switch (where.kind) {
            case Where::Kind::Slot: line += "  [slot " + std::to_string(where.index) + "]"; break;
            case Where::Kind::Memory:
                line += "  [buffer " + std::to_string(where.index) + "]";
                break;
            case Where::Kind::Object: line += "  [object]"; break;
            default: break;
        }
        const std::string& place = graph.places[node.place];
        if (!place.empty()) line += "  " + place;
        text += line + "\n";
    }
    for (const Step& step : plan.steps) {
        switch (step.kind) {
            case Step::Kind::Scalars: {
                std::size_t count = 0;
                for (std::uint32_t i = 0; i < step.count; ++i)
                    count += plan.runs[step.first + i].count;
                text += "  scalars: " + std::to_string(count) + " instructions in " +
                        std::to_string(step.count) + " runs\n";
                break;
            }
            case Step::Kind::Group: {
                const Group& group = plan.groups[step.first];
                const Shown shown{plan, group, plan.addresses.data() + step.count};
                text += "  group: " + std::to_string(group.count) + " instructions on " +
                        std::to_string(group.size) + " elements of " + dtype_name(group.dtype) +
                        " in blocks of " + std::to_string(group.block) + ", " +
                        std::to_string(group.registers) + " registers" +
                        (group.parts() > 1 ? ", " + std::to_string(group.parts()) + " parts" : "") +
                        "\n";
                for (std::uint32_t i = 0; i < group.count; ++i)
                    text += instruction_text(shown, plan.instructions[group.first + i]);
                break;
            }
            case Step::Kind::Product: {
                const Matrices& p = plan.matrices[plan.products[step.first].matrices];
                text += "  product: (" + std::to_string(p.rows) + ", " + std::to_string(p.inner) +
                        ") by (" + std::to_string(p.inner) + ", " + std::to_string(p.columns) +
                        ")\n";
                break;
            }
            case Step::Kind::Contraction: {
                const Contraction& m = plan.contractions[step.first];
                text += "  contraction: (" + std::to_string(m.rows.length) + ", " +
                        std::to_string(m.inner.length) + ") by (" + std::to_string(m.inner.length) +
                        ", " + std::to_string(m.columns.length) + ") in " +
                        std::to_string(m.outer.size()) + " loops\n";
                break;
            }
            case Step::Kind::Copy: text += "  copy\n"; break;
            case Step::Kind::Loop:
                text += "  loop: %" + std::to_string(plan.loops[step.first].node) + " " +
                        graph.node(plan.loops[step.first].node).op->name + "\n";
                break;
            case Step::Kind::Routine:
                text += "  routine: %" + std::to_string(plan.routines[step.first].node) + " " +
                        graph.node(plan.routines[step.first].node).op->name + "\n";
                break;
            case Step::Kind::Call:
                text += "  host call: %" + std::to_string(plan.calls[step.first].node) + " " +
                        graph.node(plan.calls[step.first].node).op->name + "\n";
                break;
        }
    }
    for (const Guard& guard : graph.guards) {
        text += "  guard %" + std::to_string(guard.node & ~constant_bit) +
                (guard.exact             ? " == " + std::to_string(guard.expected)
                 : guard.expected != 0.0 ? " is true"
                                         : " is false");
        const std::string& place = graph.places[guard.place];
        text += place.empty() ? "\n" : "  " + place + "\n";
    }
    for (const Id output : graph.outputs)
        text +=
            "  result " +
            (output == no_id       ? std::string("None")
             : is_constant(output) ? host::constant_text(graph.constants[constant_index(output)])
                                   : "%" + std::to_string(output)) +
            "\n";
    return text;
}

}  // namespace fastad::program
