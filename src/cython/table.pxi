# The operations of the compiled table as primitives: each with NumPy's function of its name.
#
# from boxes: Box, _prims
# from values: _stack, array_of
# from rules: Primitive, _builtins

import numpy as _np

cdef extern from "python/session.hpp" namespace "fastad::python":
    object table_primitive(const char* name, object function)
    object table_names(const char* kind)
    object aval_object(object primitive, tuple args, dict kwargs)


def aval(primitive, *args, **kwargs):
    """Shape and dtype that the table says the result of one of its operations has, on plain values: before it is
    computed. None where only NumPy knows, NotImplemented where there is no rule."""
    return aval_object(primitive, args, kwargs)


def _getitem_plain(a, index):
    return a[index]


def _by_core(*operands):
    raise RuntimeError("this operation is run by the core")


def _astype(x, dtype, **options):
    # NumPy before 2.1 has the method alone, and its scalars one of their own.
    return x.astype(dtype, **options)


def fill_table():
    global _stack
    own = {"getitem": _getitem_plain, "scatter": _by_core, "part": _getitem_plain, "index": _by_core}
    for kind in (b"elementwise", b"zero", b"test", b"structural"):
        for name in table_names(kind):
            function = own.get(name)
            if function is None:
                if name == "astype":
                    function = getattr(_np, "astype", _astype)
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
    _prims.pop("index")

    def concatenate(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
        if out is not None:
            raise TypeError("concatenate(): the argument 'out' is not supported with a traced value in fastad")
        if not isinstance(arrays, (list, tuple)):
            arrays = list(arrays)
        parts = [array_of(part) if isinstance(part, (list, tuple)) else part for part in arrays]
        result = join(axis, *parts)
        if dtype is None:
            return result
        if not _np.can_cast(result.dtype, dtype, casting):
            raise TypeError(f"Cannot cast array data from {result.dtype!r} to {_np.dtype(dtype)!r} "
                            f"according to the rule {casting!r}")
        return result.astype(dtype)

    def array(object, dtype=None, *, copy=True, order="K", subok=False, ndmin=0, like=None):
        result = array_of(object)
        if not isinstance(result, Box):
            return _np.array(result, dtype=dtype)
        if dtype is not None:
            result = _prims["astype"](result, dtype)
        elif result is object:
            result = _prims["copy"](result, order)
        if order not in ("K", None) and (dtype is not None or result is not object):
            result = _prims["copy"](result, order)
        missing = ndmin - result.ndim
        if missing > 0:
            result = _prims["reshape"](result, (1,) * missing + result.shape)
        return result

    _prims["concatenate"] = Primitive(_np.concatenate, "concatenate", traced=concatenate)
    _prims["array"] = Primitive(_np.array, "array", traced=array)
    _prims["stack_args"] = _stack
    _prims["concatenate_args"] = join
