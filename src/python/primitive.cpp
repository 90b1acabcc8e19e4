// The type of primitives: a vectorcall object that costs a plain call almost nothing.
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <unordered_set>

#include "python/operators.hpp"
#include "python/primitive.hpp"

#include <structmember.h>

namespace fastad::python {

PyTypeObject* primitive_type = nullptr;

namespace {

// Whether any argument is a box, at the top or inside a list or tuple.
enum class Found { Nothing, Boxes, InSequences };

using Seen = std::unordered_set<PyObject*>;

// Lists that hold themselves are told by looking once into each that lies deeper than this.
constexpr int trusted_depth = 2;
constexpr int deepest = 64;  // no array has more dimensions

bool sequence_has_box(PyObject* sequence, int depth = 0, Seen* seen = nullptr) {
    Seen own;
    if (depth > trusted_depth) {
        if (!seen) seen = &own;
        if (depth > deepest || !seen->insert(sequence).second) return false;
    }
    const Py_ssize_t size = PySequence_Fast_GET_SIZE(sequence);
    PyObject** items = PySequence_Fast_ITEMS(sequence);
    for (Py_ssize_t i = 0; i < size; ++i) {
        if (is_box(items[i])) return true;
        if ((PyList_Check(items[i]) || PyTuple_Check(items[i])) &&
            sequence_has_box(items[i], depth + 1, seen))
            return true;
    }
    return false;
}

// `others` says whether something among them may hold arrays that are no ndarrays.
Found find_boxes(PyObject* const* args, Py_ssize_t count, bool& others) {
    Found found = Found::Nothing;
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyTypeObject* type = Py_TYPE(args[i]);
        if (type == array_box_type) {
            if (found == Found::Nothing) found = Found::Boxes;
        } else if (type == &PyArray_Type || type == &PyFloat_Type || type == &PyLong_Type ||
                   type == float64_type || args[i] == Py_None) {
            continue;
        } else if (PyList_Check(args[i]) || PyTuple_Check(args[i])) {
            others = true;
            if (sequence_has_box(args[i])) found = Found::InSequences;
        } else {
            others = true;
            if (is_box(args[i]) && found == Found::Nothing) found = Found::Boxes;
        }
    }
    return found;
}

// The first foreign array at the top or inside a list or tuple, or null.
PyObject* find_foreign(PyObject* object, int depth = 0) {
    if (!PyList_Check(object) && !PyTuple_Check(object))
        return is_foreign(object) ? object : nullptr;
    if (depth > trusted_depth) return nullptr;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i)
        if (PyObject* found = find_foreign(PySequence_Fast_GET_ITEM(object, i), depth + 1))
            return found;
    return nullptr;
}

// Whether a foreign array answers this call itself: it knows ufuncs, and this is one. Throws for
// one that does not: beside a traced value, its values have no derivative in the table.
bool foreign_answers(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                     PyObject* kwnames) {
    const Py_ssize_t total = positional + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    bool answers = false;
    for (Py_ssize_t i = 0; i < total; ++i) {
        PyObject* found = find_foreign(args[i]);
        if (!found) continue;
        if (found == args[i] && PyObject_TypeCheck(self->function, &PyUFunc_Type) &&
            has_own_ufunc(found)) {
            answers = true;
            continue;
        }
        const char* text = PyUnicode_AsUTF8(self->name);
        std::string what = std::string(text ? text : "primitive") + ": argument ";
        what += i < positional ? std::to_string(i)
                               : PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, i - positional));
        refuse_foreign(found, what + (found == args[i] ? "" : ", or a part of it,"));
    }
    return answers;
}

const char* name_of(PrimitiveObject* self) {
    const char* text = PyUnicode_AsUTF8(self->name);
    return text ? text : "primitive";
}

// The arguments as a tuple and a dict. False with an error set.
bool as_call(PyObject* const* args, Py_ssize_t positional, PyObject* kwnames, Ref& given,
             Ref& named) {
    given = Ref(PyTuple_New(positional));
    named = Ref(PyDict_New());
    if (!given || !named) return false;
    for (Py_ssize_t i = 0; i < positional; ++i)
        PyTuple_SET_ITEM(given.get(), i, Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); ++i)
        if (PyDict_SetItem(named.get(), PyTuple_GET_ITEM(kwnames, i), args[positional + i]) < 0)
            return false;
    return true;
}

// Whether a refused argument has the value that means the default, so that it can be left out.
bool says_nothing(PyObject* parameter, PyObject* value) {
    auto is = [parameter](const char* name) {
        return PyUnicode_CompareWithASCIIString(parameter, name) == 0;
    };
    if (value == Py_None || !std::strcmp(Py_TYPE(value)->tp_name, "numpy._NoValueType"))
        return true;
    if (is("where")) return value == Py_True;
    if (is("subok")) return PyBool_Check(value);     // boxes hold plain arrays
    if (is("order")) return PyUnicode_Check(value);  // of memory: the values are the same
    if (is("casting"))
        return PyUnicode_Check(value) &&
               (PyUnicode_CompareWithASCIIString(value, "unsafe") == 0 ||
                PyUnicode_CompareWithASCIIString(value, "same_kind") == 0);
    return false;
}

// The arguments in the order of the parameters; omitted ones null. False where the block does not
// take them so.
bool bind(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional, PyObject* kwnames,
          std::vector<PyObject*>& bound) {
    const Hosted* own = hosted(*self->op);
    const std::size_t parameters = own->parameters.size();
    if (static_cast<std::size_t>(positional) > parameters) return false;
    bound.assign(parameters, nullptr);
    for (Py_ssize_t i = 0; i < positional; ++i) bound[static_cast<std::size_t>(i)] = args[i];
    const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < named; ++i) {
        PyObject* name = PyTuple_GET_ITEM(kwnames, i);
        std::size_t place = 0;
        while (place < parameters && own->parameters[place] != name &&
               PyUnicode_Compare(own->parameters[place], name) != 0)
            ++place;
        if (place == parameters || bound[place]) return false;
        bound[place] = args[positional + i];
    }
    for (std::size_t i = 0; i < parameters; ++i) {
        if (!bound[i] || self->op->structural.parameter(i)->kind != Argument::Refused) continue;
        if (!says_nothing(own->parameters[i], bound[i])) return false;
        bound[i] = nullptr;
    }
    while (!bound.empty() && !bound.back()) bound.pop_back();
    return !bound.empty() && bound[0];
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

// The function on plain values: for what is no operation.
PyObject* read_all(PyObject* const* args, Py_ssize_t positional, PyObject* kwnames,
                   PyObject* function) {
    const Py_ssize_t total = positional + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    std::vector<Ref> kept;
    std::vector<PyObject*> raw(static_cast<std::size_t>(total));
    for (Py_ssize_t i = 0; i < total; ++i) {
        Ref item(is_box(args[i]) ? to_object(read(to_value(args[i]), Read::Rule))
                                 : Py_NewRef(args[i]));
        raw[static_cast<std::size_t>(i)] = item.get();
        kept.push_back(std::move(item));
    }
    return PyObject_Vectorcall(function, raw.data(), static_cast<std::size_t>(positional), kwnames);
}

// Whether the level that will record this call needs rules for it.
bool rules_needed(PyObject* const* args, Py_ssize_t count) {
    const Traced* top = nullptr;
    for (Py_ssize_t i = 0; i < count; ++i)
        if (is_box(args[i]) && (!top || traced_of(args[i]).serial > top->serial))
            top = &traced_of(args[i]);
    return !top || !top->level || top->level->needs_rules();
}

// 'A' and 'K' depend on how the array lies in memory, which its cotangent need not share: they are
// replaced by what they stand for here, a transposition and 'C' or 'F'.
Ref resolved_order(PyObject* order, PyObject*& array, std::vector<Ref>& kept) {
    const char* text = PyUnicode_Check(order) ? PyUnicode_AsUTF8(order) : "";
    if (!text) throw HostError();
    if (std::strcmp(text, "A") != 0 && std::strcmp(text, "K") != 0) return Ref(Py_NewRef(order));
    const Value value = to_value(array);
    const View view = host::describe(innermost(value));
    const char* resolved = "C";
    if (view.array && text[0] == 'A') {
        auto* a = reinterpret_cast<PyArrayObject*>(py(innermost(value).object()));
        if (PyArray_IS_F_CONTIGUOUS(a) && !PyArray_IS_C_CONTIGUOUS(a)) resolved = "F";
    } else if (view.array && !view.contiguous) {
        // In the order of memory: axes by falling stride, none reversed.
        std::vector<Extent> axes(static_cast<std::size_t>(view.rank));
        for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<Extent>(i);
        std::stable_sort(axes.begin(), axes.end(), [&view](Extent i, Extent j) {
            return std::abs(view.strides[i]) > std::abs(view.strides[j]);
        });
        kept.emplace_back(to_object(shaped::transpose(value, axes.data(), view.rank)));
        array = kept.back().get();
    }
    return checked(PyUnicode_FromString(resolved));
}

// The arguments that no level traces, as they are at this moment.
void settle_static(const Op& op, std::vector<PyObject*>& bound, std::vector<Ref>& kept) {
    for (std::size_t i = 1; i < bound.size(); ++i) {
        const Argument kind = op.structural.parameter(i)->kind;
        if (!bound[i] || kind == Argument::Differentiable || kind == Argument::Discrete) continue;
        Ref settled;
        if (kind == Argument::Order) {
            settled = resolved_order(bound[i], bound[0], kept);
        } else if (is_box(bound[i])) {
            settled = Ref(to_object(read(to_value(bound[i]), Read::Integers)));
        } else if (kind == Argument::Lengths &&
                   (PyList_Check(bound[i]) || PyArray_Check(bound[i])) &&
                   PySequence_Check(bound[i])) {
            settled = Ref(PySequence_Tuple(bound[i]));  // its owner may change it before the sweep
            if (!settled) PyErr_Clear();                // a 0-d array: one axis
        }
        if (!settled) continue;
        bound[i] = settled.get();
        kept.push_back(std::move(settled));
    }
}

// Looks for boxes in lists, tuples, dicts, and the types that are taken apart as these. Each
// container is looked into once: configurations may hold themselves.
class BoxSearch {
  public:
    bool in(PyObject* value) {
        PyTypeObject* type = Py_TYPE(value);
        if (type == array_box_type) return true;
        if (type == &PyArray_Type || type == &PyFloat_Type || type == &PyLong_Type ||
            type == float64_type || value == Py_None || type == &PyUnicode_Type ||
            type == &PyBool_Type)
            return false;
        if (type == &PyList_Type || type == &PyTuple_Type) {
            const Step step(*this, value);
            if (!step.wanted) return false;
            for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(value); ++i)
                if (in(PySequence_Fast_GET_ITEM(value, i))) return true;
            return false;
        }
        if (type == &PyDict_Type) {
            const Step step(*this, value);
            if (!step.wanted) return false;
            Py_ssize_t place = 0;
            PyObject* item = nullptr;
            while (PyDict_Next(value, &place, nullptr, &item)) {
                const Ref held(Py_NewRef(item));
                if (in(item)) return true;
            }
            return false;
        }
        if (is_box(value)) return true;
        const int tree = callbacks.is_tree(type);
        const int holds = tree > 0 ? callbacks.holds_traced(value) : tree;
        if (holds < 0) throw HostError();
        return holds > 0;
    }

  private:
    static constexpr int most_levels = 1000;
    struct Step {
        Step(BoxSearch& search, PyObject* container) : depth(search.depth_) {
            wanted = ++depth <= most_levels && search.seen_.insert(container).second;
        }
        ~Step() { --depth; }
        int& depth;
        bool wanted;
    };
    std::unordered_set<PyObject*> seen_;
    int depth_ = 0;
};

// Whether a container among the arguments of a user's primitive holds boxes.
bool containers_hold_boxes(PyObject* const* args, Py_ssize_t count) {
    BoxSearch search;
    for (Py_ssize_t i = 0; i < count; ++i)
        if (!is_box(args[i]) && search.in(args[i])) return true;
    return false;
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
    switch (op.kind) {
        case OpKind::Elementwise:
        case OpKind::Zero:
        case OpKind::Test: {
            if (op.code == Code::foreign)  // a primitive of derivative zero
                return apply_objects(op, args, total_of(positional, kwnames), kwnames);
            for (Py_ssize_t i = 0; i < positional; ++i)
                if (has_own_ufunc(args[i]))
                    return PyObject_Vectorcall(self->function, args,
                                               static_cast<std::size_t>(positional), kwnames);
            if (op.kind != OpKind::Elementwise && kwnames)
                return apply_objects(op, args, total_of(positional, kwnames), kwnames);
            if (kwnames || positional != static_cast<Py_ssize_t>(op.arity))
                return call_general(self, args, positional, kwnames);
            if (op.kind == OpKind::Elementwise && positional == 1) {
                PyObject* result =
                    guarded([&]() -> PyObject* { return scalar_unary(op, args[0], false); });
                if (result || PyErr_Occurred()) return result;
            }
            return apply_objects(op, args, static_cast<std::size_t>(positional), nullptr);
        }
        case OpKind::Structural: {
            if (op.code == Code::where && positional == 1 && !kwnames)  // numpy.nonzero
                return guarded([&] { return read_all(args, positional, kwnames, self->function); });
            if (op.structural.positional) {
                if (kwnames) {
                    PyErr_Format(PyExc_TypeError, "%s() takes no keyword arguments", name_of(self));
                    return nullptr;
                }
                return apply_objects(op, args, static_cast<std::size_t>(positional), nullptr);
            }
            std::vector<PyObject*> bound;
            if (!bind(self, args, positional, kwnames, bound))
                return call_general(self, args, positional, kwnames);
            return guarded([&]() -> PyObject* {
                std::vector<Ref> kept;
                settle_static(op, bound, kept);
                return apply_objects(op, bound.data(), bound.size(), nullptr);
            });
        }
        case OpKind::Foreign: break;
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

bool has_numpy_value(PyObject* object, int depth = 0) {
    if (PyArray_Check(object) || PyArray_CheckScalar(object)) return true;
    if (depth > deepest || (!PyList_Check(object) && !PyTuple_Check(object))) return false;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i)
        if (has_numpy_value(PySequence_Fast_GET_ITEM(object, i), depth + 1)) return true;
    return false;
}

// numpy.where takes no keywords; autograd's does, and its programs use them. To these programs it
// also gives Python's numbers and lists for Python's numbers and lists.
PyObject* plain_where(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                      std::size_t flags, PyObject* kwnames) {
    std::vector<PyObject*> bound;
    const bool taken = bind(self, args, positional, kwnames, bound);
    if (!taken || std::find(bound.begin(), bound.end(), nullptr) != bound.end())
        return PyObject_Vectorcall(self->function, args, flags, kwnames);
    Ref result = checked(PyObject_Vectorcall(self->function, bound.data(), bound.size(), nullptr));
    if (!lenient || bound.size() != 3 || !PyArray_Check(result.get())) return result.release();
    for (PyObject* argument : bound)
        if (has_numpy_value(argument)) return result.release();
    return PyObject_CallMethod(result.get(), "tolist", nullptr);
}

PyObject* vectorcall(PyObject* callable, PyObject* const* args, std::size_t flags,
                     PyObject* kwnames) {
    auto* self = reinterpret_cast<PrimitiveObject*>(callable);
    const Py_ssize_t positional = PyVectorcall_NARGS(flags);
    const Py_ssize_t total = positional + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    bool others = false;
    const Found found = find_boxes(args, total, others);
    if (self->owned && hosted(*self->owned)->trees && found != Found::Boxes)
        return guarded([&]() -> PyObject* {
            return found == Found::InSequences || containers_hold_boxes(args, total)
                       ? call_traced(self, args, positional, kwnames)
                       : PyObject_Vectorcall(self->function, args, flags, kwnames);
        });
    if (found == Found::Nothing) {
        if ((kwnames || lenient) && self->op->code == Code::where) [[unlikely]]
            return guarded([&] { return plain_where(self, args, positional, flags, kwnames); });
        return PyObject_Vectorcall(self->function, args, flags, kwnames);
    }
    if (others) [[unlikely]] {
        PyObject* answered = guarded([&]() -> PyObject* {
            return Py_NewRef(foreign_answers(self, args, positional, kwnames) ? Py_True : Py_False);
        });
        if (!answered) return nullptr;
        Py_DECREF(answered);
        if (answered == Py_True) return PyObject_Vectorcall(self->function, args, flags, kwnames);
    }
    if (self->traced && !self->vjps && !self->jvps)
        return PyObject_Vectorcall(self->traced, args, flags, kwnames);
    return guarded([&] {
        return found == Found::InSequences ? call_joined(self, args, positional, kwnames)
                                           : call_traced(self, args, positional, kwnames);
    });
}

// An operation that takes its arguments by position is no function of NumPy's: on plain values too
// it is run by the core.
PyObject* vectorcall_by_position(PyObject* callable, PyObject* const* args, std::size_t flags,
                                 PyObject* kwnames) {
    const Py_ssize_t positional = PyVectorcall_NARGS(flags);
    bool others = false;
    if (kwnames || find_boxes(args, positional, others) != Found::Nothing)
        return vectorcall(callable, args, flags, kwnames);
    const Op& op = *reinterpret_cast<PrimitiveObject*>(callable)->op;
    return apply_objects(op, args, static_cast<std::size_t>(positional), nullptr);
}

PyObject* descr_get(PyObject* self, PyObject* object, PyObject*) {
    if (!object || object == Py_None) return Py_NewRef(self);
    return PyMethod_New(self, object);
}

int traverse(PyObject* object, visitproc visit, void* arg) {
    auto* self = reinterpret_cast<PrimitiveObject*>(object);
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->function);
    Py_VISIT(self->traced);
    Py_VISIT(self->derivative);
    Py_VISIT(self->vjps);
    Py_VISIT(self->jvps);
    Py_VISIT(self->dict);
    return 0;
}

int clear(PyObject* object) {
    auto* self = reinterpret_cast<PrimitiveObject*>(object);
    Py_CLEAR(self->traced);
    Py_CLEAR(self->derivative);
    Py_CLEAR(self->vjps);
    Py_CLEAR(self->jvps);
    Py_CLEAR(self->dict);
    return 0;
}

// A record of a user's primitive points to its operation; the vjps that the record keeps hold the
// primitive, so that this runs only when no record is left.
void deallocate(PyObject* object) {
    auto* self = reinterpret_cast<PrimitiveObject*>(object);
    PyTypeObject* type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->weakrefs) PyObject_ClearWeakRefs(object);
    clear(object);
    Py_CLEAR(self->function);
    Py_CLEAR(self->name);
    if (self->owned) {
        delete hosted(*self->owned);
        delete self->owned;
    }
    type->tp_free(object);
    Py_DECREF(type);
}

PyObject* representation(PyObject* object) {
    return PyUnicode_FromFormat("<fastad primitive %U>",
                                reinterpret_cast<PrimitiveObject*>(object)->name);
}

PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(PrimitiveObject, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PrimitiveObject, weakrefs), READONLY, nullptr},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(PrimitiveObject, vectorcall), READONLY, nullptr},
    {"fun", T_OBJECT_EX, offsetof(PrimitiveObject, function), READONLY,
     "The function on plain values."},
    {"__wrapped__", T_OBJECT_EX, offsetof(PrimitiveObject, function), READONLY, nullptr},
    {"__name__", T_OBJECT_EX, offsetof(PrimitiveObject, name), READONLY, nullptr},
    {"vjps", T_OBJECT, offsetof(PrimitiveObject, vjps), 0, "Rules registered from Python."},
    {"jvps", T_OBJECT, offsetof(PrimitiveObject, jvps), 0, "Rules registered from Python."},
    {"traced", T_OBJECT, offsetof(PrimitiveObject, traced), READONLY,
     "The composite that is called on traced values, or None."},
    {"derivative", T_OBJECT, offsetof(PrimitiveObject, derivative), READONLY,
     "The composite that the value is differentiated as, or None."},
    {nullptr, 0, 0, 0, nullptr},
};

PyObject* get_dict(PyObject* object, void* closure) {
    return PyObject_GenericGetDict(object, closure);
}
PyObject* get_kind(PyObject* object, void*) {
    auto* self = reinterpret_cast<PrimitiveObject*>(object);
    const char* kind = "rule";
    if (self->derivative)
        kind = "composite";
    else
        switch (hosted(*self->op)->own_kind) {
            case OpKind::Elementwise: kind = "elementwise"; break;
            case OpKind::Structural: kind = "structural"; break;
            case OpKind::Zero: kind = "zero"; break;
            case OpKind::Test: kind = "test"; break;
            case OpKind::Foreign: kind = "rule"; break;
        }
    return PyUnicode_FromString(kind);
}
// The formulas of the derivatives, as printed in the documentation.
PyObject* get_formulas(PyObject* object, void*) {
    auto* self = reinterpret_cast<PrimitiveObject*>(object);
    const Op& op = *self->op;
    const OpKind kind = hosted(op)->own_kind;
    if (kind == OpKind::Structural) return Py_BuildValue("(s)", op.structural.formula);
    if (kind != OpKind::Elementwise) return PyTuple_New(0);
    if (op.arity == 1) return Py_BuildValue("(s)", op.elementwise.text[0].c_str());
    return Py_BuildValue("(ss)", op.elementwise.text[0].c_str(), op.elementwise.text[1].c_str());
}
// By name: the module and attribute that __module__ and __qualname__ give.
PyObject* reduce(PyObject* object, PyObject*) {
    PyObject* name = PyObject_GetAttrString(object, "__qualname__");
    if (name || !PyErr_ExceptionMatches(PyExc_AttributeError)) return name;
    PyErr_Clear();
    return Py_NewRef(reinterpret_cast<PrimitiveObject*>(object)->name);
}
PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyObject* create(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
    PyObject* function = nullptr;
    PyObject* name = Py_None;
    PyObject* traced = Py_None;
    PyObject* derivative = Py_None;
    int zero = 0;
    static const char* keywords[] = {"function", "name", "traced", "zero", "derivative", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OOpO:Primitive", const_cast<char**>(keywords),
                                     &function, &name, &traced, &zero, &derivative))
        return nullptr;
    if (name != Py_None && !PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "Primitive: the name must be a str, not %s",
                     Py_TYPE(name)->tp_name);
        return nullptr;
    }
    if (!PyCallable_Check(function)) {
        PyErr_Format(PyExc_TypeError, "Primitive: the function must be callable, not %s",
                     Py_TYPE(function)->tp_name);
        return nullptr;
    }
    Ref own_name;
    if (name == Py_None) {
        own_name = Ref(PyObject_GetAttrString(function, "__name__"));
        if (!own_name || !PyUnicode_Check(own_name.get())) {
            PyErr_Clear();
            own_name = Ref(PyUnicode_FromString("primitive"));
        }
        name = own_name.get();
    }
    return new_primitive(type, function, name, traced, derivative, nullptr,
                         zero ? OpKind::Zero : OpKind::Foreign);
}
PyGetSetDef getset[] = {
    {"__dict__", get_dict, PyObject_GenericSetDict, nullptr, nullptr},
    {"kind", get_kind, nullptr,
     "What stands in the table: elementwise, structural, rule, composite, ...", nullptr},
    {"formulas", get_formulas, nullptr, "The derivative for each argument, as text.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_repr, reinterpret_cast<void*>(representation)},
    {Py_tp_descr_get, reinterpret_cast<void*>(descr_get)},
    {Py_tp_new, reinterpret_cast<void*>(create)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, getset},
    {0, nullptr},
};
PyType_Spec spec = {
    "fastad._core.Primitive",
    sizeof(PrimitiveObject),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_BASETYPE,
    slots,
};

}  // namespace

PyObject* primitive_class() {
    if (!primitive_type) primitive_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return Py_XNewRef(reinterpret_cast<PyObject*>(primitive_type));
}

PyObject* new_primitive(PyTypeObject* type, PyObject* function, PyObject* name, PyObject* traced,
                        PyObject* derivative, Op* op, OpKind kind) {
    auto* self = reinterpret_cast<PrimitiveObject*>(type->tp_alloc(type, 0));
    if (!self) return nullptr;
    self->vectorcall = op && op->structural.positional ? vectorcall_by_position : vectorcall;
    self->function = Py_NewRef(function);
    self->name = Py_NewRef(name);
    if (derivative == Py_None) derivative = traced;
    self->traced = traced == Py_None ? nullptr : Py_NewRef(traced);
    self->derivative = derivative == Py_None ? nullptr : Py_NewRef(derivative);
    if (op) {
        self->op = op;
    } else {
        self->owned = new Op;
        const char* text = PyUnicode_AsUTF8(name);
        if (!text) PyErr_Clear();
        self->owned->name = text ? text : "primitive";
        self->owned->kind = kind;
        connect(*self->owned, function);
        // connect() takes a reference for table operations, which live for ever; this one does not.
        Py_DECREF(function);
        self->op = self->owned;
    }
    hosted(*self->op)->primitive = reinterpret_cast<PyObject*>(self);
    hosted(*self->op)->own_kind = self->op->kind;
    return reinterpret_cast<PyObject*>(self);
}

void take_trees(PyObject* primitive, bool taken) noexcept {
    auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
    if (self->owned) hosted(*self->owned)->trees = taken;
}

}  // namespace fastad::python
