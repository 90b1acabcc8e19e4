"""The uniform distribution.

`pdf(x, loc=0, scale=1) = 1 / scale`
with `z = (x - loc) / scale`, where that is between 0 and 1.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import uniform
>>> round(float(grad(lambda scale: uniform.logpdf(0.25, 0.0, scale))(2.0)), 6)
-0.5
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import uniform as _uniform

from ... import numpy as np
from .continuous import Continuous

# The density is one on its support: inside, only scale changes it.
family = Continuous(
    _uniform,
    lambda z: (np.zeros_like(z),),
    support=(0, 1),
    ratios=(lambda z: 1 / z, lambda z: 1 / (1 - z)),
    moments=lambda: (1 / 2, 1 / 12),
    entropy=lambda: 0.0,
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
