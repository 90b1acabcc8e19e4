"""State in the objects of NumPy and SciPy."""

import types

import numpy as onp
import scipy.integrate
import scipy.interpolate
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.stats

import fastad.numpy as np

from . import Stories, calls, nothing

STORIES = Stories()
story = STORIES.add


@story
def sparse_captured():
    A = scipy.sparse.csr_matrix(onp.eye(4) * 2)

    def f(x):
        return np.sum(x) * (A @ onp.ones(4))[0]

    def ch():
        A.data[:] = 5

    return f, calls(ch), nothing


@story
def sparse_made():
    A = onp.eye(4) * 2

    def f(x):
        return np.sum(x) * scipy.sparse.csr_matrix(A).sum()

    def ch():
        A[0, 0] = 5

    return f, calls(ch), nothing


@story
def interp1d():
    X = onp.arange(5.0)
    Y = X**2
    s = scipy.interpolate.CubicSpline(X, Y)

    def f(x):
        return np.sum(x) * float(s(1.5))

    def ch():
        s.c[:] = 1.0

    return f, calls(ch), nothing


@story
def pchip_made():
    X = onp.arange(5.0)
    Y = X**2

    def f(x):
        return np.sum(x) * float(scipy.interpolate.PchipInterpolator(X, Y)(1.5))

    def ch():
        Y[2] = 9.0

    return f, calls(ch), nothing


@story
def quad_captured():
    k = [2.0]

    def h(t):
        return t * k[0]

    def f(x):
        return np.sum(x) * scipy.integrate.quad(h, 0, 1)[0]

    def ch():
        k[0] = 5.0

    return f, calls(ch), nothing


@story
def minimize_captured():
    k = [2.0]

    def f(x):
        return np.sum(x) * scipy.optimize.brentq(lambda t: t - k[0], -10, 10)

    def ch():
        k[0] = 5.0

    return f, calls(ch), nothing


@story
def signal_lfilter():
    b = onp.array([1.0, 2])
    a = onp.array([1.0, 0.5])

    def f(x):
        return np.sum(x) * scipy.signal.lfilter(b, a, onp.ones(4))[-1]

    def ch():
        a[1] = 0.1

    return f, calls(ch), nothing


@story
def ndimage():
    w = onp.ones(3)

    def f(x):
        return np.sum(x) * scipy.ndimage.convolve(onp.arange(5.0), w)[2]

    def ch():
        w[1] = 9

    return f, calls(ch), nothing


@story
def stats_obj():
    d = scipy.stats.norm(2.0, 3.0)

    def f(x):
        return np.sum(x) * d.mean() + d.pdf(1.0)

    def ch():
        d.args = (5.0, 2.0)

    return f, calls(ch), nothing


@story
def stats_kde():
    d = scipy.stats.gaussian_kde(onp.arange(5.0))

    def f(x):
        return np.sum(x) * d(1.0)[0]

    def ch():
        d.set_bandwidth(3.0)

    return f, calls(ch), nothing


@story
def vectorize():
    k = [2.0]
    h = onp.vectorize(lambda t: t * k[0])

    def f(x):
        return np.sum(x) * h(onp.ones(3)).sum()

    def ch():
        k[0] = 5.0

    return f, calls(ch), nothing


@story
def frompyfunc():
    k = [2.0]
    h = onp.frompyfunc(lambda t: t * k[0], 1, 1)

    def f(x):
        return np.sum(x) * float(h(3.0))

    def ch():
        k[0] = 5.0

    return f, calls(ch), nothing


@story
def apply_along_axis():
    k = [2.0]

    def f(x):
        return np.sum(x) * onp.apply_along_axis(lambda t: t.sum() * k[0], 0, onp.ones((3, 2)))[0]

    def ch():
        k[0] = 5.0

    return f, calls(ch), nothing


@story
def fromfunction():
    k = [2.0]

    def f(x):
        return np.sum(x) * onp.fromfunction(lambda i: i * k[0], (4,)).sum()

    def ch():
        k[0] = 5.0

    return f, calls(ch), nothing


@story
def ufunc_attr_reduce():
    W = onp.ones(4)

    def f(x):
        return (
            np.sum(x) * onp.add.reduce(W)
            + onp.multiply.outer(W, W)[0, 0]
            + onp.add.accumulate(W)[-1]
        )

    def ch():
        W[2] = 5.0

    return f, calls(ch), nothing


@story
def np_nditer():
    W = onp.ones(4)

    def f(x):
        return np.sum(x) * sum(float(v) for v in onp.nditer(W))

    def ch():
        W[2] = 5.0

    return f, calls(ch), nothing


@story
def ndenumerate():
    W = onp.ones(4)

    def f(x):
        return np.sum(x) * sum(v for i, v in onp.ndenumerate(W))

    def ch():
        W[2] = 5.0

    return f, calls(ch), nothing


@story
def sliding_window():
    W = onp.ones(6)
    V = onp.lib.stride_tricks.sliding_window_view(W, 2)

    def f(x):
        return np.sum(x) * V.sum() + np.dot(x, V[:4, 0])

    def ch():
        W[2] = 5.0

    return f, calls(ch), nothing


@story
def zero_stride():
    k = onp.array(2.0)
    V = onp.broadcast_to(k, (4,))

    def f(x):
        return np.dot(x, V)

    def ch():
        k[()] = 5.0

    return f, calls(ch), nothing


@story
def dtype_view():
    W = onp.ones(4)
    V = W.view(onp.int64)

    def f(x):
        return np.sum(x) * float(V[0] % 1000003)

    def ch():
        W[0] = 5.0

    return f, calls(ch), nothing


@story
def setstate_array():
    W = onp.ones(4)

    def f(x):
        return np.dot(x, W)

    def ch():
        W.__setstate__(onp.full(4, 3.0).__reduce__()[2])

    return f, calls(ch), nothing


@story
def array_dtype_assigned():
    W = onp.ones(4)

    def f(x):
        return np.sum(x) * float(W.sum())

    def ch():
        W.dtype = onp.int64

    return f, calls(ch), nothing


@story
def array_strides_flags():
    W = onp.arange(4.0)

    def f(x):
        return np.sum(x) * (2 if W.flags.writeable else 3)

    def ch():
        W.flags.writeable = False

    return f, calls(ch), nothing


@story
def distribution_frozen_by_the_call():
    m = types.SimpleNamespace(loc=0.5, scale=2.0, at=onp.ones(3))

    def f(x):
        fixed = scipy.stats.norm(m.loc, scale=m.scale)
        return np.sum(x) * onp.sum(fixed.logpdf(m.at)) * fixed.cdf(0.3)

    def change():
        m.loc = 0.7

    def other():
        m.at[1] = 5.0

    return f, calls(change, other, change), nothing


@story
def distribution_frozen_by_the_call_and_drawn_from():
    def f(x):
        return np.sum(x) * scipy.stats.norm(0.5, 2.0).rvs()

    return f, [lambda: onp.random.seed(3), *calls()], onp.random.random
