"""Sample calls of every function of `fastad.scipy` that has a derivative, for the sweeps.

`test_replay` fails for an entry of the registry that has none here, so that a new function is swept
by itself.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as onp
import pytest
from cases import DIFFERENTIABLE, Case, cases_of, flat, is_leaf

scipy_special = pytest.importorskip("scipy.special")
scipy_stats = pytest.importorskip("scipy.stats")

import test_scipy_special  # noqa: E402
import test_scipy_stats  # noqa: E402
from calls_scipy_arrays import ARRAYS  # noqa: E402

import fastad.numpy as np  # noqa: E402
import fastad.scipy.integrate as integrate  # noqa: E402
import fastad.scipy.interpolate as interpolate  # noqa: E402
import fastad.scipy.linalg as linalg  # noqa: E402
import fastad.scipy.optimize as optimize  # noqa: E402
import fastad.scipy.signal as signal  # noqa: E402
import fastad.scipy.special as special  # noqa: E402
import fastad.scipy.stats as stats  # noqa: E402
from fastad._core import Primitive  # noqa: E402
from fastad._impl.namespaces import Namespace  # noqa: E402
from fastad._impl.remedies import differentiates  # noqa: E402

X = onp.array([0.31, 0.78, 0.55, 0.92])
OF_ORDERS = {
    "logsumexp": special.logsumexp,
    "signed": lambda x: special.logsumexp(x, b=onp.array([1.0, -1, 2, 3]), return_sign=True)[0],
    "softmax": special.softmax,
    "log_softmax": special.log_softmax,
    "jv": lambda x: special.jv(1.5, x),
    "jvp": lambda x: special.jvp(1.5, x, 2),
    "struve": lambda x: special.struve(1.5, x),
    "spherical_jn": lambda x: special.spherical_jn(2, x, True),
    "polygamma": lambda x: special.polygamma(1, x),
    "airye": special.airye,
    "sici": special.sici,
    "zeta": lambda x: special.zeta(x + 2.0),
    "multigammaln": lambda x: special.multigammaln(x[0] + 3.0, 2),
    **{
        name: (lambda x, name=name: getattr(special, name)(x))
        for name in (
            "airy gammasgn round fresnel it2i0k0 it2j0y0 it2struve0 itairy iti0k0 itj0y0 lambertw "
            "shichi softplus wofz zetac"
        ).split()
    },
    **{
        name: (lambda x, name=name: getattr(special, name)(2, x))
        for name in (
            "eval_chebyc eval_chebys eval_chebyt eval_chebyu eval_hermite eval_hermitenorm "
            "eval_laguerre eval_legendre eval_sh_chebyt eval_sh_chebyu eval_sh_legendre expn h1vp "
            "h2vp hankel1 hankel1e hankel2 hankel2e iv ive ivp jve kn kv kve kvp modstruve pdtr "
            "pdtrc spherical_in spherical_kn spherical_yn yn yv yve yvp"
        ).split()
    },
    **{
        name: (lambda x, name=name: getattr(special, name)(2, 5, x))
        for name in "bdtr bdtrc nbdtr nbdtrc".split()
    },
    "ellipj": lambda x: special.ellipj(x, 0.8 * X),
    "eval_gegenbauer": lambda x: special.eval_gegenbauer(3, X, x),
    "eval_genlaguerre": lambda x: special.eval_genlaguerre(3, 0.7, x),
    "eval_jacobi": lambda x: special.eval_jacobi(3, 0.7, 0.4, x),
    "eval_sh_jacobi": lambda x: special.eval_sh_jacobi(3, 1.7, 0.4, x),
    "hyp0f1": lambda x: special.hyp0f1(0.7, x),
    "hyp1f1": lambda x: special.hyp1f1(0.7, 1.3, x),
    "hyp2f1": lambda x: special.hyp2f1(0.7, 1.3, 2.1, 0.5 * x),
    "hyperu": lambda x: special.hyperu(0.7, 1.3, x),
    "log_wright_bessel": lambda x: special.log_wright_bessel(0.5, 1.2, x),
    "lpmv": lambda x: special.lpmv(1, 3, 0.5 * x),
    "sph_harm_y": lambda x: special.sph_harm_y(3, 1, x, x[::-1]),
    "wright_bessel": lambda x: special.wright_bessel(0.5, 1.2, x),
}
OF_ORDERS = {
    name: function
    for name, function in OF_ORDERS.items()
    if name == "signed" or hasattr(special, name)
}


# ---- distributions -------------------------------------------------------------------------------

CONTINUOUS = {
    **test_scipy_stats.CONTINUOUS,
    "skewnorm": [(0.5, 2.0)],
    "truncnorm": [(-2.0, -1.0), (1.0, 2.0)],
    "vonmises": [(0.5, 3.0)],
}

OF_LAWS = ("mean", "var", "std", "entropy", "stats", "moment")
FIRST = {"moment": (2,), "interval": (0.9,)}  # what stands before the parameters


def continuous(name: str) -> Iterator[tuple[str, Any, list[Any]]]:
    """Methods of a continuous distribution, with functions and leaves."""
    random = onp.random.default_rng(2)
    theirs, ours = getattr(scipy_stats, name), getattr(stats, name)
    shapes = [random.uniform(low, high, 3) for low, high in CONTINUOUS[name]]
    q = random.uniform(0.3, 0.7, 3)
    for method in test_scipy_stats.METHODS:
        z = q if method in ("ppf", "isf") else theirs.ppf(q, *shapes)
        yield method, getattr(ours, method), [z, *shapes]
    for method in (*OF_LAWS, "median", "interval"):
        if differentiates(getattr(ours, method)):
            parameters = [*(float(shape[0]) for shape in shapes), 0.3, 1.2]
            yield method, partial(getattr(ours, method), *FIRST.get(method, ())), parameters


def discrete(name: str) -> Iterator[tuple[str, Any, list[Any]]]:
    """Methods of a discrete distribution, as functions of those parameters that are no counts."""
    random = onp.random.default_rng(3)
    intervals, wanted = test_scipy_stats.DISCRETE[name]
    shapes = [random.uniform(low, high, 4) for low, high in intervals]
    if name == "binom":
        shapes[0] = onp.array([3, 5, 8, 2])
    counts = {"pmf", "logpmf", "cdf", "logcdf", "sf", "logsf"}
    for method in (*sorted(counts), *OF_LAWS):
        if not differentiates(getattr(getattr(stats, name), method)):
            continue
        first = [onp.array([0, 1, 0, 1])] if method in counts else FIRST.get(method, ())

        def function(*given: Any, method: str = method, first: Any = first) -> Any:
            whole = dict(zip(wanted, given))
            args = [whole.get(i, shape) for i, shape in enumerate(shapes)]
            return getattr(getattr(stats, name), method)(*first, *args)

        yield method, function, [shapes[i] for i in wanted]


# ---- linear algebra, signals, interpolants -------------------------------------------------------

A = onp.array([[3.1, 0.4, -0.2], [0.7, 2.6, 0.3], [-0.5, 0.1, 4.2]])
B = onp.array([0.4, -1.1, 0.8])
TALL = onp.array([[1.2, 0.3, -0.4], [0.5, -1.7, 0.2], [-0.3, 0.6, 2.1], [0.9, 0.2, 0.7]])


MIDDLE = onp.array([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0], [0.0, 0.0, 0.0]])


def symmetric(a):
    return a + a.T


MATRICES = {
    **{
        name: (lambda a, name=name: getattr(linalg, name)(symmetric(a)), A)
        for name in "expm sqrtm logm cosm inv det pinv svdvals cholesky eigvalsh lu".split()
    },
    "polar": (linalg.polar, A),
    "null_space": (lambda a: np.outer(*[linalg.null_space(a[:-1])[:, 0]] * 2), A),
    "orth": (lambda a: (lambda q: q @ q.T)(linalg.orth(a[:, :-1])), A),
    "solve": (linalg.solve, A, B),
    "solve_triangular": (linalg.solve_triangular, A, B),
    "lu_solve": (lambda a, b: linalg.lu_solve(linalg.lu_factor(a), b), A, B),
    "cho_solve": (lambda a, b: linalg.cho_solve(linalg.cho_factor(symmetric(a)), b), A, B),
    "lstsq": (lambda a, b: linalg.lstsq(a, b)[0], TALL, onp.append(B, 0.3)),
    "qr": (lambda a: linalg.qr(a, mode="economic"), TALL),
    "qr pivoting": (lambda a: linalg.qr(a, mode="economic", pivoting=True)[:2], TALL),
    "eigh": (lambda a: linalg.eigh(symmetric(a))[0], A),
    "solve_sylvester": (linalg.solve_sylvester, A, A, A),
    "toeplitz": (linalg.toeplitz, B),
    "block_diag": (linalg.block_diag, A, TALL),
    "norm": (linalg.norm, A),
    "expm_frechet": (linalg.expm_frechet, A, A),
    **{
        name: (lambda a, name=name: getattr(linalg, name)(0.3 * symmetric(a)), A)
        for name in "sinm tanm coshm sinhm tanhm".split()
    },
    **{
        name: (lambda x, name=name: getattr(linalg, name)(x), B)
        for name in "hankel circulant companion".split()
    },
    "cho_factor": (lambda a: linalg.cho_factor(symmetric(a))[0], A),
    "lu_factor": (lambda a: linalg.lu_factor(a)[0], A),
    "svd": (lambda a: linalg.svd(a, full_matrices=False), TALL),
    "fractional_matrix_power": (
        lambda a: linalg.fractional_matrix_power(symmetric(a), 0.5), A
    ),
    "solve_banded": (lambda a, b: linalg.solve_banded((1, 1), a + MIDDLE, b), A, B),
    "solveh_banded": (lambda a, b: linalg.solveh_banded(a[:2] + MIDDLE[:2], b), A, B),
    "solve_continuous_lyapunov": (linalg.solve_continuous_lyapunov, A, A),
    "solve_discrete_lyapunov": (lambda a, q: linalg.solve_discrete_lyapunov(0.1 * a, q), A, A),
    "solve_continuous_are": (
        lambda a, b: linalg.solve_continuous_are(a, b, onp.eye(3), onp.eye(2)), A, TALL[:3, :2]
    ),
    "solve_discrete_are": (
        lambda a, b: linalg.solve_discrete_are(a, b, onp.eye(3), onp.eye(2)), A, TALL[:3, :2]
    ),
}  # fmt: skip


try:
    linalg.solve(onp.stack([A, A + 1.0]), onp.ones((2, len(A), 1)))
except ValueError:
    pass  # this SciPy solves one system at a time
else:
    BATCHES = onp.stack([A, A + 1.0]), onp.stack([B, B * B])[..., None]
    MATRICES["solve batch"] = (linalg.solve, *BATCHES)


SIGNAL = onp.array([0.4, -1.1, 0.8, 0.3, 0.9, -0.2, 0.6])
FILTERS = {
    **{
        f"{name} {mode}": (lambda x, y, n=name, m=mode: getattr(signal, n)(x, y, m), SIGNAL, B)
        for name in ("convolve", "fftconvolve", "oaconvolve", "correlate")
        for mode in ("full", "same", "valid")
    },
    "lfilter": (lambda b, x: signal.lfilter(b, [1.0, 0.5], x), B, SIGNAL),
    "hilbert": (signal.hilbert, SIGNAL),
    "savgol_filter": (lambda x: signal.savgol_filter(x, 5, 2), SIGNAL),
    "convolve2d": (signal.convolve2d, A, TALL),
    "correlate2d": (signal.correlate2d, A, TALL),
    "sosfilt": (lambda x: signal.sosfilt([[0.4, 0.1, 0.2, 1.0, 0.5, 0.1]], x), SIGNAL),
}


PLACES = onp.array([0.0, 0.7, 1.3, 2.2, 3.1])
HEIGHTS = onp.array([0.4, -1.1, 0.8, 0.3, 0.9])
AT = onp.array([0.31, 1.63, 2.9])
INTERPOLANTS = {
    **{
        f"{name} {kind}": (
            lambda x, y, at, name=name, o=options: getattr(interpolate, name)(x, y, **o)(at),
            PLACES,
            HEIGHTS,
            AT,
        )
        for name, kind, options in (
            ("CubicSpline", "not-a-knot", {}),
            ("CubicSpline", "ends", {"bc_type": ((1, 0.3), (2, 0.1))}),
            ("CubicSpline", "inside", {"extrapolate": False}),
            ("PchipInterpolator", "", {}),
        )
    },
    "periodic": (
        lambda y, at: interpolate.CubicSpline(
            PLACES, np.concatenate([y[:4], y[:1]]), bc_type="periodic"
        )(at),
        HEIGHTS,
        AT,
    ),
    "CubicHermiteSpline": (
        lambda y, d, at: interpolate.CubicHermiteSpline(PLACES, y, d)(at),
        HEIGHTS,
        AT[[0, 1, 2, 0, 1]],
        AT,
    ),
    "integral": (
        lambda y, a, b: interpolate.CubicSpline(PLACES, y).integrate(a, b),
        HEIGHTS,
        0.4,
        1.9,
    ),
    "derivative": (
        lambda y, at: interpolate.PchipInterpolator(PLACES, y).derivative()(at),
        HEIGHTS,
        AT,
    ),
    "antiderivative": (
        lambda y, at: interpolate.CubicSpline(PLACES, y).antiderivative()(at),
        HEIGHTS,
        AT,
    ),
    "make_interp_spline": (
        lambda y, at: interpolate.make_interp_spline(PLACES, y, 2)(at),
        HEIGHTS,
        AT,
    ),
    "BSpline": (lambda c, at: interpolate.BSpline(onp.arange(9.0), c, 3)(at), HEIGHTS, AT + 3.0),
}


SAMPLES = {
    **{
        name: (lambda y, x, name=name: getattr(integrate, name)(y, x=x), HEIGHTS, PLACES + 0.2)
        for name in (
            "trapezoid cumulative_trapezoid simpson cumulative_simpson trapz cumtrapz simps".split()
        )
        if hasattr(integrate, name)
    },
    "romb": (lambda y, dx: integrate.romb(y, dx=dx), HEIGHTS, 0.7),
}


# ---- several variables, solvers ------------------------------------------------------------------


def definite(a):
    return np.matmul(a, np.transpose(a)) + np.eye(len(a))


SQUARE = onp.array([[1.2, 0.3], [-0.4, 0.9]])
PAIR = onp.array([0.4, -0.7])
SHARES = onp.array([0.2, 0.3, 0.5])
SEVERAL = {
    **{
        f"multivariate_normal {method}": (
            lambda x, mean, a, m=method: getattr(stats.multivariate_normal, m)(
                x, mean, definite(a)
            ), PAIR, PAIR[::-1].copy(), SQUARE,
        )
        for method in ("pdf", "logpdf")
    },
    "multivariate_normal entropy": (
        lambda a: stats.multivariate_normal.entropy(PAIR, definite(a)), SQUARE
    ),
    **{
        f"multivariate_t {method}": (
            lambda x, loc, a, df, m=method: getattr(stats.multivariate_t, m)(
                x, loc, definite(a), df
            ), PAIR, PAIR[::-1].copy(), SQUARE, 4.5,
        )
        for method in ("pdf", "logpdf")
    },
    **{
        f"wishart {method}": (
            lambda a, df, scale, m=method: getattr(stats.wishart, m)(
                definite(a), df, definite(scale)
            ), SQUARE, 4.5, SQUARE.T.copy(),
        )
        for method in ("pdf", "logpdf")
    },
    **{
        f"dirichlet {method}": (
            lambda x, alpha, m=method: getattr(stats.dirichlet, m)(x / np.sum(x), alpha),
            SHARES, SHARES * 9.0,
        )
        for method in ("pdf", "logpdf")
    },
    **{
        f"dirichlet {method}": (
            lambda alpha, m=method: getattr(stats.dirichlet, m)(alpha), SHARES * 9.0
        )
        for method in ("mean", "var", "entropy")
    },
    **{
        f"multinomial {method}": (
            lambda p, m=method: getattr(stats.multinomial, m)(
                onp.array([1, 2, 3]), 6, p / np.sum(p)
            ), SHARES,
        )
        for method in ("pmf", "logpmf")
    },
}  # fmt: skip


def decay(y, t, rate):
    return -rate * y


def bowl(x, a):
    return np.sum((x - a) ** 2 + np.cosh(x))


TIMES = onp.linspace(0.0, 1.0, 4)
SOLVERS = {
    "root": (lambda a: optimize.root(lambda x, a: x * x - a, onp.ones(2), args=(a,)).x, 2.0),
    "root around a": (lambda a: optimize.root(lambda x: x * x - a, onp.ones(2)).x, 2.0),
    "fsolve in a dict": (
        lambda a: optimize.fsolve(lambda x, d: x * x - d["a"], onp.ones(2), args=({"a": a},)),
        2.0,
    ),
    "fixed_point": (lambda a: optimize.fixed_point(lambda x: np.cos(a * x), onp.ones(1)), 0.6),
    "root_scalar": (
        lambda a: optimize.root_scalar(lambda x, n=a: x * x - n, bracket=(0.0, 9.0)).root, 2.0
    ),
    "newton": (lambda a: optimize.newton(lambda x, a: x**3 - a, 1.0, args=(a,)), 2.0),
    "brentq": (lambda a, b: optimize.brentq(lambda x: x * x - a, 0.0, b), 2.0, 5.0),
    **{
        name: (
            lambda a, n=name: getattr(optimize, n)(lambda x: x * x - a, 0.0, 9.0), 2.0
        )
        for name in "brenth bisect ridder toms748".split()
    },
    "minimize": (lambda a: optimize.minimize(bowl, onp.ones(2), args=(a,)).x, 0.8),
    "bounds": (
        lambda a, b: optimize.minimize(bowl, onp.ones(2), (a,), bounds=[(b, 3.0), (None, None)]).x,
        0.8,
        0.9,
    ),
    "minimize_scalar": (
        lambda a: optimize.minimize_scalar(lambda x: (x - a) ** 2 + x**4).fun, 0.8
    ),
    "brent": (lambda a: optimize.brent(lambda x: (x - a) ** 2 + x**4), 0.8),
    "golden": (lambda a: optimize.golden(lambda x, a: (x - a) ** 2 + x**4, (a,)), 0.8),
    "fminbound": (
        lambda a, b: optimize.fminbound(lambda x: (x - a) ** 2 + x**4, b, 3.0), 0.8, -1.0
    ),
    "least_squares": (
        lambda a: optimize.least_squares(lambda x: x**2 - a, onp.ones(2), xtol=1e-14).x, 2.0
    ),
    "quad": (
        lambda a, b: integrate.quad(lambda x, a: np.sin(a * x), 0.0, b, args=(a,))[0], 1.3, 0.9
    ),
    "quad_vec": (
        lambda a, b: integrate.quad_vec(lambda x, a: np.sin(a * x * X), 0.0, b, args=(a,))[0],
        1.3,
        0.9,
    ),
    "fixed_quad": (
        lambda a, b: integrate.fixed_quad(lambda x, a: np.sin(a * x), 0.0, b, (a,))[0], 1.3, 0.9
    ),
    "fmin_cobyla": (
        lambda a: optimize.fmin_cobyla(
            lambda x: (x[0] - 2) ** 2 + x[1] ** 2, [0.0, 0.1], lambda x: a - x[0], rhoend=1e-9
        ),
        0.8,
    ),
    "dblquad": (
        lambda a, b: integrate.dblquad(lambda y, x, a: np.sin(a * x * y), 0, b, 0, 1, args=(a,))[0],
        1.3,
        0.9,
    ),
    "tplquad": (
        lambda a: integrate.tplquad(
            lambda z, y, x, a: np.sin(a * x * y * z), 0, 1, 0, 1, 0, 1, args=(a,)
        )[0],
        1.3,
    ),
    "nquad": (
        lambda a, b: integrate.nquad(
            lambda x, y, a: np.sin(a * x * y), [(0, 1), (0, b)], args=(a,)
        )[0],
        1.3,
        0.9,
    ),
    "rosen": (optimize.rosen, X),
    "rosen_der": (optimize.rosen_der, X),
    "odeint": (
        lambda y, rate: integrate.odeint(decay, y, TIMES, args=(rate,)), onp.ones(2), 1.2
    ),
    "solve_ivp": (
        lambda y, rate: integrate.solve_ivp(
            lambda t, y, rate: -rate * y, (0.0, 1.0), y, t_eval=TIMES, args=(rate,)
        ).y,
        onp.ones(2),
        1.2,
    ),
}  # fmt: skip


# ---- all of them ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ScipyCall:
    """A function of its leaves that calls one function of `fastad.scipy`."""

    module: str  # 'special', 'stats.norm'
    name: str
    function: Callable[..., Any]
    leaves: list[Any]

    @property
    def operation(self) -> Any:
        """What the registry has under the name, if it is a primitive."""
        space = SPACES.get(f"fastad.scipy.{self.module}")
        found = None if space is None else space.entries.get(self.name)
        return found if isinstance(found, Primitive) else None

    @property
    def direct(self) -> bool:
        """Whether the leaves are the operation's arguments."""
        return self.function is self.operation


def _all() -> Iterator[tuple[str, ScipyCall]]:
    random = onp.random.default_rng(1)
    for name in test_scipy_special.PRESENT:
        points = test_scipy_special.drawn(name, random)
        yield f"special.{name}", ScipyCall("special", name, getattr(special, name), points)
    for name, function in OF_ORDERS.items():
        entry = "logsumexp" if name == "signed" else name
        yield f"special.{name} of x", ScipyCall("special", entry, function, [X])
    for names, calls in ((CONTINUOUS, continuous), (test_scipy_stats.DISCRETE, discrete)):
        for name in names:
            for method, function, leaves in calls(name):
                module = f"stats.{name}"
                yield f"{module}.{method}", ScipyCall(module, method, function, leaves)
    for label, (function, *leaves) in SEVERAL.items():
        name, method = label.split()
        yield f"stats.{name}.{method}", ScipyCall(f"stats.{name}", method, function, leaves)
    for module, table in (
        ("linalg", MATRICES),
        ("signal", FILTERS),
        ("interpolate", INTERPOLANTS),
        ("integrate", SAMPLES),
        ("optimize", SOLVERS),
        *ARRAYS.items(),
    ):
        for label, (function, *leaves) in table.items():
            name = label.split()[0]
            place = "integrate" if hasattr(integrate, name) else module
            yield f"{place}.{label}", ScipyCall(place, name, function, leaves)


# Sparse arrays hold traced numbers, and are no numbers themselves; distributions that are made when
# they are asked for run formulas of SciPy's.
OTHERS = {"fastad.scipy.sparse", "fastad.scipy.sparse.linalg"}
SPACES = {
    space.name: space
    for space in gc.get_objects()
    if isinstance(space, Namespace)
    and space.name.startswith("fastad.scipy.")
    and space.name not in OTHERS
    and not space.prefix
}
CALLS = dict(_all())
# One value takes SciPy more than a second; they are entered as the other summaries are.
SLOW = {"stats.vonmises.var", "stats.vonmises.std"}


def without_call() -> list[str]:
    """Entries of SciPy's registry that have a derivative and no call here."""
    here = {(f"fastad.scipy.{call.module}", call.name) for call in CALLS.values()}
    return [
        f"{space.name}.{name}"
        for space in SPACES.values()
        for name, made in space.entries.items()
        if (space.name, name) not in here
        and space.kinds.get(name) != "refused"
        and (space.kinds.get(name) != "rule" or differentiates(made))
    ]


# ---- as cases of the table's sweeps --------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ScipyCase(Case):
    """A call of SciPy's as the sweeps of the table have them; without boxes it is SciPy's own."""

    def _outputs(self, function: Any, leaves: Any) -> list[Any]:
        arguments = self.arguments(leaves)
        found = flat(CALLS[self.name].function(*arguments))
        return [one for one in found if is_leaf(one)]

    def fastad(self, *leaves: Any) -> list[Any]:
        return self._outputs(None, leaves)

    numpy = fastad

    def with_leaves(self, leaves: Any, note: str) -> ScipyCase:
        return ScipyCase(self.name, self.arguments(leaves), self.kwargs, self.note + note)


EVERY = [*DIFFERENTIABLE, *(name for name in CALLS if name not in SLOW)]


def every_case(name: str) -> list[Case]:
    """The cases of an operation of NumPy's, or of a call of SciPy's."""
    return [ScipyCase(name, tuple(CALLS[name].leaves))] if name in CALLS else cases_of(name)
