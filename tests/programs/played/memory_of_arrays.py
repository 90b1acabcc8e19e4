"""Arrays seen through others, exchanged layouts, scratch in operations, kinds of values."""

import ctypes

import numpy as onp

import fastad.numpy as np
from fastad import jacobian, value_and_grad
from fastad.extend import defvjp, primitive

from . import Stories, calls, inputs, nothing, setting

STORIES = Stories()
story = STORIES.add


class Model:
    pass


@story
def memview_write():
    a = onp.array([1.0, 2.0])
    m = memoryview(a)

    def f(x):
        return np.sum(x) * a[0]

    def c1():
        m[0] = 7.0

    return f, calls(c1), nothing


@story
def memview_captured():
    a = onp.array([1.0, 2.0])
    m = memoryview(a)

    def f(x):
        return np.sum(x) * m[0]

    def c1():
        a[0] = 7.0

    return f, calls(c1), nothing


@story
def ctypes_shared():
    buf = (ctypes.c_double * 3)(1, 2, 3)
    a = onp.ctypeslib.as_array(buf)

    def f(x):
        return np.sum(x) * np.sum(a)

    def c1():
        buf[0] = 9.0

    return f, calls(c1), nothing


@story
def ctypes_captured():
    buf = (ctypes.c_double * 3)(1, 2, 3)

    def f(x):
        return np.sum(x) * buf[0]

    def c1():
        buf[0] = 9.0

    return f, calls(c1), nothing


@story
def ctypes_double():
    v = ctypes.c_double(2.0)

    def f(x):
        return np.sum(x) * v.value

    def c1():
        v.value = 9.0

    return f, calls(c1), nothing


@story
def struct_field():
    r = onp.array([(1.0, 2), (3.0, 4)], dtype=[("a", "f8"), ("b", "i4")])

    def f(x):
        return np.sum(x) * r["a"][1] + r["b"][0]

    def c1():
        r["a"][1] = 7.0

    def c2():
        r[0] = (0.0, 9)

    return f, calls(c1, c2), nothing


@story
def recarray_attr():
    r = onp.rec.array([(1.0, 2), (3.0, 4)], dtype=[("a", "f8"), ("b", "i4")])

    def f(x):
        return np.sum(x) * r.a[1] + r[0].b

    def c1():
        r.a[1] = 7.0

    def c2():
        r.b[0] = 9

    return f, calls(c1, c2), nothing


@story
def view_of_view():
    b = onp.arange(24.0).reshape(4, 6)
    v = b[1:, ::2]
    w = v.T[::-1]

    def f(x):
        return np.sum(x) * np.sum(w[0])

    def c1():
        b[2, 4] = 100.0

    def c2():
        v[:] = 1.0

    return f, calls(c1, c2), nothing


@story
def shape_set():
    a = onp.arange(6.0)

    def f(x):
        return np.sum(x) * np.sum(a[0])

    def c1():
        a.shape = (2, 3)

    def c2():
        a.shape = (6,)

    return f, calls(c1, c2), nothing


@story
def strides_set():
    a = onp.arange(6.0)[:3]

    def f(x):
        return np.sum(x) * np.sum(a)

    def c1():
        a.strides = (16,)

    return f, calls(c1), nothing


@story
def dtype_set():
    a = onp.arange(4.0)

    def f(x):
        return np.sum(x) * np.sum(a)

    def c1():
        a.dtype = "i8"

    return f, calls(c1), nothing


@story
def resize_inplace():
    h = [onp.arange(4.0)]

    def f(x):
        return np.sum(x) * np.sum(h[0])

    def c1():
        h[0].resize((6,), refcheck=False)

    return f, calls(c1), nothing


@story
def byteswapped():
    a = onp.arange(4.0)

    def f(x):
        return np.sum(x) * np.sum(a)

    def c1():
        a.byteswap(inplace=True)
        a.dtype = a.dtype.newbyteorder()

    return f, calls(c1), nothing


@story
def bigendian_args():
    def f(x):
        return np.sum(x * 2)

    xs = inputs(12)
    return f, [(x,) for x in xs[:5]] + [(x.astype(">f8"),) for x in xs], nothing


@story
def readonly_flag():
    a = onp.arange(4.0)

    def f(x):
        return np.sum(x) * (1.0 if a.flags.writeable else 2.0)

    def c1():
        a.flags.writeable = False

    return f, calls(c1), nothing


@story
def arg_readonly():
    def f(x):
        return np.sum(x) * (1.0 if x.flags.writeable else 2.0)

    xs = inputs(9)
    ro = [x.copy() for x in xs]
    for r in ro:
        r.flags.writeable = False
    return f, [(x,) for x in xs] + [(r,) for r in ro], nothing


@story
def object_array_captured():
    a = onp.empty(2, object)
    a[0] = onp.ones(2)
    a[1] = 2.0

    def f(x):
        return np.sum(x) * np.sum(a[0]) * a[1]

    def c1():
        a[0][0] = 5.0

    def c2():
        a[1] = 7.0

    return f, calls(c1, c2), nothing


@story
def object_array_arg():
    def f(a):
        return a[0] * 2.0 + np.sum(a[1])

    def mk(v):
        a = onp.empty(2, object)
        a[0] = v
        a[1] = onp.ones(2) * v
        return a

    return f, [(mk(float(i)),) for i in range(1, 9)], nothing


@story
def zero_d_state():
    z = onp.array(2.0)

    def f(x):
        return np.sum(x) * z

    def c1():
        z[()] = 5.0

    def c2():
        z.fill(7.0)

    return f, calls(c1, c2), nothing


@story
def zero_d_item():
    z = onp.array(2.0)

    def f(x):
        return np.sum(x) * z.item() + float(z)

    def c1():
        z[...] = 5.0

    return f, calls(c1), nothing


@story
def masked_arr():
    m = onp.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])

    def f(x):
        return np.sum(x) * float(m.sum())

    def c1():
        m.mask[0] = True

    def c2():
        m[1] = 9.0

    return f, calls(c1, c2), nothing


@story
def masked_data_mask():
    m = onp.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])

    def f(x):
        return np.sum(x) * np.sum(m.data[~m.mask])

    def c1():
        m.mask[0] = True

    def c2():
        m.data[2] = 9.0

    return f, calls(c1, c2), nothing


@story
def flips():
    o = {"v": 1}

    def f(x):
        return np.sum(x) * (o["v"] if o["v"] is not None else 3.0)

    chs = [
        lambda v=v: o.update(v=v)
        for v in (1.0, True, None, onp.float32(1), 1 + 0j, onp.int8(1), onp.bool_(True), 2**70)
    ]
    return f, calls(*chs, n=5), nothing


@story
def flip_str_tuple():
    o = Model()
    o.mode = "sum"
    o.axis = (0,)

    def f(x):
        return np.sum(getattr(np, o.mode)(x.reshape(2, 2), axis=o.axis))

    return (
        f,
        calls(
            setting(o, mode="mean"),
            setting(o, axis=(0, 1)),
            setting(o, axis=None),
            setting(o, axis=-1),
        ),
        nothing,
    )


@story
def list_to_tuple():
    o = Model()
    o.v = [1.0, 2.0]

    def f(x):
        return np.sum(x) * len(o.v) * (2.0 if isinstance(o.v, tuple) else 3.0)

    return f, calls(setting(o, v=(1.0, 2.0)), setting(o, v=[1.0, 2.0])), nothing


@story
def signzero():
    o = Model()
    o.z = 0.0

    def f(x):
        return np.arctan2(np.sum(x) * o.z, -1.0)

    return f, calls(setting(o, z=-0.0), setting(o, z=0.0), setting(o, z=0)), nothing


@story
def arg_type_changes():
    def f(a):
        return a * 2

    xs = [
        1.0,
        2.0,
        3.0,
        4.0,
        1,
        2,
        3,
        4,
        5,
        True,
        False,
        onp.float32(2),
        onp.float32(3),
        onp.float32(4),
        onp.int8(100),
        onp.int8(101),
        onp.int8(102),
        onp.int8(103),
        1j,
        2j,
        3j,
        4j,
        onp.array(1.0),
        onp.array(2.0),
        onp.array(3.0),
        onp.array(-0.0),
        [1.0],
        [2.0],
        2**62,
        2**63,
        2**64,
        -(2**70),
    ]
    return f, [(x,) for x in xs], nothing


@story
def float_hex_eval():
    o = Model()
    o.h = (2.5).hex()

    def f(x):
        return np.sum(x) * float.fromhex(o.h)

    return f, calls(setting(o, h=(3.5).hex())), nothing


@story
def numpy_record_attr():
    r = onp.recarray((2,), dtype=[("a", "f8")])
    r.a[:] = [1.0, 2.0]

    def f(x):
        return np.sum(x) * r[1].a

    def ch():
        r[1].a = 9.0

    return f, calls(ch), nothing


@story
def poly_inplace():
    p = onp.polynomial.Polynomial([1.0, 2.0])

    def f(x):
        return np.sum(p(x))

    def ch():
        p.coef[0] = 5.0

    def ch2():
        p.domain = onp.array([0.0, 2.0])

    return f, calls(ch, ch2), nothing


@story
def sparse_scratch():
    import scipy.sparse as sp

    def f(x):
        m = sp.csr_matrix(onp.eye(4))
        s = 0.0
        for k in range(3):
            m.data[k] = k + 5.0
            s = s + np.sum(m.toarray() @ x)
        return s

    return f, calls(), nothing


@story
def bytearray_scratch():
    def f(x):
        b = bytearray(32)
        m = onp.frombuffer(b, "f8")
        s = 0.0
        for k in range(3):
            m[k] = k + 1.0
            s = s + np.sum(m * x)
        return s

    return f, calls(), nothing


@story
def primitive_with_mutable_argument():
    @primitive
    def p(x, opts):
        return x * opts["k"]

    defvjp(p, lambda ans, x, opts: lambda g: g * opts["k"], argnums=(0,))

    def f(x):
        o = {"k": 1.0}
        s = 0.0
        for k in range(3):
            o["k"] = k + 1.0
            s = s + np.sum(p(x, o))
        return s

    return f, calls(), nothing


@story
def primitive_with_mutable_object():
    @primitive
    def p(x, o):
        return x * o.k

    defvjp(p, lambda ans, x, o: lambda g: g * o.k, argnums=(0,))

    def f(x):
        o = Model()
        s = 0.0
        for k in range(3):
            o.k = k + 1.0
            s = s + np.sum(p(x, o))
        return s

    return f, calls(), nothing


@story
def primitive_with_captured_object():
    @primitive
    def p(x, o):
        return x * o.k

    defvjp(p, lambda ans, x, o: lambda g: g * o.k, argnums=(0,))
    o = Model()
    o.k = 2.0

    def f(x):
        return np.sum(p(x, o))

    return value_and_grad(f), calls(setting(o, k=5.0)), nothing


@story
def nested_lists_constants():
    def f(x):
        A = [[1.0, 0.0], [0.0, 1.0]]
        s = 0.0
        for k in range(3):
            A[0][1] = float(k)
            s = s + np.sum(np.dot(A, x[:2])) + np.sum(np.array(A) @ x[2:])
        return s

    return f, calls(), nothing


@story
def einsum_with_scratch():
    def f(x):
        A = onp.zeros((4, 4))
        s = 0.0
        for k in range(3):
            A[k, k] = k + 1
            s = s + np.einsum("i,ij,j->", x, A, x) + x @ A @ x + np.tensordot(A, x, 1)[k]
        return s

    return f, calls(), nothing


@story
def solve_with_scratch():
    def f(x):
        A = 4 * onp.eye(4)
        s = 0.0
        for k in range(3):
            A[k, k] = k + 1
            s = s + np.sum(np.linalg.solve(A, x)) + np.sum(np.linalg.inv(A) * x)
        return s

    return f, calls(), nothing


@story
def where_scratch_mask_grad():
    def f(x):
        s = 0.0
        for k in range(3):
            m = onp.zeros(4, bool)
            m[k] = True
            s = s + np.sum(np.where(m, x**2, x))
        return s

    return value_and_grad(f), calls(), nothing


@story
def jacobian_with_scratch_inside_primitive_free():
    w = onp.ones((4, 4))

    def g(x):
        return np.tanh(w @ x)

    def f(x):
        return jacobian(g)(x)

    def ch():
        w[0, 1] = 5.0

    def ch2():
        w[:] = w.T.copy()

    return f, calls(ch, ch2), nothing


@story
def slices_of_big_captured():
    data = onp.arange(40000.0).reshape(10000, 4) / 1e4

    def f(x):
        s = 0.0
        for i in range(0, 400, 100):
            s = s + np.mean((data[i : i + 100] @ x) ** 2)
        return s

    def ch():
        data[150, 2] = 50.0

    def ch2():
        data[5000, 0] = 99.0

    return value_and_grad(f), calls(ch, ch2, n=5), nothing


@story
def iadd_local_lists():
    def f(x):
        parts = []
        parts += [x[0]]
        parts += [x[1] * 2]
        t = (x[2],)
        t += (x[3],)
        return sum(parts) + t[0] * t[1]

    return f, calls(), nothing


@story
def iadd_scalars():
    def f(x):
        s = 0.0
        p = 1.0
        n = 0
        for v in x:
            s += v
            p *= v
            n += 1
            s -= 0.1
            p /= 1.5
            s **= 1.0
        return s, p, n

    return f, calls(), nothing


@story
def iadd_after_alias_of_scalar():
    def f(x):
        a = b = np.sum(x)
        a += 1.0
        return a, b

    return f, calls(), nothing


@story
def iop_bool_int():
    def f(x):
        m = x > 1
        m &= x < 1.5
        k = (x * 10).astype(int)
        k //= 3
        k %= 2
        m |= x > 1.8
        m ^= x > 1.9
        return np.sum(x * m), k

    return f, calls(), nothing


@story
def iadd_attr_of_local_object():
    def f(x):
        o = Model()
        o.v = x * 1.0
        o.v += 2.0
        o.v *= x
        return np.sum(o.v)

    return f, calls(), nothing


@story
def imatmul():
    A = onp.eye(4) * 2

    def f(x):
        B = x[:, None] * A
        B @= A
        return np.sum(B)

    def ch():
        A[0, 0] = 7.0

    return f, calls(ch), nothing
