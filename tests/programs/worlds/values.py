"""Values: what is there first, how it changes, how it is used."""

from __future__ import annotations

import numpy as onp

import fastad.numpy as np

from .base import Model


def _number(write, read):
    write(3.0)


def _array_in_place(write, read):
    read()[1] = 7.0


def _list_grows(write, read):
    read().append(4.0)


def _dict_grows(write, read):
    read()["a"] = 5.0


def _object_changes(write, read):
    read().weight = 6.0


def _weighted(weight):
    model = Model()
    model.weight = weight
    return model


VALUES = {
    "number": (lambda: 2.0, _number, lambda x, v: x * v),
    "numpy_number": (lambda: onp.float64(2), lambda w, r: w(onp.float64(3)), lambda x, v: x * v),
    "integer": (lambda: 2, lambda w, r: w(3), lambda x, v: x**v),
    "flag": (lambda: True, lambda w, r: w(False), lambda x, v: x * 2 if v else x * 3),
    "flag_as_number": (lambda: 1, lambda w, r: w(True), lambda x, v: x * 2 if v is True else x),
    "text": (lambda: "sin", lambda w, r: w("cos"), lambda x, v: getattr(np, v)(x)),
    "none": (lambda: None, lambda w, r: w(2.0), lambda x, v: x if v is None else x * v),
    "function": (
        lambda: lambda x: x * 2,
        lambda w, r: w(lambda x: x * 3),
        lambda x, v: v(x),
    ),
    "numpy_function": (lambda: np.sin, lambda w, r: w(np.cos), lambda x, v: v(x)),
    "array_rebound": (
        lambda: onp.array([1.0, 2.0]),
        lambda w, r: w(onp.array([1.0, 3.0])),
        lambda x, v: np.sum(x * v),
    ),
    "array_in_place": (
        lambda: onp.array([1.0, 2.0]),
        _array_in_place,
        lambda x, v: np.sum(x * v),
    ),
    "array_read_by_python": (
        lambda: onp.array([1.0, 2.0]),
        _array_in_place,
        lambda x, v: x * 2 if v[1] > 5 else x * float(v[1] + 1),
    ),
    "derived_from_an_array": (
        lambda: onp.array([1.0, 2.0]),
        _array_in_place,
        lambda x, v: x * (v**2).sum() + v.max(),
    ),
    "array_of_another_shape": (
        lambda: onp.array([1.0, 2.0]),
        lambda w, r: w(onp.array([1.0, 2.0, 3.0])),
        lambda x, v: np.sum(x * v),
    ),
    "integer_array": (
        lambda: onp.array([0, 1]),
        lambda w, r: w(onp.array([1, 1])),
        lambda x, v: np.sum(x * onp.array([2.0, 5.0])[v]),
    ),
    "list": (lambda: [1.0, 2.0], _list_grows, lambda x, v: x * sum(v)),
    "list_rebound": (lambda: [1.0, 2.0], lambda w, r: w([1.0, 5.0]), lambda x, v: x * sum(v)),
    "dict": (lambda: {"a": 1.0}, _dict_grows, lambda x, v: x * v["a"]),
    "dict_new_key": (
        lambda: {"a": 1.0},
        lambda w, r: r().update(b=2.0),
        lambda x, v: x * sum(v.values()),
    ),
    "set": (lambda: {1.0}, lambda w, r: r().add(2.0), lambda x, v: x * sum(v)),
    "object": (lambda: _weighted(2.0), _object_changes, lambda x, v: x * v.weight),
    "tuple": (lambda: (1.0, 2.0), lambda w, r: w((1.0, 4.0)), lambda x, v: x * v[1]),
    "range": (lambda: range(2), lambda w, r: w(range(3)), lambda x, v: sum(x * i for i in v)),
    "slice": (
        lambda: slice(0, 1),
        lambda w, r: w(slice(1, 2)),
        lambda x, v: x * onp.array([1.0, 2.0])[v],
    ),
    "complex": (lambda: 1 + 2j, lambda w, r: w(2 + 2j), lambda x, v: x * abs(v)),
    "dtype": (
        lambda: onp.dtype("float64"),
        lambda w, r: w(onp.dtype("float32")),
        lambda x, v: x * onp.array([0.1], v)[0],
    ),
}
