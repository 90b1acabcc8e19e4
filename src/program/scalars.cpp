// Scalar instructions: one tight loop for each run.
#include <algorithm>

#include "host/programs.hpp"
#include "ops/expressions.hpp"
#include "program/arena.hpp"

namespace fastad::program {

namespace {

constexpr std::size_t batch = 256;
// Up to here the C library's functions, made for one number, are nearer than a loop of the kernels.
constexpr std::uint32_t few = 3;

template <class T>
double as_number(T value) {
    return value;
}
double as_number(bool value) { return value ? 1.0 : 0.0; }

double multiply_add(double x, double y, double z) { return x * y + z; }
double multiply_subtract(double x, double y, double z) { return x * y - z; }
double subtract_multiply(double x, double y, double z) { return z - x * y; }
double select(double x, double y, double z) { return x != 0.0 ? y : z; }

// A run's results are no operands of it: the next ones can be fetched meanwhile.
template <Code code>
void elementwise(const Run& run, const std::uint32_t* words, double* slots) {
    if (run.moves) {
        constexpr bool two = Rule<code>::arity == 2;
        const Spread spread = !two || run.moves == 3 ? Spread::Neither
                              : run.moves == 2       ? Spread::X
                                                     : Spread::Y;
        const double* x = slots + words[0];
        kernels().float64.value[static_cast<std::size_t>(code)][static_cast<std::size_t>(spread)](
            run.count, x, two ? slots + words[1] : nullptr, slots + run.out);
        return;
    }
    const std::uint32_t* x = words;
    const std::uint32_t* y = Rule<code>::arity == 2 ? words + run.count : words;
    double* out = slots + run.out;
    for (std::uint32_t i = 0; i < run.count; ++i)
        out[i] = as_number(Rule<code>::value(slots[x[i]], slots[y[i]]));
}

// Operands that go on to the next slot, and others that stay.
template <double (*function)(double, double, double), int moves>
void side_by_side(std::uint32_t count, const double* __restrict x, const double* __restrict y,
                  const double* __restrict z, double* __restrict out) {
    const double one_x = *x, one_y = *y, one_z = *z;
    for (std::uint32_t i = 0; i < count; ++i)
        out[i] =
            function(moves & 1 ? x[i] : one_x, moves & 2 ? y[i] : one_y, moves & 4 ? z[i] : one_z);
}

template <double (*function)(double, double, double)>
void ternary(const Run& run, const std::uint32_t* words, double* slots) {
    const auto along = [&]<int moves>(std::integral_constant<int, moves>) {
        side_by_side<function, moves>(run.count, slots + words[0], slots + words[1],
                                      slots + words[2], slots + run.out);
    };
    switch (run.moves) {
        case 0: break;
        case 1: return along(std::integral_constant<int, 1>());
        case 2: return along(std::integral_constant<int, 2>());
        case 3: return along(std::integral_constant<int, 3>());
        case 4: return along(std::integral_constant<int, 4>());
        case 5: return along(std::integral_constant<int, 5>());
        case 6: return along(std::integral_constant<int, 6>());
        default: return along(std::integral_constant<int, 7>());
    }
    const std::uint32_t* x = words;
    const std::uint32_t* y = words + run.count;
    const std::uint32_t* z = y + run.count;
    double* out = slots + run.out;
    for (std::uint32_t i = 0; i < run.count; ++i)
        out[i] = function(slots[x[i]], slots[y[i]], slots[z[i]]);
}

void chain(const Run& run, const std::uint32_t* words, double* slots) {
    double* out = slots + run.out;
    for (std::uint32_t i = 0; i < run.count; ++i, words += 4) {
        const double x = slots[words[1]], y = slots[words[2]], z = slots[words[3]];
        switch (static_cast<RunKind>(words[0])) {
#define SCALAR(NAME) \
    case RunKind::NAME: out[i] = as_number(Rule<Code::NAME>::value(x, y)); break;
#include "program/scalars.def"
#undef SCALAR
            case RunKind::MultiplyAdd: out[i] = multiply_add(x, y, z); break;
            case RunKind::MultiplySubtract: out[i] = multiply_subtract(x, y, z); break;
            case RunKind::SubtractMultiply: out[i] = subtract_multiply(x, y, z); break;
            default: out[i] = select(x, y, z); break;
        }
    }
}

template <double (*next)(double, double, double)>
void running(const Run& run, const std::uint32_t* words, double* slots) {
    constexpr bool product = next == multiply_add || next == subtract_multiply;
    double* out = slots + run.out;
    double last = slots[words[product ? 3 : 1]];
    for (std::uint32_t i = 0; i < run.count; ++i, words += 4) {
        last = next(product ? slots[words[1]] : last, slots[words[2]], last);
        out[i] = last;
    }
}
double running_add(double x, double y, double) { return x + y; }
double running_subtract(double x, double y, double) { return x - y; }

// A function of one operand, and beside it its twin, through a loop of the kernels.
void both(const Run& run, const std::uint32_t* words, double* slots) {
    const auto loop = kernels().float64.both[static_cast<std::size_t>(run.code)];
    double* out = slots + run.out;
    double* beside = out + run.count;
    if (run.count < few) {
        const Elementwise& own = operation(run.code).elementwise;
        for (std::uint32_t i = 0; i < run.count; ++i) {
            const double x = slots[words[i]];
            out[i] = own.value(x, 0.0);
            beside[i] = own.twin->elementwise.value(x, 0.0);
        }
        return;
    }
    if (run.moves) return loop(run.count, slots + words[0], out, beside);
    double x[batch];
    for (std::size_t start = 0; start < run.count; start += batch) {
        const std::size_t count = std::min<std::size_t>(batch, run.count - start);
        for (std::size_t i = 0; i < count; ++i) x[i] = slots[words[start + i]];
        loop(count, x, out + start, beside + start);
    }
}

// Through a loop of the kernels.
void batched(const Run& run, const std::uint32_t* words, double* slots) {
    const bool two = run.kind == RunKind::Binary;
    if (run.count < few) {
        const auto value = operation(run.code).elementwise.value;
        for (std::uint32_t i = 0; i < run.count; ++i)
            slots[run.out + i] = value(slots[words[i]], two ? slots[words[run.count + i]] : 0.0);
        return;
    }
    double x[batch], y[batch];
    const ValueLoop<double> loop = kernels().float64.value[static_cast<std::size_t>(run.code)][0];
    if (run.moves) return loop(run.count, slots + words[0], nullptr, slots + run.out);
    for (std::size_t start = 0; start < run.count; start += batch) {
        const std::size_t count = std::min<std::size_t>(batch, run.count - start);
        for (std::size_t i = 0; i < count; ++i) x[i] = slots[words[start + i]];
        if (two)
            for (std::size_t i = 0; i < count; ++i) y[i] = slots[words[run.count + start + i]];
        loop(count, x, y, slots + run.out + start);
    }
}

double read_number(const Arena& arena, const Where& where, DType dtype) {
    const char* place = arena.place(where);
    switch (dtype) {
#define READABLE(NAME, TYPE) \
    case DType::NAME: return static_cast<double>(*reinterpret_cast<const TYPE*>(place));
#include "ops/dtypes.def"
        default: return 0.0;
    }
}

std::uint32_t guards(const Plan& plan, const Graph& graph, const Run& run,
                     const std::uint32_t* words, const Arena& arena, std::uint32_t failed) {
    for (std::uint32_t i = 0; i < run.count; ++i) {
        const Guard& guard = plan.guards[words[i]];
        const Where& where = plan.guard_places[words[i]];
        double number = 0.0;
        switch (where.kind) {
            case Where::Kind::Slot: number = arena.slots()[where.index]; break;
            case Where::Kind::Memory:
                number = read_number(arena, where, plan.guard_dtypes[words[i]]);
                break;
            default:
                if (!host::number_of(where.kind == Where::Kind::Object && guard.node < graph.inputs
                                         ? arena.inputs[guard.node]
                                         : arena.objects[where.index],
                                     number))
                    return std::min(failed, words[i]);
        }
        const double answer = guard.exact ? number : (number != 0.0 ? 1.0 : 0.0);
        if (answer != guard.expected) failed = std::min(failed, words[i]);
    }
    return failed;
}

}  // namespace

std::uint32_t run_scalars(const Plan& plan, const Graph& graph, const Step& step, Arena& arena,
                          std::uint32_t failed) {
    double* slots = arena.slots();
    const Run* end = plan.runs.data() + step.first + step.count;
    for (const Run* run = plan.runs.data() + step.first; run != end; ++run) {
        const std::uint32_t* words = plan.words.data() + run->first;
        switch (run->kind) {
#define SCALAR(NAME) \
    case RunKind::NAME: elementwise<Code::NAME>(*run, words, slots); break;
#include "program/scalars.def"
#undef SCALAR
            case RunKind::MultiplyAdd: ternary<multiply_add>(*run, words, slots); break;
            case RunKind::MultiplySubtract: ternary<multiply_subtract>(*run, words, slots); break;
            case RunKind::SubtractMultiply: ternary<subtract_multiply>(*run, words, slots); break;
            case RunKind::Select: ternary<select>(*run, words, slots); break;
            case RunKind::Load: {
                const char* base = arena.bases[words[0]];
                double* out = slots + run->out;
                for (std::uint32_t i = 0; i < run->count; ++i) {
                    const std::uint64_t offset =
                        words[2 * i + 1] | static_cast<std::uint64_t>(words[2 * i + 2]) << 32;
                    out[i] = *reinterpret_cast<const double*>(base + static_cast<Extent>(offset));
                }
                break;
            }
            case RunKind::Both: both(*run, words, slots); break;
            case RunKind::Chain: chain(*run, words, slots); break;
            case RunKind::RunningAdd: running<running_add>(*run, words, slots); break;
            case RunKind::RunningSubtract: running<running_subtract>(*run, words, slots); break;
            case RunKind::RunningMultiplyAdd: running<multiply_add>(*run, words, slots); break;
            case RunKind::RunningSubtractMultiply:
                running<subtract_multiply>(*run, words, slots);
                break;
            case RunKind::Guard: failed = guards(plan, graph, *run, words, arena, failed); break;
            default: batched(*run, words, slots);
        }
    }
    return failed;
}

}  // namespace fastad::program
