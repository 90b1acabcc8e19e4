"""A fluid's initial velocity such that smoke drifts into a given shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import common
import numpy

import fastad.numpy as np
from fastad import value_and_grad


def project(vx: Any, vy: Any, wave: tuple[Any, Any, Any]) -> tuple[Any, Any]:
    """Take off the part of the velocity that has divergence, in Fourier space (periodic box)."""
    kx, ky, inverse = wave
    fx, fy = np.fft.fft2(vx), np.fft.fft2(vy)
    along = (kx * fx + ky * fy) * inverse
    return np.real(np.fft.ifft2(fx - kx * along)), np.real(np.fft.ifft2(fy - ky * along))


def whole(x: Any) -> Any:
    """Whole numbers as an index: piecewise constant, so a plain array."""
    return x.astype(int)


def advect(field: Any, vx: Any, vy: Any) -> Any:
    """Move a field along the velocity by one step: its value where it came from, interpolated."""
    rows, columns = field.shape
    y, x = numpy.mgrid[0:rows, 0:columns]
    from_x, from_y = x - vx, y - vy
    left, top = np.floor(from_x), np.floor(from_y)
    right_share, bottom_share = from_x - left, from_y - top
    i = whole(top) % rows
    j = whole(left) % columns
    i1, j1 = (i + 1) % rows, (j + 1) % columns
    upper = (1 - right_share) * field[i, j] + right_share * field[i, j1]
    lower = (1 - right_share) * field[i1, j] + right_share * field[i1, j1]
    return (1 - bottom_share) * upper + bottom_share * lower


def simulate(vx: Any, vy: Any, smoke: Any, steps: int, wave: tuple[Any, Any, Any]) -> list[Any]:
    """Frames of smoke carried by an ideal fluid (Stam 1999)."""
    frames = [smoke]
    for _ in range(steps):
        vx, vy = project(advect(vx, vx, vy), advect(vy, vx, vy), wave)
        frames.append(advect(frames[-1], vx, vy))
    return frames


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    options = common.parser(__doc__, "fluid_simulation.png")
    options.add_argument("--size", type=int, default=32, help="cells along a side")
    options.add_argument("--frames", type=int, default=12, help="time steps of the simulation")
    options.add_argument("--steps", type=int, default=60, help="steps of the optimiser")
    args = options.parse_args(arguments)

    n = args.size
    k = numpy.fft.fftfreq(n)
    kx, ky = numpy.meshgrid(k, k)
    square = kx**2 + ky**2
    wave = (kx, ky, numpy.where(square > 0, 1.0 / numpy.where(square > 0, square, 1.0), 0.0))
    y, x = numpy.mgrid[0:n, 0:n] / n - 0.5
    smoke = numpy.exp(-((x + 0.15) ** 2 + y**2) / 0.02)
    target = numpy.exp(-((numpy.hypot(x - 0.05, y) - 0.2) ** 2) / 0.005)
    target *= smoke.sum() / target.sum()

    def loss(velocity: Any) -> Any:
        final = simulate(velocity[0], velocity[1], smoke, args.frames, wave)[-1]
        return np.mean((final - target) ** 2) / numpy.mean(target**2)

    objective = value_and_grad(loss)
    history: list[float] = []

    def gradient(parameters: list[Any], step: int) -> list[Any]:
        value, slope = objective(parameters[0])
        history.append(float(value))
        if step % 20 == 0:
            print(f"step {step:4d}: relative error {value:.4f}")
        return [slope]

    start = [1e-3 * numpy.random.default_rng(args.seed).normal(size=(2, n, n))]
    velocity = common.adam(gradient, start, args.steps, 0.03, lambda p, step: None)[0]
    frames = simulate(velocity[0], velocity[1], smoke, args.frames, wave)

    def draw(axes: Any) -> None:
        for axis, field, title in zip(
            axes, (smoke, frames[-1], target), ("start", "end", "wanted")
        ):
            axis.imshow(field, vmin=0, vmax=1)
            axis.set(title=title, xticks=[], yticks=[])

    common.save_plot(args, draw, panels=3)
    return {"history": history, "frames": frames}


if __name__ == "__main__":
    main()
