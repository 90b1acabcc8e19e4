"""Problems of ADBench, in its own input files (data/, under its licence): GMM, BA and LSTM.

Filip Srajer, Zuzana Kukelova, Andrew Fitzgibbon, "A benchmark of selected algorithmic
differentiation tools on some problems in computer vision and machine learning", 2018.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy

from . import Workload, enter

Function = Callable[..., Any]
UNROLLED = {"jax": "a loop of 1,023 steps, unrolled, compiles for minutes"}
DATA = Path(__file__).parent.parent / "data"


def _numbers(name: str) -> tuple[list[int], numpy.ndarray]:
    """The three counts of a file's first line, and all numbers after it."""
    first, _, rest = (DATA / name).read_text().partition("\n")
    return [int(word) for word in first.split()], numpy.array(rest.split(), dtype=float)


def _logsumexp(np: Any, x: Any, axis: int) -> Any:
    top = np.max(x, axis=axis, keepdims=True)
    return np.sum(top, axis=axis) + np.log(np.sum(np.exp(x - top), axis=axis))


def mixture(np: Any) -> Function:
    """Log-likelihood of a Gaussian mixture by factors of inverse covariances, Wishart prior."""

    def f(alphas: Any, means: Any, icf: Any, points: Any, gamma: float, m: int) -> Any:
        n, d = points.shape
        k = means.shape[0]
        lower = numpy.zeros((d * (d - 1) // 2, d * d))  # by columns, strictly below the diagonal
        places = [i * d + j for j in range(d) for i in range(j + 1, d)]
        lower[numpy.arange(len(places)), places] = 1.0
        diagonals = np.exp(icf[:, :d])
        logs = np.sum(icf[:, :d], axis=1)
        factors = np.reshape(np.dot(icf[:, d:], lower), (k, d, d))
        apart = points[:, None, :] - means[None, :, :]
        scaled = diagonals[None] * apart + np.einsum("kij,nkj->nki", factors, apart)
        inner = alphas + logs - 0.5 * np.sum(scaled**2, axis=2)
        likelihood = np.sum(_logsumexp(np, inner, 1)) - n * _logsumexp(np, alphas, 0)
        squares = np.sum(diagonals**2) + np.sum(icf[:, d:] ** 2)
        prior = 0.5 * gamma**2 * squares - m * np.sum(logs)
        count = d + m + 1
        wishart = k * count * d * np.log(gamma / math.sqrt(2.0)) - k * _multigamma(count, d)
        return likelihood + prior - 0.5 * n * d * math.log(2.0 * math.pi) - wishart

    return f


def _multigamma(count: int, d: int) -> float:
    """Logarithm of the multivariate gamma function at count / 2."""
    terms = sum(math.lgamma(0.5 * count + 0.5 * (1 - j)) for j in range(1, d + 1))
    return 0.25 * d * (d - 1) * math.log(math.pi) + terms


def _mixture(name: str) -> tuple[Any, ...]:
    (d, k, n), numbers = _numbers(f"{name}.txt")
    sizes = [k, k * d, k * (d + d * (d - 1) // 2), n * d]
    alphas, means, icf, points, last = numpy.split(numbers, numpy.cumsum(sizes))
    gamma, m = last
    return (
        alphas,
        means.reshape(k, d),
        icf.reshape(k, -1),
        points.reshape(n, d),
        float(gamma),
        int(m),
    )


def _drawn(d: int, k: int, n: int) -> tuple[Any, ...]:
    """A problem as large as one of ADBench's larger files, which are not copied."""
    normal = numpy.random.default_rng(0).normal
    factors = normal(size=(k, d + d * (d - 1) // 2))
    return normal(size=k), normal(size=(k, d)), 0.1 * factors, normal(size=(n, d)), 1.0, 0


def bundle(np: Any) -> Function:
    """Sum of squared reprojection errors: Rodrigues rotation, radial distortion."""

    def f(cameras: Any, points: Any, weights: Any, features: Any) -> Any:
        turn, centre = cameras[:, :3], cameras[:, 3:6]
        x = points - centre
        square = np.sum(turn**2, axis=1)
        theta = np.sqrt(square)[:, None]
        axis = turn / theta
        along = np.sum(axis * x, axis=1)[:, None] * (1.0 - np.cos(theta))
        across = np.stack(
            [
                axis[:, 1] * x[:, 2] - axis[:, 2] * x[:, 1],
                axis[:, 2] * x[:, 0] - axis[:, 0] * x[:, 2],
                axis[:, 0] * x[:, 1] - axis[:, 1] * x[:, 0],
            ],
            axis=1,
        )
        turned = x * np.cos(theta) + across * np.sin(theta) + axis * along
        flat = turned[:, :2] / turned[:, 2:]
        square = np.sum(flat**2, axis=1)
        bent = flat * (1.0 + cameras[:, 9] * square + cameras[:, 10] * square**2)[:, None]
        projected = bent * cameras[:, 6:7] + cameras[:, 7:9]
        errors = weights[:, None] * (projected - features)
        return np.sum(errors**2) + np.sum((1.0 - weights**2) ** 2)

    return f


def _bundle() -> tuple[Any, ...]:
    (_, _, count), numbers = _numbers("ba1_n49_m7776_p31843.txt")
    camera, point, weight, feature = numpy.split(numbers, [11, 14, 15])
    return (
        numpy.tile(camera, (count, 1)),
        numpy.tile(point, (count, 1)),
        numpy.full(count, weight[0]),
        numpy.tile(feature, (count, 1)),
    )


def diagonal_lstm(np: Any) -> Function:
    """Loss of a language model by LSTMs whose weights are diagonal."""

    def sigmoid(x: Any) -> Any:
        return 1.0 / (1.0 + np.exp(-x))

    def f(main: Any, extra: Any, state: Any, sequence: Any) -> Any:
        size = sequence.shape[1]
        layers = state.shape[0] // 2
        hidden = [state[2 * k] for k in range(layers)]
        cells = [state[2 * k + 1] for k in range(layers)]
        total = 0.0
        for t in range(sequence.shape[0] - 1):
            x = sequence[t] * extra[0]
            for k in range(layers):
                both = np.concatenate([x, hidden[k], x, hidden[k]])
                gates = both * main[2 * k] + main[2 * k + 1]
                forget, ingate = sigmoid(gates[:size]), sigmoid(gates[size : 2 * size])
                outgate = sigmoid(gates[2 * size : 3 * size])
                cells[k] = cells[k] * forget + ingate * np.tanh(gates[3 * size :])
                x = hidden[k] = outgate * np.tanh(cells[k])
            predicted = x * extra[1] + extra[2]
            normal = predicted - np.log(np.sum(np.exp(predicted)) + 2.0)
            total = total + np.sum(sequence[t + 1] * normal)
        return -total / ((sequence.shape[0] - 1) * size)

    return f


def _lstm(name: str = "lstm_l2_c1024") -> tuple[Any, ...]:
    (layers, _, bits), numbers = _numbers(f"{name}.txt")
    sizes = [2 * layers * 4 * bits, 3 * bits, 2 * layers * bits]
    main, extra, state, sequence = numpy.split(numbers, numpy.cumsum(sizes))
    return (
        main.reshape(2 * layers, 4 * bits),
        extra.reshape(3, bits),
        state.reshape(2 * layers, bits),
        sequence.reshape(-1, bits),
    )


def _enter() -> None:
    def problem(name: str, build: Any, make: Any, **options: Any) -> None:
        enter(Workload(name, "adbench", build, make, **options))

    by_three: Any = {"argnum": (0, 1, 2)}
    for n, name in ((5, "d2_K5"), (25, "d10_K25")):
        problem(
            f"gmm-{name}",
            mixture,
            lambda name=name: _mixture(f"1k_gmm_{name}"),
            family="Gaussian mixture",
            n=n,
            quick=n == 5,
            target=2.0,
            **by_three,
        )
    problem("bundle-adjustment", bundle, _bundle, quick=False, target=4.0, **by_three)
    for rows in (1000, 10_000):
        problem(
            f"gmm-d20_K50-{rows}",
            mixture,
            lambda rows=rows: _drawn(20, 50, rows),
            quick=False,
            target=1.7,
            **by_three,
        )
    for name, file in (("adbench-lstm", "lstm_l2_c1024"), ("adbench-lstm-l4", "lstm_l4_c1024")):
        problem(
            name,
            diagonal_lstm,
            lambda file=file: _lstm(file),
            quick=False,
            target=2.0,
            argnum=(0, 1),
            skip=UNROLLED,
        )


_enter()
