"""`draw` and `profile`: what is recorded, drawn and summed up by line."""

from __future__ import annotations

import functools
import xml.etree.ElementTree as ElementTree

import numpy
import pytest

import fastad
import fastad.numpy as np
from fastad import draw, grad, profile


def model(x, w):
    h = np.exp(x @ w)
    return np.sum(h * h) + h[0]


X, W = numpy.ones((2, 3)), numpy.array([0.1, 0.2, 0.3])


def scalar(x):
    y = x
    for _ in range(50):
        y = y * x
    return y


def test_nodes_are_the_operations_with_shapes_lines_and_bytes():
    picture = draw(model, "w")(X, W)
    names = [node.name for node in picture.nodes]
    assert names == ["input", "matmul", "exp", "multiply", "sum", "getitem", "add"]
    by_name = dict(zip(names, picture.nodes))
    assert by_name["exp"].shape == (2,)
    assert by_name["exp"].dtype == "float64"
    assert by_name["exp"].kept == 16
    assert "test_inspection.py, line" in by_name["exp"].line
    assert "model" in by_name["exp"].line
    assert by_name["sum"].line != by_name["exp"].line
    assert by_name["multiply"].parents == [2]
    assert by_name["matmul"].operands == (None, 0)
    assert picture.outputs == [6]


def test_the_picture_is_svg_with_each_operation_and_both_directions(tmp_path):
    picture = draw(model, 1)(X, W)
    root = ElementTree.fromstring(picture._repr_svg_())
    space = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in root.iter(f"{space}text")]
    assert texts.count("multiply") == 1
    assert "float64 (2,), keeps 16 B" in texts
    classes = [path.get("class") for path in root.iter(f"{space}path")]
    edges = sum(len(node.parents) for node in picture.nodes)
    assert classes.count("forward") == classes.count("backward") == edges
    boxes = [
        tuple(float(box.get(name)) for name in ("x", "y", "width", "height"))
        for box in root.iter(f"{space}rect")
    ]
    assert len(boxes) == len(picture.nodes)
    for i, (x, y, width, height) in enumerate(boxes):  # none lies on another
        for x2, y2, width2, height2 in boxes[:i]:
            apart = x >= x2 + width2 or x2 >= x + width or y >= y2 + height2 or y2 >= y + height
            assert apart
    picture.save(tmp_path / "model.svg")
    assert (tmp_path / "model.svg").read_text(encoding="utf-8") == picture.svg
    assert "n1 -> n2;" in picture.dot()
    assert "%2 = exp(%1)" in str(picture)


def layers(p):
    x = X
    for layer in p["layers"]:
        x = np.tanh(x @ layer["w"] + layer["b"])
    return np.sum(x) * p["scale"]


def test_edges_go_around_boxes_and_arguments_stand_above_their_use():
    one = {"w": numpy.eye(3), "b": numpy.zeros(3)}
    picture = draw(layers)({"layers": [one, one, one], "scale": 2.0})
    assert str(picture).splitlines()[1].startswith("%0 = input(['layers'][0]['")
    space = "{http://www.w3.org/2000/svg}"
    root = ElementTree.fromstring(picture.svg)
    boxes = [
        [float(box.get(name)) for name in ("x", "y", "width", "height")]
        for box in root.iter(f"{space}rect")
    ]
    for i, node in enumerate(picture.nodes):
        uses = [k for k, other in enumerate(picture.nodes) if i in other.parents]
        if node.name == "input":  # in the layer before
            assert boxes[i][1] == min(boxes[k][1] for k in uses) - 90
    for path in root.iter(f"{space}path"):
        if path.get("class") is None:  # an arrow's head
            continue
        places = [part.lstrip("MLC").split(",") for part in path.get("d").split()]
        for (x, y), (x2, y2) in zip(places, places[1:]):
            middle = (float(x) + float(x2)) / 2, (float(y) + float(y2)) / 2
            for left, top, width, height in boxes:
                inside = left < middle[0] < left + width and top < middle[1] < top + height
                assert not inside


def test_the_sweep_does_not_come_by_what_the_result_does_not_use():
    picture = draw(grad(lambda x: np.sum(np.sin(x) ** 2)))(X[0])
    names = [node.name for node in picture.nodes]
    assert "sum" in names  # the inner value, whose gradient is the result
    classes = [path.get("class") for path in ElementTree.fromstring(picture.svg).iter()]
    assert classes.count("backward") == classes.count("forward") - 2


def test_many_operations_of_a_line_are_drawn_as_one():
    assert len(draw(scalar)(1.1).nodes) == 51
    merged = draw(scalar, limit=20)(1.1)
    assert [node.name for node in merged.nodes] == ["input", "multiply (50 operations)"]
    assert merged.outputs == [1]
    assert str(merged).startswith("scalar: 50 operations, drawn as 1\n")
    with pytest.raises(ValueError, match="too many for a picture"):
        draw(model, 1, limit=2)(X, W)


def two_loops(x):
    x = x * 2.0
    for _ in range(1000):
        y = np.sin(x)
        x = x - 0.1 * y
    y = np.exp(x)
    for _ in range(5):
        if y > 0:
            y = y * y
        x = x + y
    return np.sum(x)


def test_loops_of_several_lines_are_drawn_as_one_each():
    drawn = draw(two_loops)(0.5)
    names = [node.name for node in drawn.nodes]
    assert names[:2] == ["input", "multiply"] and names[3] == "exp" and names[-1] == "sum"
    assert names[2] == "sin, multiply, subtract (3000 operations)"
    assert names[4] == "multiply, add (10 operations)"
    assert [node.parents for node in drawn.nodes] == [[], [0], [1], [2], [2, 3], [4]]
    assert drawn.nodes[2].line.endswith("in two_loops, and 1 more")
    assert str(drawn).startswith("two_loops: 3013 operations, drawn as 5\n")


def test_a_profile_sums_up_lines():
    table = profile(model, 1)(X, W)
    assert sum(line.operations for line in table.lines) == 6
    exp = next(line for line in table.lines if "exp" in line.names)
    assert exp.names == ["matmul", "exp"]
    assert exp.kept == 16 + X.nbytes
    assert all(line.forward > 0 and line.backward > 0 for line in table.lines)
    assert table.plain > 0 and table.forward > 0 and table.backward > 0
    assert sum(line.forward for line in table.lines) <= table.forward
    assert "[matmul, exp]" in str(table)
    assert "<td>" in table._repr_html_()


def test_numbers_and_containers_and_constants():
    table = profile(scalar)(1.1)
    assert table.lines[0].operations == 50
    assert len(draw(lambda p: p["a"] * p["b"][0])({"a": 1.0, "b": [2.0]}).nodes) == 3
    with pytest.warns(UserWarning, match="independent"):
        nothing = draw(lambda x: 1.0)(2.0)
    assert nothing.nodes == [] and "does not depend" in nothing.svg


def test_errors_leave_nothing_behind():
    def broken(x):
        np.sin(x)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        profile(broken)(1.0)
    with pytest.raises(TypeError, match="draw.*is the int 3"):
        draw(np.sin)(3)
    assert grad(np.sin)(0.0) == 1.0
    tape = fastad._core.Tape()
    np.sin(tape.box(1.0))
    assert tape.nodes()[1][6] == ""  # no lines outside


class Model:
    def __call__(self, x):
        return np.sum(np.linalg.cholesky(np.outer(x, x) + np.eye(2)))


def test_names_are_what_users_call_them():
    text = str(draw(Model())(numpy.ones(2)))
    assert text.startswith("Model: 8 operations\n%0 = input()  float64 (2,)\n")
    assert " = cholesky(" in text
    assert str(profile(functools.partial(np.multiply, 2.0))(1.0)).startswith("multiply: 1 op")
    with pytest.raises(TypeError, match="argument 0 of Model is the int"):
        grad(Model())(1)
