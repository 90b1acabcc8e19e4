"""A convolutional net that tells noisy pictures of four kinds of strokes apart.

The convolution is written with slices and einsum, the pooling with reshape and max: plain NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import common
import numpy

import fastad.numpy as np
from fastad import value_and_grad

KINDS = ("horizontal", "vertical", "diagonal", "cross")
SIZE = 12


def pictures(count: int, seed: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return pictures, shape (count, 1, SIZE, SIZE), and the number of each one's kind."""
    random = numpy.random.default_rng(seed)
    labels = random.integers(len(KINDS), size=count)
    images = 0.4 * random.normal(size=(count, 1, SIZE, SIZE))
    span = numpy.arange(-3, 4)
    for image, label in zip(images[:, 0], labels):
        row, column = random.integers(3, SIZE - 3, size=2)
        if KINDS[label] in ("horizontal", "cross"):
            image[row, column + span] += 1.0
        if KINDS[label] in ("vertical", "cross"):
            image[row + span, column] += 1.0
        if KINDS[label] == "diagonal":
            image[row + span, column + span] += 1.0
    return images, labels


def convolve(images: Any, filters: Any) -> Any:
    """Return the valid cross-correlation, shape (batch, out, height - k + 1, width - k + 1)."""
    k = filters.shape[-1]
    height, width = images.shape[2] - k + 1, images.shape[3] - k + 1
    return sum(
        np.einsum("bchw,oc->bohw", images[:, :, i : i + height, j : j + width], filters[:, :, i, j])
        for i in range(k)
        for j in range(k)
    )


def pool(images: Any) -> Any:
    """Return the largest of each two by two pixels."""
    b, c, h, w = images.shape
    return np.max(np.reshape(images, (b, c, h // 2, 2, w // 2, 2)), axis=(3, 5))


def scores(parameters: Any, images: Any) -> Any:
    filters, offsets, weights, bias = parameters
    layer = np.maximum(convolve(images, filters) + offsets[:, None, None], 0.0)
    layer = pool(layer)
    return np.dot(np.reshape(layer, (layer.shape[0], -1)), weights) + bias


def loss(parameters: Any, images: Any, one_hot: Any) -> Any:
    s = scores(parameters, images)
    s = s - np.max(s, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(s), axis=1)) - np.sum(s * one_hot, axis=1))


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    options = common.parser(__doc__, "convolutional_net.png")
    options.add_argument("--steps", type=int, default=120, help="steps of Adam")
    options.add_argument("--batch", type=int, default=64, help="pictures in a step")
    options.add_argument("--filters", type=int, default=8, help="number of 3 by 3 filters")
    options.add_argument("--rate", type=float, default=0.01, help="step size")
    args = options.parse_args(arguments)

    images, labels = pictures(1000, args.seed)
    test_images, test_labels = pictures(300, args.seed + 1)
    one_hot = numpy.eye(len(KINDS))[labels]
    random = numpy.random.default_rng(args.seed)
    pooled = args.filters * ((SIZE - 2) // 2) ** 2
    parameters = [
        random.normal(size=(args.filters, 1, 3, 3)) / 3.0,
        numpy.zeros(args.filters),
        random.normal(size=(pooled, len(KINDS))) / numpy.sqrt(pooled),
        numpy.zeros(len(KINDS)),
    ]
    step_function = value_and_grad(loss)
    history = []

    def gradient(p: Any, step: int) -> Any:
        rows = numpy.random.default_rng([args.seed, step]).integers(len(images), size=args.batch)
        value, slopes = step_function(p, images[rows], one_hot[rows])
        history.append(float(value))
        return slopes

    def accuracy(p: Any) -> float:
        return float(numpy.mean(numpy.argmax(scores(p, test_images), axis=1) == test_labels))

    def report(p: Any, step: int) -> None:
        if history and step % max(1, args.steps // 6) == 0:
            right = accuracy(p)
            print(f"step {step:5d}   batch loss {history[-1]:.4f}   test accuracy {right:.3f}")

    parameters = common.adam(gradient, parameters, args.steps, args.rate, report)
    score = accuracy(parameters)
    print(f"trained: batch loss {history[0]:.4f} -> {history[-1]:.4f}, test accuracy {score:.3f}")

    def draw(axes: Any) -> None:
        axes[0].semilogy(history)
        axes[0].set(xlabel="step", ylabel="loss of the batch")
        gap = ((0, 0), (0, 1))
        filters = [numpy.pad(f, gap, constant_values=numpy.nan) for f in parameters[0][:, 0]]
        strip = numpy.concatenate(filters, axis=1)
        axes[1].imshow(strip, cmap="gray")
        axes[1].set(title="the filters learned", xticks=[], yticks=[])

    common.save_plot(args, draw, panels=2)
    return {"history": history, "accuracy": score}


if __name__ == "__main__":
    main()
