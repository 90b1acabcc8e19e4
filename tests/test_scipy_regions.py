"""Regions, grey morphology and Fourier filters of `fastad.scipy.ndimage`: values, derivatives."""

from __future__ import annotations

import numpy as onp
import pytest

scipy_ndimage = pytest.importorskip("scipy.ndimage")

import fastad.numpy as np  # noqa: E402
import fastad.scipy.ndimage as ndimage  # noqa: E402
from fastad import grad, make_vjp  # noqa: E402
from fastad.test_util import check_grads  # noqa: E402

_draw = onp.random.default_rng(0)
IMAGE = _draw.uniform(0.3, 2.0, (5, 6))
LABELS = _draw.integers(0, 4, (5, 6))
REGIONS = [
    (),
    (LABELS,),
    (LABELS, 2),
    (LABELS, [3, 1, 1]),
    (LABELS, onp.array([[1, 2], [3, 0]])),
]


def same(name, *args, **options):
    """What is differentiated computes SciPy's value, in its shape."""
    theirs = getattr(scipy_ndimage, name)(*args, **options)
    ours = getattr(ndimage, name).derivative(*args, **options)
    assert onp.shape(ours) == onp.shape(theirs)
    onp.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("region", range(len(REGIONS)))
@pytest.mark.parametrize(
    "name", "sum sum_labels mean variance standard_deviation minimum maximum median".split()
)
def test_measurements(name, region):
    given = REGIONS[region]
    same(name, IMAGE, *given)
    check_grads(lambda x: getattr(ndimage, name)(x, *given), order=2)(IMAGE)


def test_regions_without_places():
    for name in ("sum", "minimum", "maximum"):
        function = getattr(ndimage, name)
        found = make_vjp(lambda x: function(x, LABELS, [1, 9]))(IMAGE)
        expected = getattr(scipy_ndimage, name)(IMAGE, LABELS, [1, 9])
        onp.testing.assert_allclose(found[1], expected)
        assert found[0](onp.array([0.0, 1.0])).tolist() == onp.zeros(IMAGE.shape).tolist()


@pytest.mark.parametrize("region", range(4))
def test_center_of_mass(region):
    given = REGIONS[region]
    centers = lambda x: np.array(ndimage.center_of_mass(x, *given))
    onp.testing.assert_array_equal(
        make_vjp(centers)(IMAGE)[1], scipy_ndimage.center_of_mass(IMAGE, *given)
    )
    check_grads(centers, order=2)(IMAGE)


CROSS = onp.array([[0, 1, 1], [1, 1, 0]], bool)


@pytest.mark.parametrize(
    "options",
    [
        {"size": 3},
        {"size": (2, 3)},
        {"footprint": CROSS},
        {"footprint": CROSS, "origin": (0, 1)},
        {"size": 2, "mode": "constant", "cval": 0.1},
        {"size": (3, 2), "origin": (-1, 0)},
    ],
)
@pytest.mark.parametrize(
    "name",
    (
        "grey_erosion grey_dilation grey_opening grey_closing morphological_gradient "
        "morphological_laplace white_tophat black_tophat"
    ).split(),
)
def test_grey_morphology(name, options):
    same(name, IMAGE, **options)
    check_grads(lambda x: getattr(ndimage, name)(x, **options))(IMAGE)
    if "size" in options:
        with pytest.raises(NotImplementedError, match="structure="):
            grad(
                lambda x: np.sum(getattr(ndimage, name)(x, structure=onp.ones((2, 2)), **options))
            )(IMAGE)


@pytest.mark.parametrize("name", ["maximum_filter1d", "minimum_filter1d"])
@pytest.mark.parametrize("options", [{}, {"axis": 0}, {"mode": "constant"}, {"origin": 1}])
def test_extrema_along_an_axis(name, options):
    same(name, IMAGE, 3, **options)
    check_grads(lambda x: getattr(ndimage, name)(x, 3, **options))(IMAGE)


@pytest.mark.parametrize(
    "name", ["fourier_gaussian", "fourier_uniform", "fourier_shift", "fourier_ellipsoid"]
)
def test_fourier_filters(name):
    for image in (IMAGE, IMAGE + 1j * IMAGE[::-1]):
        same(name, image, 1.5)
        check_grads(lambda s: np.abs(getattr(ndimage, name)(image * s, 1.5)), order=2)(1.1)
