"""Matrix equations: Sylvester's, Lyapunov's and Riccati's.

Lyapunov's and Riccati's are differentiated by one step of Newton's method from their solution.
"""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.linalg

from ... import numpy as np
from ..registry import Around, Array, as_float, defjvp, defvjp, helper, primal, shape_of
from .space import as_matrix, per_batch, space, transposed

# ---- Sylvester's equation ------------------------------------------------------------------------


@helper
def sylvester_value(a: Any, b: Any, q: Any) -> Any:
    """X of a X + X b = q."""
    return scipy.linalg.solve_sylvester(a, b, q)


def _sylvester_adjoint(a: Array, b: Array, g: Array) -> Array:
    return sylvester_value(np.transpose(a), np.transpose(b), g)


defvjp(
    sylvester_value,
    lambda ans, a, b, q: lambda g: -np.matmul(_sylvester_adjoint(a, b, g), np.transpose(ans)),
    lambda ans, a, b, q: lambda g: -np.matmul(np.transpose(ans), _sylvester_adjoint(a, b, g)),
    lambda ans, a, b, q: lambda g: _sylvester_adjoint(a, b, g),
)
defjvp(
    sylvester_value,
    lambda t, ans, a, b, q: -sylvester_value(a, b, np.matmul(t, ans)),
    lambda t, ans, a, b, q: -sylvester_value(a, b, np.matmul(ans, t)),
    lambda t, ans, a, b, q: sylvester_value(a, b, t),
)


@space.composite("solve_sylvester")
def solve_sylvester(a: Array, b: Array, q: Array) -> Array:
    """Solution X of a X + X b = q."""
    a, b, q = as_float(a), as_float(b), as_float(q)
    if max(a.ndim, b.ndim, q.ndim) > 2:
        return per_batch(sylvester_value, scipy.linalg.solve_sylvester, (a, 2), (b, 2), (q, 2))
    return sylvester_value(a, b, q)


# ---- Lyapunov ------------------------------------------------------------------------------------


def _adjoint(x: Array) -> Array:
    return np.conj(transposed(x))


def _common(*parts: Any) -> list[Array]:
    """Matrices of one dtype: a complex one makes all of them complex."""
    given = [None if part is None else as_matrix(part) for part in parts]
    dtype = onp.result_type(*(part.dtype for part in given if part is not None))
    return [part if part is None or part.dtype == dtype else part.astype(dtype) for part in given]


def _whole(parts: Any) -> bool:
    """Tell whether there is no batch."""
    return all(part is None or part.ndim <= 2 for part in parts)


# ---- Lyapunov ------------------------------------------------------------------------------------


def _lyapunov_step(ans: Array, held: Any, a: Array, q: Array) -> Array:
    rest = q - np.matmul(a, ans) - np.matmul(ans, _adjoint(a))
    return ans + _lyapunov(held[0], rest)


def _lyapunov(a: Array, q: Array) -> Array:
    return sylvester_value(a, _adjoint(a), q)


lyapunov_value = helper(
    lambda a, q: scipy.linalg.solve_continuous_lyapunov(a, q), Around(_lyapunov_step)
)


@space.composite("solve_continuous_lyapunov", "solve_lyapunov")
def solve_continuous_lyapunov(a: Array, q: Array) -> Array:
    """Solution X of a X + X a^H = q."""
    a, q = _common(a, q)
    if not _whole((a, q)):
        return per_batch(lyapunov_value, scipy.linalg.solve_continuous_lyapunov, (a, 2), (q, 2))
    return lyapunov_value(a, q)


@helper
def discrete_lyapunov_value(a: Any, q: Any, method: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.solve_discrete_lyapunov(a, q, method)


def _discrete_vjp_a(ans: Array, a: Array, q: Array, method: Any) -> Any:
    """Of dX - a dX a^H = da X a^H + a X da^H, which is antilinear in da as well."""

    def vjp(g: Array) -> Array:
        toward = discrete_lyapunov_value(transposed(a), g, method)
        once = np.matmul(np.matmul(toward, np.conj(a)), transposed(ans))
        return once + np.conj(np.matmul(np.matmul(transposed(toward), a), ans))

    return vjp


def _discrete_jvp_a(t: Array, ans: Array, a: Array, q: Array, method: Any) -> Array:
    change = np.matmul(np.matmul(t, ans), _adjoint(a)) + np.matmul(np.matmul(a, ans), _adjoint(t))
    return discrete_lyapunov_value(a, change, method)


defvjp(
    discrete_lyapunov_value,
    _discrete_vjp_a,
    lambda ans, a, q, method: lambda g: discrete_lyapunov_value(transposed(a), g, method),
)
defjvp(
    discrete_lyapunov_value,
    _discrete_jvp_a,
    lambda t, ans, a, q, method: discrete_lyapunov_value(a, t, method),
)


@space.composite("solve_discrete_lyapunov")
def solve_discrete_lyapunov(a: Array, q: Array, method: Any = None) -> Array:
    """Solution X of X - a X a^H = q."""
    a, q = _common(a, q)
    if not _whole((a, q)):
        value = discrete_lyapunov_value
        return per_batch(value, value, (a, 2), (q, 2), given=(method,))
    return discrete_lyapunov_value(a, q, method)


# ---- Riccati -------------------------------------------------------------------------------------


def _hermitian(x: Array) -> Array:
    """What SciPy takes q and r to be: its derivative is that of the Hermitian part."""
    return (x + _adjoint(x)) / 2


def _largest(x: Array) -> Any:
    return np.max(np.abs(primal(x)))


def _check_solves(name: str, rest: Array, ans: Array, held: Any) -> None:
    """Raise where SciPy's result does not solve the equation, as some do that it balanced."""
    if 0 not in shape_of(ans) and not _largest(rest) <= 1e-6 * max(map(_largest, (ans, held[2]))):
        raise onp.linalg.LinAlgError(
            f"scipy.linalg.{name}: SciPy's result does not solve the equation, so it has no "
            "derivative in fastad; try balanced=False"
        )


def _continuous_parts(x: Array, a: Any, b: Any, q: Any, r: Any, e: Any, s: Any) -> Any:
    """Residual of the equation at x, and the closed loop a - b r^-1 (b^H x e + s^H)."""
    left = x if e is None else np.matmul(_adjoint(e), x)
    cross = np.matmul(left, b) if s is None else np.matmul(left, b) + s
    gain = np.linalg.solve(_hermitian(r), _adjoint(cross))
    once = np.matmul(left, a)
    return once + _adjoint(once) - np.matmul(cross, gain) + _hermitian(q), a - np.matmul(b, gain)


def _continuous_step(ans: Array, held: Any, *given: Any) -> Array:
    given = given[:-1]
    known, loop = _continuous_parts(ans, *held[:-1])
    e = held[4]
    _check_solves("solve_continuous_are", known, ans, held)
    rest = _continuous_parts(ans, *given)[0]
    if e is not None:
        loop, rest = _through(loop, e), _between(rest, e)
    return ans - _lyapunov(_adjoint(loop), rest)


def _through(loop: Array, e: Array) -> Array:
    """loop e^-1."""
    return transposed(np.linalg.solve(transposed(e), transposed(loop)))


def _between(rest: Array, e: Array) -> Array:
    """e^-H rest e^-1."""
    return _through(np.linalg.solve(_adjoint(e), rest), e)


continuous_are_value = helper(
    lambda *given: scipy.linalg.solve_continuous_are(*given), Around(_continuous_step)
)


def _discrete_parts(x: Array, a: Any, b: Any, q: Any, r: Any, e: Any, s: Any) -> Any:
    """Residual of the equation at x, and the closed loop a - b (r + b^H x b)^-1 (b^H x a + s^H)."""
    left = np.matmul(_adjoint(a), x)
    cross = np.matmul(left, b) if s is None else np.matmul(left, b) + s
    weight = _hermitian(r) + np.matmul(_adjoint(b), np.matmul(x, b))
    gain = np.linalg.solve(weight, _adjoint(cross))
    before = x if e is None else np.matmul(_adjoint(e), np.matmul(x, e))
    rest = np.matmul(left, a) - before - np.matmul(cross, gain) + _hermitian(q)
    return rest, a - np.matmul(b, gain)


def _discrete_are_step(ans: Array, held: Any, *given: Any) -> Array:
    given = given[:-1]
    known, loop = _discrete_parts(ans, *held[:-1])
    e = held[4]
    _check_solves("solve_discrete_are", known, ans, held)
    rest = _discrete_parts(ans, *given)[0]
    if e is not None:
        loop, rest = _through(loop, e), _between(rest, e)
    return ans + discrete_lyapunov_value(_adjoint(loop), rest, None)


discrete_are_value = helper(
    lambda *given: scipy.linalg.solve_discrete_are(*given), Around(_discrete_are_step)
)


def _riccati(name: str, value: Any, given: Any, balanced: bool) -> Array:
    parts = _common(*given)
    if _whole(parts):
        return value(*parts, balanced)
    here = [i for i, part in enumerate(parts) if part is not None]

    def single(*present: Any) -> Array:
        complete: list[Any] = [None] * len(parts)
        for i, part in zip(here, present):
            complete[i] = part
        return value(*complete, balanced)

    def plain(*present: Any) -> Any:
        complete: list[Any] = [None] * len(parts)
        for i, part in zip(here, present):
            complete[i] = part
        return getattr(scipy.linalg, name)(*complete, balanced)

    return per_batch(single, plain, *((parts[i], 2) for i in here))


@space.composite("solve_continuous_are")
def solve_continuous_are(
    a: Array, b: Array, q: Array, r: Array, e: Any = None, s: Any = None, balanced: bool = True
) -> Array:
    """Stabilising solution X of a^H X + X a - X b r^-1 b^H X + q = 0, with e and s if given."""
    return _riccati(
        "solve_continuous_are", continuous_are_value, (a, b, q, r, e, s), bool(balanced)
    )


@space.composite("solve_discrete_are")
def solve_discrete_are(
    a: Array, b: Array, q: Array, r: Array, e: Any = None, s: Any = None, balanced: bool = True
) -> Array:
    """Stabilising solution X of a^H X a - X - a^H X b (r + b^H X b)^-1 b^H X a + q = 0."""
    return _riccati("solve_discrete_are", discrete_are_value, (a, b, q, r, e, s), bool(balanced))
