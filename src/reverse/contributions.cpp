// What one record of the array lane adds to the cotangents of its operands.
#include <algorithm>

#include "kernels/kernels.hpp"
#include "memory/buffer.hpp"
#include "ops/pointwise.hpp"
#include "ops/scratch.hpp"
#include "reverse/adjoint.hpp"
#include "reverse/metas.hpp"
#include "reverse/single.hpp"

namespace fastad {

namespace {

bool all_zero(const Value& g) {
    if (g.is_number()) return g.number() == 0.0;
    const View view = host::describe(g);
    if (!g.is_object() || !view.contiguous || !view.usable || view.dtype != DType::Float64)
        return false;
    const auto* numbers = reinterpret_cast<const double*>(view.data);
    return std::all_of(numbers, numbers + view.size, [](double number) { return number == 0.0; });
}

}  // namespace

void Sweep::record(const Record& record, Value g, const Meta& meta) {
    if (strict_ && record.kind != OpKind::Elementwise && !record.op->structural.bundled &&
        all_zero(g)) {
        const std::uint32_t* operands = tape_.operands(record);
        for (std::size_t k = 0; k < record.count; ++k)
            if (operands[k] != Entry::none && tape_.meta(operands[k]).dtype != DType::Other)
                add_value(operands[k], host::zeros(tape_.meta(operands[k])));
        return;
    }
    switch (record.kind) {
        case OpKind::Elementwise: elementwise(record, std::move(g), meta); break;
        case OpKind::Structural: structural(record, std::move(g), meta); break;
        case OpKind::Pointwise: pointwise(record, g, meta); break;
        default: foreign(record, g, meta); break;
    }
}

Value Sweep::room(const Meta& meta) {
    for (std::size_t i = spare_count_; i-- > 0;)
        if (host::flat(spares_[i], meta.dtype, meta.shape, meta.rank)) {
            Value value = std::move(spares_[i]);
            spares_[i] = std::move(spares_[--spare_count_]);
            return value;
        }
    return host::new_array(meta.dtype, meta.shape, meta.rank);
}

void Sweep::spare(Value value, std::size_t size) {
    // Large arrays go back to the pool instead, which others can draw from.
    constexpr std::size_t largest = std::size_t{64} << 10;  // bytes
    if (spare_count_ == most_spares || !value.is_object()) return;
    if (size * sizeof(double) > largest) return;
    if (host::unique(value)) spares_[spare_count_++] = std::move(value);
}

// The commonest case on its own: everything C-contiguous and of one shape, or a number.
template <class T>
bool Sweep::flat(const Record& record, std::size_t which, std::uint32_t node, Value& g,
                 const Meta& meta, bool last) {
    const Op& op = *record.op;
    const Meta target = tape_.meta(node);
    if (!target.array || !same_shape(target, meta)) return false;
    const T* from = static_cast<const T*>(host::flat(g, meta.dtype, meta.shape, meta.rank));
    if (!from) return false;
    const std::size_t size = meta.size();
    const Elementwise& e = op.elementwise;
    const bool reached = slots_[node] != untouched;
    if (!reached && e.one(which)) {
        hold(node, g);
        return true;
    }
    constexpr std::size_t few = 256;
    T numbers[3][few];
    const T* lanes[3] = {nullptr, nullptr, nullptr};
    bool one_for_all[3] = {false, false, false}, in_parts = false;
    const Value* kept = tape_.kept(record);
    const std::size_t places[3] = {0, 1, op.arity};
    for (std::size_t k = 0; k < 3; ++k) {
        if (!(e.uses[which] >> k & 1u)) continue;
        const Value& value = kept[places[k]];
        if (value.is_number()) {
            std::fill_n(numbers[k], std::min(size, few), static_cast<T>(value.number()));
            lanes[k] = numbers[k];
            one_for_all[k] = size > few;
            in_parts = in_parts || one_for_all[k];
        } else {
            lanes[k] = static_cast<const T*>(host::flat(value, meta.dtype, meta.shape, meta.rank));
            if (!lanes[k]) return false;
        }
    }
    const AdjointLoop<T> loop =
        kernels().loops<T>().adjoint[static_cast<std::size_t>(op.code)][which];
    auto run = [&](T* data, bool accumulate) {
        const host::Unlocked unlocked(size);
        if (!in_parts) return loop(size, from, lanes[0], lanes[1], lanes[2], data, accumulate);
        for (std::size_t at = 0; at < size; at += few) {
            const auto part = [&](std::size_t k) {
                return !lanes[k] || one_for_all[k] ? lanes[k] : lanes[k] + at;
            };
            loop(std::min(few, size - at), from + at, part(0), part(1), part(2), data + at,
                 accumulate);
        }
    };
    if (reached) {
        Value* present = writable(node);
        if (!present) return false;
        auto* data = static_cast<T*>(host::flat(*present, meta.dtype, meta.shape, meta.rank));
        if (!data) return false;
        run(data, true);
        return true;
    }
    if (last && host::unique(g)) {
        run(const_cast<T*>(from), false);  // this node's own cotangent is not needed any more
        hold(node, std::move(g));
        return true;
    }
    Value fresh = room(target);
    run(static_cast<T*>(host::flat(fresh, meta.dtype, meta.shape, meta.rank)), false);
    hold(node, std::move(fresh));
    return true;
}

// The fused path: g, the kept operands and the target all plain memory of type T.
template <class T>
bool Sweep::fused(const Record& record, std::size_t which, std::uint32_t node, Value& g,
                  const Meta& meta, bool last) {
    const Op& op = *record.op;
    const Value* kept = tape_.kept(record);
    const Meta target = tape_.meta(node);
    const std::uint8_t uses = op.elementwise.uses[which];
    Operand lanes[4];
    if (!lay_out(g, meta.shape, meta.rank, lanes[0])) return false;
    const Value* read[3] = {uses & reads_x ? &kept[0] : nullptr,
                            uses & reads_y ? &kept[1] : nullptr,
                            uses & reads_ans ? &kept[op.arity] : nullptr};
    for (std::size_t k = 0; k < 3; ++k) {
        if (!read[k]) continue;
        if (read[k]->is_box() || !lay_out(*read[k], meta.shape, meta.rank, lanes[k + 1]))
            return false;
        // A wider constant makes NumPy compute in the wider type.
        if (dtype_for<T> != DType::Float64 && lanes[k + 1].dtype != dtype_for<T> &&
            !read[k]->is_number())
            return false;
    }

    Operand out;
    auto run = [&](char* data, bool accumulate) {
        lay_out_target(data, target, meta.shape, meta.rank, sizeof(T), out);
        const host::Unlocked unlocked(meta.size());
        elementwise_adjoint<T>(op.code, which, meta.shape, meta.rank, lanes[0], lanes[1], lanes[2],
                               lanes[3], out, accumulate);
    };

    if (!target.array) {
        // A scalar operand: the sum over all elements. float64 goes to the scalar lane.
        if (dtype_for<T> != DType::Float64) return false;
        double total = 0.0;
        run(reinterpret_cast<char*>(&total), true);
        add_number(node, total);
        return true;
    }
    const bool equal = same_shape(target, meta);

    if (slots_[node] != untouched) {
        if (const Value* present = writable(node)) {
            const View view = host::describe(*present);
            if (view.contiguous && view.usable && same_shape(target, view) &&
                view.dtype == target.dtype) {
                run(view.data, true);
                return true;
            }
        }
    } else if (equal && op.elementwise.one(which)) {
        hold(node, g);
        return true;
    }
    if (equal && last && g.is_object()) {
        const View view = host::describe(g);
        if (view.contiguous && view.array && view.dtype == target.dtype && host::unique(g)) {
            run(view.data, false);  // this node's own cotangent is not needed any more: reuse it
            add_value(node, std::move(g));
            return true;
        }
    }
    Value fresh = room(target);
    const View view = host::describe(fresh);
    if (!equal) __builtin_memset(view.data, 0, view.size * sizeof(T));
    run(view.data, !equal);
    add_value(node, std::move(fresh));
    return true;
}

void Sweep::elementwise(const Record& record, Value g, const Meta& meta) {
    const Op& op = *record.op;
    const std::uint32_t* operands = tape_.operands(record);
    std::size_t last = 0;
    for (std::size_t k = 0; k < op.arity; ++k)
        if (operands[k] != Entry::none) last = k;
    for (std::size_t k = 0; k <= last; ++k) {
        const std::uint32_t node = operands[k];
        if (node == Entry::none) continue;
        const DType dtype = tape_.meta(node).dtype;
        if (!strict_ && !g.is_box() && meta.array && dtype == meta.dtype) {
            if (dtype == DType::Float64 && flat<double>(record, k, node, g, meta, k == last))
                continue;
            if (dtype == DType::Float32 && flat<float>(record, k, node, g, meta, k == last))
                continue;
            if (dtype == DType::Float64 && fused<double>(record, k, node, g, meta, k == last))
                continue;
            if (dtype == DType::Float32 && fused<float>(record, k, node, g, meta, k == last))
                continue;
        }
        const Elementwise& e = op.elementwise;
        const Value* kept = tape_.kept(record);
        const Value none;
        const Value& y = op.arity == 2 ? kept[1] : none;
        const Value contribution =
            strict_ && !e.constant[k]
                ? strict_term(op, elementwise_rule(op, k, kept[0], y, kept[op.arity], meta.dtype),
                              g)
                : elementwise_term(op, k, kept[0], y, kept[op.arity], meta.dtype, g);
        add_value(node, fit(contribution, tape_.meta(node)));
    }
    spare(std::move(g), meta.size());
}

// The block's own adjoint of plain memory, into what this node has got already or into a new array.
bool Sweep::in_place(const Call& call, std::size_t argnum, std::uint32_t node, const Value& g) {
    const Meta& target = call.meta(argnum);
    if (!target.array || g.is_box() || call.ans().is_box()) return false;
    for (std::size_t i = 0; i < call.count(); ++i)
        if (call.arg(i).is_box()) return false;
    if (const Value* present = writable(node))
        if (call.op.structural.adjoint(call, argnum, g, *present, true)) return true;
    Value fresh = room(target);
    if (!call.op.structural.adjoint(call, argnum, g, fresh, false)) {
        spare(std::move(fresh), target.size());
        return false;
    }
    add_value(node, std::move(fresh));
    return true;
}

void Sweep::structural(const Record& record, Value g, const Meta& meta) {
    const Op& op = *record.op;
    const std::uint32_t* operands = tape_.operands(record);
    const Value* kept = tape_.kept(record);
    if (op.structural.bundled) {
        const std::uint32_t whole = operands[0];
        if (slots_[whole] == untouched) hold(whole, Value());
        std::vector<Value>& parts = bundles_[whole];
        const auto position = static_cast<std::size_t>(kept[1].number());
        if (parts.size() <= position) parts.resize(position + 1);
        parts[position] = std::move(g);
        return;
    }
    if (const std::size_t at = op.structural.scatters) {
        const Value& index = kept[at];
        const std::uint32_t parent = operands[0];
        const Meta target = tape_.meta(parent);
        const bool plain =
            target.dtype == meta.dtype && target.dtype != DType::Other && target.array;
        if (plain && !g.is_box() && !index.is_box()) {
            // Scattered into the parent's own adjoint: no zero array of the parent's size is made
            // but one.
            if (slots_[parent] == untouched) {
                hold(parent, host::scattered(target, index, g));
                return spare(std::move(g), meta.size());
            }
            if (!writable(parent)) {
                if (!held(parent).is_box() && !held(parent).empty())
                    add_value(parent, host::zeros(target));
            }
            if (const Value* whole = writable(parent)) {
                host::add_at(*whole, index, g);
                return spare(std::move(g), meta.size());
            }
        } else if (target.rank == 1 && index.kind() == Kind::Integer && target.array) {
            const double position = index.number();
            if (slots_[parent] == untouched) hold(parent, Value());
            Pending& pending = pending_[parent];
            pending.offsets.push_back(
                static_cast<Extent>(position < 0 ? position + double(target.shape[0]) : position));
            pending.values.push_back(g);
            return;
        }
    }
    Scratch<Meta> metas(record.count);
    metas_of(tape_, record, metas.data());
    const Call call(op, kept, metas.data(), record.count, &kept[record.count], meta);
    for (std::size_t k = 0; k < record.count; ++k) {
        if (operands[k] == Entry::none) continue;
        if (op.structural.adjoint && in_place(call, k, operands[k], g)) continue;
        Value contribution = op.structural.vjp(call, k, g);
        if (contribution.empty()) continue;
        const Meta target = tape_.meta(operands[k]);
        contribution = fit(contribution, target);
        add_value(operands[k], std::move(contribution));
    }
}

void Sweep::foreign(const Record& record, const Value& g, const Meta& meta) {
    const std::uint32_t* operands = tape_.operands(record);
    for (std::size_t k = 0; k < record.count; ++k) {
        const Value contribution =
            sweep_result(host::call_vjp(*record.op, tape_.kept(record)[0], k, g));
        if (contribution.empty()) continue;
        const Meta target = tape_.meta(operands[k]);
        check_cotangent(*record.op, tape_.kept(record)[0], k, contribution, target, meta);
        add_value(operands[k], fit(contribution, target));
    }
}

// g times a partial derivative, an array of the same shape that nobody else holds.
template <class T>
bool Sweep::product(std::uint32_t node, const Value& g, Value& partial, const Meta& meta) {
    const Meta target = tape_.meta(node);
    Operand from, by, out;
    if (target.dtype != meta.dtype || !same_shape(target, meta) || !target.array ||
        !lay_out(g, meta.shape, meta.rank, from) || (from.dtype != meta.dtype && !g.is_number()) ||
        !lay_out(partial, meta.shape, meta.rank, by))
        return false;
    auto run = [&](void* data, bool accumulate) {
        lay_out_target(static_cast<char*>(data), target, meta.shape, meta.rank, sizeof(T), out);
        const host::Unlocked unlocked(meta.size());
        elementwise_adjoint<T>(operation(Code::multiply).code, 0, meta.shape, meta.rank, from, {},
                               by, {}, out, accumulate);
    };
    if (slots_[node] != untouched)
        if (const Value* present = writable(node))
            if (void* data = host::flat(*present, target.dtype, target.shape, target.rank)) {
                run(data, true);
                spare(std::move(partial), meta.size());
                return true;
            }
    run(host::flat(partial, meta.dtype, meta.shape, meta.rank), false);
    add_value(node, std::move(partial));
    return true;
}

// By the formulas of the partial derivatives; by the registered rules where they do not hold, or
// where the cotangent is a box.
void Sweep::pointwise(const Record& record, const Value& g, const Meta& meta) {
    const Op& op = *record.op;
    const std::uint32_t* operands = tape_.operands(record);
    const Value* kept = tape_.kept(record);
    for (std::size_t k = 0; k < record.count; ++k) {
        const std::uint32_t node = operands[k];
        if (node == Entry::none) continue;
        const Meta target = tape_.meta(node);
        if (host::along_axes(op)) {
            Value term = pointwise::cotangent(op, kept, record.count, g, target, room(target));
            if (!term.empty()) {
                add_value(node, std::move(term));
                continue;
            }
        } else if (!g.is_box()) {
            Value partial = pointwise::partial(op, k, kept, record.count, meta,
                                               meta.array ? room(meta) : Value());
            if (!partial.empty()) {
                if (meta.dtype == DType::Float64 && product<double>(node, g, partial, meta))
                    continue;
                if (meta.dtype == DType::Float32 && product<float>(node, g, partial, meta))
                    continue;
                add_value(node, fit(apply(Code::multiply, g, partial), target));
                continue;
            }
        }
        const Value vjp = host::make_vjps(op, {k}, kept[record.count], kept, record.count, nullptr);
        const Value contribution = sweep_result(host::call_vjp(op, vjp, 0, g));
        if (contribution.empty()) continue;
        check_cotangent(op, vjp, 0, contribution, target, meta);
        add_value(node, fit(contribution, target));
    }
}

void check_cotangent(const Op& op, const Value& vjps, std::size_t which, const Value& cotangent,
                     const Meta& target, const Meta& ans) {
    const Meta own = meta_of(cotangent);
    // Of the result's shape is right for an operand that was broadcast to it.
    auto spreads = [&own, &target] {
        if (target.rank > own.rank) return false;
        for (int axis = 0; axis < target.rank; ++axis) {
            const Extent length = target.shape[axis];
            if (length != 1 && length != own.shape[axis + own.rank - target.rank]) return false;
        }
        return true;
    };
    const bool numeric = own.dtype != DType::Other || target.dtype == DType::Other;
    if (!numeric || !(same_shape(own, target) || (same_shape(own, ans) && spreads())))
        host::wrong_cotangent(op, vjps, which, cotangent, target);
}

}  // namespace fastad
