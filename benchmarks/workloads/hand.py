"""Jacobians of ADBench's problems: a skinned hand model, and one observation of BA."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy

from . import Workload, enter
from .adbench import DATA, _numbers

Function = Callable[..., Any]


@cache
def _model() -> tuple[Any, ...]:
    """Parents of the bones, their transforms, weighted base positions of the vertices."""
    bones = [line.split(":") for line in (DATA / "hand_bones.txt").read_text().split()]
    parents = [int(bone[1]) for bone in bones]
    matrices = numpy.array([bone[2:] for bone in bones], dtype=float).reshape(-1, 2, 4, 4)
    vertices = [line.split(":") for line in (DATA / "hand_vertices.txt").read_text().split()]
    weighted = numpy.zeros((len(bones), len(vertices), 4))
    for v, vertex in enumerate(vertices):
        place = numpy.array([*vertex[:3], 1.0], dtype=float)
        for i in range(int(vertex[8])):
            bone, weight = int(vertex[9 + 2 * i]), float(vertex[10 + 2 * i])
            weighted[bone, v] = weight * place
    return parents, matrices[:, 0, :3], matrices[:, 1], weighted


@cache
def _angles() -> numpy.ndarray:
    """Which of the parameters, and a zero behind them, turn each bone about x and about z."""
    places = numpy.full((2, 22), 26)
    for finger in range(5):
        for joint in range(3):
            places[0, 2 + 4 * finger + joint] = 6 + 4 * finger + joint + (joint > 0)
        places[1, 2 + 4 * finger] = 7 + 4 * finger
    return places


def _crossed(np: Any, a: Any, b: Any) -> Any:
    """Product of a vector with each of the rows."""
    parts = [a[i] * b[:, j] - a[j] * b[:, i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.stack(parts, axis=1)


def hand(np: Any) -> Function:
    """Distances of points to the vertices of a hand of 22 bones, by 26 parameters."""
    parents, _, _, _ = _model()
    about_x, about_z = _angles()

    def f(theta: Any, base: Any, inverse: Any, weighted: Any, points: Any, vertices: Any) -> Any:
        padded = np.concatenate([theta, theta[:1] * 0.0])
        x, z = padded[about_x], padded[about_z]
        cx, sx, cz, sz = np.cos(x), np.sin(x), np.cos(z), np.sin(z)
        entries = [cz, -sz * cx, sz * sx, sz, cz * cx, -cz * sx, 0.0 * x, sx, cx]
        turns = base[:, :, :3] @ np.reshape(np.stack(entries, axis=1), (-1, 3, 3))
        whole: list[Any] = []
        shifts: list[Any] = []
        for bone, parent in enumerate(parents):
            turn, shift = turns[bone], base[bone, :, 3]
            if parent >= 0:
                shift = whole[parent] @ shift + shifts[parent]
                turn = whole[parent] @ turn
            whole.append(turn)
            shifts.append(shift)
        linear, moved = np.stack(whole), np.stack(shifts)
        skin = np.concatenate([linear, moved[:, :, None]], axis=2) @ inverse
        posed = np.einsum("bij,bvj->vi", skin, weighted)
        angle = np.sqrt(np.sum(theta[:3] ** 2))
        axis = theta[:3] / angle
        along = (posed @ axis)[:, None] * axis * (1.0 - np.cos(angle))
        turned = posed * np.cos(angle) + _crossed(np, axis, posed) * np.sin(angle) + along
        return np.reshape(points - (turned[vertices] + theta[3:6]), (-1,))

    return f


def _hand() -> tuple[Any, ...]:
    first, rest = (DATA / "hand_c192.txt").read_text().split("\n", 1)
    count = int(first.split()[0])
    numbers = numpy.array(rest.split(), dtype=float)
    table, theta = numbers[: 4 * count].reshape(count, 4), numbers[4 * count :]
    _, base, inverse, weighted = _model()
    return theta, base, inverse, weighted, table[:, 1:], table[:, 0].astype(int)


def observation(np: Any) -> Function:
    """Reprojection error of one point by one camera, of vectors."""

    def f(given: Any, feature: Any) -> Any:
        turn, centre, point, weight = given[:3], given[3:6], given[11:14], given[14]
        x = point - centre
        theta = np.sqrt(np.sum(turn * turn))
        axis = turn / theta
        along = np.sum(axis * x) * (1.0 - np.cos(theta))
        across = _crossed(np, axis, x[None])[0]
        turned = x * np.cos(theta) + across * np.sin(theta) + axis * along
        flat = turned[:2] / turned[2]
        square = np.sum(flat * flat)
        bent = flat * (1.0 + given[9] * square + given[10] * square * square)
        return weight * (bent * given[6] + given[7:9] - feature)

    return f


def observation_by_numbers(np: Any) -> Function:
    """Squared reprojection error of one point by one camera, of numbers."""

    def f(given: Any, feature: Any) -> Any:
        a, b, c, p, q, r, focal, u, v, k, m, x, y, z, weight = given
        x, y, z = x - p, y - q, z - r
        theta = np.sqrt(a * a + b * b + c * c)
        a, b, c = a / theta, b / theta, c / theta
        cosine, sine = np.cos(theta), np.sin(theta)
        along = (a * x + b * y + c * z) * (1.0 - cosine)
        turned_x = x * cosine + (b * z - c * y) * sine + a * along
        turned_y = y * cosine + (c * x - a * z) * sine + b * along
        turned_z = z * cosine + (a * y - b * x) * sine + c * along
        x, y = turned_x / turned_z, turned_y / turned_z
        square = x * x + y * y
        bent = (1.0 + k * square + m * square * square) * focal
        x, y = weight * (x * bent + u - feature[0]), weight * (y * bent + v - feature[1])
        return x * x + y * y

    return f


def _observation() -> tuple[Any, ...]:
    _, numbers = _numbers("ba1_n49_m7776_p31843.txt")
    return numbers[:15], numbers[15:17]


def _enter() -> None:
    def problem(name: str, build: Any, make: Any, **options: Any) -> None:
        enter(Workload(name, options.pop("group", "hand"), build, make, **options))

    problem("hand-jacobian", hand, _hand, what="jacobian", quick=False)
    problem("hand-forward", hand, _hand, what="columns", quick=False)
    problem("hand-reverse", hand, _hand, what="rows", quick=False)
    problem("bundle-one-vectors", observation, _observation, what="jacobian")
    problem(
        "bundle-one-numbers",
        observation_by_numbers,
        lambda: tuple(part.tolist() for part in _observation()),
        group="numbers",
    )


_enter()
