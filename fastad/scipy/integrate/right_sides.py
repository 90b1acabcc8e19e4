"""Right hand sides of differential equations, and those of what their solutions' changes obey."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp

from ... import numpy as np
from ..._core import isbox, make_jvp, make_vjp
from ..._impl.operators.jacobians import jacobian_of
from ..._impl.spaces.containers import flatten
from ..._impl.spaces.packing import pack
from ...programs.jit import Jit
from ..registry import Array, as_float

MANY = 60  # evaluations of a right hand side, from which it is worth to record a program

Rhs = Callable[[Array, Array, Array, Sequence[Any]], Array]  # of y, t, the parameters and the rest


class Opened:
    """Arguments that were rebuilt already."""

    __slots__ = ("args",)

    def __init__(self, args: tuple[Any, ...]) -> None:
        self.args = args


class Arguments:
    """The arguments of a right hand side: the traced ones as one vector, the others as they are."""

    def __init__(self, args: tuple[Any, ...]) -> None:
        self.leaves, self.structure = flatten(tuple(args), lenient=True)
        self.traced = [i for i, leaf in enumerate(self.leaves) if isbox(leaf)]
        self.rest = [leaf for leaf in self.leaves if not isbox(leaf)]
        self.packing: Any = None
        self.vector: Array = onp.zeros(0)
        if self.traced:
            self.vector, self.packing = pack([self.leaves[i] for i in self.traced])

    def opened(self, vector: Array, rest: Sequence[Any]) -> Opened:
        """What `rebuilt` takes in place of the vector, to take it apart once for many calls."""
        return Opened(self.rebuilt(vector, rest))

    def rebuilt(self, vector: Array | Opened, rest: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments, with the numbers of a vector in place of the traced ones."""
        if type(vector) is Opened:
            return vector.args
        leaves = list(rest)
        if self.traced:
            for i, leaf in zip(self.traced, self.packing.unpack(vector)):
                leaves.insert(i, leaf)
        return self.structure.unflatten(leaves)

    @property
    def kind(self) -> tuple[Any, ...]:
        """Equal where `rebuilt` of other arguments would do the same."""
        shapes = () if self.packing is None else tuple(self.packing.shapes)
        dtypes = () if self.packing is None else tuple(map(str, self.packing.kinds))
        return repr(self.structure), tuple(self.traced), shapes, dtypes


def vector(value: Any) -> Array:
    """What a right hand side returned, as a vector."""
    value = as_float(value)
    return value if value.ndim == 1 else np.ravel(value)


class RightSide:
    """The right hand side of a differential equation.

    Parameters
    ----------
    rhs : callable
        `rhs(y, t, parameters, rest)`, differentiable by all but the rest, of vectors.
    key : hashable or None
        Equal only for right hand sides that do the same. None: not known.
    rest : sequence
        The user's function and what else was given beside the parameters: arguments of a program,
        which looks for state where its arguments lead.
    opened : callable, optional
        `opened(parameters, rest)`: what rhs takes in place of the parameters, for many calls.
    """

    def __init__(
        self,
        rhs: Rhs,
        key: Any,
        rest: Sequence[Any],
        opened: Callable[[Array, Sequence[Any]], Any] | None = None,
    ) -> None:
        self.rhs = rhs
        self.key = key
        self.rest = rest
        self.opened = opened or (lambda parameters, rest: parameters)

    def __call__(self, y: Array, t: Array, parameters: Array) -> Array:
        return self.rhs(y, t, parameters, self.rest)

    def plain(self, parameters: Any, evaluations: int = MANY) -> Callable[[Any, Any], Any]:
        """It as a function of y and t alone, of plain numbers, to be called about so often."""
        rest = self.rest
        rhs = programs.of(self.key, self.rhs, evaluations)
        return lambda y, t: rhs(y, t, parameters, rest)

    def _derived(self, name: str, sizes: tuple[int, ...], rhs: Rhs) -> RightSide:
        key = None if self.key is None else (name, sizes, self.key)
        return RightSide(rhs, key, self.rest)

    def varied(self, n: int, m: int, count: int) -> RightSide:
        """That of y and of its changes along some directions: S' = f_y S + f_p D.

        The changes are the columns of S; D is part of the parameters.
        """
        rhs = self.rhs

        def varied(z: Array, t: Array, both: Array, rest: Sequence[Any]) -> Array:
            y, parameters = z[:n], both[:m]
            changes = np.reshape(z[n:], (n, count))
            directions = np.reshape(both[m:], (m, count))
            if count <= n:
                push = make_jvp(lambda given: rhs(given[0], t, given[1], rest), (y, parameters))
                pushed = [push((changes[:, k], directions[:, k])) for k in range(count)]
                columns = np.stack([change for _, change in pushed], axis=1)
                return np.concatenate([pushed[0][0], np.ravel(columns)])
            pull, value = make_vjp(lambda given: rhs(given[0], t, given[1], rest), (y, parameters))
            rows = [pull(unit) for unit in onp.eye(n)]
            moved = np.matmul(np.stack([by_y for by_y, _ in rows]), changes)
            if m:
                moved = moved + np.matmul(np.stack([by_p for _, by_p in rows]), directions)
            return np.concatenate([value, np.ravel(moved)])

        return self._derived("varied", (n, m, count), varied)

    def adjoint(self, n: int) -> RightSide:
        """That of y, its adjoint, and the gradient by the parameters, to be run backwards."""
        rhs = self.rhs

        def adjoint(z: Array, t: Array, parameters: Array, rest: Sequence[Any]) -> Array:
            y, covector = z[:n], z[n : 2 * n]
            pull, value = make_vjp(lambda given: rhs(given[0], t, given[1], rest), (y, parameters))
            by_y, by_parameters = pull(covector)
            return np.concatenate([value, -by_y, -by_parameters])

        return self._derived("adjoint", (n,), adjoint)

    def jacobian(self, n: int) -> RightSide:
        """Its derivatives by y, at several points at once, in place of itself."""
        rhs = self.rhs

        def jacobian(y: Array, t: Array, parameters: Array, rest: Sequence[Any]) -> Array:
            found = []
            for y_at, t_at in zip(y, t):

                def side(y: Array, time: Array = t_at) -> Array:
                    return rhs(y, time, parameters, rest)

                pull, _ = make_vjp(side, y_at)
                found.append(np.stack([pull(unit) for unit in onp.eye(n)]))
            return np.stack(found)

        return self._derived("jacobian", (n,), jacobian)

    def slope(self, n: int) -> RightSide:
        """Its derivatives by y, in place of itself."""
        rhs = self.rhs

        def slope(y: Array, t: Array, parameters: Array, rest: Sequence[Any]) -> Array:
            return jacobian_of(lambda y: rhs(y, t, parameters, rest), y)

        return self._derived("slope", (n,), slope)

    def chained(self, n: int, name: str, coupling: Any) -> RightSide:
        """The stages of a step of an adjoint: f_y^T v, where v has a part of those before it.

        In place of y it takes rows of y and of what v is without the others, in place of the time
        the times and the length of the step; it gives rows of v and of f_y^T v.

        Parameters
        ----------
        n : int
        name : str
            Of the method.
        coupling : ndarray
            What v of each row takes of f_y^T v of each other one, times the step; triangular.
        """
        rhs = self.rhs
        count = len(coupling)

        def chained(z: Array, t: Array, parameters: Array, rest: Sequence[Any]) -> Array:
            step, known = t[count], dict[int, tuple[Array, Array]]()
            first_to_last = not onp.any(onp.triu(coupling))
            order = range(count) if first_to_last else range(count - 1, -1, -1)
            for j in order:
                covector = z[j, n:]
                parts = [coupling[j, i] * known[i][1] for i in known if coupling[j, i] != 0]
                if parts:
                    covector = covector + step * sum(parts[1:], parts[0])

                def side(y: Array, time: Array = t[j]) -> Array:
                    return rhs(y, time, parameters, rest)

                pull, _ = make_vjp(side, z[j, :n])
                known[j] = covector, pull(covector)
            return np.stack([part for j in range(count) for part in known[j]])

        return self._derived(name, (n,), chained)

    def pulled(self, n: int) -> RightSide:
        """The sum of covectors times its derivatives by the parameters, of rows y and covector."""
        rhs, opened = self.rhs, self.opened

        def pulled(z: Array, t: Array, parameters: Array, rest: Sequence[Any]) -> Array:
            def sides(given: Array) -> Array:
                # Their cotangents are summed up before they are put into one vector.
                given = opened(given, rest)
                return np.stack([rhs(z[i, :n], t[i], given, rest) for i in range(len(z))])

            pull, _ = make_vjp(sides, parameters)
            return pull(z[:, n:])

        return self._derived("pulled", (n,), pulled)


class _Program(Jit):
    """A function that is replayed where it can be, and says nothing where it cannot."""

    def _say(self, reason: str, remedy: str) -> None:
        pass


class _Programs:
    """The programs of the right hand sides that were solved last."""

    SIZE = 32

    def __init__(self) -> None:
        self._known: OrderedDict[Any, _Program] = OrderedDict()
        self._waiting: OrderedDict[Any, int] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: Any, rhs: Rhs, evaluations: int) -> Rhs:
        """The program of a right hand side, which is that of another one with the same key.

        The right hand side itself until it was evaluated often enough, in all solutions together.
        """
        try:
            hash(key)
        except TypeError:  # a function that cannot be hashed
            key = None
        if key is None:
            return _Program(rhs) if evaluations >= MANY else rhs
        with self._lock:
            if key not in self._known and evaluations < MANY:
                count = self._waiting.pop(key, 0)
                if count < MANY:
                    self._waiting[key] = count + evaluations
                    while len(self._waiting) > self.SIZE:
                        self._waiting.popitem(last=False)
                    return rhs
            program = self._known.setdefault(key, _Program(rhs))
            self._known.move_to_end(key)
            while len(self._known) > self.SIZE:
                self._known.popitem(last=False)
        return program


programs = _Programs()
