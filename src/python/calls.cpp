// Calls of a primitive: on plain values, on traced ones, on containers that hold them.
#include "python/calls.hpp"
#include "python/observer.hpp"

#include <algorithm>
#include <string>

#include "python/arguments.hpp"
#include "python/boxes.hpp"
#include "python/formulas.hpp"
#include "python/loops.hpp"
#include "python/operators.hpp"
#include "python/routines.hpp"
#include "python/targets.hpp"

namespace fastad::python {

namespace {

// Whether NumPy hands this function to arguments with an __array_function__ of their own.
bool is_handed_over(PyObject* function) {
    static PyTypeObject* const dispatcher = [] {
        Ref numpy = checked(PyImport_ImportModule("numpy"));
        return Py_TYPE(checked(PyObject_GetAttrString(numpy.get(), "concatenate")).get());
    }();
    return Py_TYPE(function) == dispatcher;
}

enum class Answer { Nobody, Ufunc, Function, Python };

// Whether a foreign array answers this call itself: it knows ufuncs, and this is one, or it knows
// NumPy's functions. Throws for one that does not: beside a traced value, its values have no
// derivative in the table.
Answer foreign_answers(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                       PyObject* kwnames, PyObject*& asked) {
    const Py_ssize_t total = positional + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    Answer answer = Answer::Nobody;
    for (Py_ssize_t i = 0; i < total; ++i) {
        PyObject* found = find_foreign(args[i]);
        if (!found) continue;
        if (found == args[i] && PyObject_TypeCheck(self->function, &PyUFunc_Type) &&
            has_own_ufunc(found)) {
            answer = Answer::Ufunc;
            continue;
        }
        if (has_own_functions(found) && is_handed_over(self->function)) {
            if (!asked) asked = found;
            answer = Answer::Function;
            continue;
        }
        const bool numpys =
            PyObject_TypeCheck(self->function, &PyUFunc_Type) || is_handed_over(self->function);
        // A primitive of another library may take its arrays as constants.
        if (!PyArray_Check(found) && !has_own_functions(found) && !numpys) continue;
        if (found == args[i] && is_answered_for(found)) {
            if (answer != Answer::Function) answer = Answer::Python;
            continue;
        }
        const char* text = PyUnicode_AsUTF8(self->name);
        std::string what = std::string(text ? text : "primitive") + ": argument ";
        what += i < positional ? std::to_string(i)
                               : PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, i - positional));
        refuse_foreign(found, what + (found == args[i] ? "" : ", or a part of it,"));
    }
    return answer;
}

// What another library's array makes of one of NumPy's functions and a traced value.
PyObject* ask_foreign(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                      PyObject* kwnames, PyObject* asked) {
    Ref given, named;
    if (!as_call(args, positional, kwnames, given, named)) return nullptr;
    Ref types = checked(PyTuple_Pack(2, Py_TYPE(asked), array_box_type));
    if (!named) named = checked(PyDict_New());
    Ref answer = checked(PyObject_CallMethod(asked, "__array_function__", "OOOO", self->function,
                                             types.get(), given.get(), named.get()));
    if (answer.get() == Py_NotImplemented) {
        const char* text = PyUnicode_AsUTF8(self->name);
        refuse_foreign(asked, std::string(text ? text : "primitive") + ": an argument");
    }
    return answer.release();
}

// What Python makes of a call with a masked array, a matrix or a sparse array.
PyObject* call_python(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                      PyObject* kwnames) {
    Ref given, named;
    if (!as_call(args, positional, kwnames, given, named)) return nullptr;
    return callbacks.foreign_call(reinterpret_cast<PyObject*>(self), given.get(), named.get());
}

const char* name_of(PrimitiveObject* self) {
    const char* text = PyUnicode_AsUTF8(self->name);
    return text ? text : "primitive";
}

// A call that the operation's compiled form does not take: with dtype, where, initial, or wrong.
PyObject* call_general(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                       PyObject* kwnames) {
    Ref given, named;
    if (!as_call(args, positional, kwnames, given, named)) return nullptr;
    return callbacks.general(reinterpret_cast<PyObject*>(self), given.get(), named.get());
}

PyObject* call_traced(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                      PyObject* kwnames);

std::size_t total_of(Py_ssize_t positional, PyObject* kwnames) {
    return static_cast<std::size_t>(positional + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0));
}

// The same call with every sequence that holds boxes made into one box.
PyObject* call_joined(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                      PyObject* kwnames) {
    const Py_ssize_t total = positional + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    std::vector<Ref> kept;
    std::vector<PyObject*> replaced(args, args + total);
    for (Py_ssize_t i = 0; i < total; ++i)
        if ((PyList_Check(args[i]) || PyTuple_Check(args[i])) && sequence_has_box(args[i])) {
            Ref joined(callbacks.array_of(args[i]));
            if (!joined) return nullptr;
            replaced[static_cast<std::size_t>(i)] = joined.get();
            kept.push_back(std::move(joined));
        }
    return call_traced(self, replaced.data(), positional, kwnames);
}

// Whether the level that will record this call needs rules for it.
bool rules_needed(PyObject* const* args, Py_ssize_t count) {
    const Traced* top = nullptr;
    for (Py_ssize_t i = 0; i < count; ++i)
        if (is_box(args[i]) && (!top || traced_of(args[i]).serial > top->serial))
            top = &traced_of(args[i]);
    return !top || !top->level || top->level->needs_rules();
}

PyObject* call_trees(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                     PyObject* kwnames, PyObject* ans) {
    Ref given, named;
    if (!as_call(args, positional, kwnames, given, named)) return nullptr;
    return callbacks.trees(reinterpret_cast<PyObject*>(self), given.get(), named.get(), ans);
}

// Rules are by position: a traced value given by keyword moves to its parameter's place.
PyObject* rebound(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                  PyObject* kwnames) {
    Ref given, named;
    if (!as_call(args, positional, kwnames, given, named)) return nullptr;
    Ref moved(callbacks.by_position(reinterpret_cast<PyObject*>(self), given.get(), named.get()));
    if (!moved) return nullptr;
    if (PyTuple_GET_SIZE(moved.get()) == positional)  // what has no place stays a keyword
        return apply_objects(*self->op, args,
                             static_cast<std::size_t>(positional + PyTuple_GET_SIZE(kwnames)),
                             kwnames);
    return PyObject_Call(reinterpret_cast<PyObject*>(self), moved.get(), named.get());
}

PyObject* call_traced(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                      PyObject* kwnames) {
    const Op& op = *self->op;
    if (PyObject_TypeCheck(self->function, &PyUFunc_Type))
        for (Py_ssize_t i = 0; i < positional; ++i)
            if (has_own_ufunc(args[i]))
                return PyObject_Vectorcall(self->function, args,
                                           static_cast<std::size_t>(positional), kwnames);
    switch (op.kind()) {
        case OpKind::Elementwise:
        case OpKind::Zero:
        case OpKind::Test: {
            if (op.registered())
                return apply_objects(op, args, total_of(positional, kwnames), kwnames);
            if (op.kind() != OpKind::Elementwise && kwnames)
                return apply_objects(op, args, total_of(positional, kwnames), kwnames);
            if (kwnames || positional != static_cast<Py_ssize_t>(op.arity))
                return call_general(self, args, positional, kwnames);
            if (op.kind() == OpKind::Elementwise && positional == 1) {
                PyObject* result =
                    guarded([&]() -> PyObject* { return scalar_unary(op, args[0], false); });
                if (result || PyErr_Occurred()) return result;
            }
            return apply_objects(op, args, static_cast<std::size_t>(positional), nullptr);
        }
        case OpKind::Structural: {
            if (total_of(positional, kwnames) < op.structural.least && !kwnames)
                return call_general(self, args, positional, kwnames);
            if (op.structural.positional) {
                if (kwnames) {
                    PyErr_Format(PyExc_TypeError, "%s() takes no keyword arguments", name_of(self));
                    return nullptr;
                }
                return apply_objects(op, args, static_cast<std::size_t>(positional), nullptr);
            }
            Bound bound;
            if (!bind_arguments(self, args, positional, kwnames, bound))
                return call_general(self, args, positional, kwnames);
            return guarded([&]() -> PyObject* {
                std::vector<Ref> kept;
                settle_static(op, bound, kept);
                return apply_objects(op, bound.data(), bound.size(), nullptr);
            });
        }
        case OpKind::Foreign:
        case OpKind::Pointwise:
        case OpKind::Term: break;
    }
    if (!self->vjps && !self->jvps && !self->derivative && rules_needed(args, positional)) {
        // Before the function runs: what it does with its arguments would come to nothing.
        PyErr_Format(
            PyExc_NotImplementedError,
            "%s has no derivative rule in fastad, and an argument is a traced value. Add a rule "
            "with fastad.extend.primitive and fastad.extend.defvjp (defjvp for forward mode), "
            "write the computation with functions of fastad.numpy, or pass fastad.getval(...) of "
            "the argument if its "
            "derivative is not wanted",
            name_of(self));
        return nullptr;
    }
    const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    const bool trees = self->owned && hosted(op)->trees;
    if (trees && containers_hold_boxes(args, positional + named))
        return call_trees(self, args, positional, kwnames, nullptr);
    const bool ruled = self->vjps || self->jvps || !self->derivative;
    for (Py_ssize_t i = positional; ruled && i < positional + named; ++i)
        if (is_box(args[i])) return rebound(self, args, positional, kwnames);
    const auto count = static_cast<std::size_t>(positional + named);
    if (!trees) return apply_objects(op, args, count, kwnames);
    try {
        return apply_unguarded(op, args, count, kwnames);
    } catch (const HasParts& result) {
        Ref ans(to_object(result.ans));
        return call_trees(self, args, positional, kwnames, ans.get());
    }
}

// Parameters that NumPy's function takes by position, given by name: autograd's programs do so.
PyObject* call_unnamed(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                       std::size_t flags, PyObject* kwnames) {
    Bound bound;
    const bool taken = bind_arguments(self, args, positional, kwnames, bound);
    if (!taken || std::find(bound.begin(), bound.end(), nullptr) != bound.end())
        return PyObject_Vectorcall(self->function, args, flags, kwnames);
    return PyObject_Vectorcall(self->function, bound.data(), bound.size(), nullptr);
}

// Plain values by a routine or a formula; null without an error where none applies.
PyObject* call_compiled(const Op& op, PyObject* const* args, Py_ssize_t count) {
    constexpr Py_ssize_t most = 8;
    static_assert(most > Routine::most_operands);
    if (count > most) return nullptr;
    Value values[most];
    for (Py_ssize_t i = 0; i < count; ++i) values[i] = to_value(args[i]);
    const auto size = static_cast<std::size_t>(count);
    Value result =
        hosted(op)->routines ? run_routine(op, values, size) : value_by_formula(op, values, size);
    return result.empty() ? nullptr : to_object(std::move(result));
}

// A plain array by the short way that traced ones take, which gives what NumPy's function gives,
// and sooner where that is one of Python's: rules are made of these. Null without an error where
// none applies, or where an argument is given that only NumPy's function takes.
PyObject* call_short(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                     PyObject* kwnames) {
    const Op& op = *self->op;
    if (op.own != OpKind::Structural || op.forward == call_structural || positional == 0)
        return nullptr;
    if (Py_TYPE(args[0]) != &PyArray_Type || self->function != hosted(op)->function ||
        PyObject_TypeCheck(self->function, &PyUFunc_Type))
        return nullptr;
    const int type = PyArray_TYPE(reinterpret_cast<PyArrayObject*>(args[0]));
    if (!PyTypeNum_ISNUMBER(type) && type != NPY_BOOL) return nullptr;
    Bound bound;
    if (!bind_arguments(self, args, positional, kwnames, bound)) return nullptr;
    const auto given = std::count_if(bound.begin(), bound.end(), [](PyObject* one) { return one; });
    if (static_cast<std::size_t>(given) != total_of(positional, kwnames)) return nullptr;
    PyObject* result =
        guarded([&] { return apply_objects(op, bound.data(), bound.size(), nullptr); });
    // What is wrong NumPy's function says in its own words.
    if (!result && PyErr_ExceptionMatches(PyExc_Exception)) PyErr_Clear();
    return result;
}

}  // namespace

PyObject* vectorcall(PyObject* callable, PyObject* const* args, std::size_t flags,
                     PyObject* kwnames) {
    auto* self = reinterpret_cast<PrimitiveObject*>(callable);
    const Py_ssize_t positional = PyVectorcall_NARGS(flags);
    const Py_ssize_t total = positional + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    if (hosted(*self->op)->formulas) {
        const Formulas& formulas = *hosted(*self->op)->formulas;
        if (formulas.target.primitive && !self->vjps && !self->jvps) {
            PyObject* result = call_target(callable, args, positional, kwnames);
            if (result || PyErr_Occurred()) return result;
        }
    }
    bool others = false;
    const Found found = find_boxes(args, total, others);
    const Rules rules = self->rules.load(std::memory_order_acquire);
    if (rules != Rules::Here && (found != Found::Nothing || rules == Rules::ForAny)) [[unlikely]]
        if (!load_rules(callable)) return nullptr;
    if (self->owned && hosted(*self->owned)->trees && found != Found::Boxes)
        return guarded([&]() -> PyObject* {
            return found == Found::InSequences || containers_hold_boxes(args, total)
                       ? call_traced(self, args, positional, kwnames)
                       : PyObject_Vectorcall(self->function, args, flags, kwnames);
        });
    if (found == Found::Nothing) {
        if (kwnames && self->op->structural.unnamed) [[unlikely]]
            return guarded([&] { return call_unnamed(self, args, positional, flags, kwnames); });
        if (!kwnames && (hosted(*self->op)->routines || hosted(*self->op)->formulas)) {
            PyObject* result = guarded([&] { return call_compiled(*self->op, args, positional); });
            if (result || PyErr_Occurred()) return result;
        }
        PyObject* result = guarded([&] { return call_short(self, args, positional, kwnames); });
        if (result || PyErr_Occurred()) return result;
        const Observer::Hosting hosting;
        return PyObject_Vectorcall(self->function, args, flags, kwnames);
    }
    if (others) [[unlikely]] {
        Answer answer = Answer::Nobody;
        PyObject* answered = guarded([&]() -> PyObject* {
            PyObject* asked = nullptr;
            answer = foreign_answers(self, args, positional, kwnames, asked);
            if (answer == Answer::Function)
                return ask_foreign(self, args, positional, kwnames, asked);
            if (answer == Answer::Python) return call_python(self, args, positional, kwnames);
            return Py_NewRef(Py_None);
        });
        if (!answered || answer == Answer::Function || answer == Answer::Python) return answered;
        Py_DECREF(answered);
        if (answer == Answer::Ufunc)
            return PyObject_Vectorcall(self->function, args, flags, kwnames);
    }
    if (self->traced && !self->vjps && !self->jvps)
        return PyObject_Vectorcall(self->traced, args, flags, kwnames);
    return guarded([&] {
        return found == Found::InSequences ? call_joined(self, args, positional, kwnames)
                                           : call_traced(self, args, positional, kwnames);
    });
}

PyObject* vectorcall_by_position(PyObject* callable, PyObject* const* args, std::size_t flags,
                                 PyObject* kwnames) {
    const Py_ssize_t positional = PyVectorcall_NARGS(flags);
    bool others = false;
    if (kwnames || find_boxes(args, positional, others) != Found::Nothing)
        return vectorcall(callable, args, flags, kwnames);
    const Op& op = *reinterpret_cast<PrimitiveObject*>(callable)->op;
    return apply_objects(op, args, static_cast<std::size_t>(positional), nullptr);
}

}  // namespace fastad::python
