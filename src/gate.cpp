// The gate: one function that every operation passes, on values of any level.
#include "ops/op.hpp"
#include "reverse/tape.hpp"

namespace fastad {

namespace {

constexpr std::size_t inline_values = 4;

// Room for the operands of one application; on the stack unless there are many.
template <class T>
class Scratch {
  public:
    explicit Scratch(std::size_t count) {
        if (count > inline_values) {
            heap_.resize(count);
            data_ = heap_.data();
        } else {
            data_ = stack_;
        }
    }
    T* data() noexcept { return data_; }
    T& operator[](std::size_t i) noexcept { return data_[i]; }

  private:
    T stack_[inline_values]{};
    std::vector<T> heap_;
    T* data_;
};

[[noreturn]] void ended(const Op& op) {
    throw Error(
        Error::Class::Value,
        op.name +
            ": an argument is a box whose trace has ended; do not keep traced values after the "
            "function under grad returns (return them, or use fastad.getval inside)");
}

Value innermost_apply(const Op& op, const Value* values, std::size_t count, Object* kwnames) {
    Scratch<Value> raw(count);
    for (std::size_t i = 0; i < count; ++i) raw[i] = innermost(values[i]);
    return host::apply(op, raw.data(), count, kwnames);
}

// A constant exponent of two is common and its rule much cheaper; the value is still the
// operation's own.
const Op& recorded_op(const Op& op, const Value* inner, bool exponent_traced) {
    if ((op.code == Code::power || op.code == Code::float_power) && !exponent_traced &&
        inner[1].is_number() && inner[1].number() == 2.0)
        return operation(Code::square);
    return op;
}

// An argument such as an index or a condition: piecewise constant, so its derivative is zero.
bool discrete(const Op& op, std::size_t i) noexcept {
    return op.kind == OpKind::Structural && i < 31 && !(op.structural.differentiable >> i & 1u);
}

// The operation itself may have run the host's code, or let other threads run: the tape may have
// ended meanwhile, or begun another trace.
void recording(const Tape& tape, std::uint64_t top, const Op& op) {
    if (tape.serial != top) ended(op);
}

// The record of a registered primitive: its vjps, and the traced operands in their order.
std::uint32_t push_foreign(Tape& tape, std::uint64_t top, const Op& op, const Value* inner,
                           const std::uint32_t* operands, std::size_t count, const Value& ans,
                           bool several, Object* kwnames) {
    std::vector<std::size_t> argnums;
    for (std::size_t k = 0; k < count; ++k)
        if (operands[k] != Entry::none) argnums.push_back(k);
    std::vector<std::uint32_t> traced;
    for (const std::size_t argnum : argnums) traced.push_back(operands[argnum]);
    std::vector<Value> kept(argnums.size() + 1);
    kept[0] = host::make_vjps(op, argnums, ans, inner, count, kwnames);
    recording(tape, top, op);
    Meta meta;  // after the user's code has run, which may reshape its result
    if (several)
        meta.dtype = DType::Other;
    else
        meta = meta_of(ans);
    return tape.push_record(op, traced.data(), traced.size(), kept.data(), meta);
}

// Several results: one record for the primitive, and one for each part that can be differentiated.
Value push_tuple(Tape& tape, std::uint64_t top, const Op& op, const Value* inner,
                 const std::uint32_t* operands, std::size_t count, const Value& ans,
                 Object* kwnames) {
    const std::uint32_t whole =
        push_foreign(tape, top, op, inner, operands, count, ans, true, kwnames);
    std::vector<Value> items = host::tuple_items(ans);
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (items[i].empty() || !host::differentiable(innermost(items[i]))) continue;
        const std::uint32_t from[2] = {whole, Entry::none};
        Value kept[3] = {Value(), Value::integer(static_cast<double>(i)), Value()};
        Traced traced;
        traced.level = &tape;
        traced.serial = top;
        recording(tape, top, op);
        traced.index = tape.push_record(operation(Code::part), from, 2, kept, meta_of(items[i]));
        traced.value = std::move(items[i]);
        items[i] = Value::take_box(host::new_box(std::move(traced)));
    }
    return host::tuple_like(ans, std::move(items));
}

Value push(Tape& tape, std::uint64_t top, const Op& op, const Value* inner,
           const std::uint32_t* operands, std::size_t count, Value ans, Object* kwnames) {
    recording(tape, top, op);
    Traced traced;
    traced.level = &tape;
    traced.serial = top;

    if (op.kind == OpKind::Elementwise && ans.is_float() && inner[0].is_number() &&
        (count == 1 || inner[1].is_number())) {
        // Partials may be stored only where all operands are raw numbers one level down: over a box
        // of an outer level they would be constants to it, and its derivative silently lost.
        const Op& rule = recorded_op(op, inner, count == 2 && operands[1] != Entry::none);
        const double x = inner[0].number();
        const double y = count == 2 ? inner[1].number() : 0.0;
        double partial[2] = {0.0, 0.0};
        for (std::size_t k = 0; k < count; ++k)
            if (operands[k] != Entry::none)
                partial[k] = rule.elementwise.partial[k](x, y, ans.number());
        traced.index = tape.push_scalar(op.code, operands[0], partial[0],
                                        count == 2 ? operands[1] : Entry::none, partial[1]);
        traced.value = std::move(ans);
        return Value::take_box(host::new_box(std::move(traced)));
    }

    if (op.kind == OpKind::Foreign) {
        if (host::is_tuple(ans))
            return push_tuple(tape, top, op, inner, operands, count, ans, kwnames);
        host::check_result(op, innermost(ans));
    }
    const Meta meta = meta_of(ans);
    if (op.kind == OpKind::Elementwise) {
        const Op& rule = recorded_op(op, inner, count == 2 && operands[1] != Entry::none);
        std::uint8_t reads = 0;
        for (std::size_t k = 0; k < rule.arity; ++k)
            if (operands[k] != Entry::none) reads |= rule.elementwise.uses[k];
        Value kept[3];
        if (reads & reads_x) kept[0] = inner[0];
        if (rule.arity == 2 && (reads & reads_y)) kept[1] = inner[1];
        if (reads & reads_ans) kept[rule.arity] = ans;
        traced.index = tape.push_record(rule, operands, rule.arity, kept, meta);
    } else if (op.kind == OpKind::Structural) {
        Scratch<Value> kept(count + 1);
        const std::uint32_t keeps = op.structural.keeps;
        for (std::size_t k = 0; k < count; ++k)
            if (operands[k] == Entry::none || (k < 31 && (keeps >> k & 1u)) ||
                (op.structural.bilinear && k < 2 && operands[1 - k] != Entry::none))
                kept[k] = inner[k];
        if (keeps & Structural::ans) kept[count] = ans;
        traced.index = tape.push_record(op, operands, count, kept.data(), meta);
    } else {
        traced.index = push_foreign(tape, top, op, inner, operands, count, ans, false, kwnames);
    }
    traced.value = std::move(ans);
    return Value::take_box(host::new_box(std::move(traced)));
}

// As push() under a debug mode.
Value push_audited(Tape& tape, std::uint64_t top, const Op& op, const Value* inner,
                   const std::uint32_t* operands, std::size_t count, Value ans, Object* kwnames) {
    check_value(op, inner, count, ans);
    recording(tape, top, op);
    const std::uint32_t first = tape.size();
    Value result = push(tape, top, op, inner, operands, count, ans, kwnames);
    if (tape.serial == top && tape.size() > first)
        tape.audited().recorded(tape, first, op, inner, operands, count, ans);
    return result;
}

// A 0-d array where the target is one, a scalar where it is one.
Value of_kind(Value value, const Meta& target) {
    if (target.rank != 0 || meta_of(value).array == target.array) return value;
    if (target.array) return apply(Code::copy, value);  // numpy.copy makes an array of a scalar
    return apply(Code::getitem, value, host::integers(nullptr, 0));
}

// The tangent as a tangent of ans: broadcast to its shape, of its dtype, real where ans is real.
Value conform(const Value& tangent, const Value& ans) {
    const Meta target = meta_of(ans);
    const Meta own = meta_of(tangent);
    Value result = tangent;
    if (is_complex(own.dtype) && !is_complex(target.dtype)) result = apply(Code::real, result);
    if (!same_shape(own, target)) result = shaped::broadcast(result, target);
    const DType dtype = cotangent_dtype(target.dtype);
    if (dtype != DType::Other && meta_of(result).dtype != dtype)
        result = apply(Code::astype, result, host::dtype_object(dtype));
    return of_kind(std::move(result), target);
}

Value tangent_of(const Op& op, const Value* inner, const Value* tangents, std::size_t count,
                 const Value& ans, Object* kwnames) {
    Value total;
    auto add = [&](Value term) {
        if (term.empty()) return;
        term = conform(term, ans);
        total = total.empty() ? std::move(term) : apply(Code::add, total, term);
    };
    if (op.kind == OpKind::Elementwise) {
        const Op& rule = recorded_op(op, inner, count == 2 && !tangents[1].empty());
        const Value none;
        for (std::size_t k = 0; k < rule.arity; ++k) {
            if (tangents[k].empty()) continue;
            const Elementwise& e = rule.elementwise;
            if (e.constant[k]) {
                if (e.coefficient[k] == 1.0)
                    add(tangents[k]);
                else if (e.coefficient[k] == -1.0)
                    add(apply(Code::negative, tangents[k]));
                else
                    add(apply(Code::multiply, tangents[k], Value::weak(e.coefficient[k])));
            } else {
                add(apply(Code::multiply, tangents[k],
                          e.rule[k](inner[0], rule.arity == 2 ? inner[1] : none, ans)));
            }
        }
    } else if (op.kind == OpKind::Structural) {
        Scratch<Meta> metas(count);
        for (std::size_t k = 0; k < count; ++k)
            if (k >= 31 || (op.structural.differentiable >> k & 1u)) metas[k] = meta_of(inner[k]);
        const Call call(op, inner, metas.data(), count, &ans, meta_of(ans));
        if (op.structural.jvp_joint) {
            bool any = false;
            for (std::size_t k = 0; k < count; ++k) any = any || !tangents[k].empty();
            if (any) add(op.structural.jvp_joint(call, tangents));
            return total;
        }
        for (std::size_t k = 0; k < count; ++k)
            if (!tangents[k].empty()) add(op.structural.jvp(call, k, tangents[k]));
    } else {
        for (std::size_t k = 0; k < count; ++k)
            if (!tangents[k].empty())
                add(host::call_jvp(op, k, tangents[k], ans, inner, count, kwnames));
    }
    return total;
}

Value forward_tuple(Level* level, std::uint64_t serial, const Op& op, const Value* inner,
                    const Value* tangents, std::size_t count, const Value& ans, Object* kwnames) {
    std::vector<Value> items = host::tuple_items(ans);
    std::vector<Value> totals(items.size());
    for (std::size_t k = 0; k < count; ++k) {
        if (tangents[k].empty()) continue;
        const Value term = host::call_jvp(op, k, tangents[k], ans, inner, count, kwnames);
        if (term.empty()) continue;
        const std::vector<Value> parts = host::tuple_items(term);
        if (parts.size() != items.size())
            throw Error(Error::Class::Value, op.name + ": its jvp returned " +
                                                 std::to_string(parts.size()) + " tangents for " +
                                                 std::to_string(items.size()) + " results");
        for (std::size_t i = 0; i < parts.size(); ++i) {
            if (parts[i].empty() || items[i].empty()) continue;
            const Value part = conform(parts[i], items[i]);
            totals[i] = totals[i].empty() ? part : apply(Code::add, totals[i], part);
        }
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (totals[i].empty()) continue;
        Traced traced;
        traced.level = level;
        traced.serial = serial;
        traced.value = std::move(items[i]);
        traced.tangent = std::move(totals[i]);
        items[i] = Value::take_box(host::new_box(std::move(traced)));
    }
    return host::tuple_like(ans, std::move(items));
}

// A registered function must not see boxes of the level that records it: what it makes of them is
// recorded already, and its rules know nothing of it.
void reject_live_box(const Op& op, const Value& result, std::uint64_t top) {
    if (result.is_box() && result.traced().alive() && result.traced().serial >= top)
        throw Error(
            Error::Class::Type,
            op.name +
                ": its function saw a traced value of the level that records it, from outside "
                "or inside an argument without a rule; pass that value as an argument of its "
                "own, and give it a rule");
}

// The operation one level down; a container as its result is for the host to take apart.
Value value_of(const Op& op, const Value* inner, std::size_t count, Object* kwnames,
               std::uint64_t top) {
    Value ans = apply(op, inner, count, kwnames);
    if (op.kind != OpKind::Foreign) return ans;
    if (host::has_parts(op, ans)) throw HasParts{std::move(ans)};
    if (host::is_tuple(ans))
        for (const Value& item : host::tuple_items(ans)) reject_live_box(op, item, top);
    else
        reject_live_box(op, ans, top);
    return ans;
}

bool being_swept(const Traced& traced) noexcept {
    return traced.level && traced.level->mode == Mode::Reverse &&
           static_cast<const Tape*>(traced.level)->sweeping(traced.serial);
}

// A box of the tape that is swept just now, or in lenient programs of one that has ended, is a
// constant, one level down. The result is a box of that tape again, which nothing is recorded for,
// so that a rule that takes the value out of it, as one level, takes out that level; sweep_result()
// does so for the others.
Value apply_to_constants(const Op& op, const Value* values, std::size_t count, Object* kwnames,
                         std::uint64_t top) {
    std::vector<Value> constants(values, values + count);
    Level* level = nullptr;
    for (Value& value : constants)
        if (value.is_box() && value.traced().serial == top) {
            level = value.traced().level;
            value = Value(value.traced().value);
        }
    Value result = apply(op, constants.data(), count, kwnames);
    if (op.kind == OpKind::Zero || op.kind == OpKind::Test) return result;
    auto boxed = [level, top](Value value) {
        if (value.empty() || !host::differentiable(innermost(value))) return value;
        Traced traced;
        traced.level = level;
        traced.serial = top;
        traced.value = std::move(value);
        return Value::take_box(host::new_box(std::move(traced)));
    };
    if (!host::is_tuple(result)) return boxed(std::move(result));
    std::vector<Value> items = host::tuple_items(result);
    for (Value& item : items) item = boxed(std::move(item));
    return host::tuple_like(result, std::move(items));
}

// An operand that is not of the highest level; an ended one is the constant that it stands for.
Value beside(const Value& value) {
    return value.is_box() && !value.traced().alive() ? sweep_result(value) : value;
}

}  // namespace

Value apply(const Op& op, const Value* values, std::size_t count, Object* kwnames) {
    std::uint64_t top = 0;
    Level* level = nullptr;
    bool alive = true;
    for (std::size_t i = 0; i < count; ++i) {
        if (!values[i].is_box()) continue;
        const Traced& traced = values[i].traced();
        const bool own_alive = traced.alive();
        if (!own_alive && (traced.serial == 0 || !(lenient || being_swept(traced)))) ended(op);
        if (traced.serial > top) {
            top = traced.serial;
            level = traced.level;
            alive = own_alive;
        }
    }
    if (!level) return host::apply(op, values, count, kwnames);
    if (!alive) return apply_to_constants(op, values, count, kwnames, top);
    if (op.kind == OpKind::Zero || op.kind == OpKind::Test) {
        if (op.kind == OpKind::Zero && level->mode == Mode::Reverse)
            static_cast<Tape*>(level)->lost(op.name.c_str());
        return innermost_apply(op, values, count, kwnames);
    }

    Scratch<Value> inner(count);
    if (level->mode == Mode::Reverse) {
        Scratch<std::uint32_t> operands(count);
        bool any = false;
        for (std::size_t i = 0; i < count; ++i) {
            operands[i] = Entry::none;
            if (values[i].is_box() && values[i].traced().serial == top) {
                const Traced& traced = values[i].traced();
                inner[i] = traced.value;
                if (discrete(op, i))
                    inner[i] = innermost(traced.value);
                else
                    operands[i] = traced.index, any = true;
            } else {
                inner[i] = beside(values[i]);
            }
        }
        Value ans = value_of(op, inner.data(), count, kwnames, top);
        if (!any) return ans;
        if (detoured() && Debug::active()) [[unlikely]]
            return push_audited(static_cast<Tape&>(*level), top, op, inner.data(), operands.data(),
                                count, std::move(ans), kwnames);
        return push(static_cast<Tape&>(*level), top, op, inner.data(), operands.data(), count,
                    std::move(ans), kwnames);
    }

    if (level->mode == Mode::Python) {
        std::vector<std::size_t> argnums;
        for (std::size_t i = 0; i < count; ++i) {
            const bool own = values[i].is_box() && values[i].traced().serial == top;
            inner[i] = own ? Value(values[i].traced().value) : beside(values[i]);
            if (own) argnums.push_back(i);
        }
        const Value ans = value_of(op, inner.data(), count, kwnames, top);
        if (detoured()) [[unlikely]]
            check_value(op, inner.data(), count, ans);
        return host::record(op, argnums, values, inner.data(), count, ans, kwnames);
    }

    Scratch<Value> tangents(count);
    for (std::size_t i = 0; i < count; ++i) {
        if (values[i].is_box() && values[i].traced().serial == top) {
            inner[i] = values[i].traced().value;
            if (discrete(op, i))
                inner[i] = Value(innermost(inner[i]));
            else
                tangents[i] = values[i].traced().tangent;
        } else {
            inner[i] = beside(values[i]);
        }
    }
    Value ans = value_of(op, inner.data(), count, kwnames, top);
    const bool audited = detoured() && Debug::nans();
    if (audited) [[unlikely]]
        check_value(op, inner.data(), count, ans);
    if (op.kind == OpKind::Foreign && host::is_tuple(ans))
        return forward_tuple(level, top, op, inner.data(), tangents.data(), count, ans, kwnames);
    Value tangent;
    if (audited) [[unlikely]] {
        {
            const InRule rule(op, here());
            tangent = tangent_of(op, inner.data(), tangents.data(), count, ans, kwnames);
        }
        check_tangent(op, inner.data(), tangents.data(), count, ans, tangent);
    } else {
        tangent = tangent_of(op, inner.data(), tangents.data(), count, ans, kwnames);
    }
    if (tangent.empty()) return ans;
    Traced traced;
    traced.level = level;
    traced.serial = top;
    traced.value = std::move(ans);
    traced.tangent = std::move(tangent);
    return Value::take_box(host::new_box(std::move(traced)));
}

bool lenient = false;

Value sweep_result(Value value) {
    while (value.is_box() && (lenient ? !value.traced().alive() : being_swept(value.traced())))
        value = Value(value.traced().value);
    return value;
}

Meta meta_of(const Value& value) {
    const Value& raw = innermost(value);
    Meta meta;
    if (!raw.is_object()) return meta;
    const View view = host::describe(raw);
    meta.dtype = view.dtype;
    meta.array = view.array;
    meta.rank = view.rank;
    meta.shape = view.shape;
    return meta;
}

Value fit(const Value& g, const Meta& target) {
    const Meta own = meta_of(g);
    const bool reshaped = !same_shape(own, target);
    if (!reshaped && own.dtype == target.dtype && own.array == target.array) return g;
    if (!g.is_box()) return host::fit(g, target);

    Value result = g;
    if (is_complex(own.dtype) && !is_complex(target.dtype) && target.dtype != DType::Other)
        result = apply(Code::real, result);
    if (reshaped) {
        std::vector<Extent> axes;
        const int extra = own.rank - target.rank;
        for (int axis = 0; axis < own.rank; ++axis)
            if (axis < extra || (target.shape[axis - extra] == 1 && own.shape[axis] != 1))
                axes.push_back(axis);
        if (!axes.empty())
            result = shaped::sum(result, host::integers(axes.data(), axes.size()), true);
        if (extra != 0 || meta_of(result).rank != target.rank)
            result = shaped::reshape(result, target.shape, target.rank);
        const Meta now = meta_of(result);
        for (int axis = 0; axis < target.rank; ++axis)
            if (now.shape[axis] != target.shape[axis]) {
                result = shaped::broadcast(result, target);
                break;
            }
    }
    if (meta_of(result).dtype != target.dtype && target.dtype != DType::Other)
        result = apply(Code::astype, result, host::dtype_object(target.dtype));
    return of_kind(std::move(result), target);
}

}  // namespace fastad
