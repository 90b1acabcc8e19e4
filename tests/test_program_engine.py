"""The engine of programs: what a program level recorded, replayed, equals the eager call."""

import threading

import numpy
import pytest

import fastad
import fastad.numpy as np
from fastad import elementwise_grad, grad, hessian, jacobian, value_and_grad
from fastad._core import Jitted, Paths, Program, Recording, Signature


def leaves(x):
    if isinstance(x, (list, tuple)):
        return [leaf for item in x for leaf in leaves(item)]
    return [x]


def record(function, *args):
    signature = Signature(args, {})
    assert signature.unsupported is None
    with Recording() as recording:
        boxed, named = signature.rebuild([recording.box(x) for x in signature.leaves(args, {})])
        out = function(*boxed, **named)
        assert recording.dead is None, recording.dead
        return recording.finish(leaves(out)), signature


def check(function, *calls, tolerance=2e-14):
    """Recorded at the first call, replayed at all of them: value, type, dtype, shape."""
    program, signature = record(function, *calls[0])
    for args in calls:
        expected = leaves(function(*args))
        got = program.run(signature.leaves(args, {}))
        assert isinstance(got, list), got
        for a, b in zip(got, expected, strict=True):
            assert type(a) is type(b)
            assert numpy.shape(a) == numpy.shape(b)
            assert getattr(a, "dtype", None) == getattr(b, "dtype", None)
            scale = max(1.0, numpy.max(numpy.abs(b), initial=0))
            assert numpy.max(numpy.abs(numpy.subtract(a, b)), initial=0) <= tolerance * scale
    return program


random = numpy.random.default_rng(0)


def normal(*shape):
    return random.standard_normal(shape)


def taylor(x):
    total = term = x
    i = 0
    while abs(term) > 1e-10:
        term = -term * x * x / ((2 * i + 3) * (2 * i + 2))
        total = total + term
        i += 1
    return total


def smooth(x):
    return np.sum(np.sin(x) * np.exp(-x * x) + np.tanh(x) / (1 + x**2))


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def network(parameters, x, y):
    h = x
    for w, b in parameters[:-1]:
        h = np.tanh(np.dot(h, w) + b)
    w, b = parameters[-1]
    return np.mean(np.sum((np.dot(h, w) + b - y) ** 2, axis=1))


def logsumexp(x):
    return np.log(np.sum(np.exp(x - np.max(x)))) + np.max(x)


third = elementwise_grad(elementwise_grad(elementwise_grad(np.tanh)))
weights = [(normal(5, 6), normal(6)), (normal(6, 3), normal(3))]
arrays = {
    "elementwise": (value_and_grad(smooth), (10,)),
    "elementwise in many blocks": (value_and_grad(smooth), (5000,)),
    "rosenbrock": (value_and_grad(rosenbrock), (100,)),
    "hessian": (hessian(rosenbrock), (8,)),
    "jacobian": (jacobian(lambda x: np.tanh(x) * x[0]), (4,)),
    "third derivative": (third, (200,)),
    "elements": (value_and_grad(lambda x: sum(x[i] * x[i] for i in range(len(x)))), (12,)),
    "rows and columns": (
        value_and_grad(lambda x: np.sum(np.max(x, axis=1) * np.sum(x, axis=0)[0])),
        (7, 5),
    ),
    "long columns": (
        value_and_grad(lambda x: np.sum(np.sin(np.sum(x, axis=0)) + np.mean(x**2, axis=0))),
        (700, 3),
    ),
    "short rows": (
        value_and_grad(lambda x: np.sum(np.sin(np.sum(x, axis=1)) * np.mean(x**2, axis=1))),
        (700, 3),
    ),
    "long rows": (value_and_grad(lambda x: np.sum(np.sum(x**3, axis=1) ** 2)), (3, 3000)),
    "logsumexp": (value_and_grad(logsumexp), (1000,)),
    "where": (value_and_grad(lambda x: np.sum(np.where(x > 0, x**2, np.sin(x)))), (1000,)),
    "fancy index": (
        value_and_grad(lambda x: np.sum(x[[0, 2, 2]] * np.array([1.0, 2.0, 3.0]))),
        (4,),
    ),
    "concatenate": (value_and_grad(lambda x: np.sum(np.concatenate([x, x * 2]) ** 2)), (4,)),
    "linear algebra": (
        value_and_grad(lambda a: np.sum(np.linalg.solve(a @ a.T + 5 * np.eye(4), a[0]))),
        (4, 4),
    ),
    "views": (value_and_grad(lambda x: np.sum(x.T[1:, ::-1].reshape(-1)[::2] ** 3)), (5, 6)),
    "two outputs of one value": (lambda x: (x + 1, x + 1, x), (3,)),
    "clip": (value_and_grad(lambda x: np.sum(np.clip(x, -0.5, 0.5) * x)), (9,)),
    "cumulative": (value_and_grad(lambda x: np.sum(np.cumsum(x) * x[:3][0])), (6,)),
    "complex": (value_and_grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2)), (8,)),
    "zeros of size": (lambda x: x[:0] * 2, (3,)),
}


@pytest.mark.parametrize("name", arrays)
def test_arrays(name):
    function, shape = arrays[name]
    check(function, *[(normal(*shape),) for _ in range(3)], tolerance=1e-12)


def test_numbers():
    check(value_and_grad(lambda x: x * x), (3.0,), (-4.5,))
    check(grad(lambda x: np.sin(x) * np.exp(-x)), (0.3,), (1.7,))
    check(grad(grad(lambda x: np.tanh(x) / (x * x + 1))), (0.3,), (1.7,))
    check(value_and_grad(lambda x: x**3 + x**0.5 + 2**x), (0.3,), (1.7,))
    check(lambda x: x + numpy.float64(1.0), (0.3,), (2.0,))
    check(lambda x: np.array([x, 2 * x, 1.0]), (0.3,), (2.0,))


def test_single_precision():
    x = [(normal(50).astype("f"),) for _ in range(3)]
    check(value_and_grad(smooth), *x, tolerance=2e-6)


def test_containers_and_products():
    data = [([(1.1 * w, b) for w, b in weights], normal(7, 5), normal(7, 3)) for _ in range(2)]
    check(value_and_grad(network), (weights, normal(7, 5), normal(7, 3)), *data, tolerance=1e-12)


def test_broadcasting():
    def pairs(x, y):
        return np.sum((x[:, None, :] - y[None]) ** 2 / (1 + y[:, 0] ** 2)[None, :, None])

    for n, k, d in [(6, 5, 2), (300, 5, 2), (40, 7, 11)]:
        check(
            value_and_grad(pairs),
            *[(normal(n, d), normal(k, d)) for _ in range(2)],
            tolerance=1e-11,
        )


@pytest.mark.parametrize("n", [2, 20, 100])
def test_products_with_operands_that_were_broadcast(n):
    a, b = normal(n, n), normal(n, n)
    check(
        value_and_grad(lambda a, b: np.sum(np.dot(a, b)), (0, 1)), (a, b), (b, a), tolerance=1e-12
    )
    row, column = numpy.broadcast_to(normal(n), (n, n)), numpy.broadcast_to(normal(n, 1), (n, n))
    for left, right in ((row, column), (column, row), (row, row), (column, column)):
        check(lambda x: (x @ left, left @ x, x @ right), (a,), (b,), tolerance=1e-12)


def test_captured_arrays_are_read_where_they_lie():
    captured = normal(5)
    program, _ = record(lambda x: x * captured + numpy.float64(2.0), normal(5))
    x = normal(5)
    captured[:] = 3.0
    assert numpy.array_equal(program.run([x])[0], x * 3.0 + 2.0)
    assert any(constant is captured for constant in program.constants)


def test_guards_and_paths():
    function = value_and_grad(taylor)
    program, signature = record(function, 3.0)
    assert isinstance(program.run([0.1]), int)
    assert program.run([0.1]) >= 0
    assert "in taylor" in program.guards[0].place
    paths = Paths()
    paths.add(program)
    for x in (0.1, 1.0, 2.0):
        if isinstance(paths.run([x]), int):
            assert "in taylor" in paths.failed.place
            paths.add(record(function, x)[0])
    for x in (3.0, 0.1, 1.0, 2.0, 2.99, 0.11):
        assert paths.run([x]) == list(function(x))
    assert signature == Signature((2.0,), {})


def test_an_index_read_from_a_value_is_a_guard():
    def pick(x):
        return x[int(np.argmax(x))] if False else x[np.argmax(x)]

    program, _ = record(pick, numpy.array([1.0, 3.0, 2.0]))
    outcome = program.run([numpy.array([4.0, 3.0, 2.0])])
    assert isinstance(outcome, int) or outcome == [4.0]


def test_what_escapes_kills_the_recording():
    for escape in (float, str, lambda x: numpy.asarray(x)):
        with Recording() as recording:
            box = recording.box(2.0)
            escape(box)
            assert recording.dead is not None
            assert "test_program_engine.py" in recording.dead
            with pytest.raises(RuntimeError, match="dead"):
                recording.finish([box])


def test_errors_found_in_results():
    program, _ = record(lambda x: 1.0 / x, 2.0)
    assert program.run([0.0]) == -1
    hidden, _ = record(lambda x: np.tanh(np.exp(x)), normal(4))
    assert hidden.run([numpy.full(4, 1000.0)]) == -1
    swallowed, _ = record(lambda x: np.where(x > 0, 1.0, 1 / np.log(x * x)), normal(4) ** 2 + 2)
    assert swallowed.run([numpy.array([1.0, 0.0, 2.0, 3.0])]) == -1


def test_programs_of_another_shape_ask_the_function():
    program, signature = record(lambda x: x * 2, normal(4))
    assert program.run([normal(5)]) == -1
    assert signature.leaves((normal(5),), {}) is None
    assert signature.leaves((normal(4).astype("f"),), {}) is None
    assert signature.leaves((normal(8)[::2],), {}) is None


def test_differences_are_named():
    state = [1.0]

    def scaled(x):
        return x * state[0]

    first, _ = record(scaled, 2.0)
    second, _ = record(scaled, 3.0)
    assert first.difference(second) is None
    state[0] = 4.0
    third, _ = record(scaled, 3.0)
    assert "4.0" in first.difference(third)
    assert "in scaled" in first.difference(third)


def test_results_are_the_users_own():
    program, _ = record(lambda x: (x, x.copy(), x * 2), normal(4))
    x = normal(4)
    same, copied, doubled = program.run([x])
    assert same is x
    assert copied is not x
    again = program.run([x])[2]
    assert not numpy.shares_memory(doubled, again)


def test_printed():
    program, _ = record(value_and_grad(smooth), normal(600))
    text = str(program)
    assert "1 inputs" in text
    assert "group: " in text
    assert "bytes" in text
    assert program.nbytes > 0


def test_signature():
    x, y = normal(3), normal(3)
    signature = Signature((x, y, {"a": 1.0, "b": [2, "s"]}), {"flag": True})
    assert len(signature.leaves((y, x, {"a": 3.0, "b": [2, "s"]}), {"flag": True})) == 3
    assert signature.leaves((x, x, {"a": 3.0, "b": [2, "s"]}), {"flag": True}) is None
    assert signature.leaves((y, x, {"a": 3.0, "b": [3, "s"]}), {"flag": True}) is None
    assert signature.leaves((y, x, {"b": [2, "s"], "a": 3.0}), {"flag": True}) is None
    assert signature.leaves((y, x, {"a": 3.0, "b": [2, "s"]}), {"flag": 1}) is None
    same = Signature((y, x, {"a": 9.0, "b": [2, "s"]}), {"flag": True})
    assert same == signature
    assert hash(same) == hash(signature)
    args, kwargs = signature.rebuild(["x", "y", "z"])
    assert args == ("x", "y", {"a": "z", "b": [2, "s"]})
    assert kwargs == {"flag": True}
    assert Signature((numpy.array([object()]),), {}).unsupported
    shared = Signature((x, x), {})
    assert len(shared.leaves((y, y), {})) == 1
    assert shared.leaves((x, y), {}) is None


def test_jitted():
    calls = []

    def slow(jitted, args, kwargs, why):
        calls.append(why)
        return function(*args, **kwargs)

    function = value_and_grad(taylor)
    jitted = Jitted(slow, function)
    assert jitted(3.0) == function(3.0)
    program, signature = record(function, 3.0)
    paths = Paths()
    paths.add(program)
    state = {"k": 1}
    jitted.install(signature, paths, lambda: state["k"] == 1, True, 5)
    for x in (3.0, 3.01, 2.99):
        assert jitted(x) == function(x)
    assert jitted(0.1) == function(0.1)
    state["k"] = 2
    assert jitted(3.0) == function(3.0)
    state["k"] = 1
    assert calls == ["new", "guard", "state"]
    assert jitted(3.0) == function(3.0)
    assert jitted(3.0) == function(3.0)
    assert calls[3:] == ["check"]
    jitted.clear()
    jitted(3.0)
    assert calls[-1] == "new"


def test_threads():
    program, _ = record(value_and_grad(smooth), normal(300))
    x = [normal(300) for _ in range(4)]
    expected = [program.run([xi]) for xi in x]
    wrong = []

    def work(which):
        for _ in range(300):
            got = program.run([x[which]])
            if got[0] != expected[which][0] or not numpy.array_equal(got[1], expected[which][1]):
                wrong.append(which)

    threads = [threading.Thread(target=work, args=(i % 4,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_programs_are_made_by_recordings():
    with pytest.raises(TypeError):
        Program()
    with Recording() as recording:
        with pytest.raises(TypeError, match="not"):
            recording.box("text")
        assert not recording.owns(1.0)
        box = recording.box(1.0)
        assert recording.owns(box)
    with pytest.raises(ValueError, match="trace has ended"):
        box + 1
    assert fastad.grad(lambda x: x * x)(3.0) == 6.0


def test_into():
    program, _ = record(lambda x: (x * 2, np.sum(x)), normal(4))
    out, x = numpy.zeros(4), normal(4)
    results = program.into([out, None], [x])
    assert results[0] is out
    assert numpy.array_equal(out, 2 * x)
    assert results[1] == pytest.approx(numpy.sum(x))
