# How a primitive is called with what the core does not read itself: keywords, general calls, containers.
#
# from hooks: _call_trees, _general_call, _restore, _type_is_tree, _value_holds_traced
# from values: isbox
# from rules: Around, _keyword_argnum_error, has_own

from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF


cdef PyObject* _by_position(PyObject* primitive_, PyObject* args_, PyObject* kwargs_) noexcept:
    try:
        result = _by_position_object(<object>primitive_, <tuple>args_, <dict>kwargs_, isbox)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef PyObject* _general(PyObject* primitive_, PyObject* args_, PyObject* kwargs_) noexcept:
    try:
        result = _general_call(<object>primitive_, <object>args_, <object>kwargs_)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef PyObject* _trees(PyObject* primitive_, PyObject* args_, PyObject* kwargs_, PyObject* ans_) noexcept:
    try:
        if ans_ is NULL:
            result = _call_trees(<object>primitive_, <object>args_, <object>kwargs_)
        else:
            result = _call_trees(<object>primitive_, <object>args_, <object>kwargs_, <object>ans_)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef int _is_tree(PyTypeObject* type_) noexcept:
    try:
        return _type_is_tree is not None and _type_is_tree(<object>type_)
    except BaseException as error:
        _restore(error)
        return -1


cdef int _holds_traced(PyObject* value_) noexcept:
    try:
        return _value_holds_traced(<object>value_)
    except BaseException as error:
        _restore(error)
        return -1


def by_position(primitive, tuple args, dict kwargs, holds_traced):
    """The positional arguments of a call with all traced values among them, taken out of kwargs."""
    return _by_position_object(primitive, args, kwargs, holds_traced)


cdef tuple _by_position_object(primitive, tuple args, dict kwargs, holds_traced):
    from inspect import Parameter, signature  # not needed by most programs, and slow to import

    traced = [name for name, value in kwargs.items() if holds_traced(value)]
    function = primitive.derivative
    if function is None or isinstance(function, Around):
        function = primitive.fun
    try:
        parameters = [
            parameter for parameter in signature(function).parameters.values()
            if parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        parameters = []  # of a function in C
    names = [
        parameter.name if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD else "" for parameter in parameters
    ]
    for name in list(traced):
        if name not in names:
            if not has_own(primitive):
                raise _keyword_argnum_error(primitive, name)
            traced.remove(name)  # differentiated by its own derivative where it is
            continue
        if names.index(name) < len(args):
            raise TypeError(f"{primitive.__name__}() got multiple values for argument {name!r}")
    if not traced:
        return args
    places = list(args)
    for parameter in parameters[len(args):max(map(names.index, traced)) + 1]:
        if parameter.name in kwargs:
            places.append(kwargs.pop(parameter.name))
        elif parameter.default is not Parameter.empty:
            places.append(parameter.default)
        else:
            raise TypeError(f"{primitive.__name__}() missing a required argument: {parameter.name!r}")
    return tuple(places)
