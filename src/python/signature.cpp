#include "python/signature.hpp"

#include <algorithm>
#include <functional>

#include "level.hpp"
#include "python/slots.hpp"

namespace fastad::python {

namespace {

PyArrayObject* array(PyObject* object) { return reinterpret_cast<PyArrayObject*>(object); }

constexpr int compared_flags = NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE;

bool numeric(int type) {
    return (PyTypeNum_ISNUMBER(type) || type == NPY_BOOL) && !PyTypeNum_ISOBJECT(type);
}

// Floating and complex scalars are inputs; integers and truths are part of the signature.
bool is_number(PyObject* object) {
    return PyFloat_CheckExact(object) || Py_TYPE(object) == float64_type ||
           PyComplex_CheckExact(object) || PyArray_IsScalar(object, Inexact);
}

bool compares(PyObject* object) {
    return PyLong_CheckExact(object) || PyUnicode_CheckExact(object) ||
           PyBytes_CheckExact(object) || PyBool_Check(object) ||
           PyArray_IsScalar(object, Integer) || PyArray_IsScalar(object, Bool) ||
           PySlice_Check(object);
}

// A tuple, or one of a named tuple's class.
bool is_tuple(PyObject* object) {
    return PyTuple_CheckExact(object) ||
           (PyTuple_Check(object) &&
            PyObject_HasAttrString(reinterpret_cast<PyObject*>(Py_TYPE(object)), "_make"));
}

// Attributes of a tuple's own, which are no part of what is rebuilt.
bool has_attributes(PyObject* tuple) {
    if (!Py_TYPE(tuple)->tp_dictoffset) return false;
    Ref own(PyObject_GenericGetDict(tuple, nullptr));
    if (!own) PyErr_Clear();
    return own && PyDict_GET_SIZE(own.get()) != 0;
}

// The same to all that code can ask: equal things may have other types, or other attributes.
bool is_same(PyObject* a, PyObject* b) {
    if (same_constant(a, b)) return true;
    if (!a || !b || !PySlice_Check(a) || !PySlice_Check(b)) return false;
    auto* x = reinterpret_cast<PySliceObject*>(a);
    auto* y = reinterpret_cast<PySliceObject*>(b);
    return same_constant(x->start, y->start) && same_constant(x->stop, y->stop) &&
           same_constant(x->step, y->step);
}

PyObject* type_object(PyObject* object) { return reinterpret_cast<PyObject*>(Py_TYPE(object)); }

// An int that a double holds exactly.
bool is_small_integer(PyObject* object) {
    if (!PyLong_CheckExact(object)) return false;
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    return !overflow && value <= (1LL << 53) && value >= -(1LL << 53);
}

// A class made by a class statement from nothing but such classes, whose instances have a dict
// alone and answer their attributes from it.
bool is_plain_class(PyTypeObject* type) {
    if (type->tp_getattro != PyObject_GenericGetAttr || type->tp_itemsize != 0) return false;
    for (PyTypeObject* base = type; base != &PyBaseObject_Type; base = base->tp_base) {
        if (!base || !PyType_HasFeature(base, Py_TPFLAGS_HEAPTYPE)) return false;
        if (PyDict_GetItemString(base->tp_dict, "__slots__")) return false;
    }
    return true;
}

}  // namespace

PyObject* instance_state(PyObject* object) {
    static PyObject* const fields = PyUnicode_InternFromString("__dataclass_fields__");
    PyTypeObject* type = Py_TYPE(object);
    if (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) || !_PyType_Lookup(type, fields) ||
        !is_plain_class(type))
        return nullptr;
    PyObject* state = PyObject_GenericGetDict(object, nullptr);
    if (!state) PyErr_Clear();
    return state;
}

namespace {
constexpr int deepest = 200;  // of containers in containers

// What a user has given a dtype to keep; arrays of it have the type number of others.
bool has_metadata(PyArrayObject* array) {
    return PyDataType_METADATA(PyArray_DESCR(array)) != nullptr;
}
}  // namespace

// What has been read of some arguments.
struct Signature::Reader {
    PyObject* lifted;
    std::vector<PyObject*> arrays;  // by input; null: a number
    Py_ssize_t integers = 0;
    int depth = 0;

    bool lifts(PyObject* value) {
        if (!PyLong_CheckExact(value)) return false;
        const Py_ssize_t number = integers++;
        if (lifted == Py_None || !is_small_integer(value)) return false;
        if (lifted == Py_True) return true;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(lifted); ++i)
            if (PyLong_AsSsize_t(PyTuple_GET_ITEM(lifted, i)) == number) return true;
        return false;
    }
};

Signature::~Signature() {
    for (Token& token : tokens_) {
        Py_XDECREF(token.type);
        Py_XDECREF(token.object);
    }
    Py_XDECREF(names_);
}

// From the last on: how many numbers of one type stand side by side.
void Signature::count_numbers() {
    for (std::size_t i = tokens_.size(); i-- > 0;) {
        Token& token = tokens_[i];
        if (token.kind != Token::Kind::Number) continue;
        const bool follows = i + 1 < tokens_.size() && tokens_[i + 1].kind == token.kind &&
                             tokens_[i + 1].type == token.type;
        token.count = follows ? tokens_[i + 1].count + 1 : 1;
    }
}

Token& Signature::push(Token::Kind kind, PyObject* type, PyObject* object, Py_ssize_t count) {
    Token token;
    token.kind = kind;
    token.type = Py_XNewRef(type);
    token.object = Py_XNewRef(object);
    token.count = count;
    tokens_.push_back(token);
    return tokens_.back();
}

void Signature::read(PyObject* args, PyObject* kwargs, PyObject* lifted) {
    Reader reader{lifted, {}};
    positional_ = PyTuple_GET_SIZE(args);
    for (Py_ssize_t i = 0; i < positional_; ++i) read_value(PyTuple_GET_ITEM(args, i), reader);
    if (kwargs && PyDict_GET_SIZE(kwargs) > 0) {
        Ref keys = checked(PyDict_Keys(kwargs));
        names_ = checked(PyList_AsTuple(keys.get())).release();
        Py_ssize_t at = 0;
        PyObject *key, *value;
        while (PyDict_Next(kwargs, &at, &key, &value)) read_value(value, reader);
    }
    count_numbers();
}

void Signature::refuse(PyObject* value, const char* reason) {
    unsupported_ = reason;
    push(Token::Kind::Identical, nullptr, value);
}

void Signature::read_value(PyObject* value, Reader& reader) {
    if (!unsupported_.empty()) return;  // what holds itself twice would have no end
    struct Deeper {
        int& depth;
        explicit Deeper(int& of) : depth(of) { ++depth; }
        ~Deeper() { --depth; }
    } const deeper(reader.depth);
    std::vector<PyObject*>& arrays = reader.arrays;
    if (is_box(value)) return refuse(value, "an argument is a traced value");
    if (reader.depth > deepest)
        return refuse(value, "an argument is nested too deeply, or holds itself");
    if (is_number(value)) {
        push(Token::Kind::Number, type_object(value), nullptr, 1);
        ++inputs_;
        arrays.push_back(nullptr);
    } else if (Py_TYPE(value) == &PyArray_Type) {
        for (std::size_t i = 0; i < arrays.size(); ++i)
            if (arrays[i] == value) {
                push(Token::Kind::Repeated, nullptr, nullptr, static_cast<Py_ssize_t>(i));
                return;
            }
        PyArrayObject* a = array(value);
        if (!numeric(PyArray_TYPE(a)) || !PyArray_ISNOTSWAPPED(a))
            return refuse(value, "an argument is an array of a type that cannot be recorded");
        if (has_metadata(a))
            return refuse(value, "an argument is an array whose dtype has metadata");
        Token& token = push(Token::Kind::Array, nullptr, nullptr);
        token.dtype = PyArray_TYPE(a);
        token.flags = PyArray_FLAGS(a) & compared_flags;
        token.rank = PyArray_NDIM(a);
        token.extents = extents_.size();
        extents_.insert(extents_.end(), PyArray_DIMS(a), PyArray_DIMS(a) + token.rank);
        extents_.insert(extents_.end(), PyArray_STRIDES(a), PyArray_STRIDES(a) + token.rank);
        ++inputs_;
        arrays.push_back(value);
    } else if (PyList_CheckExact(value)) {
        push(Token::Kind::List, nullptr, nullptr, PyList_GET_SIZE(value));
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(value); ++i)
            read_value(PyList_GET_ITEM(value, i), reader);
    } else if (is_tuple(value)) {
        if (has_attributes(value))
            return refuse(value, "an argument is a tuple with attributes of its own");
        push(Token::Kind::Tuple, type_object(value), nullptr, PyTuple_GET_SIZE(value));
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); ++i)
            read_value(PyTuple_GET_ITEM(value, i), reader);
    } else if (PyDict_CheckExact(value)) {
        Ref keys = checked(PyDict_Keys(value));
        Ref tuple = checked(PyList_AsTuple(keys.get()));
        push(Token::Kind::Dict, nullptr, tuple.get(), PyDict_GET_SIZE(value));
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple.get()); ++i)
            read_value(PyDict_GetItemWithError(value, PyTuple_GET_ITEM(tuple.get(), i)), reader);
    } else if (reader.lifts(value)) {
        push(Token::Kind::Integer, type_object(value), nullptr);
        ++inputs_;
        arrays.push_back(nullptr);
    } else if (compares(value)) {
        push(Token::Kind::Equal, type_object(value), value);
    } else if (Ref state{instance_state(value)}; state) {
        Ref names = checked(PySequence_Tuple(state.get()));
        push(Token::Kind::Instance, type_object(value), names.get(), PyDict_GET_SIZE(state.get()));
        Py_ssize_t at = 0;
        PyObject *key, *item;
        while (PyDict_Next(state.get(), &at, &key, &item)) read_value(item, reader);
    } else {
        push(Token::Kind::Identical, nullptr, value);
    }
}

bool Signature::match_items(PyObject* dict, const Token& token, std::size_t& at,
                            Matched& inputs) const {
    if (PyDict_GET_SIZE(dict) != token.count) return false;
    // The order of keys is a fact that programs can see.
    Py_ssize_t place = 0, i = 0;
    PyObject *key, *item;
    while (PyDict_Next(dict, &place, &key, &item)) {
        PyObject* expected = PyTuple_GET_ITEM(token.object, i++);
        if (!is_same(key, expected)) return false;
        if (!match_value(item, at, inputs)) return false;
    }
    return true;
}

bool Signature::match_array(PyObject* value, const Token& token, Matched& inputs) const {
    if (Py_TYPE(value) != &PyArray_Type) return false;
    PyArrayObject* a = array(value);
    if (PyArray_TYPE(a) != token.dtype || PyArray_NDIM(a) != token.rank ||
        (PyArray_FLAGS(a) & compared_flags) != token.flags || !PyArray_ISNOTSWAPPED(a) ||
        has_metadata(a))
        return false;
    const npy_intp* shape = extents_.data() + token.extents;
    const npy_intp* strides = shape + token.rank;
    for (int axis = 0; axis < token.rank; ++axis)
        if (PyArray_DIM(a, axis) != shape[axis] || PyArray_STRIDE(a, axis) != strides[axis])
            return false;
    for (PyObject* const* other = inputs.all; other != inputs.next; ++other)
        if (*other == value) return false;
    *inputs.next++ = value;
    return true;
}

bool Signature::match_list(PyObject* value, const Token& token, std::size_t& at,
                           Matched& inputs) const {
    if (!PyList_CheckExact(value) || PyList_GET_SIZE(value) != token.count) return false;
    for (Py_ssize_t i = 0; i < token.count;) {
        const Token& next = tokens_[at];
        if (next.kind != Token::Kind::Number) {
            if (i >= PyList_GET_SIZE(value) || !match_value(PyList_GET_ITEM(value, i), at, inputs))
                return false;
            ++i;
            continue;
        }
        // Most are: side by side. Nothing runs in between that could change the list.
        const Py_ssize_t count = std::min(next.count, token.count - i);
        if (i + count > PyList_GET_SIZE(value)) return false;
        PyObject* const* items = reinterpret_cast<PyListObject*>(value)->ob_item + i;
        PyObject** to = inputs.next;
        for (Py_ssize_t k = 0; k < count; ++k) {
            if (type_object(items[k]) != next.type) return false;
            to[k] = items[k];
        }
        inputs.next += count;
        at += static_cast<std::size_t>(count);
        i += count;
    }
    return true;
}

bool Signature::match_value(PyObject* value, std::size_t& at, Matched& inputs) const {
    const Token& token = tokens_[at++];
    switch (token.kind) {
        case Token::Kind::Number:
            if (type_object(value) != token.type) return false;
            *inputs.next++ = value;
            return true;
        case Token::Kind::Integer:
            if (!is_small_integer(value)) return false;
            *inputs.next++ = value;
            return true;
        case Token::Kind::Instance: {
            if (type_object(value) != token.type) return false;
            Ref state = checked(PyObject_GenericGetDict(value, nullptr));
            return match_items(state.get(), token, at, inputs);
        }
        case Token::Kind::Array: return match_array(value, token, inputs);
        case Token::Kind::Repeated: return inputs.own[token.count] == value;
        case Token::Kind::List: return match_list(value, token, at, inputs);
        case Token::Kind::Tuple:
            if (type_object(value) != token.type || PyTuple_GET_SIZE(value) != token.count ||
                has_attributes(value))
                return false;
            for (Py_ssize_t i = 0; i < token.count; ++i)
                if (!match_value(PyTuple_GET_ITEM(value, i), at, inputs)) return false;
            return true;
        case Token::Kind::Dict:
            return PyDict_CheckExact(value) && match_items(value, token, at, inputs);
        case Token::Kind::Equal: return is_same(value, token.object);
        case Token::Kind::Identical: return value == token.object;
    }
    return false;
}

bool Signature::match(PyObject* const* args, Py_ssize_t positional, PyObject* kwnames,
                      std::vector<PyObject*>& inputs) const {
    if (positional != positional_ || !unsupported_.empty()) return false;
    const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    if (named != (names_ ? PyTuple_GET_SIZE(names_) : 0)) return false;
    for (Py_ssize_t i = 0; i < named; ++i) {
        PyObject* a = PyTuple_GET_ITEM(kwnames, i);
        PyObject* b = PyTuple_GET_ITEM(names_, i);
        if (a != b && PyUnicode_Compare(a, b) != 0) return false;
    }
    const std::size_t before = inputs.size();
    inputs.resize(before + inputs_);
    Matched matched{inputs.data(), inputs.data() + before, inputs.data() + before};
    std::size_t at = 0;
    for (Py_ssize_t i = 0; i < positional + named; ++i)
        if (!match_value(args[i], at, matched)) return false;
    return true;
}

bool Signature::match(PyObject* args, PyObject* kwargs, std::vector<PyObject*>& inputs) const {
    std::vector<PyObject*> list;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i)
        list.push_back(PyTuple_GET_ITEM(args, i));
    Ref names;
    if (kwargs && PyDict_GET_SIZE(kwargs)) {
        Ref keys = checked(PyDict_Keys(kwargs));
        names = checked(PyList_AsTuple(keys.get()));
        Py_ssize_t at = 0;
        PyObject *key, *value;
        while (PyDict_Next(kwargs, &at, &key, &value)) list.push_back(value);
    }
    return match(list.data(), PyTuple_GET_SIZE(args), names.get(), inputs);
}

void Signature::rebuild_items(PyObject* dict, const Token& token, PyObject* leaves, std::size_t& at,
                              Py_ssize_t& leaf) const {
    for (Py_ssize_t i = 0; i < token.count; ++i) {
        Ref item(rebuild_value(leaves, at, leaf));
        if (PyDict_SetItem(dict, PyTuple_GET_ITEM(token.object, i), item.get()) < 0)
            throw HostError();
    }
}

PyObject* Signature::rebuild_value(PyObject* leaves, std::size_t& at, Py_ssize_t& leaf) const {
    const Token& token = tokens_[at++];
    switch (token.kind) {
        case Token::Kind::Number:
        case Token::Kind::Integer:
        case Token::Kind::Array: return Py_NewRef(PySequence_Fast_GET_ITEM(leaves, leaf++));
        case Token::Kind::Repeated: return Py_NewRef(PySequence_Fast_GET_ITEM(leaves, token.count));
        case Token::Kind::List: {
            Ref list = checked(PyList_New(token.count));
            for (Py_ssize_t i = 0; i < token.count; ++i)
                PyList_SET_ITEM(list.get(), i, rebuild_value(leaves, at, leaf));
            return list.release();
        }
        case Token::Kind::Tuple: {
            Ref tuple = checked(PyTuple_New(token.count));
            for (Py_ssize_t i = 0; i < token.count; ++i)
                PyTuple_SET_ITEM(tuple.get(), i, rebuild_value(leaves, at, leaf));
            if (token.type == reinterpret_cast<PyObject*>(&PyTuple_Type)) return tuple.release();
            return checked(PyObject_CallMethod(token.type, "_make", "(O)", tuple.get())).release();
        }
        case Token::Kind::Dict: {
            Ref dict = checked(PyDict_New());
            rebuild_items(dict.get(), token, leaves, at, leaf);
            return dict.release();
        }
        case Token::Kind::Instance: {
            // No constructor is called: it may check or convert what is now a traced value.
            Ref none = checked(PyTuple_New(0));
            Ref object = checked(PyBaseObject_Type.tp_new(
                reinterpret_cast<PyTypeObject*>(token.type), none.get(), nullptr));
            Ref dict = checked(PyObject_GenericGetDict(object.get(), nullptr));
            rebuild_items(dict.get(), token, leaves, at, leaf);
            return object.release();
        }
        default: return Py_NewRef(token.object);
    }
}

PyObject* Signature::rebuild(PyObject* leaves) const {
    Ref fast = checked(PySequence_Fast(leaves, "rebuild() takes a sequence of leaves"));
    if (PySequence_Fast_GET_SIZE(fast.get()) != static_cast<Py_ssize_t>(inputs_))
        throw Error(Error::Class::Value, "rebuild() wants " + std::to_string(inputs_) + " leaves");
    std::size_t at = 0;
    Py_ssize_t leaf = 0;
    Ref args = checked(PyTuple_New(positional_));
    for (Py_ssize_t i = 0; i < positional_; ++i)
        PyTuple_SET_ITEM(args.get(), i, rebuild_value(fast.get(), at, leaf));
    Ref kwargs = checked(PyDict_New());
    for (Py_ssize_t i = 0; names_ && i < PyTuple_GET_SIZE(names_); ++i) {
        Ref item(rebuild_value(fast.get(), at, leaf));
        if (PyDict_SetItem(kwargs.get(), PyTuple_GET_ITEM(names_, i), item.get()) < 0)
            throw HostError();
    }
    return checked(PyTuple_Pack(2, args.get(), kwargs.get())).release();
}

std::size_t Signature::hash() const noexcept {
    std::size_t hash = static_cast<std::size_t>(positional_);
    auto mix = [&hash](std::size_t value) {
        hash = (hash ^ value) * 0x100000001B3u + (hash >> 23);
    };
    for (const Token& token : tokens_) {
        mix(static_cast<std::size_t>(token.kind));
        mix(static_cast<std::size_t>(token.count));
        mix(reinterpret_cast<std::size_t>(token.type) >> 4);
        mix(static_cast<std::size_t>(token.dtype));
        if (token.kind == Token::Kind::Identical)
            mix(reinterpret_cast<std::size_t>(token.object) >> 4);
        if (token.kind == Token::Kind::Equal && !PySlice_Check(token.object)) {
            const Py_hash_t own = PyObject_Hash(token.object);
            if (own == -1) PyErr_Clear();
            mix(static_cast<std::size_t>(own));
        }
    }
    for (const npy_intp extent : extents_) mix(static_cast<std::size_t>(extent));
    return hash;
}

bool Signature::operator==(const Signature& other) const {
    if (positional_ != other.positional_ || tokens_.size() != other.tokens_.size() ||
        extents_ != other.extents_ || (names_ == nullptr) != (other.names_ == nullptr))
        return false;
    auto same = [](PyObject* a, PyObject* b) { return a == b || (a && b && is_same(a, b)); };
    if (!same(names_, other.names_)) return false;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
        const Token& a = tokens_[i];
        const Token& b = other.tokens_[i];
        if (a.kind != b.kind || a.type != b.type || a.count != b.count || a.dtype != b.dtype ||
            a.flags != b.flags || a.rank != b.rank)
            return false;
        if (a.kind == Token::Kind::Identical ? a.object != b.object : !same(a.object, b.object))
            return false;
    }
    return true;
}

}  // namespace fastad::python
