"""The hyperbolic tangent and its derivatives up to the sixth, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import common

import fastad.numpy as np
from fastad import elementwise_grad


def tanh(x: Any) -> Any:
    y = np.exp(-2.0 * x)
    return (1.0 - y) / (1.0 + y)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    options = common.parser(__doc__, "tanh_derivatives.png")
    options.add_argument("--order", type=int, default=6, help="highest derivative")
    options.add_argument("--points", type=int, default=201, help="number of points")
    args = options.parse_args(arguments)

    x = np.linspace(-4.0, 4.0, args.points)
    function = tanh
    curves = [function(x)]
    for _ in range(args.order):
        function = elementwise_grad(function)
        curves.append(function(x))
    centre = int(np.argmin(np.abs(x)))
    for order, curve in enumerate(curves):
        largest = float(np.max(np.abs(curve)))
        print(
            f"derivative {order}: {curve[centre]:+12.6f} at {x[centre]:.3g}, |.| <= {largest:.4f}"
        )

    def draw(axis: Any) -> None:
        for order, curve in enumerate(curves):
            axis.plot(x, curve / np.max(np.abs(curve)), label=str(order))
        axis.set(xlabel="x", title="derivatives of tanh, each scaled to 1")
        axis.legend(title="order", ncols=2)

    common.save_plot(args, draw)
    return {"x": x, "curves": curves}


if __name__ == "__main__":
    main()
