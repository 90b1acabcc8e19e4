// Tapes and levels with Python objects in and out.
#include "python/session.hpp"

#include <algorithm>

#include "kernels/kernels.hpp"
#include "memory/buffer.hpp"
#include "python/boxes.hpp"
#include "python/forward.hpp"

namespace fastad::python {
namespace {

PyObject* item(PyObject* tuple, Py_ssize_t i) { return PyTuple_GET_ITEM(tuple, i); }

// A cotangent or tangent that the user gave.
Value given_vector(PyObject* object, const char* what) {
    if (is_foreign(object)) refuse_foreign(object, what);
    return to_value(object);
}

}  // namespace

// An array of its own memory, and of no subclass that a rule's operands handed on, unless that has
// a space of its own.
PyObject* owned_result(const Value& value) {
    if (!value.is_object() || !PyArray_Check(py(value.object())) || host::unique(value))
        return to_object(value);
    Ref array(to_object(value));
    if (!PyArray_CheckExact(array.get()) && meta_of(value).array)
        array = checked(
            PyArray_View(reinterpret_cast<PyArrayObject*>(array.get()), nullptr, &PyArray_Type));
    return checked(PyArray_NewCopy(reinterpret_cast<PyArrayObject*>(array.get()), NPY_CORDER))
        .release();
}

const Traced* box_of(const Tape* tape, PyObject* object) {
    if (!is_box(object)) return nullptr;
    const Traced& traced = traced_of(object);
    return traced.level == tape && traced.serial == tape->trace() ? &traced : nullptr;
}

PyObject* table_primitive(const char* name, PyObject* function) {
    return guarded([&]() -> PyObject* {
        Op& op = operation(operation_named(name).code);
        connect(op, function);
        Ref text = checked(PyUnicode_InternFromString(name));
        return new_primitive(primitive_type, function, text.get(), Py_None, Py_None, &op,
                             op.kind());
    });
}

PyObject* holds_box_object(PyObject* value) {
    return guarded([&] { return PyBool_FromLong(holds_box(value)); });
}

PyObject* table_names(const char* kind) {
    return guarded([&]() -> PyObject* {
        const std::string wanted = kind;
        Ref list = checked(PyList_New(0));
        for (std::size_t i = 0; i < operation_count; ++i) {
            const Op& op = operation(static_cast<Code>(i));
            if (wanted != name_of(op.own)) continue;
            Ref name = checked(PyUnicode_FromString(op.name.c_str()));
            if (PyList_Append(list.get(), name.get()) < 0) throw HostError();
        }
        return list.release();
    });
}

PyObject* value_object(const Value& value) {
    return guarded([&]() -> PyObject* { return to_object(value); });
}
PyObject* value_given(PyObject* box) {
    return guarded([&]() -> PyObject* {
        const Traced& traced = traced_of(box);
        if (traced.level && traced.level->scalar_lane) traced.level->scalar_lane->give(traced);
        return to_object(traced.value);
    });
}
PyObject* specimen(PyObject* object) {
    if (!is_box(object)) return Py_NewRef(object);
    return guarded([&]() -> PyObject* { return to_object(innermost(traced_of(object).value)); });
}
PyObject* read_object(PyObject* object, Read why) {
    if (!is_box(object)) return Py_NewRef(object);
    return guarded([&]() -> PyObject* {
        try {
            return to_object(read(Value::share_box(core(object)), why));
        } catch (const Refusal& refusal) {
            return callbacks.refused(object, refusal.why);
        }
    });
}
PyObject* primal_object(PyObject* object) {
    if (!is_box(object)) return Py_NewRef(object);
    return guarded(
        [&]() -> PyObject* { return to_object(primal(Value::share_box(core(object)))); });
}

Tape* open_tape() noexcept {
    try {
        return Tape::open();
    } catch (...) {
        set_python_error();
        return nullptr;
    }
}

PyObject* tape_box(Tape* tape, PyObject* object) {
    return guarded([&]() -> PyObject* {
        if (tape->serial == 0)
            throw Error(Error::Class::Runtime, "this tape does not record any more");
        Value value = to_value(object);
        const Value& raw = innermost(value);
        const View view = host::describe(raw);
        const bool floating = view.dtype <= DType::ComplexLong;
        const bool object_array =
            view.array && view.dtype == DType::Other &&
            PyArray_TYPE(reinterpret_cast<PyArrayObject*>(py(raw.object()))) == NPY_OBJECT;
        const bool known = floating || object_array || (view.array && view.dtype != DType::Other);
        if (!known &&
            !(raw.is_object() && !view.array && callbacks.box_type_of(py(raw.object())))) {
            // An error of a registered maker of boxes is its own to tell.
            if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_TypeError)) throw HostError();
            PyErr_Clear();
            throw Error(Error::Class::Type,
                        "cannot differentiate with respect to a value of type " +
                            host::type_name(raw) +
                            "; use a float, a complex number or an array of them");
        }
        return to_object(tape->input(std::move(value)));
    });
}

PyObject* tape_sweep(Tape* tape, PyObject* outputs, PyObject* cotangents, PyObject* inputs,
                     bool consume) {
    return guarded([&]() -> PyObject* {
        if (PyTuple_GET_SIZE(outputs) != PyTuple_GET_SIZE(cotangents))
            throw Error(Error::Class::Value, "vjp: there must be one cotangent for each output");
        std::vector<Seed> seeds;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(outputs); ++i) {
            const Traced* out = box_of(tape, item(outputs, i));
            if (!out || item(cotangents, i) == Py_None) continue;
            Value g = given_vector(item(cotangents, i), "vjp: the cotangent");
            // A cotangent is NumPy's, as is what the sweep makes of it.
            if (g.is_object() && PyComplex_CheckExact(py(g.object())))
                g = take_result(PyArray_FROM_O(py(g.object())));
            const Meta own = meta_of(g);
            const Meta target = tape->meta(out->index);
            if (!same_shape(own, target) && target.dtype != DType::Other)
                throw Error(Error::Class::Value, "vjp: the cotangent has shape " + shape_text(own) +
                                                     ", but the output has shape " +
                                                     shape_text(target));
            seeds.push_back({out->index, fit(g, target)});
        }
        std::vector<std::uint32_t> entries;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inputs); ++i) {
            const Traced* in = box_of(tape, item(inputs, i));
            if (!in) throw Error(Error::Class::Value, "vjp: an input is no box of this tape");
            entries.push_back(in->index);
        }
        std::vector<Value> results = reverse(*tape, std::move(seeds), entries, consume);
        Ref list = checked(PyList_New(static_cast<Py_ssize_t>(results.size())));
        for (std::size_t i = 0; i < results.size(); ++i)
            PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i),
                            results[i].empty() ? Py_NewRef(Py_None) : owned_result(results[i]));
        return list.release();
    });
}

PyObject* tape_sweep_batch(Tape* tape, PyObject* outputs, PyObject* cotangents, PyObject* inputs) {
    return guarded([&]() -> PyObject* {
        std::vector<Seed> seeds;
        Extent width = -1;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(outputs); ++i) {
            const Traced* out = box_of(tape, item(outputs, i));
            if (!out || item(cotangents, i) == Py_None) continue;
            if (is_box(item(cotangents, i))) return Py_NewRef(Py_NotImplemented);
            Value batch = given_vector(item(cotangents, i), "vjp: the cotangent");
            const Meta own = meta_of(batch);
            Meta row = own;
            row.rank = own.rank - 1;
            row.shape = own.shape + 1;
            const Meta target = tape->meta(out->index);
            if (own.rank < 1 || !same_shape(row, target) || (width >= 0 && own.shape[0] != width))
                throw Error(Error::Class::Value,
                            "vjp: a batch of cotangents has shape " + shape_text(own) +
                                ", but the output has shape " + shape_text(target) +
                                ", which must follow the batch's axis");
            width = own.shape[0];
            seeds.push_back({out->index, std::move(batch)});
        }
        std::vector<std::uint32_t> entries;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inputs); ++i) {
            const Traced* in = box_of(tape, item(inputs, i));
            if (!in) throw Error(Error::Class::Value, "vjp: an input is no box of this tape");
            entries.push_back(in->index);
        }
        std::vector<Value> results;
        if (seeds.empty() || !reverse_batch(*tape, seeds, width, entries, results))
            return Py_NewRef(Py_NotImplemented);
        Ref list = checked(PyList_New(static_cast<Py_ssize_t>(results.size())));
        for (std::size_t i = 0; i < results.size(); ++i)
            PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i),
                            results[i].empty() ? Py_NewRef(Py_None) : owned_result(results[i]));
        return list.release();
    });
}

PyObject* tape_grad(Tape* tape, PyObject* ans, PyObject* boxes, bool elementwise) {
    return guarded([&]() -> PyObject* {
        const Traced* out = box_of(tape, ans);
        if (!out) return Py_NewRef(Py_None);
        const bool many = PyList_CheckExact(boxes);
        const Py_ssize_t count = many ? PyList_GET_SIZE(boxes) : 1;
        std::vector<std::uint32_t> inputs(static_cast<std::size_t>(count));
        for (Py_ssize_t i = 0; i < count; ++i)
            inputs[static_cast<std::size_t>(i)] =
                traced_of(many ? PyList_GET_ITEM(boxes, i) : boxes).index;
        const Meta meta = tape->meta(out->index);
        if (is_complex(meta.dtype) || meta.dtype == DType::Other ||
            (!elementwise && meta.size() != 1))
            return Py_NewRef(Py_NotImplemented);
        Value one = Value::strong(1.0);
        if (meta.array) {
            // One element that stands for all: no array of ones is made.
            Meta scalar = meta;
            scalar.array = true;
            scalar.rank = 0;
            one = host::broadcast(fit(one, scalar), meta.shape, meta.rank);
        } else if (meta.dtype != DType::Float64) {
            one = fit(one, meta);
        }
        std::vector<Seed> seeds;
        seeds.push_back({out->index, std::move(one)});
        std::vector<Value> results = reverse(*tape, std::move(seeds), inputs, true);
        auto object = [](Value& result) {
            return result.empty() ? Py_NewRef(Py_None) : owned_result(result);
        };
        if (!many) return object(results[0]);
        Ref list = checked(PyList_New(count));
        for (Py_ssize_t i = 0; i < count; ++i)
            PyList_SET_ITEM(list.get(), i, object(results[static_cast<std::size_t>(i)]));
        return list.release();
    });
}

ForwardLevel* open_forward() noexcept {
    try {
        return ForwardLevel::open();
    } catch (...) {
        set_python_error();
        return nullptr;
    }
}
GraphLevel* open_graph(bool everything) noexcept {
    try {
        return GraphLevel::open(everything);
    } catch (...) {
        set_python_error();
        return nullptr;
    }
}

PyObject* graph_box(GraphLevel* level, PyObject* object, PyObject* node) {
    return guarded([&]() -> PyObject* { return to_object(level->input(to_value(object), node)); });
}

PyObject* attached(PyObject* box) noexcept {
    const Value& own = traced_of(box).attached;
    return guarded([&]() -> PyObject* { return to_object(own); });
}

PyObject* owned_attached(PyObject* box) noexcept {
    return guarded([&]() -> PyObject* { return owned_result(traced_of(box).attached); });
}

bool on_graph(PyObject* box) noexcept { return GraphLevel::of(traced_of(box)) != nullptr; }

void override_rules(PyObject* primitive, bool overridden) noexcept {
    auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
    Op& op = self->owned ? *self->owned : operation(self->op->code);
    if (op.own == OpKind::Foreign || overridden == op.replaced) return;
    op.replaced = overridden;
    if (self->owned) return;
    overridden ? ++detours : --detours;
}

// The same operation with the table's rules, whatever is registered for it later.
PyObject* builtin_copy(PyObject* primitive) {
    return guarded([&]() -> PyObject* {
        auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
        auto* own = new Op(*self->op);  // lives as long as the process: records may point to it
        own->host = reinterpret_cast<Object*>(new Hosted(*hosted(*self->op)));
        own->replaced = false;
        return new_primitive(primitive_type, self->function, self->name, Py_None, Py_None, own,
                             own->own);
    });
}

PyObject* weak_number(PyObject* box, PyObject* like) {
    return guarded([&]() -> PyObject* {
        if (!is_box(box) || (like != Py_None && !decides_no_dtype(to_value(like))))
            return Py_NewRef(box);
        Traced traced = traced_of(box);
        const Value& value = traced.value;
        if (value.kind() == Kind::Strong)
            traced.value = Value::weak(value.number());
        else if (value.is_object() && PyArray_IsScalar(py(value.object()), Complex128))
            traced.value = complex_number(value);
        else
            return Py_NewRef(box);
        if (!traced.alive()) return py(host::new_box(std::move(traced)));
        Level& level = *traced.level;
        return py(level.restated(std::move(traced)).release_object());
    });
}

void set_converting(bool converts) noexcept { converts_results = converts; }

PyObject* forward_box(ForwardLevel* level, PyObject* object, PyObject* tangent) {
    return guarded([&]() -> PyObject* {
        Value value = to_value(object);
        const Value& raw = innermost(value);
        const View view = host::describe(raw);
        if (view.dtype > DType::ComplexLong && !(view.array && view.dtype != DType::Other))
            throw Error(Error::Class::Type,
                        "cannot differentiate with respect to a value of type " +
                            host::type_name(raw) +
                            "; use a float, a complex number or an array of them");
        Meta meta = meta_of(value);
        meta.dtype = cotangent_dtype(meta.dtype);
        const Value t = given_vector(tangent, "jvp: the tangent");
        const Meta own = meta_of(t);
        if (!same_shape(own, meta))
            throw Error(Error::Class::Value, "jvp: the tangent has shape " + shape_text(own) +
                                                 ", but the argument has shape " +
                                                 shape_text(meta));
        Value fitted = fit(t, meta);
        return to_object(level->input(std::move(value), std::move(fitted)));
    });
}

void set_outlived(bool wanted) noexcept { Level::outlived = wanted; }
PyObject* tape_nodes(const Tape* tape) {
    return guarded([&]() -> PyObject* {
        Ref nodes = checked(PyList_New(0));
        for (std::uint32_t i = 0; i < tape->size(); ++i) {
            const Tape::Description own = tape->describe(i);
            const Meta meta = tape->meta(i);
            Ref operands = checked(PyTuple_New(static_cast<Py_ssize_t>(own.operands.size())));
            for (std::size_t k = 0; k < own.operands.size(); ++k) {
                PyObject* operand = own.operands[k] == Entry::none
                                        ? Py_NewRef(Py_None)
                                        : PyLong_FromUnsignedLong(own.operands[k]);
                if (!operand) throw HostError{};
                PyTuple_SET_ITEM(operands.get(), static_cast<Py_ssize_t>(k), operand);
            }
            Ref shape = checked(meta.array ? PyTuple_New(meta.rank) : Py_NewRef(Py_None));
            for (int axis = 0; meta.array && axis < meta.rank; ++axis) {
                PyObject* length = PyLong_FromSsize_t(meta.shape[axis]);
                if (!length) throw HostError{};
                PyTuple_SET_ITEM(shape.get(), axis, length);
            }
            const Audit* audit = tape->audit();
            const Place place = audit ? audit->place(i) : Place{};
            const Audit::Times times = audit ? audit->times(i) : Audit::Times{};
            const auto seconds = [](Audit::Clock::duration time) {
                return std::chrono::duration<double>(time).count();
            };
            Ref node = checked(
                Py_BuildValue("sOOsnssdd", own.name.c_str(), operands.get(), shape.get(),
                              dtype_name(meta.dtype), static_cast<Py_ssize_t>(own.bytes),
                              own.formula.c_str(), place.code.empty() ? "" : text(place).c_str(),
                              seconds(times.forward), seconds(times.backward)));
            if (PyList_Append(nodes.get(), node.get()) < 0) throw HostError{};
        }
        return nodes.release();
    });
}
PyObject* tape_losses(const Tape* tape) {
    return guarded([&]() -> PyObject* {
        return checked(PyUnicode_FromString(tape->losses().c_str())).release();
    });
}
bool strict_zero_active() noexcept { return Modes::here(Modes::strict_zero) != 0; }

void trim_pool() noexcept { buffer::trim(); }
std::size_t idle_pool_bytes() noexcept { return buffer::idle_bytes(); }

PyObject* choose_kernels(const char* name) {
    if (use_kernels(name)) return Py_NewRef(Py_None);
    PyErr_Format(PyExc_ValueError, "this machine or build has no kernels called '%s'", name);
    return nullptr;
}
const char* kernels_name() noexcept { return kernels().instruction_set; }

}  // namespace fastad::python
