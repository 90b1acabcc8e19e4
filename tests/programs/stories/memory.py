"""Stories of arrays' memory: views, buffers, writes."""

from __future__ import annotations

import array
import tempfile

import numpy as onp

import fastad.numpy as np

from .base import Model, nothing, story


@story
def view_changed_through_its_base():
    base = onp.arange(6.0)
    view = base[1::2]

    def change():
        base[1] = 50.0

    return lambda x: np.sum(x * view), change, nothing


@story
def base_changed_through_a_view():
    base = onp.arange(6.0)
    view = base[::-1]

    def change():
        view[0] = 50.0

    return lambda x: np.sum(x * base), change, nothing


@story
def reshaped_view_changed():
    base = onp.arange(6.0)
    table = base.reshape(2, 3)

    def change():
        base[5] = -5.0

    return lambda x: np.sum(x * table.T[2]), change, nothing


@story
def broadcast_view():
    row = onp.ones(3)
    table = onp.broadcast_to(row, (4, 3))

    def change():
        row[0] = 7.0

    return lambda x: np.sum(x * table), change, nothing


@story
def element_of_an_array_read():
    table = onp.array([2.0, 3.0])

    def change():
        table[0] = 9.0

    return lambda x: x * table[0], change, nothing


@story
def element_of_an_integer_array_as_an_index():
    order = onp.array([0, 1])
    weights = onp.array([2.0, 3.0])

    def change():
        order[0] = 1

    return lambda x: x * weights[order[0]], change, nothing


@story
def length_from_an_array():
    counts = onp.array([2])

    def f(x):
        total = x
        for _ in range(int(counts[0])):
            total = total * 2
        return total

    def change():
        counts[0] = 3

    return f, change, nothing


@story
def mask_changed():
    mask = onp.array([True, False, True])

    def change():
        mask[1] = True

    return lambda x: np.sum((x * onp.arange(1.0, 4.0))[mask]), change, nothing


@story
def mask_by_where():
    mask = onp.array([True, False, True])

    def change():
        mask[0] = False

    return lambda x: np.sum(np.where(mask, x, -x)), change, nothing


@story
def array_of_zero_dimensions():
    scale = onp.array(2.0)

    def change():
        scale[()] = 3.0

    return lambda x: x * scale, change, nothing


@story
def array_scalar_of_a_structure():
    table = onp.array([(1.0, 2)], dtype=[("rate", "f8"), ("count", "i8")])

    def change():
        table["rate"][0] = 4.0

    return lambda x: x * table["rate"][0], change, nothing


@story
def array_of_strings():
    names = onp.array(["low", "high"])
    rates = {"low": 2.0, "high": 3.0}

    def change():
        names[0] = "high"

    return lambda x: x * rates[str(names[0])], change, nothing


@story
def array_of_dates():
    days = onp.array(["2020-01-01", "2020-01-05"], dtype="M8[D]")

    def change():
        days[1] = onp.datetime64("2020-01-11")

    return lambda x: x * float((days[1] - days[0]).astype(int)), change, nothing


@story
def array_of_the_standard_library():
    weights = array.array("d", [1.0, 2.0])

    def change():
        weights[1] = 7.0

    return lambda x: x * weights[1], change, nothing


@story
def array_over_a_byte_array():
    store = bytearray(16)
    weights = onp.frombuffer(store, dtype="f8")

    def change():
        store[:] = onp.array([3.0, 4.0]).tobytes()

    return lambda x: x * weights[1], change, nothing


@story
def mapped_file():
    file = tempfile.NamedTemporaryFile()
    weights = onp.memmap(file.name, dtype="f8", mode="w+", shape=(2,))
    weights[:] = [1.0, 2.0]

    def change():
        weights[1] = 7.0

    return lambda x: x * weights[1], change, lambda: file.closed


@story
def view_of_a_mapped_file():
    file = tempfile.NamedTemporaryFile()
    mapped = onp.memmap(file.name, dtype="f8", mode="w+", shape=(2,))
    mapped[:] = [1.0, 2.0]
    weights = onp.asarray(mapped)

    def change():
        mapped[1] = 7.0

    return lambda x: x * weights[1], change, lambda: file.closed


@story
def matrix_object():
    m = onp.matrix([[1.0, 2.0]])

    def change():
        m[0, 1] = 5.0

    return lambda x: x * m[0, 1], change, nothing


@story
def subclass_of_an_array_with_an_attribute():
    class Tagged(onp.ndarray):
        pass

    a = onp.arange(3.0).view(Tagged)
    a.scale = 2.0

    def change():
        a.scale = 3.0

    return lambda x: x * a.scale, change, nothing


@story
def dtype_of_a_captured_array():
    box = [onp.ones(3, "f8")]

    def change():
        box[0] = onp.ones(3, "f4")

    return lambda x: np.sum(np.ones(3, box[0].dtype) * onp.float32(x)), change, nothing


@story
def shape_of_a_captured_array():
    box = [onp.ones(3)]

    def change():
        box[0] = onp.ones(4)

    return lambda x: x * len(box[0]), change, nothing


@story
def array_resized_in_place():
    a = onp.ones(3)

    def change():
        a.resize(4, refcheck=False)

    return lambda x: x * a.size, change, nothing


@story
def flat_iterator():
    a = onp.arange(3.0)
    it = a.flat

    def change():
        a[1] = 8.0

    return lambda x: x * it[1], change, nothing


@story
def nested_arrays_in_objects():
    model = Model()
    model.layers = [{"w": onp.ones(2)}, {"w": onp.ones(2)}]

    def f(x):
        for layer in model.layers:
            x = np.sum(x * layer["w"])
        return x

    def change():
        model.layers[1]["w"] *= 2

    return f, change, nothing


@story
def output_argument_of_a_ufunc():
    store = onp.zeros(2)

    def f(x):
        onp.multiply(onp.array([1.0, 2.0]), 2.0, out=store)
        return x * store[1]

    def change():
        store[:] = 0.0

    return f, change, lambda: store.tolist()


@story
def augmented_assignment_of_a_captured_array():
    store = onp.zeros(2)

    def f(x):
        store[0] += 1.0
        return x * 2

    return f, nothing, lambda: store.tolist()


@story
def scratch_made_in_the_function():
    def f(x):
        scratch = onp.zeros(3)
        scratch[1] = 2.0
        return np.sum(x * scratch)

    return f, nothing, nothing
