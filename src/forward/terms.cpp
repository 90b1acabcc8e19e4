// A cotangent times a derivative on a forward level: what a sweep over a tape of tangents is made
// of. Value and tangent in one pass over memory, by the table's expressions on dual numbers.
#include <algorithm>

#include "forward/tangent.hpp"
#include "kernels/kernels.hpp"
#include "modes.hpp"
#include "reverse/walk.hpp"

namespace fastad {
namespace {

constexpr std::size_t inputs = 8;  // g, x, y and ans, each with its tangent behind it
constexpr double zero = 0.0;

// A loop over these numbers; empty where one of them is none.
Value of_numbers(DualLoop<double> loop, const Value* parts, Value& slope) {
    const double* in[inputs];
    bool weak = true;
    for (std::size_t k = 0; k < inputs; ++k) {
        in[k] = parts[k].empty() ? (k % 2 && !parts[k - 1].empty() ? &zero : nullptr)
                                 : parts[k].number_address();
        if (parts[k].empty()) continue;
        if (!parts[k].is_number()) return {};
        weak = weak && parts[k].kind() != Kind::Strong;
    }
    double out, along;
    if (!loop(1, in, &out, &along)) return {};
    slope = weak ? Value::weak(along) : Value::strong(along);
    return weak ? Value::weak(out) : Value::strong(out);
}

// All arrays of one shape, without a gap, or numbers.
bool lay_flat(const Value* parts, const View& whole, const double** in) {
    const Meta meta{DType::Float64, true, whole.rank, whole.shape};
    for (std::size_t k = 0; k < inputs; ++k) {
        in[k] = nullptr;
        if (parts[k].empty()) continue;
        if (!parts[k].is_object()) return false;
        in[k] =
            static_cast<const double*>(host::flat(parts[k], DType::Float64, meta.shape, meta.rank));
        if (!in[k]) return false;
    }
    return true;
}

Value of_arrays(DualLoop<double> loop, const Value* parts, Value& slope) {
    const View whole = host::describe(parts[0]);
    if (!whole.array || whole.rank == 0 || whole.rank > most_axes || whole.size == 0) return {};
    Operand lanes[inputs + 2];
    const double* flat[inputs];
    const bool straight = whole.contiguous && lay_flat(parts, whole, flat);
    for (std::size_t k = 0; !straight && k < inputs; ++k) {
        if (parts[k].empty()) continue;
        if (!parts[k].is_number() && host::describe(parts[k]).dtype != DType::Float64) return {};
        if (!lay_out(parts[k], whole.shape, whole.rank, lanes[k])) return {};
    }
    static constexpr double zeros[chunk] = {};
    Value out = host::new_array(DType::Float64, whole.shape, whole.rank);
    slope = host::new_array(DType::Float64, whole.shape, whole.rank);
    bool done = true;
    // What is constant has the tangent zero; what the derivative does not read has none.
    auto run = [&](std::size_t n, const double* const* in, double* to, double* along) {
        const double* all[inputs];
        for (std::size_t k = 0; k < inputs; ++k)
            all[k] = in[k] ? in[k] : (k % 2 && in[k - 1] ? zeros : nullptr);
        done = done && loop(n, all, to, along);
    };
    const host::Unlocked unlocked(whole.size);
    if (straight) {
        auto* to = reinterpret_cast<double*>(host::describe(out).data);
        auto* along = reinterpret_cast<double*>(host::describe(slope).data);
        for (std::size_t at = 0; at < whole.size && done; at += chunk) {
            run(std::min(chunk, whole.size - at), flat, to + at, along + at);
            for (const double*& place : flat)
                if (place) place += chunk;
        }
    } else {
        const Meta meta{DType::Float64, true, whole.rank, whole.shape};
        lay_out_target(host::describe(out).data, meta, whole.shape, whole.rank, sizeof(double),
                       lanes[inputs]);
        lay_out_target(host::describe(slope).data, meta, whole.shape, whole.rank, sizeof(double),
                       lanes[inputs + 1]);
        const Operand* list[inputs + 2];
        for (std::size_t k = 0; k < inputs + 2; ++k) list[k] = &lanes[k];
        Walk<inputs + 2> walk(whole.shape, whole.rank, list);
        each_tile<double, inputs, 2>(
            walk,
            [&](std::size_t n, const double* const* in, double* const* to, bool) {
                if (done) run(n, in, to[0], to[1]);
            },
            false);
    }
    return done ? std::move(out) : Value();
}

}  // namespace

bool ForwardLevel::add_into(const Value& present, const Value& more) {
    if (Modes::here(Modes::debugging) || host::references(present.object()) != 1) return false;
    const Traced &own = present.traced(), &other = more.traced();
    if (!own.value.is_object()) return false;
    const View view = host::describe(own.value);
    auto place = [&view](const Value& value) {
        return static_cast<double*>(host::flat(value, DType::Float64, view.shape, view.rank));
    };
    double *to = place(own.value), *along = place(own.attached);
    const double *from = place(other.value), *tangents = place(other.attached);
    if (!to || !along || !from || !tangents || !host::unique(own.value) ||
        !host::unique(own.attached))
        return false;
    const host::Unlocked unlocked(view.size);
    kernels().float64.add(view.size, from, to);
    kernels().float64.add(view.size, tangents, along);
    return true;
}

Value ForwardLevel::term(const Op& term, const Value* values) {
    if (Modes::here(Modes::debugging)) return {};  // each operation is looked at there
    Value parts[inputs];
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        if (values[i].is_box()) {
            const Traced& traced = values[i].traced();
            at = traced.serial;
            parts[2 * i] = traced.value;
            parts[2 * i + 1] = tangent(traced);
        } else {
            parts[2 * i] = values[i];
        }
        if (parts[2 * i].is_box() || parts[2 * i + 1].is_box()) return {};
    }
    const DualLoop<double> loop =
        kernels().float64.dual[static_cast<std::size_t>(term.whole->code)][term.which];
    Value slope;
    Value ans = parts[0].is_number()   ? of_numbers(loop, parts, slope)
                : parts[0].is_object() ? of_arrays(loop, parts, slope)
                                       : Value();
    return ans.empty() ? Value() : box(at, std::move(ans), 0, std::move(slope));
}

}  // namespace fastad
