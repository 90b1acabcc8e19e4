"""Constants that change while the function runs: scratch arrays, places, basis vectors."""

import numpy as onp

import fastad.numpy as np
from fastad import value_and_grad

from . import Stories, calls, nothing, setting

STORIES = Stories()
story = STORIES.add


class Model:
    pass


@story
def basis_vector_moved():
    def f(x):
        e = onp.zeros(4)
        s = 0.0
        for k in range(4):
            e[:] = 0
            e[k] = k + 1.0
            s = s + np.sum(x * e) ** 2
        return s

    return f, calls(), nothing


@story
def basis_vector_captured():
    e = onp.zeros(4)

    def f(x):
        s = 0.0
        for k in range(4):
            e[:] = 0
            e[k] = k + 1.0
            s = s + np.sum(x * e) ** 2
        e[:] = 0
        return s

    return f, calls(), lambda: e


@story
def index_list_changed():
    def f(x):
        i = [0, 1]
        s = 0.0
        for k in range(3):
            i[1] = k
            s = s + np.sum(x[i]) * (k + 1)
        return s

    return f, calls(), nothing


@story
def index_array_changed():
    def f(x):
        i = onp.array([0, 1])
        s = 0.0
        for k in range(3):
            i[1] = k
            s = s + np.sum(x[i]) * (k + 1)
        return s

    return f, calls(), nothing


@story
def index_tuple_with_array_changed():
    def f(x):
        i = onp.array([0, 1])
        t = (i, slice(None))
        s = 0.0
        y = x.reshape(2, 2)
        for k in range(2):
            i[1] = k
            s = s + np.sum(y[t]) * (k + 1)
        return s

    return f, calls(), nothing


@story
def mask_array_changed():
    def f(x):
        m = onp.zeros(4, bool)
        s = 0.0
        for k in range(4):
            m[k] = True
            s = s + np.sum(x[m]) + np.sum(np.where(m, x, 0))
        return s

    return f, calls(), nothing


@story
def list_of_numbers_concatenated():
    def f(x):
        parts = [onp.zeros(2), onp.ones(2)]
        s = 0.0
        for k in range(3):
            parts[0][0] = k
            s = s + np.sum(np.concatenate([x, *parts]) ** 2) + np.dot(x, np.concatenate(parts))
        return s

    return f, calls(), nothing


@story
def zero_d_changed():
    def f(x):
        z = onp.array(1.0)
        s = 0.0
        for k in range(3):
            z[()] = k
            s = s + np.sum(x * z)
        return s

    return f, calls(), nothing


@story
def large_scratch():
    def f(x):
        z = onp.zeros((20000, 4))
        s = 0.0
        for k in range(3):
            z[:] = k
            s = s + np.sum(x * z)
        return s

    return f, calls(n=5), nothing


@story
def large_constant_unchanged():
    z = onp.ones((20000, 4))

    def f(x):
        s = 0.0
        for k in range(3):
            s = s + np.sum(x * z) * k
        return s

    def c1():
        z[5, 1] = 3.0

    return f, calls(c1, n=5), nothing


@story
def large_scratch_view_of_captured():
    z = onp.zeros((20000, 4))

    def f(x):
        s = 0.0
        for k in range(3):
            z[3] = k
            s = s + np.sum(x * z[::2]) + np.sum(x * z[1::2])
        z[:] = 0
        return s

    return f, calls(n=5), nothing


@story
def matrix_filled_row_by_row():
    def f(x):
        A = onp.zeros((3, 4))
        out = []
        for k in range(3):
            A[k] = k + 1
            out.append(A @ x)
        return out

    return f, calls(), nothing


@story
def grad_of_scratch_free():
    def f(x):
        e = onp.zeros(4)
        s = 0.0
        for k in range(4):
            e = e.copy()
            e[k] = k + 1.0
            s = s + np.sum(x * e) ** 2
        return s

    return value_and_grad(f), calls(), nothing


@story
def integer_scratch():
    def f(x):
        c = onp.zeros(4, int)
        s = 0.0
        for k in range(4):
            c += k
            s = s + np.sum(x**c)
        return s

    return f, calls(), nothing


@story
def returned_scratch():
    def f(x):
        c = onp.zeros(2)
        r = [np.sum(x) * c]
        c[0] = 5.0
        r.append(c)
        return r

    return f, calls(), nothing


@story
def out_argument_scratch():
    def f(x):
        c = onp.zeros(4)
        s = 0.0
        for k in range(3):
            onp.add(c, k, out=c)
            s = s + np.dot(c, x)
        return s

    return f, calls(), nothing


@story
def power_iteration_constant():
    A = onp.array([[2.0, 1.0], [1.0, 3.0]])

    def f(x):
        v = onp.ones(2)
        for _ in range(5):
            v[:] = A @ v
            v /= onp.linalg.norm(v)
        return np.sum(x[:2] * v)

    def c1():
        A[0, 0] = 4.0

    return f, calls(c1), nothing


@story
def kernel_dict_option():
    def f(x):
        pad = [[1, 1]]
        s = 0.0
        for k in range(3):
            pad[0][0] = k
            s = s + np.sum(np.pad(x, pad) * onp.arange(5.0 + k))
        return s

    return f, calls(), nothing


@story
def constant_in_host_call():
    def f(x):
        w = onp.ones(4)
        s = 0.0
        for k in range(3):
            w[k] = k + 2
            s = (
                s
                + np.average(x, weights=w)
                + np.sum(np.cumsum(x) * w)
                + np.interp(1.5, onp.arange(4.0), x * w)
            )
        return s

    return f, calls(), nothing


@story
def captured_changed_and_restored():
    w = onp.ones(4)

    def f(x):
        w[0] += 1.0
        y = np.sum(x * w)
        w[0] -= 1.0
        return y

    def c1():
        w[1] = 5.0

    return f, calls(c1), lambda: w


@story
def captured_scratch_zeroed():
    buf = onp.zeros(4)

    def f(x):
        buf[1] = 3.0
        y = np.sum(x * buf)
        buf[:] = 0
        return y

    return f, calls(), lambda: buf


@story
def captured_list_changed_and_restored():
    w = [1.0, onp.ones(4)]

    def f(x):
        w[0] = 7.0
        y = np.sum(x * w[0])
        w[0] = 1.0
        return y

    def c1():
        w[1] = 5.0

    return f, calls(c1), lambda: w


@story
def attr_changed_and_restored():
    o = Model()
    o.mode = "a"
    o.k = 2.0

    def f(x):
        old = o.mode
        o.mode = "b"
        try:
            return np.sum(x) * (3.0 if o.mode == "b" else 1.0) * o.k
        finally:
            o.mode = old

    return f, calls(setting(o, k=5.0), setting(o, mode="c")), lambda: o.mode


@story
def swap_arrays_and_back():
    o = Model()
    o.a = onp.ones(4)
    o.b = 2 * onp.ones(4)

    def f(x):
        o.a, o.b = o.b, o.a
        y = np.sum(x * o.a)
        o.a, o.b = o.b, o.a
        return y

    def c1():
        o.b[0] = 9.0

    def c2():
        o.b = 3 * onp.ones(4)

    return f, calls(c1, c2), nothing


@story
def local_constant_changed_between():
    def f(x):
        a = onp.zeros(4)
        a[0] = 1.0
        y = np.sum(x * a)
        a[0] = 5.0
        return y, np.sum(x * a), a

    return f, calls(), nothing


@story
def local_copy_of_captured_changed():
    w = onp.ones(4)

    def f(x):
        a = w.copy()
        a[1] = 4.0
        y = x * a
        a *= 2
        return y, x * a

    def c1():
        w[0] = 9.0

    return f, calls(c1), nothing


@story
def local_view_of_captured():
    w = onp.ones((2, 4))

    def f(x):
        v = w[1]
        u = v[::-1]
        return np.sum(x * v), x @ u

    def c1():
        w[1, 2] = 7.0

    def c2():
        w[:] = onp.arange(8.0).reshape(2, 4)

    return f, calls(c1, c2, c2), nothing
