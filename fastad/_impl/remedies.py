"""What to use in place of what cannot take a traced value: functions, packages, habits."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from .._core import Primitive

__all__ = [
    "REMEDIES",
    "counterpart",
    "differentiates",
    "look_up",
    "no_rule",
    "of_attribute",
    "package_of",
    "public",
    "result_remedy",
]

_VALUES = "use its values, .to_numpy(), and the operators and functions of fastad.numpy on them"
_PLOT = "give it fastad.getval(x), the plain number"
_MODEL = (
    "fastad has no rules for it: write the computation with fastad.numpy, or make it a primitive "
    "with a rule (fastad.extend.primitive)"
)
_ODE = (
    "use fastad.scipy.integrate.odeint or solve_ivp, and give what the right-hand side depends on "
    "by args="
)
_SCALARS = "float16 float32 float64 longdouble complex64 complex128 clongdouble".split()
_SCALAR = "use x as it is, or x.astype of another dtype; fastad.getval(x) gives the number alone"
_WRITERS = "save savez savez_compressed savetxt".split()
_NUMBER = "use x as it is; fastad.getval(x) gives the number alone"
# What to do about a package that wants plain numbers; the longest name that fits counts. Code of
# packages that are not here is the user's own.
REMEDIES = {
    "numpy": _MODEL,
    "numpy.random": (
        "a draw has no derivative by its parameters: draw standard numbers, and scale and shift "
        "them, mean + scale * rng.normal(size=n)"
    ),
    "numpy.testing": "give it fastad.getval(x), the plain value",
    "numpy.fromiter": "use fastad.numpy.array of a list",
    **dict.fromkeys((f"numpy.{name}" for name in _SCALARS), _SCALAR),
    **dict.fromkeys((f"numpy.{name}" for name in _WRITERS), _PLOT),
    "numpy.vectorize": (
        "it collects plain numbers: use fastad.numpy.vectorize, or functions of fastad.numpy, "
        "which take arrays"
    ),
    "scipy": _MODEL,
    "scipy.integrate": "an integral over fixed points is a weighted sum with fastad.numpy",
    "scipy.integrate.odeint": _ODE,
    "scipy.integrate.solve_ivp": _ODE,
    "scipy.interpolate": (
        "fastad.scipy.interpolate has CubicSpline, PchipInterpolator, make_interp_spline, interp1d "
        "and RegularGridInterpolator"
    ),
    "scipy.optimize": (
        "give it fastad.getval of the parameters and the gradient by jac=; fastad.scipy.optimize "
        "differentiates roots and minima by parameters that are given as args="
    ),
    "scipy.stats.Covariance": (
        "give the covariance itself to fastad.scipy.stats.multivariate_normal: a traced matrix, "
        "np.diag(d), L @ L.T"
    ),
    "scipy.sparse": (
        "fastad.scipy.sparse has arrays whose entries are traced, and multiply(A, x); "
        "A @ x and x @ A are differentiated as they are"
    ),
    "scipy.sparse.linalg": _MODEL,
    "pandas": _VALUES,
    "polars": _VALUES,
    "xarray": "take .data of an array that holds traced values, .to_numpy() of one that does not",
    "pyarrow": _VALUES,
    "dask": "compute its plain values first, with .compute(), and go on with fastad.numpy",
    "sparse": "take x.todense(), or fastad.scipy.sparse",
    "matplotlib": _PLOT,
    "seaborn": _PLOT,
    "plotly": _PLOT,
    "bokeh": _PLOT,
    "PIL": _PLOT,
    "h5py": _PLOT,
    "sklearn": _MODEL,
    "statsmodels": _MODEL,
    "skimage": _MODEL,
    "networkx": _MODEL,
    "lightgbm": _MODEL,
    "xgboost": _MODEL,
    "numexpr": _MODEL,
    "numba": (
        "it compiles for plain arrays: call the function without numba (f.py_func), which "
        "fastad.jit may make fast, or make it a primitive with a rule"
    ),
    "torch": _MODEL,
    "jax": _MODEL,
    "tensorflow": _MODEL,
    "math": "use the function of fastad.numpy or fastad.scipy.special in its place",
    "math.comb": "use fastad.scipy.special.binom",
    "math.dist": "use fastad.numpy.linalg.norm(p - q)",
    "cmath": "use the function of fastad.numpy in its place",
    "statistics": "use fastad.numpy.mean, median, var, std",
    "random": "draw with fastad.numpy.random, and scale and shift the draws",
    "decimal": "differentiate with floats",
    "fractions": "differentiate with floats",
    "struct": _PLOT,
    "array": "use fastad.numpy.array",
    "builtins": _NUMBER,
    "builtins.complex": "use x as it is, or x + 0j; fastad.getval(x) gives the number alone",
    "numpy.array": "use fastad.numpy.array, stack or concatenate",
    "numpy.asarray": "use fastad.numpy.asarray, or x as it is",
}
# Names that differ.
_RENAMED = {
    "math.acos": "numpy.arccos",
    "math.acosh": "numpy.arccosh",
    "math.asin": "numpy.arcsin",
    "math.asinh": "numpy.arcsinh",
    "math.atan": "numpy.arctan",
    "math.atan2": "numpy.arctan2",
    "math.atanh": "numpy.arctanh",
    "math.erf": "scipy.special.erf",
    "math.erfc": "scipy.special.erfc",
    "math.fmod": "numpy.fmod",
    "math.fsum": "numpy.sum",
    "math.gamma": "scipy.special.gamma",
    "math.lgamma": "scipy.special.gammaln",
    "math.pow": "numpy.power",
    "math.sumprod": "numpy.dot",
}


def counterpart(name: str) -> str | None:
    """fastad's function that stands for this one: "scipy.special.gammaln", "math.sin".

    Parts of the name that are private are where SciPy keeps the function, not how it is called.
    """
    name = public(name)
    renamed = _RENAMED.get(name)
    if renamed is None and name.startswith(("math.", "cmath.")):
        renamed = "numpy." + name.partition(".")[2]
    target = renamed or name
    if target.partition(".")[0] not in ("numpy", "scipy") or "." not in target:
        return None
    found = look_up("fastad." + target)
    # Functions that are NumPy's or SciPy's own refuse as well, and primitives without rules.
    if found is None or found is look_up(target) or not differentiates(found):
        return None
    if isinstance(found, ModuleType) and not callable(found):  # a distribution can be called
        return None
    return "fastad." + target


def differentiates(function: Any) -> bool:
    """Tell whether what stands for a function of NumPy's or SciPy's has derivatives."""
    if not isinstance(function, Primitive):
        return True
    if getattr(function, "refuses", False):
        return False
    if function.kind != "rule":
        return True
    rules = function.vjps, function.jvps, function.derivative, function.traced
    return any(rule is not None for rule in rules)


def public(name: str) -> str:
    return ".".join(part for part in name.split(".") if not part.startswith("_"))


def look_up(name: str) -> Any:
    """What stands under a dotted name that begins with a module's."""
    parts = name.split(".")
    found: Any = None
    for n, part in enumerate(parts):
        try:  # a package that imports its modules when they are asked for may not find them
            inner = getattr(found, part, None) if n else None
            if inner is None:
                inner = importlib.import_module(".".join(parts[: n + 1]))
        except ImportError:
            return None
        found = inner
    return found


def no_rule(name: str) -> TypeError:
    """The error for a function of NumPy's or SciPy's that met a traced value and has no rule."""
    other = counterpart(name)
    remedy = (
        f"use {other}"
        if other
        else REMEDIES[name]
        if name in REMEDIES
        else "write it with fastad.numpy functions that have one, or make it a primitive with "
        "fastad.extend.primitive and defvjp"
    )
    return TypeError(
        f"{name} has no derivative rule in fastad and was given a traced value; {remedy}"
    )


def package_of(name: str) -> str:
    """The longest entry of REMEDIES that a dotted name lies in, or nothing."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        if ".".join(parts[:n]) in REMEDIES:
            return ".".join(parts[:n])
    return ""


_HOLDERS = ("pandas", "polars", "xarray", "dask")


def result_remedy(value: Any) -> str | None:
    """What to return in place of another library's object that a function returned."""
    package = package_of(type(value).__module__)
    return REMEDIES[package] if package in _HOLDERS else None


# What is asked of other libraries' arrays, and of lists.
_HABITS = {
    "append": "use fastad.numpy.append, or collect values in a list and take fastad.numpy.array of "
    "it",
    "at": "use fastad.numpy.where, or build the array with fastad.numpy.concatenate",
    "backward": "write a function and take fastad.grad of it",
    "cpu": "it is an array of NumPy's already",
    "detach": "use fastad.getval(x), the plain value",
    "grad": "write a function and take fastad.grad of it",
    "numpy": "use fastad.getval(x), the plain value",
    "requires_grad": "write a function and take fastad.grad of it",
    "to_numpy": "use fastad.getval(x), the plain value",
    "values": "use x as it is, or fastad.getval(x), the plain value",
}
# What JAX and PyTorch have under names that the package has not.
_NAMES_ELSEWHERE = {
    "custom_jvp": "use fastad.extend.primitive and defjvp",
    "custom_vjp": "use fastad.extend.primitive and defvjp",
    "disable_jit": "a function without fastad.jit is the same function",
    "enable_grad": "what no gradient is taken of is not recorded",
    "jacfwd": "use fastad.jacobian, or fastad.make_jvp for single columns",
    "jacrev": "use fastad.jacobian",
    "jvp": "use fastad.make_jvp(f)(x)(tangent)",
    "lax": "write loops, conditions and arithmetic as in Python and NumPy",
    "nn": "write layers with functions of fastad.numpy",
    "no_grad": "what no gradient is taken of is not recorded; fastad.getval cuts a value off",
    "optim": "see fastad.misc.optimizers and fastad.scipy.optimize",
    "pmap": "write array arithmetic, as in NumPy",
    "random": "use fastad.numpy.random",
    "stop_gradient": "use fastad.getval(x), the plain value",
    "tensor": "use fastad.numpy.array",
    "tree_util": "containers are arguments as they are; see fastad.extend.register_container",
    "vjp": "use fastad.make_vjp(f)(x)",
    "vmap": "write array arithmetic, as in NumPy; fastad.jacobian gives gradients of many outputs",
}


def elsewhere(name: str) -> str:
    """What to use for a name that other packages have, as the end of a message; else nothing."""
    return f": {_NAMES_ELSEWHERE[name]}" if name in _NAMES_ELSEWHERE else ""


_CLASSES = {
    "pandas.DataFrame": "beside a traced value a frame is its values, without index and columns: "
    "use functions of fastad.numpy",
    "torch.Tensor": "it is an array as NumPy has them: use functions of fastad.numpy",
    "jax.Array": "it is an array as NumPy has them: use functions of fastad.numpy",
}


def of_attribute(name: str) -> str | None:
    """What to do where a traced value is asked for what arrays of NumPy's do not have."""
    if name in _HABITS:
        return _HABITS[name]
    if not name.startswith("_"):
        for full, remedy in _CLASSES.items():
            package, _, kind = full.partition(".")
            if package in sys.modules and hasattr(getattr(sys.modules[package], kind, None), name):
                return remedy
    return None
