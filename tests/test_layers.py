"""Imports within the package point downwards, and never in a circle."""

from __future__ import annotations

import ast
from pathlib import Path

import fastad

ROOT = Path(fastad.__file__).parent

# The layers from the ground up. A module belongs to the longest name that it begins with; it may
# import what stands further down, and of its own line the rest of a folder. Imports inside of
# functions count as well.
LAYERS = [
    "_core",
    "_impl.loading",
    "_impl.leading _impl.first_step",
    "_impl.array _impl.remedies _impl.late _impl.ordering _impl.progress _impl.transformed "
    "_impl.alias _impl.busy _impl.draws _impl.formulas _impl.namespaces",
    "_impl.asking",
    # the wrapped numpy, which knows nothing of the operators
    "numpy.late",
    "numpy.registry",
    "numpy.operands",
    "numpy.memory_order",
    "numpy.namespace",
    "numpy.general_calls",
    "numpy.manipulation",
    "numpy.creation numpy.functional numpy.mathematics numpy.sorting numpy.fft",
    "numpy.statistics",
    "numpy.linalg",
    "numpy.polynomials",
    "numpy.classes numpy.random numpy.methods numpy.ufuncs numpy.in_place",
    "numpy.masked",
    "numpy.masked_functions",
    "numpy.protocol",
    "numpy",
    # the implementation of the operators
    "_impl.warning _impl.spaces.containers",
    "_impl.spaces.vector_spaces _impl.spaces.packing",
    "_impl.spaces.leaves",
    "_impl.operator",
    "_impl.arguments _impl.cotangents",
    "_impl.rules",
    "_impl.nodes",
    "_impl.define _impl.graph _impl.trees _impl.numeric _impl.checkpointing _impl.checking",
    "_impl.inspection _impl.operators _impl.deprecated _impl.boxed_types _impl.numpy_wrapper",
    "_impl.hooks",
    "_impl.numpy_rules _impl.misc",
    # programs
    "programs.bytecode",
    "programs.grown programs.reads programs.allowed programs.report programs.outputs",
    "programs.places programs.functions",
    "programs.contents programs.frames programs.names",
    "programs.rounding",
    "programs.objects",
    "programs.watch",
    "programs.lifting",
    "programs.effects",
    "programs.entries",
    "programs.tracing",
    "programs.recorder",
    "programs.giving",
    "programs",
    # the wrapped scipy
    "scipy.registry",
    "scipy.host_calls scipy.special",
    "scipy.linalg scipy.stats scipy.signal scipy.integrate scipy.misc scipy.fft scipy.spatial",
    "scipy.ndimage scipy.optimize scipy.sparse",
    "scipy.led",
    "scipy.direct scipy.backend",
    "scipy",
    # autograd's paths, which no implementation imports
    "core tracer extend builtins util wrap_util test_util differential_operators misc compat "
    "numpy.numpy_boxes numpy.numpy_jvps numpy.numpy_vjps numpy.numpy_vspaces numpy.numpy_wrapper",
    "fastad",
    "__main__",
]
HEIGHT = {name: height for height, line in enumerate(LAYERS) for name in line.split()}


def module_of(path: Path) -> str:
    """Name of a file's module below fastad: 'numpy.registry', or 'fastad' for the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "fastad"


FILES = {module_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def imports(module: str, text: str) -> set[str]:
    """The package's own modules that a module imports."""
    is_package = FILES[module].name == "__init__.py"
    parts = [] if module == "fastad" else module.split(".")
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names if one.name.partition(".")[0] == "fastad"]
            found.update(name.partition(".")[2] or "fastad" for name in names)
        elif isinstance(node, ast.ImportFrom):
            home = node.module.split(".") if node.module else []
            if node.level:
                up = node.level - is_package
                home = (parts[: len(parts) - up] if up else parts) + home
            elif home[:1] == ["fastad"]:
                home = home[1:]
            else:
                continue
            for one in node.names:
                inner = ".".join([*home, one.name])
                known = inner in FILES or inner == "_core"
                found.add(inner if known else ".".join(home) or "fastad")
    return found - {module}


def layer(module: str) -> str:
    """The entry of LAYERS that a module belongs to."""
    parts = module.split(".")
    for n in range(len(parts), 0, -1):
        if ".".join(parts[:n]) in HEIGHT:
            return ".".join(parts[:n])
    raise AssertionError(f"fastad.{module} stands in no layer: put it into LAYERS")


GRAPH = {name: imports(name, path.read_text("utf-8")) for name, path in FILES.items()}
# Packages that only hold their modules together, or say what they are.
del GRAPH["_impl"], GRAPH["_impl.spaces"]


def test_the_list_names_modules_that_exist():
    names = {".".join(name.split(".")[:n]) for name in FILES for n in range(1, 4)}
    assert set(HEIGHT) - names == {"_core"}
    assert sum(map(len, GRAPH.values())) > 300  # the imports are seen at all


def test_imports_point_downwards():
    wrong = []
    for module, imported in GRAPH.items():
        own = layer(module)
        for other in imported:
            theirs = layer(other)
            if HEIGHT[theirs] > HEIGHT[own] or (HEIGHT[theirs] == HEIGHT[own] and theirs != own):
                wrong.append(f"fastad.{module} imports fastad.{other}")
    assert not wrong, "\n".join(wrong)


def test_there_is_no_circle():
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        for other in GRAPH.get(module, ()):
            visit(other, [*path, module])
        done.add(module)

    for module in GRAPH:
        visit(module, [])


def test_the_walk_sees_what_it_is_for():
    text = "def f():\n    from ..core import make_vjp\n    import fastad.tracer\n"
    assert imports("numpy.registry", text) == {"core", "tracer"}
    assert imports("numpy", "from . import registry\nfrom .._impl import trees") == {
        "numpy.registry",
        "_impl.trees",
    }
