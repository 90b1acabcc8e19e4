# cython: language_level=3, c_api_binop_methods=True, binding=True, embedsignature=False
# distutils: language = c++
"""Boxes, tapes and primitives: the binding between Python and the compiled core. No mathematics."""

cimport cython
from cpython.object cimport (
    Py_EQ, Py_GE, Py_GT, Py_LE, Py_LT, Py_NE, PyObject, PyTypeObject, PyObject_Call,
)
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.string cimport string

import numpy as _np

cdef extern from "python/session.hpp" namespace "fastad":
    cdef enum class Kind(unsigned char):
        Nothing "fastad::Kind::None"
        Weak
        Strong
        Integer
        Object
        Box

    cdef cppclass Value:
        Value()
        Value(const Value&)
        Kind kind()
        cbool empty()
        cbool is_box()
        cbool is_number()

    cdef cppclass Level:
        uint64_t serial

    cdef cppclass Traced:
        Level* level
        uint64_t serial
        Value value
        Value tangent
        uint32_t index
        cbool alive()

    cdef cppclass CTape "fastad::Tape":
        uint64_t trace()
        void stop()
        void close()
        uint32_t size()
        size_t bytes()
        string print()

    cdef enum class Code(unsigned short):
        add
        subtract
        multiply
        divide
        remainder
        floor_divide
        negative
        positive
        absolute
        less
        less_equal
        equal
        not_equal
        greater
        greater_equal

    cdef cppclass Op:
        string name

cdef extern from "python/session.hpp" namespace "fastad::python":
    struct Callbacks:
        PyObject* (*make_vjps)(PyObject*, PyObject*, PyObject*, PyObject*, PyObject*)
        PyObject* (*call_vjp)(PyObject*, PyObject*, Py_ssize_t, PyObject*)
        PyObject* (*call_jvp)(PyObject*, Py_ssize_t, PyObject*, PyObject*, PyObject*, PyObject*)
        PyObject* (*array_of)(PyObject*)
        PyTypeObject* (*box_type_of)(PyObject*)
        PyObject* (*record)(PyObject*, PyObject*, PyObject*, PyObject*, PyObject*, PyObject*)
        PyObject* (*add_objects)(PyObject*, PyObject*)
        PyObject* (*convert)(PyObject*)
        PyObject* (*by_position)(PyObject*, PyObject*, PyObject*)

    object initialise(PyTypeObject* box, PyTypeObject* array_box, const Callbacks& given)
    object primitive_class()
    object binary_operator(Code code, object left, object right)
    object unary_operator(Code code, object operand)
    object power_operator(object base, object exponent)
    object compare_operator(Code code, object left, object right)
    object matmul_operator(object left, object right)
    object getitem_operator(object box, object index)
    object getitem_position(object box, Py_ssize_t position)
    object table_primitive(const char* name, object function)
    object table_names(const char* kind)
    object value_object(const Value& value)
    object innermost_object(const Value& value)

    CTape* open_tape() except NULL
    object tape_box(CTape* tape, object value)
    object tape_sweep(CTape* tape, object outputs, object cotangents, object inputs, cbool consume)
    object tape_sweep_batch(CTape* tape, object outputs, object cotangents, object inputs)
    object tape_grad(CTape* tape, object ans, object boxes, cbool elementwise)
    Level* open_tapeless(cbool graph) except NULL
    void close_tapeless(Level* level)
    object graph_box(Level* level, object value, object node)
    cbool on_graph(object box)
    void override_rules(object primitive, cbool overridden)
    object builtin_copy(object primitive)
    object weak_number(object box)
    void set_converting(cbool converts)
    object forward_box(Level* level, object value, object tangent)
    void c_debug_nans "fastad::python::debug_nans" (cbool enter, cbool infinities)
    void c_debug_mutation "fastad::python::debug_mutation" (cbool enter)
    object note_loss(object box, const char* how)
    object tape_losses(CTape* tape)
    object c_set_inner_folders "fastad::python::set_inner_folders" (object folders)
    void enter_strict_zero()
    void exit_strict_zero()
    cbool strict_zero_active()
    void trim_pool()
    size_t idle_pool_bytes()
    object choose_kernels(const char* name)
    const char* kernels_name()


_lost = (
    "{} reads the plain number out of a traced value, and its derivative would be lost. Use the value as it "
    "is: fastad.numpy functions instead of math's (fastad.numpy.sin(x), not math.sin(x)), fastad.numpy.array "
    "instead of numpy.array, and in place of assigning into a plain array (z[0] = x) build it in one go with "
    "fastad.numpy.array, stack or where; or fastad.getval(x) if the plain number is what you want"
)
_assign = (
    "a traced array cannot be assigned into: build it in one go with fastad.numpy.array, concatenate, stack "
    "or where instead"
)


cdef _plain_number_wanted(box, str by):
    note_loss(box, b"a plain number was asked for (TypeError)")
    return TypeError(_lost.format(by))



cdef class Box:
    """A traced value: a value one level down, and its place on a tape.

    Boxes are made by the differential operators; a function under ``grad`` receives them in place of
    its arguments. ``fastad.getval`` gives the plain value.
    """

    cdef Traced traced

    def __init__(self, value=None, trace=None, node=None):
        # Real boxes are made by levels; autograd's makers of boxes call this, and only the type counts.
        pass

    @property
    def _value(self):
        return value_object(self.traced.value)

    @property
    def _tangent(self):
        return None if self.traced.tangent.empty() else value_object(self.traced.tangent)

    @property
    def _trace(self):
        return self.traced.serial

    @property
    def _node(self):
        if on_graph(self):
            return value_object(self.traced.tangent)
        return None if _node_of is None else _node_of(self)

    @classmethod
    def register(cls, value_type):
        """Box values of this type in this class."""
        Box.types.add(cls)
        _box_types[value_type] = cls
        _box_types[cls] = cls

    def __bool__(self):
        return bool(innermost_object(self.traced.value))

    def __repr__(self):
        return f"<fastad {type(self).__name__} with value {innermost_object(self.traced.value)!r}>"

    def __str__(self):
        return f"<fastad {type(self).__name__} with value {innermost_object(self.traced.value)!s}>"

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __hash__(self):
        return <Py_ssize_t>(<void*>self) >> 4

    def __reduce__(self):
        raise TypeError("a traced value cannot be pickled: it belongs to a tape of this process")


cdef object _prims = {}
cdef object _method_table = {}


cdef class ArrayBox(Box):
    """A traced float, NumPy scalar or ndarray: ndarray's attributes, methods and operators."""

    __array_priority__ = 100.0

    # -- operators -------------------------------------------------------------------------------
    def __add__(left, right): return binary_operator(Code.add, left, right)
    def __sub__(left, right): return binary_operator(Code.subtract, left, right)
    def __mul__(left, right): return binary_operator(Code.multiply, left, right)
    def __truediv__(left, right): return binary_operator(Code.divide, left, right)
    def __mod__(left, right): return binary_operator(Code.remainder, left, right)
    def __floordiv__(left, right): return binary_operator(Code.floor_divide, left, right)
    def __divmod__(left, right):
        return (binary_operator(Code.floor_divide, left, right),
                binary_operator(Code.remainder, left, right))
    def __matmul__(left, right): return matmul_operator(left, right)
    def __pow__(base, exponent, modulus):
        if modulus is not None:
            return NotImplemented
        return power_operator(base, exponent)
    def __neg__(self): return unary_operator(Code.negative, self)
    def __pos__(self): return unary_operator(Code.positive, self)
    def __abs__(self): return unary_operator(Code.absolute, self)

    def __richcmp__(self, other, int op):
        if op == Py_LT: return compare_operator(Code.less, self, other)
        if op == Py_GT: return compare_operator(Code.greater, self, other)
        if op == Py_LE: return compare_operator(Code.less_equal, self, other)
        if op == Py_GE: return compare_operator(Code.greater_equal, self, other)
        if op == Py_EQ: return compare_operator(Code.equal, self, other)
        return compare_operator(Code.not_equal, self, other)

    def __hash__(self):
        return <Py_ssize_t>(<void*>self) >> 4

    # -- a container -----------------------------------------------------------------------------
    def __getitem__(self, index): return getitem_operator(self, index)
    def __setitem__(self, index, value): raise TypeError(_assign)
    def __len__(self): return len(innermost_object(self.traced.value))
    def __contains__(self, item): return item in innermost_object(self.traced.value)

    def __iter__(self):
        cdef Py_ssize_t i, length = len(innermost_object(self.traced.value))
        for i in range(length):
            yield getitem_position(self, i)

    def __reversed__(self):
        cdef Py_ssize_t i, length = len(innermost_object(self.traced.value))
        for i in range(length - 1, -1, -1):
            yield getitem_position(self, i)

    # -- reading the number: nowhere silently ------------------------------------------------------
    def __float__(self): raise _plain_number_wanted(self, "float(), also called by math functions and by assignment into a plain array,")
    def __int__(self): raise _plain_number_wanted(self, "int()")
    def __complex__(self): raise _plain_number_wanted(self, "complex()")
    def __index__(self): raise _plain_number_wanted(self, "using it as an index")
    def __array__(self, dtype=None, copy=None):
        # Integers have derivative zero: nothing is lost.
        if dtype is not None and _np.dtype(dtype).kind in "biu":
            return _np.asarray(innermost_object(self.traced.value), dtype)
        raise _plain_number_wanted(self, "numpy.array() or numpy.asarray(), also called by assignment into a plain array,")
    def __format__(self, spec): return format(innermost_object(self.traced.value), spec)
    def __round__(self, ndigits=None):
        if ndigits is None:
            return round(innermost_object(self.traced.value))
        return _np.round(innermost_object(self.traced.value), ndigits)

    # -- attributes --------------------------------------------------------------------------------
    @property
    def shape(self): return _np.shape(innermost_object(self.traced.value))
    @property
    def ndim(self): return _np.ndim(innermost_object(self.traced.value))
    @property
    def size(self): return _np.size(innermost_object(self.traced.value))
    @property
    def dtype(self):
        raw = innermost_object(self.traced.value)
        return raw.dtype if hasattr(raw, "dtype") else _np.result_type(raw)
    @property
    def itemsize(self): return self.dtype.itemsize
    @property
    def nbytes(self): return self.size * self.dtype.itemsize
    @property
    def strides(self): return getattr(innermost_object(self.traced.value), "strides", ())
    @property
    def flags(self): return _np.asarray(innermost_object(self.traced.value)).flags
    @property
    def T(self): return _prims["transpose"](self)
    @property
    def mT(self): return _prims["swapaxes"](self, -1, -2)
    @property
    def real(self): return _prims["real"](self)
    @property
    def imag(self): return _prims["imag"](self)
    @property
    def flat(self): return iter(_prims["ravel"](self))

    def __getattr__(self, name):
        # Only what ndarray has and no method above: named in the error, so that it can be asked for.
        if hasattr(_np.ndarray, name):
            raise AttributeError(f"a traced value has no attribute or method {name!r}: it has no rule in fastad")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return _dispatch_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func, types, args, kwargs):
        return _dispatch_function(func, types, args, kwargs)


cdef object _dispatch_ufunc = None
cdef object _dispatch_function = None


def set_dispatch(for_ufunc, for_function):
    """Say what answers ``numpy.sin(box)`` and ``numpy.sum(box)``: set once by fastad.numpy."""
    global _dispatch_ufunc, _dispatch_function
    _dispatch_ufunc = for_ufunc
    _dispatch_function = for_function


cdef extern from *:
    """
    #include <string.h>
    static int fastad_set_type_attribute(PyTypeObject* type, PyObject* name, PyObject* value) {
        int status = PyDict_SetItem(type->tp_dict, name, value);
        PyType_Modified(type);
        return status;
    }
    // NumPy must not take a box for a sequence: it would then hide our own message behind its own.
    static void fastad_not_a_sequence(PyTypeObject* type) {
        if (type->tp_as_sequence) type->tp_as_sequence->sq_item = NULL;
    }
    """
    int fastad_set_type_attribute(PyTypeObject* type, object name, object value) except -1
    void fastad_not_a_sequence(PyTypeObject* type)


_type_names = []


def set_module(type_, str module):
    """Change the module that Box or ArrayBox names: packages choose their backend by it."""
    name = f"{module}.{type_.__name__}".encode()
    _type_names.append(name)  # the type points into it
    (<PyTypeObject*>type_).tp_name = <const char*><char*>name
    fastad_set_type_attribute(<PyTypeObject*>type_, "__module__", module)


def set_method(str name, function):
    """Give ArrayBox a method: a Primitive, or a Python function of the box."""
    fastad_set_type_attribute(<PyTypeObject*>ArrayBox, name, function)


# -- rules registered from Python ----------------------------------------------------------------

Primitive = None  # set below, by the C++ type


class _Rules:
    """VJP or JVP rules of one primitive: by argnum, or one function for several."""

    __slots__ = ("by_argnum", "rest", "joint", "single")

    def __init__(self):
        self.by_argnum = {}
        self.rest = None      # for argnums beyond the given ones: f(argnum, ...)
        self.joint = None     # f(argnums, ...)
        self.single = None


def _no_rule(primitive, argnum, mode):
    name = primitive.__name__
    raise NotImplementedError(
        f"{name}: there is no {mode} rule for its argument number {argnum}. Add one with "
        f"fastad.extend.{'defvjp' if mode == 'VJP' else 'defjvp'}({name}, ..., argnums=({argnum},)), or write the "
        f"computation with functions of fastad.numpy that have rules"
    )


class _JointVjp:
    """One vjp for several arguments: called once for each cotangent, handed out by parts."""

    __slots__ = ("vjp", "g", "parts")

    def __init__(self, vjp):
        self.vjp = vjp
        self.g = None
        self.parts = None

    def part(self, which, last, g):
        if self.parts is None or self.g is not g:
            self.g, self.parts = g, tuple(self.vjp(g))
        result = self.parts[which]
        if last:
            self.g = self.parts = None
        return result


def _as_it_is(vjp):
    return vjp


class _TupleVjp:
    """The vjp of a primitive with several results: zeros stand in where no cotangent arrived."""

    __slots__ = ("spaces", "vjp")

    def __init__(self, vjp, spaces):
        self.vjp = vjp
        self.spaces = spaces

    @staticmethod
    def around(ans):
        spaces = []
        for item in ans:
            raw = getval(item)
            array = _np.asarray(raw)
            dtype = array.dtype if array.dtype.kind in "fc" else _np.dtype(float)
            spaces.append((array.shape, dtype, isinstance(raw, _np.ndarray)))
        return lambda vjp: _TupleVjp(vjp, spaces)

    def __call__(self, gs):
        full = []
        for i, (shape, dtype, is_array) in enumerate(self.spaces):
            g = gs[i] if i < len(gs) else None
            if g is None:
                g = _np.zeros(shape, dtype) if is_array else dtype.type(0)
            full.append(g)
        return self.vjp(tuple(full))


cdef object _keyword_argnum_error(primitive, name):
    return TypeError(
        f"{primitive.__name__}: the keyword argument {name!r} is a traced value, which has no rule as a keyword; "
        f"pass it by position, or pass fastad.getval of it"
    )


cdef PyObject* _by_position(PyObject* primitive_, PyObject* args_, PyObject* kwargs_) noexcept:
    try:
        result = _by_position_object(<object>primitive_, <tuple>args_, <dict>kwargs_)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef tuple _by_position_object(primitive, tuple args, dict kwargs):
    from inspect import Parameter, signature  # not needed by most programs, and slow to import

    traced = [name for name, value in kwargs.items() if isinstance(value, Box)]
    try:
        parameters = [
            parameter for parameter in signature(primitive.fun).parameters.values()
            if parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        parameters = []  # of a function in C
    names = [parameter.name for parameter in parameters]
    for name in traced:
        if name not in names:
            raise _keyword_argnum_error(primitive, name)
        if names.index(name) < len(args):
            raise TypeError(f"{primitive.__name__}() got multiple values for argument {name!r}")
    places = list(args)
    for parameter in parameters[len(args):max(map(names.index, traced)) + 1]:
        if parameter.name in kwargs:
            places.append(kwargs.pop(parameter.name))
        elif parameter.default is not Parameter.empty:
            places.append(parameter.default)
        else:
            raise TypeError(f"{primitive.__name__}() missing a required argument: {parameter.name!r}")
    return tuple(places)


cdef PyObject* _make_vjps(PyObject* primitive_, PyObject* argnums_, PyObject* ans_, PyObject* args_,
                          PyObject* kwargs_) noexcept:
    try:
        result = _make_vjps_object(<object>primitive_, <tuple>argnums_, <object>ans_, <tuple>args_,
                                   <object>kwargs_)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef extern from *:
    """
    static void fastad_restore(PyObject* error) {
        Py_INCREF(error);
        Py_INCREF(Py_TYPE(error));
        PyErr_Restore((PyObject*)Py_TYPE(error), error, PyException_GetTraceback(error));
    }
    """
    void fastad_restore(object error)

cdef void _restore(object error) noexcept:
    fastad_restore(error)


cdef object _make_vjps_object(primitive, tuple argnums, ans, tuple args, kwargs):
    cdef Py_ssize_t positional = len(args)
    if kwargs is None:
        kwargs = {}
    for argnum in argnums:
        if argnum >= positional:
            raise _keyword_argnum_error(primitive, list(kwargs)[argnum - positional])
    rules = primitive.vjps
    if rules is None:
        _no_rule(primitive, argnums[0], "VJP")
    handle = [argnums, primitive]
    wrap = _TupleVjp.around(ans) if isinstance(ans, tuple) else _as_it_is
    if rules.joint is not None:
        joint = _JointVjp(wrap(rules.joint(argnums, ans, args, kwargs)))
        handle.append(joint)
        return tuple(handle)
    for argnum in argnums:
        maker = rules.by_argnum.get(argnum, _missing)
        if maker is _missing:
            if rules.rest is None:
                _no_rule(primitive, argnum, "VJP")
            handle.append(wrap(rules.rest(argnum, ans, args, kwargs)))
        elif maker is None:
            handle.append(None)
        else:
            handle.append(wrap(maker(ans, *args, **kwargs)))
    return tuple(handle)


cdef object _missing = object()


cdef PyObject* _call_vjp(PyObject* primitive_, PyObject* vjps_, Py_ssize_t which, PyObject* g_) noexcept:
    try:
        handle = <tuple?>vjps_
        vjp = handle[2] if len(handle) == 3 else handle[2 + which]
        if isinstance(vjp, _JointVjp):
            result = vjp.part(which, which == len(handle[0]) - 1, <object>g_)
        elif vjp is None:
            result = None
        else:
            result = vjp(<object>g_)
            if result is None:
                raise TypeError(
                    f"{(<object>primitive_).__name__}: the vjp of its argument number {handle[0][which]} returned None; "
                    f"it must return a cotangent (is a return statement missing?)"
                )
            if _hooks and type(result) in _hooks:
                result = _hooks[type(result)](result)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef PyObject* _call_jvp(PyObject* primitive_, Py_ssize_t argnum, PyObject* tangent_, PyObject* ans_,
                         PyObject* args_, PyObject* kwargs_) noexcept:
    try:
        primitive = <object>primitive_
        args = <tuple>args_
        kwargs = <object>kwargs_
        if kwargs is None:
            kwargs = {}
        if argnum >= len(args):
            raise _keyword_argnum_error(primitive, list(kwargs)[argnum - len(args)])
        rules = primitive.jvps
        if rules is None:
            _no_rule(primitive, argnum, "JVP")
        rule = rules.by_argnum.get(argnum, _missing)
        if rules.joint is not None:
            result = rules.joint((argnum,), [<object>tangent_], <object>ans_, args, kwargs)
        elif rule is _missing:
            if rules.rest is None:
                _no_rule(primitive, argnum, "JVP")
            result = rules.rest(argnum, <object>tangent_, <object>ans_, args, kwargs)
        elif rule is None:
            result = None
        elif rule == "same":
            result = primitive(*args[:argnum], <object>tangent_, *args[argnum + 1:], **kwargs)
        else:
            result = rule(<object>tangent_, <object>ans_, *args, **kwargs)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


def _wrapping(primitive, function):
    for name in ("__module__", "__qualname__", "__doc__"):
        value = getattr(function, name, None)
        if value is not None:
            setattr(primitive, name, value)
    primitive.__dict__.update(getattr(function, "__dict__", {}))
    return primitive


def primitive(function):
    """Make a function into a primitive: one operation on the tape, with rules given by defvjp and defjvp.

    Parameters
    ----------
    function : callable
        Called with plain values (those of one level down), never with boxes of the level that records it.

    Returns
    -------
    Primitive
    """
    return _wrapping(Primitive(function, getattr(function, "__name__", None)), function)


def notrace_primitive(function):
    """Make a function whose derivative is zero wherever it has one: it gets plain values, and its result is
    plain."""
    return _wrapping(Primitive(function, getattr(function, "__name__", None), zero=True), function)


def _rules_of(primitive, which):
    if not isinstance(primitive, Primitive):
        raise TypeError(
            f"a rule can only be given to a primitive, not to {primitive!r}: decorate it with fastad.extend.primitive"
        )
    rules = getattr(primitive, which)
    if rules is None:
        rules = _Rules()
        setattr(primitive, which, rules)
        if primitive in _builtins:
            _override(primitive)
    return rules


_builtins = {}


def _override(primitive):
    """Record an operation of the table with rules from Python; what they do not name, the table's rules do."""
    own = _builtins[primitive]
    if own is None:
        own = _builtins[primitive] = builtin_copy(primitive)
    for which in ("vjps", "jvps"):
        if getattr(primitive, which) is None:
            setattr(primitive, which, _Rules())
    primitive.vjps.rest = lambda argnum, ans, args, kwargs: builtin_vjp(own, argnum, args, kwargs)
    primitive.jvps.rest = lambda argnum, g, ans, args, kwargs: builtin_jvp(own, argnum, g, args, kwargs)
    override_rules(primitive, True)


def restore_rules(primitive):
    """Undo what defvjp and defjvp did to a built-in operation."""
    primitive.vjps = primitive.jvps = None
    override_rules(primitive, False)


def builtin_vjp(primitive, argnum, args, kwargs):
    """The vjp of one argument of any differentiable operation, from a tape of its own."""
    tape = Tape()
    box = tape.box(args[argnum])
    out = primitive(*args[:argnum], box, *args[argnum + 1:], **kwargs)
    tape.stop()

    def vjp(g):
        return tape.sweep([out], [g], [box])[0]

    return vjp


def builtin_jvp(primitive, argnum, g, args, kwargs):
    """The jvp of one argument of any differentiable operation."""
    with Forward() as level:
        box = level.box(args[argnum], g)
        return level.tangent(primitive(*args[:argnum], box, *args[argnum + 1:], **kwargs))[1]


def defvjp(primitive, *makers, argnums=None):
    """Give a primitive its VJP rules.

    Parameters
    ----------
    primitive : Primitive
    *makers : callable or None
        One for each argument: ``maker(ans, *args, **kwargs)`` returns ``vjp(g)``, the cotangent of that argument.
        None: derivative zero.
    argnums : sequence of int, optional
        The arguments that the makers belong to; by default the first ones.
    """
    rules = _rules_of(primitive, "vjps")
    for maker in makers:
        if maker is not None and not callable(maker):
            raise TypeError(f"defvjp: a vjp maker of {primitive.__name__} must be a function or None, not {maker!r}")
    rules.joint = None
    for argnum, maker in zip(argnums if argnums is not None else range(len(makers)), makers):
        rules.by_argnum[argnum] = maker


def defvjp_argnum(primitive, maker):
    """One VJP maker for every argument: ``maker(argnum, ans, args, kwargs)`` returns ``vjp(g)``."""
    rules = _rules_of(primitive, "vjps")
    rules.rest = maker
    rules.by_argnum.clear()


def defvjp_argnums(primitive, maker):
    """One VJP maker for all arguments at once: ``maker(argnums, ans, args, kwargs)`` returns ``vjp(g)``,
    which returns one cotangent for each of argnums."""
    _rules_of(primitive, "vjps").joint = maker


def defjvp(primitive, *jvps, argnums=None):
    """Give a primitive its JVP rules: ``jvp(g, ans, *args, **kwargs)`` for each argument.

    ``"same"`` stands for an operation that is linear in that argument: the operation itself on the
    tangent. None: derivative zero.
    """
    rules = _rules_of(primitive, "jvps")
    for jvp in jvps:
        if jvp is not None and jvp != "same" and not callable(jvp):
            raise TypeError(f"defjvp: a jvp of {primitive.__name__} must be a function, 'same' or None, not {jvp!r}")
    for argnum, jvp in zip(argnums if argnums is not None else range(len(jvps)), jvps):
        rules.by_argnum[argnum] = jvp


def defjvp_argnum(primitive, jvp):
    """One JVP for every argument: ``jvp(argnum, g, ans, args, kwargs)``."""
    _rules_of(primitive, "jvps").rest = jvp


def defjvp_argnums(primitive, jvp):
    """One JVP for several arguments: ``jvp(argnums, gs, ans, args, kwargs)``."""
    _rules_of(primitive, "jvps").joint = jvp


def def_linear(primitive):
    """Say that a primitive is linear in each argument separately: its JVP is itself."""
    rules = _rules_of(primitive, "jvps")
    rules.rest = lambda argnum, g, ans, args, kwargs: primitive(
        *args[:argnum], g, *args[argnum + 1:], **kwargs
    )


# -- the table -------------------------------------------------------------------------------------

cdef PyObject* _array_of(PyObject* nested_) noexcept:
    try:
        result = array_of(<object>nested_)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


def array_of(nested):
    """An array of nested lists and tuples whose leaves may be boxes."""
    if isinstance(nested, (list, tuple)):
        if not nested:
            return _np.array(nested)
        parts = [array_of(item) for item in nested]
        if not any(isinstance(part, Box) for part in parts):
            return _np.array(parts)
        return _stack(0, *parts)
    return nested


_box_types = {}
fastad_set_type_attribute(<PyTypeObject*>Box, "type_mappings", _box_types)
fastad_set_type_attribute(<PyTypeObject*>Box, "types", set())


cdef PyTypeObject* _box_type_of(PyObject* value_) noexcept:
    try:
        found = _box_type(<object>value_)
    except BaseException as error:
        _restore(error)
        return NULL
    return <PyTypeObject*>found


cdef object _box_type(value):
    found = _box_types.get(type(value))
    if found is not None and not (isinstance(found, type) and issubclass(found, Box)):
        # A function that looks at the value, as autograd allows: only its type of box counts.
        found = type(found(value, 0, None))
        if not issubclass(found, Box):
            raise TypeError(f"Box.type_mappings[{type(value).__name__}] gave a {found.__name__}, not a Box")
    if found is None:
        found = ArrayBox
        if not isinstance(value, (_np.ndarray, _np.generic, float, complex)):
            found = _find_box_type(value)
            if found is None:
                raise TypeError(f"a value of type {type(value).__name__} cannot be traced")
    return found


cdef object _find_box_type(value):
    for type_ in type(value).__mro__:
        found = _box_types.get(type_)
        if isinstance(found, type) and issubclass(found, Box):
            return found
    return None


def operations():
    """The compiled table: name -> Primitive."""
    return dict(_prims)


def weak(x):
    """A traced numpy.float64 as a Python float, which decides no dtype: ``x.item()``."""
    return weak_number(x)


def isbox(x):
    """True if x is a traced value."""
    return isinstance(x, Box)


def getval(x):
    """The plain value of x, with all levels of tracing removed."""
    while isinstance(x, Box):
        x = innermost_object((<Box>x).traced.value)
    return x


def take_value(x):
    """The plain value of x, with all levels of tracing removed: as ``getval``, for the user's own programs.

    What a tape loses by it is remembered for the warning that an output does not depend on the input.
    """
    if not isinstance(x, Box):
        return x
    note_loss(x, b"fastad.getval")
    return getval(x)


# -- levels ----------------------------------------------------------------------------------------

cdef class Tape:
    """One reverse level, open until ``close``.

    Operations on its boxes are recorded; ``sweep`` takes cotangents of outputs back to inputs, as often as
    wanted.
    """

    cdef CTape* tape
    cdef uint64_t serial

    def __cinit__(self):
        self.tape = open_tape()
        self.serial = self.tape.trace()

    def __dealloc__(self):
        if self.tape is not NULL and self.tape.trace() == self.serial:
            self.tape.close()

    cdef CTape* living(self) except NULL:
        if self.tape.trace() != self.serial:
            raise RuntimeError("this tape is closed: its operator has returned")
        return self.tape

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """End the level: its boxes become invalid and what it kept is freed."""
        if self.tape.trace() == self.serial:
            self.tape.close()

    def stop(self):
        """End recording: its boxes become invalid, but the tape can still be swept."""
        self.living().stop()

    @property
    def closed(self):
        return self.tape.trace() != self.serial

    def box(self, value):
        """An input of this tape: a traced float, complex number or array."""
        return tape_box(self.living(), value)

    def owns(self, x):
        """True if x is a box of this tape."""
        return isinstance(x, Box) and (<Box>x).traced.serial == self.serial

    def sweep(self, outputs, cotangents, inputs, cbool consume=False):
        """Cotangents of inputs for cotangents of outputs; None for an input that none reached.

        Parameters
        ----------
        outputs : sequence
            What is no box of this tape is passed over.
        cotangents : sequence
            One for each output, of its shape.
        inputs : sequence of Box
        consume : bool
            Free what the tape keeps on the way; it cannot be swept again.
        """
        return tape_sweep(self.living(), tuple(outputs), tuple(cotangents), tuple(inputs), consume)

    def sweep_many(self, outputs, cotangents, inputs):
        """As ``sweep`` for a batch: every cotangent, and every result, has a leading batch axis."""
        result = tape_sweep_batch(self.living(), tuple(outputs), tuple(cotangents), tuple(inputs))
        return None if result is NotImplemented else result

    def __len__(self):
        return self.living().size()

    @property
    def losses(self):
        """Where a traced value of this tape was given away as a plain one, the first places; '' if nowhere."""
        return tape_losses(self.living())

    @property
    def nbytes(self):
        """Bytes of the records, without the arrays that they keep."""
        return self.living().bytes()

    def __str__(self):
        if self.tape.trace() != self.serial:
            return "closed tape"
        return self.tape.print().decode()


cdef class Forward:
    """One forward level: each of its boxes carries a tangent."""

    cdef Level* level
    cdef uint64_t serial

    def __cinit__(self):
        self.level = open_tapeless(False)
        self.serial = self.level.serial

    def __dealloc__(self):
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """End the level."""
        if self.level is not NULL and self.level.serial == self.serial:
            close_tapeless(self.level)

    cdef int living(self) except -1:
        if self.level.serial != self.serial:
            raise RuntimeError("this level is closed: its operator has returned")
        return 0

    def box(self, value, tangent):
        """A traced value with its tangent, which must have the value's shape."""
        self.living()
        return forward_box(self.level, value, tangent)

    def owns(self, x):
        """True if x is a box of this level."""
        return isinstance(x, Box) and (<Box>x).traced.serial == self.serial

    def tangent(self, x):
        """The value and the tangent (None: zero) of a result of the traced function."""
        if not self.owns(x):
            return x, None
        return value_object((<Box>x).traced.value), value_object((<Box>x).traced.tangent)


cdef class Gradient:
    """The hot way of grad, value_and_grad and elementwise_grad: one argument, one output.

    The argument is a leaf, or lists, tuples and dicts of leaves. What it cannot do itself (other
    containers, several arguments, outputs that are no real scalar) goes to
    ``_general(args, kwargs)``; an output that does not depend on the argument, or has the wrong shape,
    to ``_finish(args, kwargs, value, losses)``, without a second call of the user's function.
    """

    cdef object fun, rule, factory
    cdef Py_ssize_t argnum
    cdef cbool with_value, elementwise

    def __init__(self, rule, factory, fun, argnum=0, **options):
        # Operators are often made for one call (grad(f)(x)), so that making one must cost little: the
        # attributes of the Python side are filled in when one of them is asked for.
        self.fun = fun
        self.rule = rule
        self.factory = factory
        self.argnum = -1
        self.with_value = rule is _value_rule
        self.elementwise = rule is _elementwise_rule
        if type(argnum) is int and not options and callable(fun):
            self.argnum = argnum
            self.__module__ = getattr(fun, "__module__", None) or "fastad"
        else:
            self._fill(rule, factory, fun, argnum, **options)

    def _fill_late(self):
        self._fill(self.rule, self.factory, self.fun, self.argnum)

    def __call__(self, /, *args, **kwargs):
        cdef Py_ssize_t i, count = PyTuple_GET_SIZE(args)
        if not 0 <= self.argnum < count:
            return self._general(args, kwargs)
        cdef object x = <object>PyTuple_GET_ITEM(args, self.argnum)
        cdef cbool leaf = type(x) is float or isinstance(x, _leaf_types)
        if not leaf and not (type(x) is list or type(x) is tuple or type(x) is dict):
            return self._general(args, kwargs)
        cdef CTape* tape = open_tape()
        cdef object box, traced_args, item, ans, result, value, losses
        cdef list boxes
        try:
            try:
                if leaf:
                    box = tape_box(tape, x)
                else:
                    boxes = []
                    box = _box_tree(tape, x, boxes)
                    if not boxes:
                        return self._general(args, kwargs)
            except TypeError:
                return self._general(args, kwargs)  # whose error names the argument
            traced_args = PyTuple_New(count)
            for i in range(count):
                item = box if i == self.argnum else <object>PyTuple_GET_ITEM(args, i)
                Py_INCREF(item)
                PyTuple_SET_ITEM(traced_args, i, item)
            ans = PyObject_Call(self.fun, traced_args, kwargs)
            result = tape_grad(tape, ans, box if leaf else boxes, self.elementwise)
            if result is NotImplemented:
                value = _missing
            elif result is not None:
                if not leaf:
                    result = _like_tree(x, iter(result))
                if self.with_value:
                    return value_object((<Box>ans).traced.value), result
                return result
            else:
                value = ans
                losses = tape_losses(tape)
                if isinstance(ans, Box):
                    if (<Box>ans).traced.serial == tape.trace():
                        value = value_object((<Box>ans).traced.value)
                elif not isinstance(ans, (float, complex, _np.generic, _np.ndarray)):
                    value = _missing
        finally:
            tape.close()
        if value is _missing:
            return self._general(args, kwargs)
        return self._finish(args, kwargs, value, losses)


cdef class Graph:
    """A level that records into Python's own nodes: autograd's ``tracer.trace`` with a Node class.

    Each operation on its boxes is handed to the function given to ``set_record``.
    """

    cdef Level* level
    cdef readonly uint64_t serial

    def __cinit__(self):
        self.level = open_tapeless(True)
        self.serial = self.level.serial

    def __dealloc__(self):
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """End the level."""
        if self.level is not NULL and self.level.serial == self.serial:
            close_tapeless(self.level)

    def box(self, value, node):
        """A traced value with its node."""
        if self.level.serial != self.serial:
            raise RuntimeError("this level is closed: its trace has returned")
        return graph_box(self.level, value, node)

    def owns(self, x):
        """True if x is a box of this level."""
        return isinstance(x, Box) and (<Box>x).traced.serial == self.serial


cdef object _record = None
cdef object _node_of = None
cdef object _add = None
cdef dict _hooks = {}


def set_record(function):
    """``function(primitive, ans, args, kwargs, argnums, boxes)`` gives the box for an operation on a Graph."""
    global _record
    _record = function


def set_node(function):
    """``function(box)`` gives ``box._node`` for boxes of tapes and forward levels."""
    global _node_of
    _node_of = function


def set_add(function):
    """``function(x, y)`` adds cotangents of types that NumPy does not know."""
    global _add
    _add = function


def set_result_hook(type_, function):
    """Replace results of vjps and primitives that have this type by ``function(result)``."""
    _hooks[type_] = function
    set_converting(True)


cdef PyObject* _record_objects(PyObject* primitive, PyObject* ans, PyObject* args, PyObject* kwargs,
                               PyObject* argnums, PyObject* boxes) noexcept:
    try:
        result = _record(<object>primitive, <object>ans, <object>args,
                         {} if <object>kwargs is None else <object>kwargs, <object>argnums, <object>boxes)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef PyObject* _add_objects(PyObject* a, PyObject* b) noexcept:
    try:
        result = <object>a + <object>b if _add is None else _add(<object>a, <object>b)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef PyObject* _convert(PyObject* result_) noexcept:
    try:
        result = <object>result_
        hook = _hooks.get(type(result))
        if hook is not None:
            result = hook(result)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef object _value_rule = None
cdef object _elementwise_rule = None


def set_gradient_rules(value_rule, elementwise_rule):
    """Say which of the unary rules Gradient stands for: set once by differential_operators."""
    global _value_rule, _elementwise_rule
    _value_rule = value_rule
    _elementwise_rule = elementwise_rule


cdef object _box_tree(CTape* tape, object x, list boxes):
    """The same containers with every leaf boxed; TypeError for what only the general way knows."""
    kind = type(x)
    if kind is list:
        return [_box_tree(tape, item, boxes) for item in x]
    if kind is tuple:
        return tuple([_box_tree(tape, item, boxes) for item in x])
    if kind is dict:
        return {key: _box_tree(tape, item, boxes) for key, item in x.items()}
    if kind is not float and not isinstance(x, _leaf_types):
        raise TypeError
    box = tape_box(tape, x)
    boxes.append(box)
    return box


cdef object _like_tree(object x, gradients):
    """The gradients in the argument's containers."""
    kind = type(x)
    if kind is list:
        return [_like_tree(item, gradients) for item in x]
    if kind is tuple:
        return tuple([_like_tree(item, gradients) for item in x])
    if kind is dict:
        return {key: _like_tree(item, gradients) for key, item in x.items()}
    gradient = next(gradients)
    if gradient is not None:
        return gradient
    raw = getval(x)
    dtype = _np.result_type(raw)
    if dtype.kind in "biu":
        dtype = _np.dtype(float)
    return _np.zeros(raw.shape, dtype) if isinstance(raw, _np.ndarray) else dtype.type(0)


cdef tuple _leaf_types = (_np.ndarray, _np.floating, ArrayBox)


def set_inner_folders(folders):
    """Say in which folders (with a separator at the end) a file is not part of the user's program."""
    c_set_inner_folders(folders)


class debug_nans:
    """Within this context, the first NaN or infinity is an error that names the operation and the line.

    Every traced operation is looked at, forward and in the sweep: where its result (or the contribution of its
    derivative) has a NaN or an infinity and what it was computed of has none, FloatingPointError says which
    operation, and the file and line of the program that called it. A NaN that came in with an argument or a
    constant is let pass, and reported with its place if the gradient ends with one. Holds for this thread; slow.

    Parameters
    ----------
    infinities : bool
        False looks for NaN only, for programs in which infinities are meant (a mask of ``-inf``).

    Raises
    ------
    FloatingPointError
        In the function that is differentiated, or where its gradient is taken.
    """

    __slots__ = ("infinities",)

    def __init__(self, *, infinities=True):
        self.infinities = bool(infinities)

    def __enter__(self):
        c_debug_nans(True, self.infinities)
        return self

    def __exit__(self, *error):
        c_debug_nans(False, self.infinities)


class debug_mutation:
    """Within this context, an array that was changed between its use and the sweep is an error.

    The tape keeps operands by reference. A program that writes into an array after an operation used it (a
    buffer that a loop fills anew) has a derivative of what is in it then, silently. Here each array that a rule
    will read is remembered by a checksum; RuntimeError names the operation, the argument, and the file and line.
    Holds for what this thread records; slow.

    Raises
    ------
    RuntimeError
        Where the gradient is taken.
    """

    __slots__ = ()

    def __enter__(self):
        c_debug_mutation(True)
        return self

    def __exit__(self, *error):
        c_debug_mutation(False)


class strict_zero:
    """Within this context, a cotangent that is exactly zero contributes exactly zero in every adjoint.

    ``where(x > 0, sqrt(x), 0)`` and the like then pick up no NaN from the branch that was not taken (its own
    rule computes ``0 * inf``), and the subgradient of sqrt and norm at 0 is 0. Without it, derivatives are what
    NumPy computes: ``0 * inf`` is NaN. Holds for the sweeps of this thread; a little slower.
    """

    __slots__ = ()

    def __enter__(self):
        enter_strict_zero()
        return self

    def __exit__(self, *error):
        exit_strict_zero()


def is_strict_zero():
    """True within ``strict_zero`` in this thread: for rules that divide by what may be zero."""
    return strict_zero_active()


def release_memory():
    """Give the idle memory of the pool of large arrays back to the system; returns how many bytes it was."""
    idle = idle_pool_bytes()
    trim_pool()
    return idle


def use_kernels(str name):
    """Choose the instruction set of the kernels: 'baseline', 'avx2' or 'avx512'; ValueError if not here."""
    choose_kernels(name.encode())


def kernels():
    """The instruction set in use."""
    return kernels_name().decode()


cdef Callbacks _callbacks
_callbacks.make_vjps = _make_vjps
_callbacks.call_vjp = _call_vjp
_callbacks.call_jvp = _call_jvp
_callbacks.array_of = _array_of
_callbacks.box_type_of = _box_type_of
_callbacks.record = _record_objects
_callbacks.add_objects = _add_objects
_callbacks.convert = _convert
_callbacks.by_position = _by_position
fastad_not_a_sequence(<PyTypeObject*>Box)
fastad_not_a_sequence(<PyTypeObject*>ArrayBox)
initialise(<PyTypeObject*>Box, <PyTypeObject*>ArrayBox, _callbacks)
Primitive = primitive_class()


def _getitem_plain(a, index):
    return a[index]


def _scatter_plain(like, index, values):
    raise RuntimeError("scatter is run by the core")


cdef object _stack


def _fill():
    global _stack
    own = {"getitem": _getitem_plain, "scatter": _scatter_plain, "part": _getitem_plain}
    for kind in (b"elementwise", b"zero", b"test", b"structural"):
        for name in table_names(kind):
            function = own.get(name)
            if function is None:
                if name == "astype":
                    function = getattr(_np, "astype", _np.ndarray.astype)
                elif name == "copy":
                    function = _np.copy
                else:
                    function = getattr(_np, name)
            _prims[name] = table_primitive(name.encode(), function)
    for primitive in _prims.values():
        _builtins[primitive] = None
    _stack = _prims.pop("stack")
    join = _prims.pop("concatenate")
    _prims.pop("part")

    def concatenate(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
        if out is not None:
            raise TypeError("concatenate(): the argument 'out' is not supported for a traced value")
        if not isinstance(arrays, (list, tuple)):
            arrays = list(arrays)
        parts = [array_of(part) if isinstance(part, (list, tuple)) else part for part in arrays]
        result = join(axis, *parts)
        return result if dtype is None else result.astype(dtype)

    def array(object, dtype=None, *, copy=True, order="K", subok=False, ndmin=0, like=None):
        result = array_of(object)
        if not isinstance(result, Box):
            return _np.array(result, dtype=dtype)
        if dtype is not None:
            result = _prims["astype"](result, dtype)
        elif result is object:
            result = _prims["copy"](result)
        missing = ndmin - result.ndim
        if missing > 0:
            result = _prims["reshape"](result, (1,) * missing + result.shape)
        return result

    _prims["concatenate"] = Primitive(_np.concatenate, "concatenate", traced=concatenate)
    _prims["array"] = Primitive(_np.array, "array", traced=array)
    _prims["stack_args"] = _stack
    _prims["concatenate_args"] = join


_fill()
