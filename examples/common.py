"""What the examples share: the command line's plot options, the bundled data, and Adam."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy

DATA = Path(__file__).resolve().parent / "data"


def parser(description: str | None, output: str) -> argparse.ArgumentParser:
    """Return a command line with the options that every example takes."""
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    options.add_argument("--output", default=output, help="file that the plot is saved to")
    options.add_argument("--no-plot", action="store_true", help="save no plot")
    options.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    return options


def save_plot(options: argparse.Namespace, draw: Callable[[Any], None], panels: int = 1) -> None:
    """Draw into a new figure without a display and save it, unless the user declined.

    Parameters
    ----------
    options : argparse.Namespace
        With ``no_plot`` and ``output``.
    draw : callable
        Called with the axes (one, or an array of them where `panels` is above 1).
    panels : int
        Number of plots side by side.
    """
    if options.no_plot:
        return
    try:
        import matplotlib
    except ImportError:
        print("no plot: matplotlib is not installed (pip install matplotlib)")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, panels, figsize=(5.5 * panels, 4), layout="constrained")
    draw(axes)
    figure.savefig(options.output, dpi=120)
    plt.close(figure)
    print(f"plot saved to {options.output}")


def read_table(path: str | Path) -> tuple[list[str], list[list[str]]]:
    """Return the header and the complete rows of a CSV file; rows with an empty field are left out.

    Raises
    ------
    SystemExit
        Where the file cannot be read or holds no complete row.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}") from error
    if len(rows) < 2:
        raise SystemExit(f"{path}: a header and at least one row are needed")
    header = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise SystemExit(f"{path}: row {number} has {len(row)} fields, not {len(header)}")
    complete = [[field.strip() for field in row] for row in rows[1:]]
    complete = [row for row in complete if all(row)]
    if not complete:
        raise SystemExit(f"{path}: every row has an empty field")
    return header, complete


def features(
    header: Sequence[str], rows: Sequence[Sequence[str]], leave_out: Sequence[str]
) -> tuple[list[str], numpy.ndarray]:
    """Return names and values of the inputs: numbers standardised, words as one 0/1 column each.

    Returns
    -------
    names : list of str
    values : ndarray, shape (len(rows), len(names)), float64
    """
    names: list[str] = []
    columns: list[numpy.ndarray] = []
    for index, name in enumerate(header):
        if name in leave_out:
            continue
        column = [row[index] for row in rows]
        try:
            numbers = numpy.array([float(field) for field in column])
        except ValueError:
            words = sorted(set(column))
            # The first word is the reference: its column would be one minus the others.
            for word in words[1:]:
                names.append(f"{name}={word}")
                columns.append(numpy.array([float(field == word) for field in column]))
        else:
            spread = numbers.std()
            if spread > 0:
                names.append(name)
                columns.append((numbers - numbers.mean()) / spread)
    if not columns:
        raise SystemExit("no column varies, so there is nothing to learn from")
    return names, numpy.stack(columns, axis=1)


def split(count: int, held_out: float, seed: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return the row numbers to train on and to test on, drawn at random."""
    order = numpy.random.default_rng(seed).permutation(count)
    tests = max(1, int(round(held_out * count)))
    return order[tests:], order[:tests]


def adam(
    gradient: Callable[[Any, int], Any],
    parameters: list[numpy.ndarray],
    steps: int,
    rate: float,
    report: Callable[[list[numpy.ndarray], int], None],
) -> list[numpy.ndarray]:
    """Minimise by Adam (Kingma and Ba 2015, algorithm 1).

    Parameters
    ----------
    gradient : callable
        ``gradient(parameters, step)`` gives a list of arrays like `parameters`.
    parameters : list of ndarray
    steps : int
    rate : float
        The step size.
    report : callable
        Called before each step with the parameters and the step's number.

    Returns
    -------
    list of ndarray
        New arrays; the ones passed in stay as they were.
    """
    parameters = list(parameters)
    mean = [numpy.zeros_like(p) for p in parameters]
    square = [numpy.zeros_like(p) for p in parameters]
    for step in range(steps):
        report(parameters, step)
        for i, g in enumerate(gradient(parameters, step)):
            mean[i] = 0.9 * mean[i] + 0.1 * g
            square[i] = 0.999 * square[i] + 0.001 * g * g
            first = mean[i] / (1 - 0.9 ** (step + 1))
            second = square[i] / (1 - 0.999 ** (step + 1))
            parameters[i] = parameters[i] - rate * first / (numpy.sqrt(second) + 1e-8)
    return parameters
