// What the core asks about operations: their values, and the rules that Python has.
#include "python/forward.hpp"

namespace fastad::host {

using namespace python;

Value apply(const Op& op, const Value* values, std::size_t count, Object* kwnames, Form form) {
    return forward(op, values, count, py(kwnames), form);
}

Value make_vjps(const Op& op, const std::vector<std::size_t>& argnums, const Value& ans,
                const Value* values, std::size_t count, Object* kwnames) {
    auto [args, kwargs] = call_arguments(values, count, kwnames);
    Ref numbers = checked(PyTuple_New(static_cast<Py_ssize_t>(argnums.size())));
    for (std::size_t i = 0; i < argnums.size(); ++i)
        PyTuple_SET_ITEM(numbers.get(), static_cast<Py_ssize_t>(i), PyLong_FromSize_t(argnums[i]));
    Ref answer(to_object(ans));
    return Value::take(core(checked(callbacks.make_vjps(hosted(op)->primitive, numbers.get(),
                                                        answer.get(), args.get(), or_none(kwargs)))
                                .release()));
}

Value call_vjp(const Op& op, const Value& vjps, std::size_t which, const Value& g) {
    const bool unshared = unique(g);
    Ref cotangent(to_object(g));
    Ref result =
        checked(callbacks.call_vjp(hosted(op)->primitive, py(vjps.object()),
                                   static_cast<Py_ssize_t>(which), cotangent.get(), unshared));
    if (result.get() == Py_None) return {};
    return take_result(result.release());
}

namespace {
Value map_batch(const Value& vjps, std::size_t which, const Value& batch, PyObject* like) {
    Ref given(to_object(batch));
    Ref result = checked(
        callbacks.map_batch(py(vjps.object()), static_cast<Py_ssize_t>(which), given.get(), like));
    return result.get() == Py_None ? Value() : take_result(result.release());
}
}  // namespace

Value map_rows(const Value& vjps, std::size_t which, const Value& cotangents) {
    return map_batch(vjps, which, cotangents, nullptr);
}

Value map_columns(const Value& vjps, std::size_t which, const Value& tangents, const Value& like) {
    Ref cotangent(to_object(like));
    return map_batch(vjps, which, tangents, cotangent.get());
}

Value call_jvp(const Op& op, std::size_t argnum, const Value& tangent, const Value& ans,
               const Value* values, std::size_t count, Object* kwnames) {
    auto [args, kwargs] = call_arguments(values, count, kwnames);
    Ref t(to_object(tangent));
    Ref answer(to_object(ans));
    Ref result = checked(callbacks.call_jvp(hosted(op)->primitive, static_cast<Py_ssize_t>(argnum),
                                            t.get(), answer.get(), args.get(), or_none(kwargs)));
    if (result.get() == Py_None) return {};
    return take_result(result.release());
}

void wrong_cotangent(const Op& op, const Value& vjps, std::size_t which, const Value& cotangent,
                     const Meta& expected) {
    // The handle that make_vjps gave begins with the argnums.
    PyObject* argnums = PyTuple_GET_ITEM(py(vjps.object()), 0);
    const long argnum = PyLong_AsLong(PyTuple_GET_ITEM(argnums, static_cast<Py_ssize_t>(which)));
    const Meta own = meta_of(cotangent);
    throw Error(Error::Class::Value,
                op.name + ": the vjp of its argument number " + std::to_string(argnum) +
                    " returned " + type_name(innermost(cotangent)) + " of shape " +
                    shape_text(own) + ", but that argument has shape " + shape_text(expected) +
                    "; a vjp returns a cotangent of its argument's own shape");
}

namespace {
bool is_container(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    if (type == &PyArray_Type || type == array_box_type || type == &PyFloat_Type ||
        type == &PyLong_Type || type == float64_type || object == Py_None ||
        PyArray_CheckScalar(object))
        return false;
    const int found = callbacks.is_tree(type);
    if (found < 0) throw HostError();
    return found > 0;
}
}  // namespace

bool has_parts(const Op& op, const Value& ans) {
    if (!hosted(op) || !hosted(op)->trees || !ans.is_object()) return false;
    PyObject* object = py(ans.object());
    if (!PyTuple_Check(object)) return is_container(object);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i)
        if (is_container(PyTuple_GET_ITEM(object, i))) return true;
    return false;
}

void check_result(const Op& op, const Value& ans) {
    if (ans.is_number() || describe(ans).dtype <= DType::IntOther || differentiable(ans)) return;
    Ref text(PyObject_Repr(py(ans.object())));
    const char* shown = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
    throw Error(
        Error::Class::Type,
        op.name + ": it returned " + std::string(shown ? shown : "an object").substr(0, 80) +
            " of type " + type_name(ans) +
            ", which cannot be differentiated; return a float, a complex number or an array, or "
            "declare it with notrace_primitive");
}

}  // namespace fastad::host
