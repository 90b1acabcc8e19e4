// The type of primitives: a vectorcall object that costs a plain call almost nothing.
#include "python/primitive.hpp"

#include <cstddef>

#include "python/calls.hpp"

#include <structmember.h>

namespace fastad::python {

PyTypeObject* primitive_type = nullptr;

namespace {

PyObject* rules_loader = nullptr;
PyObject* attributes_loader = nullptr;

bool has_rules(PyObject* object) noexcept {
    auto* self = reinterpret_cast<PrimitiveObject*>(object);
    return self->rules.load(std::memory_order_acquire) == Rules::Here || load_rules(object);
}

bool load_attributes(PyObject* object) noexcept {
    auto* self = reinterpret_cast<PrimitiveObject*>(object);
    if (!attributes_loader) return true;
    const Ref done(PyObject_CallOneArg(attributes_loader, object));
    if (!done) return false;
    self->bare.store(false, std::memory_order_release);
    return true;
}

// Public attributes of a ufunc come with the first one that is asked for.
PyObject* get_attribute(PyObject* object, PyObject* name) {
    // Asked first: another thread may attach them meanwhile.
    auto* self = reinterpret_cast<PrimitiveObject*>(object);
    const bool bare = self->bare.load(std::memory_order_acquire);
    PyObject* found = PyObject_GenericGetAttr(object, name);
    if (found || !bare) return found;
    if (!PyErr_ExceptionMatches(PyExc_AttributeError) || !PyUnicode_Check(name) ||
        PyUnicode_GET_LENGTH(name) == 0 || PyUnicode_READ_CHAR(name, 0) == '_')
        return nullptr;
    PyErr_Clear();
    return load_attributes(object) ? PyObject_GenericGetAttr(object, name) : nullptr;
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
    {nullptr, 0, 0, 0, nullptr},
};

// The rules of a primitive: the attribute itself, once they are there.
PyMemberDef rules[] = {
    {"vjps", T_OBJECT, offsetof(PrimitiveObject, vjps), 0, "Rules registered from Python."},
    {"jvps", T_OBJECT, offsetof(PrimitiveObject, jvps), 0, "Rules registered from Python."},
    {"traced", T_OBJECT, offsetof(PrimitiveObject, traced), READONLY,
     "The composite that is called on traced values, or None."},
    {"derivative", T_OBJECT, offsetof(PrimitiveObject, derivative), READONLY,
     "The composite that the value is differentiated as, or None."},
};
PyObject* get_rule(PyObject* object, void* member) {
    if (!has_rules(object)) return nullptr;
    return PyMember_GetOne(reinterpret_cast<char*>(object), static_cast<PyMemberDef*>(member));
}
int set_rule(PyObject* object, PyObject* value, void* member) {
    if (!has_rules(object)) return -1;
    return PyMember_SetOne(reinterpret_cast<char*>(object), static_cast<PyMemberDef*>(member),
                           value);
}

PyObject* get_dict(PyObject* object, void* closure) {
    if (reinterpret_cast<PrimitiveObject*>(object)->bare.load(std::memory_order_acquire) &&
        !load_attributes(object))
        return nullptr;
    return PyObject_GenericGetDict(object, closure);
}
PyObject* get_kind(PyObject* object, void*) {
    if (!has_rules(object)) return nullptr;
    auto* self = reinterpret_cast<PrimitiveObject*>(object);
    return PyUnicode_FromString(self->derivative ? "composite" : name_of(self->op->own));
}
// The formulas of the derivatives, as printed in the documentation.
PyObject* get_formulas(PyObject* object, void*) {
    auto* self = reinterpret_cast<PrimitiveObject*>(object);
    const Op& op = *self->op;
    const OpKind kind = op.own;
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
    {"vjps", get_rule, set_rule, rules[0].doc, &rules[0]},
    {"jvps", get_rule, set_rule, rules[1].doc, &rules[1]},
    {"traced", get_rule, nullptr, rules[2].doc, &rules[2]},
    {"derivative", get_rule, nullptr, rules[3].doc, &rules[3]},
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
    {Py_tp_getattro, reinterpret_cast<void*>(get_attribute)},
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
    if (derivative == Py_None && kind != OpKind::Zero) derivative = traced;
    self->traced = traced == Py_None ? nullptr : Py_NewRef(traced);
    self->derivative = derivative == Py_None ? nullptr : Py_NewRef(derivative);
    if (op) {
        self->op = op;
    } else {
        self->owned = new Op;
        const char* text = PyUnicode_AsUTF8(name);
        if (!text) PyErr_Clear();
        self->owned->name = text ? text : "primitive";
        self->owned->own = kind;
        connect(*self->owned, function);
        // connect() takes a reference for table operations, which live for ever; this one does not.
        Py_DECREF(function);
        self->op = self->owned;
    }
    hosted(*self->op)->primitive = reinterpret_cast<PyObject*>(self);
    return reinterpret_cast<PyObject*>(self);
}

PyObject* set_loaders(PyObject* given_rules, PyObject* given_attributes) noexcept {
    rules_loader = Py_NewRef(given_rules);
    attributes_loader = Py_NewRef(given_attributes);
    return Py_NewRef(Py_None);
}

PyObject* postpone_rules(PyObject* primitive, bool any_call) noexcept {
    auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
    self->rules.store(any_call ? Rules::ForAny : Rules::ForTraced, std::memory_order_release);
    return Py_NewRef(Py_None);
}

PyObject* postpone_attributes(PyObject* primitive) noexcept {
    reinterpret_cast<PrimitiveObject*>(primitive)->bare.store(true, std::memory_order_release);
    return Py_NewRef(Py_None);
}

PyObject* define_late(PyObject* primitive, PyObject* function, PyObject* traced,
                      PyObject* derivative) noexcept {
    auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
    // Other threads read these only once the module is complete. A second definition, after a
    // module that could not be loaded to its end, replaces the first.
    if (function != self->function) set_function(primitive, function);
    Py_XSETREF(self->traced, traced == Py_None ? nullptr : Py_NewRef(traced));
    if (derivative == Py_None) derivative = traced;
    Py_XSETREF(self->derivative, derivative == Py_None ? nullptr : Py_NewRef(derivative));
    return Py_NewRef(Py_None);
}

bool load_rules(PyObject* primitive) noexcept {
    if (!rules_loader) return true;  // fastad itself is being imported
    const Ref done(PyObject_CallOneArg(rules_loader, primitive));
    if (!done) return false;
    if (done.get() == Py_True)
        reinterpret_cast<PrimitiveObject*>(primitive)->rules.store(Rules::Here,
                                                                   std::memory_order_release);
    return true;
}

void set_function(PyObject* primitive, PyObject* function) noexcept {
    auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
    PyObject* before = self->function;
    self->function = Py_NewRef(function);
    Py_DECREF(before);
}

void take_trees(PyObject* primitive, bool taken) noexcept {
    auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
    if (self->owned) hosted(*self->owned)->trees = taken;
}

}  // namespace fastad::python
