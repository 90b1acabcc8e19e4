"""Special names of classes, what NumPy asks objects for, objects that pass for others."""

import functools
import weakref
from unittest import mock

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, nothing

STORIES = Stories()
story = STORIES.add


@story
def dunder_that_is_no_code():
    t = {0: 2.0}

    class T:
        __getitem__ = t.__getitem__

    c = T()

    def f(x):
        return np.sum(x) * c[0]

    def ch():
        t[0] = 5.0

    def ch2():
        T.__getitem__ = {0: 9.0}.__getitem__

    return f, calls(ch, ch2), nothing


@story
def dunder_that_is_partial():
    t = [2.0]

    class T:
        __call__ = functools.partial(lambda: t[0])

    c = T()

    def f(x):
        return np.sum(x) * c()

    def ch():
        t[0] = 5.0

    def ch2():
        T.__call__ = functools.partial(lambda: 9.0)

    return f, calls(ch, ch2), nothing


@story
def dunder_that_is_object():
    class C:
        k = 2

        def __call__(s):
            return s.k

    cc = C()

    class T:
        __len__ = cc

    c = T()

    def f(x):
        return np.sum(x) * len(c)

    def ch():
        cc.k = 5

    def ch2():
        d = C()
        d.k = 7
        T.__len__ = d

    return f, calls(ch, ch2), nothing


@story
def bool_added():
    class T:
        pass

    c = T()

    def f(x):
        return np.sum(x) * (2.0 if c else 3.0)

    def ch():
        T.__bool__ = lambda s: False

    def ch2():
        del T.__bool__

    return f, calls(ch, ch2), nothing


@story
def len_added():
    class B:
        pass

    class T(B):
        pass

    c = T()

    def f(x):
        return np.sum(x) * (2.0 if c else 3.0)

    def ch():
        B.__len__ = lambda s: 0

    return f, calls(ch), nothing


@story
def eq_added():
    class T:
        pass

    c, d = T(), T()

    def f(x):
        return np.sum(x) * (2.0 if c == d else 3.0)

    def ch():
        T.__eq__ = lambda s, o: True

    return f, calls(ch), nothing


@story
def getattr_added():
    class T:
        pass

    c = T()

    def f(x):
        try:
            return np.sum(x) * c.zz
        except AttributeError:
            return np.sum(x)

    def ch():
        T.__getattr__ = lambda s, n: 3.0

    return f, calls(ch), nothing


@story
def array_ufunc_none():
    class T:
        def __rmul__(s, o):
            return np.sum(o) * 3.0

        __array_ufunc__ = None

    c = T()

    def f(x):
        return np.sum(onp.ones(2) * c) * np.sum(x)

    def ch():
        T.__array_ufunc__ = lambda s, *a, **k: 7.0

    return f, calls(ch), nothing


@story
def array_priority():
    class T:
        __array_priority__ = 100.0

        def __rmul__(s, o):
            return 2.0

        def __array__(s, *a, **k):
            return onp.array([5.0])

    c = T()

    def f(x):
        return np.sum(onp.ones(2) * c) * np.sum(x)

    def ch():
        T.__array_priority__ = -100.0

    return f, calls(ch), nothing


@story
def dtype_attribute():
    class T:
        pass

    c = T()
    c.dtype = onp.dtype("f4")

    def f(x):
        return onp.zeros(2, c) + np.sum(x)

    def ch():
        c.dtype = onp.dtype("f8")

    return f, calls(ch), nothing


@story
def dtype_attribute_of_class():
    class T:
        dtype = onp.dtype("i4")

    def f(x):
        return np.sum(x) * onp.array([1.5, 2.5]).astype(T)[1]

    def ch():
        T.dtype = onp.dtype("f8")

    return f, calls(ch), nothing


@story
def array_interface_attr():
    a, b = onp.array([1.0, 2.0]), onp.array([4.0, 5.0])

    class T:
        pass

    c = T()
    c.__array_interface__ = a.__array_interface__

    def f(x):
        return np.sum(x) * onp.sum(onp.asarray(c))

    def ch():
        c.__array_interface__ = b.__array_interface__

    def ch2():
        b[0] = 11.0

    return f, calls(ch, ch2), nothing


@story
def array_interface_same_memory():
    b = onp.array([4.0, 5.0])

    class T:
        pass

    c = T()
    c.__array_interface__ = b.__array_interface__

    def f(x):
        return np.sum(x) * onp.sum(onp.asarray(c))

    def ch():
        b[0] = 11.0

    return f, calls(ch), nothing


@story
def array_struct_attr():
    b = onp.array([4.0, 5.0])

    class T:
        pass

    c = T()
    c.__array_struct__ = b.__array_struct__

    def f(x):
        return np.sum(x) * onp.sum(onp.asarray(c))

    def ch():
        b[0] = 11.0

    return f, calls(ch), nothing


@story
def proxy_of_list():
    class L(list):
        pass

    held = L([2.0])
    p = weakref.proxy(held)

    def f(x):
        return np.sum(x) * p[0]

    def ch():
        held[0] = 4.0

    return f, calls(ch), nothing


@story
def class_lies_list():
    class A:
        __class__ = property(lambda s: list)

        def __getitem__(s, i):
            return s.k

        k = 2.0

    a = A()

    def f(x):
        return np.sum(x) * a[0]

    def ch():
        a.k = 4.0

    return f, calls(ch), nothing


@story
def class_lies_dict():
    class A:
        __class__ = property(lambda s: dict)

        def __getitem__(s, i):
            return s.k

        k = 2.0

    a = A()

    def f(x):
        return np.sum(x) * a[0]

    def ch():
        a.k = 4.0

    return f, calls(ch), nothing


@story
def class_lies_type():
    class A:
        __class__ = property(lambda s: type)

        def __getitem__(s, i):
            return s.k

        k = 2.0

    a = A()

    def f(x):
        return np.sum(x) * a[0]

    def ch():
        a.k = 4.0

    return f, calls(ch), nothing


@story
def class_lies_float():
    class A:
        __class__ = property(lambda s: float)

        def __rmul__(s, o):
            return o * s.k

        __array_ufunc__ = None
        k = 2.0

    a = A()

    def f(x):
        return float(np.sum(x)) * a if False else 3.0 * a * np.sum(x)

    def ch():
        a.k = 4.0

    return f, calls(ch), nothing


@story
def mock_captured():
    m = mock.Mock()
    m.k = 2.0

    def f(x):
        return np.sum(x) * m.k

    def ch():
        m.k = 5.0

    return f, calls(ch), nothing


@story
def mock_return():
    m = mock.Mock(return_value=2.0)

    def f(x):
        return np.sum(x) * m()

    def ch():
        m.return_value = 5.0

    return f, calls(ch), lambda: m.call_count
