#include <algorithm>
#include <chrono>
#include <cstring>

#include "host/programs.hpp"
#include "memory/buffer.hpp"
#include "program/arena.hpp"
#include "program/calls.hpp"
#include "program/flags.hpp"
#include "program/program.hpp"
#include "program/term.hpp"

namespace fastad::program {

Program::Program(std::unique_ptr<Graph> graph) noexcept : graph_(std::move(graph)) {}

// From so many bytes of a recording on memory is given back when it is planned, so that it is not
// there twice; from so many bytes of an arena on at each spot check, since giving back takes longer
// than the calls of a smaller program.
constexpr std::size_t worth_giving_back = std::size_t{1} << 18;
constexpr std::size_t worth_resting = std::size_t{1} << 21;

void Program::plan() {
    if (planned_) return;
    std::size_t recorded = 0;
    for (Id id = 0; id < graph_->size() && recorded < worth_giving_back; ++id)
        recorded += 256 + graph_->meta_of(id).size() * sizeof(double);
    const bool large = recorded >= worth_giving_back;
    if (large) buffer::trim();  // values of the recording, whose place others take now
    // The graph stays as it was recorded, for comparisons and to be planned again where it is
    // printed. A plan's nodes are others; its constants and spaces are those of the graph, and
    // more.
    Graph simplified = *graph_;
    simplified.unpack();
    plan_ = make_plan(simplified);
    plan_.pack();
    graph_->constants = std::move(simplified.constants);
    graph_->spaces = std::move(simplified.spaces);
    graph_->extents = std::move(simplified.extents);
    planned_ = true;
    if (large) buffer::trim();
}

bool Program::rest() const noexcept {
    if (plan_.arena < worth_resting) return false;
    delete idle_.exchange(nullptr, std::memory_order_acq_rel);
    return true;
}

Program::~Program() { delete idle_.load(); }

std::size_t Program::bytes() const noexcept {
    return graph_->bytes() + plan_.bytes() + plan_.arena + plan_.slots * sizeof(double);
}

int Program::run(const Value* inputs, Value* outputs, const Value* into, bool agreed) const {
    // One arena is kept; a second thread, or a program inside a call of its own, makes another.
    std::unique_ptr<Arena> arena(idle_.exchange(nullptr, std::memory_order_acquire));
    if (!arena) arena = std::make_unique<Arena>(plan_);
    const int outcome = run_on(*arena, inputs, outputs, into, agreed);
    for (Value& object : arena->objects)
        if (!object.empty()) object = Value();
    // Whoever left one meanwhile is done with it.
    delete idle_.exchange(arena.release(), std::memory_order_acq_rel);
    return outcome;
}

// Inputs to their slots, places of buffers; false where something lies otherwise than it did.
bool Program::prepare(Arena& arena, const Value* inputs, Value* outputs, const Value* into,
                      bool agreed) const {
    arena.inputs = inputs;
    arena.infinite = false;
    for (const auto& [input, index] : plan_.numbers_given) {
        double& slot = arena.slots()[index];
        if (inputs[input].is_number())
            slot = inputs[input].number();
        else if (!host::number_of(inputs[input], slot))
            return false;
    }
    if (plan_.buffers_given.empty()) return true;
    auto lies = [this](const Value& value, const Space& space, const Extent* strides, char*& data) {
        if (!value.is_object()) return false;
        const View view = host::describe(value);
        if (view.dtype != space.dtype || !view.array || !view.usable || view.rank != space.rank)
            return false;
        const Extent* shape = graph_->extents.data() + space.first_extent;
        for (int axis = 0; axis < view.rank; ++axis)
            if (view.shape[axis] != shape[axis] ||
                (view.strides[axis] != strides[axis] && shape[axis] != 1))
                return false;
        data = view.data;
        return true;
    };
    std::size_t captured = 0;
    for (const std::uint32_t b : plan_.buffers_given) {
        const Buffer& buffer = plan_.buffers[b];
        switch (buffer.source) {
            case Buffer::Source::Input: {
                const Id id = buffer.index;
                if (agreed)
                    arena.bases[b] = host::data_of(inputs[id]);
                else if (!lies(inputs[id], graph_->space_of(id),
                               plan_.strides.data() + plan_.inputs[id].strides, arena.bases[b]))
                    return false;
                break;
            }
            case Buffer::Source::Constant: {
                const Plan::Captured& own = plan_.constants[captured++];
                if (!lies(graph_->constants[own.constant], graph_->spaces[own.space],
                          plan_.strides.data() + own.strides, arena.bases[b]))
                    return false;
                break;
            }
            case Buffer::Source::Output: {
                const Meta meta = graph_->meta(graph_->spaces[buffer.space]);
                char* given = into ? place_in(buffer.index, inputs, into) : nullptr;
                Value& output = outputs[buffer.index];
                output =
                    given ? into[buffer.index] : host::new_array(meta.dtype, meta.shape, meta.rank);
                arena.bases[b] = given ? given : host::describe(output).data;
                break;
            }
            default: break;
        }
    }
    return true;
}

char* Program::place_in(std::size_t output, const Value* inputs, const Value* into) const {
    const Id id = plan_.given[output];
    if (into[output].empty() || id == no_id || is_constant(id) || id < graph_->inputs)
        return nullptr;
    const Meta meta = graph_->meta(graph_->spaces[plan_.asked[output]]);
    if (!native_size(meta.dtype)) return nullptr;
    char* data = host::writable(into[output], meta);
    if (!data) return nullptr;
    // Inputs are read, and other results written, after the first element of this one.
    const host::Bytes own = host::bytes_of(into[output]);
    for (std::size_t i = 0; i < graph_->inputs; ++i)
        if (inputs[i].is_object() && own.meets(host::bytes_of(inputs[i]))) return nullptr;
    for (const Value& constant : graph_->constants)
        if (constant.is_object() && own.meets(host::bytes_of(constant))) return nullptr;
    for (std::size_t i = 0; i < plan_.outputs.size(); ++i)
        if (i != output && into[i].is_object() && own.meets(host::bytes_of(into[i])))
            return nullptr;
    return data;
}

namespace {

// Long programs ask between their steps, some fifty times a second, if the user wants them to stop.
class Patience {
    using Clock = std::chrono::steady_clock;

  public:
    explicit Patience(std::size_t work) noexcept : long_(long_work(work) > 0) {
        if (long_) last_ = Clock::now();
    }
    bool ends() noexcept {
        if (!long_) return false;
        const Clock::time_point now = Clock::now();
        if (now - last_ < std::chrono::milliseconds(20)) return false;
        last_ = now;
        return true;
    }

  private:
    bool long_;
    Clock::time_point last_;
};

}  // namespace

int Program::run_on(Arena& arena, const Value* inputs, Value* outputs, const Value* into,
                    bool agreed) const {
    for (std::size_t i = 0; i < plan_.outputs.size(); ++i)
        if (!outputs[i].empty()) outputs[i] = Value();
    if (!prepare(arena, inputs, outputs, into, agreed)) return doubtful;
    if (const int outcome = run_steps(arena); outcome != complete) return outcome;
    give(arena, inputs, outputs, into);
    return complete;
}

int Program::run_steps(Arena& arena) const {
    std::uint32_t failed = no_id;
    const std::size_t alone = plan_.calls.empty() ? long_work(plan_.work) : 0;
    host::Unlocked unlocked(alone);
    const KeepFlags flags;
    Patience patience(plan_.work);
    for (const Step& step : plan_.steps) {
        if (patience.ends()) unlocked.check_interrupt();
        switch (step.kind) {
            case Step::Kind::Scalars:
                failed = run_scalars(plan_, *graph_, step, arena, failed);
                break;
            case Step::Kind::Group:
                run_group(plan_, plan_.groups[step.first], plan_.addresses.data() + step.count,
                          arena);
                break;
            case Step::Kind::Product: {
                const Product& product = plan_.products[step.first];
                const host::Unlocked meanwhile(
                    alone ? 0 : long_work(plan_.matrices[product.matrices].work));
                run_product(plan_, product, arena);
                break;
            }
            case Step::Kind::Contraction:
                run_contraction(plan_.contractions[step.first], arena);
                break;
            case Step::Kind::Copy:
                for (std::uint32_t i = 0; i < step.count; ++i)
                    run_copy(plan_, plan_.copies[step.first + i], arena);
                break;
            case Step::Kind::Loop: run_loop(plan_, plan_.loops[step.first], arena); break;
            case Step::Kind::Routine:
                if (failed != no_id) return static_cast<int>(failed);
                if (!run_routine(plan_, plan_.routines[step.first], arena, !alone)) return doubtful;
                break;
            case Step::Kind::Call:
                if (failed != no_id) return static_cast<int>(failed);
                if (!call(arena, plan_.calls[step.first])) return doubtful;
                break;
        }
        if (failed < step.guards) return static_cast<int>(failed);
    }
    if (failed != no_id) return static_cast<int>(failed);
    if (!finite(arena)) return doubtful;
    return complete;
}

NumbersRun::NumbersRun(const Program& program, bool alone)
    : program_(program), plan_(program.plan_), alone_(alone && !long_work(plan_.work)) {
    if (alone_) {  // without the cost of what other threads would see
        arena_ = program.idle_.load(std::memory_order_relaxed);
        program.idle_.store(nullptr, std::memory_order_relaxed);
    } else {
        arena_ = program.idle_.exchange(nullptr, std::memory_order_acquire);
    }
    if (!arena_) arena_ = new Arena(plan_);
    slots_ = arena_->slots();
    arena_->infinite = false;
}

int NumbersRun::run() {
    const std::vector<Step>& steps = plan_.steps;
    if (steps.size() != 1 || steps[0].kind != Step::Kind::Scalars || long_work(plan_.work))
        return program_.run_steps(*arena_);
    const KeepFlags flags;
    const std::uint32_t failed = run_scalars(plan_, *program_.graph_, steps[0], *arena_, no_id);
    if (failed != no_id) return static_cast<int>(failed);
    return program_.finite(*arena_) ? Program::complete : Program::doubtful;
}

NumbersRun::~NumbersRun() {
    if (alone_ && !program_.idle_.load(std::memory_order_relaxed))
        program_.idle_.store(arena_, std::memory_order_relaxed);
    else
        delete program_.idle_.exchange(arena_, std::memory_order_acq_rel);
}

// The outputs that no step has written.
// Whether an argument that is a result, and goes to a place, lies where another result goes to.
bool Program::is_overwritten(std::size_t output, const Value& given, const Value* into) const {
    if (into[output].empty() || !given.is_object()) return false;
    const host::Bytes own = host::bytes_of(given);
    for (std::size_t i = 0; i < plan_.outputs.size(); ++i)
        if (i != output && into[i].is_object() && own.meets(host::bytes_of(into[i]))) return true;
    return false;
}

void Program::give(Arena& arena, const Value* inputs, Value* outputs, const Value* into) const {
    bool numbers = false;
    for (std::size_t i = 0; i < plan_.results.size(); ++i) {
        const Result result = plan_.results[i];
        switch (result.way) {
            case Result::Way::Nothing: continue;
            case Result::Way::Same: outputs[i] = outputs[result.index]; continue;
            case Result::Way::Constant:
                outputs[i] = host::fresh(graph_->constants[result.index]);
                continue;
            case Result::Way::Input: {
                const Value& given = inputs[result.index];
                outputs[i] = into && is_overwritten(i, given, into) ? host::fresh(given) : given;
                continue;
            }
            case Result::Way::Copy: {
                // A whole number that was recorded as a float: times 1.0, it is one.
                const Value& given = inputs[result.index];
                outputs[i] = given.kind() == Kind::Integer ? Value::weak(given.number())
                                                           : host::fresh(given);
                continue;
            }
            case Result::Way::Computed: break;
        }
        const Where& where = plan_.outputs[i];
        if (!outputs[i].empty()) continue;
        const bool slot = where.kind == Where::Kind::Slot;
        if (slot && into && !into[i].empty()) {
            numbers = true;
        } else if (slot && result.holder == Holder::Weak) {
            outputs[i] = Value::weak(arena.slots()[where.index]);
        } else if (slot && result.holder == Holder::Strong) {
            outputs[i] = Value::strong(arena.slots()[where.index]);
        } else {
            const Space& space = graph_->spaces[plan_.asked[i]];
            char* given =
                into && where.kind == Where::Kind::Memory ? place_in(i, inputs, into) : nullptr;
            if (given) fill(arena, where, space, given);
            outputs[i] = given ? into[i] : object_of(arena, where, space);
        }
    }
    // Last, since nothing is read any more from where they are written.
    for (std::size_t i = 0; numbers && i < plan_.outputs.size(); ++i) {
        const Where& where = plan_.outputs[i];
        if (!outputs[i].empty() || where.kind != Where::Kind::Slot) continue;
        const Space& space = graph_->spaces[plan_.asked[i]];
        char* given = host::writable(into[i], graph_->meta(space));
        if (given) fill(arena, where, space, given);
        outputs[i] = given ? into[i] : object_of(arena, where, space);
    }
}

bool Program::finite(const Arena& arena) const {
    if (arena.infinite) return false;
    for (const auto& [first, end] : plan_.looks)
        if (!all_finite(arena.slots() + first, end - first)) return false;
    for (std::size_t i = 0; i < plan_.check_places.size(); ++i) {
        const Where& where = plan_.check_places[i];
        const Space& space = graph_->spaces[plan_.check_spaces[i]];
        const bool complex = space.dtype == DType::Complex128;  // two doubles
        const std::size_t size = plan_.check_sizes[i] * (complex ? 2 : 1);
        const char* place = arena.place(where);
        if (complex || space.dtype == DType::Float64
                ? !all_finite(reinterpret_cast<const double*>(place), size)
                : !all_finite(reinterpret_cast<const float*>(place), size))
            return false;
    }
    return true;
}

namespace {

// Elements of so many bytes in C order out of any layout.
template <std::size_t item>
void copy_items(const char* from, const Extent* shape, const Extent* strides, int rank, char* to) {
    if (rank == 0) {
        std::memcpy(to, from, item);
        return;
    }
    const std::size_t inner = static_cast<std::size_t>(shape[rank - 1]);
    std::size_t rows = 1;
    for (int axis = 0; axis < rank - 1; ++axis) rows *= static_cast<std::size_t>(shape[axis]);
    if (inner == 0) return;
    Extent index[64] = {};
    for (std::size_t row = 0; row < rows; ++row) {
        const char* source = from;
        for (std::size_t i = 0; i < inner; ++i, source += strides[rank - 1], to += item)
            std::memcpy(to, source, item);
        for (int axis = rank - 1; axis-- > 0;) {
            from += strides[axis];
            if (++index[axis] < shape[axis]) break;
            from -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}

void copy_out(const char* from, const Extent* shape, const Extent* strides, int rank,
              std::size_t item, char* to) {
    switch (item) {
        case 1: return copy_items<1>(from, shape, strides, rank, to);
        case 2: return copy_items<2>(from, shape, strides, rank, to);
        case 4: return copy_items<4>(from, shape, strides, rank, to);
        case 8: return copy_items<8>(from, shape, strides, rank, to);
        default: return copy_items<16>(from, shape, strides, rank, to);  // complex
    }
}

}  // namespace

// The elements of what lies here, in C order.
void Program::fill(const Arena& arena, const Where& where, const Space& space, char* data) const {
    if (where.kind == Where::Kind::Slot) {
        const double number = arena.slots()[where.index];
        const float narrow = static_cast<float>(number);
        const auto whole = static_cast<std::int64_t>(number);
        if (space.dtype == DType::Bool)
            *data = number != 0.0;
        else if (space.dtype == DType::Float32)
            std::memcpy(data, &narrow, sizeof narrow);
        else if (space.dtype == DType::Int64)
            std::memcpy(data, &whole, sizeof whole);
        else
            std::memcpy(data, &number, sizeof number);
        return;
    }
    const Meta meta = graph_->meta(space);
    const std::size_t item = native_size(space.dtype);
    if (where.contiguous)
        std::memcpy(data, arena.place(where), meta.size() * item);
    else
        copy_out(arena.place(where), meta.shape, plan_.strides.data() + where.strides, meta.rank,
                 item, data);
}

// An object of the user's for what lies here.
Value Program::object_of(const Arena& arena, const Where& where, const Space& space) const {
    switch (where.kind) {
        case Where::Kind::Slot: {
            const double number = arena.slots()[where.index];
            if (space.holder == Holder::Weak) return Value::weak(number);
            if (space.holder == Holder::Strong) return Value::strong(number);
            if (space.holder == Holder::Scalar) return host::make_scalar(space.dtype, number);
            Value array = host::new_array(space.dtype, nullptr, 0);
            fill(arena, where, space, host::describe(array).data);
            return array;
        }
        case Where::Kind::Memory: {
            const Meta meta = graph_->meta(space);
            Value array = host::new_array(meta.dtype, meta.shape, meta.rank);
            fill(arena, where, space, host::describe(array).data);
            if (space.holder == Holder::Array) return array;
            return space.holder == Holder::Opaque ? host::to_plain_complex(array)
                                                  : host::to_scalar(std::move(array));
        }
        case Where::Kind::Object: return arena.objects[where.index];
        default: return {};
    }
}

Value Program::value_of(const Arena& arena, std::size_t index, const Where& where) const {
    const Id operand = plan_.operands[index];
    if (operand == no_id) return {};
    if (is_constant(operand)) return graph_->constants[constant_index(operand)];
    if (operand < graph_->inputs) return arena.inputs[operand];
    if (where.kind == Where::Kind::Memory) {
        const Buffer& buffer = plan_.buffers[where.index];
        if (buffer.source == Buffer::Source::Object && buffer.node == operand)
            return arena.objects[buffer.index];
    }
    return object_of(arena, where, graph_->spaces[plan_.operand_spaces[index]]);
}

bool Program::call(Arena& arena, const Call& call) const {
    const Space& space = graph_->spaces[call.space];
    std::vector<Value> values(call.count);
    for (std::uint32_t k = 0; k < call.count; ++k)
        values[k] = value_of(arena, call.operands + k, plan_.places[call.places + k]);
    if (call.layouts) {
        const Extent* layout = graph_->extents.data() + call.layouts - 1;
        for (Value& value : values) {
            const Extent rank = *layout++;
            if (rank) value = host::laid_out(std::move(value), layout);
            layout += rank;
        }
    }
    Object* names = call.kwnames ? graph_->constants[call.kwnames - 1].object() : nullptr;
    // Whole numbers have no infinity that would tell of a division by zero.
    const host::Strict strict(space.dtype > DType::Bool && space.dtype <= DType::IntOther);
    Value result = call.op->kind() == OpKind::Term
                       ? term_value(*call.op, values.data())
                       : host::apply(*call.op, values.data(), values.size(), names, call.form);
    if (host::is_infinite_complex(result)) arena.infinite = true;
    const Where where = plan_.places[call.places + call.count];
    if (where.kind == Where::Kind::Slot) {
        double& slot = arena.slots()[where.index];
        if (result.is_number())
            slot = result.number();
        else if (!host::number_of(result, slot))
            return false;
        return true;
    }
    if (space.holder == Holder::Opaque) {
        if (!result.is_object()) return false;
    } else {
        const View view = host::describe(result);
        const Meta meta = graph_->meta(space);
        if (view.dtype != space.dtype || view.array != meta.array || !same_shape(view, meta))
            return false;
        if (where.kind == Where::Kind::Memory) {
            if (!view.contiguous || !view.usable) {
                Value copy = host::new_array(meta.dtype, meta.shape, meta.rank);
                if (!view.usable) return false;
                copy_out(view.data, view.shape, view.strides, view.rank, native_size(space.dtype),
                         host::describe(copy).data);
                result = std::move(copy);
            }
            arena.bases[where.index] = host::describe(result).data;
        }
    }
    arena.objects[call.result] = std::move(result);
    return true;
}

}  // namespace fastad::program
