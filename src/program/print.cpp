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

std::string ref_text(const Ref& ref) {
    const std::string index = std::to_string(ref.index);
    switch (ref.kind) {
        case Ref::Kind::Register: return "r" + index;
        case Ref::Kind::Memory: return "buffer " + index;
        case Ref::Kind::Slot: return "slot " + index;
        default: return "";
    }
}

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

std::string instruction_text(const Instruction& instruction) {
    std::string text = "    ";
    if (instruction.kind != Instruction::Kind::Look) text += ref_text(instruction.out) + " = ";
    text += kind_text(instruction);
    if (instruction.kind == Instruction::Kind::Both) text += " and derivative";
    if (instruction.kind == Instruction::Kind::Term)
        text += operation(instruction.code).arity == 1 ? "'" : (instruction.which ? "'y" : "'x");
    if (instruction.kind == Instruction::Kind::Rows)
        text += " of " + std::to_string(instruction.length) + " each";
    else if (instruction.kind == Instruction::Kind::Columns ||
             instruction.kind == Instruction::Kind::Axes)
        text += " to " + std::to_string(instruction.length);
    text += "(" + ref_text(instruction.x);
    for (const Ref* ref : {&instruction.y, &instruction.z, &instruction.w})
        if (ref->kind != Ref::Kind::None) text += ", " + ref_text(*ref);
    return text + ")\n";
}

}  // namespace

std::string Program::print() const {
    std::string text =
        "program: " + std::to_string(graph_->inputs) + " inputs, " + std::to_string(plan_.nodes) +
        " operations in " + std::to_string(plan_.steps.size()) + " steps, " +
        std::to_string(graph_->guards.size()) + " guards, " + std::to_string(plan_.calls.size()) +
        " host calls, " + std::to_string(bytes()) +
        " bytes (arrays: " + std::to_string(plan_.arena) + ")\n";
    // Nodes by the step that computes them.
    for (Id id = 0; id < graph_->size(); ++id) {
        const Node node = graph_->node(id);
        const Where where = plan_.where_of(id);
        if (where.kind == Where::Kind::Nowhere && node.op) continue;
        std::string line = "  %" + std::to_string(id) + " = " + text_of(*graph_, node);
        line += ": " + space_text(*graph_, graph_->space_of(id));
        switch (where.kind) {
            case Where::Kind::Slot: line += "  [slot " + std::to_string(where.index) + "]"; break;
            case Where::Kind::Memory:
                line += "  [buffer " + std::to_string(where.index) + "]";
                break;
            case Where::Kind::Object: line += "  [object]"; break;
            default: break;
        }
        const std::string& place = graph_->places[node.place];
        if (!place.empty()) line += "  " + place;
        text += line + "\n";
    }
    for (const Step& step : plan_.steps) {
        switch (step.kind) {
            case Step::Kind::Scalars: {
                std::size_t count = 0;
                for (std::uint32_t i = 0; i < step.count; ++i)
                    count += plan_.runs[step.first + i].count;
                text += "  scalars: " + std::to_string(count) + " instructions in " +
                        std::to_string(step.count) + " runs\n";
                break;
            }
            case Step::Kind::Group: {
                const Group& group = plan_.groups[step.first];
                text += "  group: " + std::to_string(group.count) + " instructions on " +
                        std::to_string(group.size) + " elements of " + dtype_name(group.dtype) +
                        " in blocks of " + std::to_string(group.block) + ", " +
                        std::to_string(group.registers) + " registers" +
                        (group.parts() > 1 ? ", " + std::to_string(group.parts()) + " parts" : "") +
                        "\n";
                for (std::uint32_t i = 0; i < group.count; ++i)
                    text += instruction_text(plan_.instructions[group.first + i]);
                break;
            }
            case Step::Kind::Product: {
                const Product& p = plan_.products[step.first];
                text += "  product: (" + std::to_string(p.rows) + ", " + std::to_string(p.inner) +
                        ") by (" + std::to_string(p.inner) + ", " + std::to_string(p.columns) +
                        ")\n";
                break;
            }
            case Step::Kind::Contraction: {
                const Contraction& m = plan_.contractions[step.first];
                text += "  contraction: (" + std::to_string(m.rows.length) + ", " +
                        std::to_string(m.inner.length) + ") by (" + std::to_string(m.inner.length) +
                        ", " + std::to_string(m.columns.length) + ") in " +
                        std::to_string(m.outer.size()) + " loops\n";
                break;
            }
            case Step::Kind::Copy: text += "  copy\n"; break;
            case Step::Kind::Routine:
                text += "  routine: %" + std::to_string(plan_.routines[step.first].node) + " " +
                        graph_->node(plan_.routines[step.first].node).op->name + "\n";
                break;
            case Step::Kind::Call:
                text += "  host call: %" + std::to_string(plan_.calls[step.first].node) + " " +
                        graph_->node(plan_.calls[step.first].node).op->name + "\n";
                break;
        }
    }
    for (const Guard& guard : graph_->guards) {
        text += "  guard %" + std::to_string(guard.node & ~constant_bit) +
                (guard.exact             ? " == " + std::to_string(guard.expected)
                 : guard.expected != 0.0 ? " is true"
                                         : " is false");
        const std::string& place = graph_->places[guard.place];
        text += place.empty() ? "\n" : "  " + place + "\n";
    }
    for (const Id output : graph_->outputs)
        text +=
            "  result " +
            (output == no_id       ? std::string("None")
             : is_constant(output) ? host::constant_text(graph_->constants[constant_index(output)])
                                   : "%" + std::to_string(output)) +
            "\n";
    return text;
}

}  // namespace fastad::program
