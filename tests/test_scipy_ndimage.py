"""`fastad.scipy.ndimage` against SciPy: filters and interpolation in every mode."""

from __future__ import annotations

import warnings

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.ndimage as theirs
from against_scipy import agrees

import fastad.numpy as np
from fastad import grad, jacobian
from fastad.scipy import ndimage

BOTH = ndimage, theirs
MODES = "reflect mirror nearest wrap constant grid-wrap grid-mirror grid-constant".split()
WEIGHTS = onp.array([0.3, -1.0, 2.0, 0.7])
PLACES = onp.array([[0.3, 2.2, 4.7, -1.6, 6.4], [1.2, 0.4, 5.6, 8.3, -0.7]])


@pytest.fixture
def image(random):
    return random.standard_normal((6, 7))


@pytest.mark.parametrize("mode", MODES)
def test_products_with_windows(mode, image, random):
    options = {"mode": mode, "cval": 0.3}
    for name in ("correlate1d", "convolve1d"):
        call = lambda m, x, w: getattr(m, name)(x, w, **options)
        agrees(call, BOTH, image, WEIGHTS)
        call = lambda m, x, w: getattr(m, name)(x, w, 0, origin=-1, **options)
        agrees(call, BOTH, image, WEIGHTS, order=1, replayed=False)
    for name in ("correlate", "convolve"):
        call = lambda m, x, w: getattr(m, name)(x, w, origin=(1, 0), **options)
        agrees(call, BOTH, image, random.standard_normal((3, 2)), order=1)


@pytest.mark.parametrize("mode", MODES)
def test_smoothing_slopes_and_extrema(mode, image):
    options = {"mode": mode, "cval": 0.2}
    agrees(lambda m, x, s: m.gaussian_filter(x, s, **options), BOTH, image, 1.3)
    agrees(lambda m, x: m.uniform_filter(x, 4, **options), BOTH, image, order=1)
    agrees(lambda m, x: m.uniform_filter1d(x, 3, origin=1, **options), BOTH, image, order=1)
    for name in "sobel prewitt laplace".split():
        agrees(lambda m, x, name=name: getattr(m, name)(x, **options), BOTH, image, order=1)
    agrees(lambda m, x: m.maximum_filter(x, (3, 2), **options), BOTH, image, order=1)
    agrees(lambda m, x: m.median_filter(x, (3, 4), **options), BOTH, image, order=1)


def test_widths_orders_and_ranks(image):
    for order in range(4):
        agrees(lambda m, x, s, o=order: m.gaussian_filter1d(x, s, order=o), BOTH, image, 0.9)
    agrees(lambda m, x, s: m.gaussian_filter(x, s, (0, 1)), BOTH, image, onp.array([0.8, 1.1]))
    agrees(lambda m, x, s: m.gaussian_laplace(x, s), BOTH, image, 0.9)
    agrees(lambda m, x, s: m.gaussian_gradient_magnitude(x, s), BOTH, image, 0.9)
    agrees(lambda m, x: m.rank_filter(x, 2, size=3), BOTH, image)
    agrees(lambda m, x: m.percentile_filter(x, 30, size=3), BOTH, image)
    cross = [[0, 1, 0], [1, 1, 1]]
    agrees(lambda m, x: m.minimum_filter(x, footprint=cross), BOTH, image)
    agrees(lambda m, x: m.correlate1d(x, WEIGHTS, mode="mirror"), BOTH, image[:2, :2])


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("mode", MODES)
def test_between_places(mode, order, image):
    options = {"order": order, "mode": mode, "cval": 0.3}
    given = (image, PLACES) if order else (image,)
    call = lambda m, x, at=PLACES: m.map_coordinates(x, at, **options)
    agrees(call, BOTH, *given, order=2 if order in (2, 3) else 1)
    agrees(lambda m, x: m.zoom(x, 1.7, **options), BOTH, image, order=1, replayed=False)


@pytest.mark.parametrize("mode", MODES)
def test_moved_turned_and_mapped(mode, image):
    options = {"mode": mode, "cval": 0.3}
    agrees(lambda m, x, s: m.shift(x, s, **options), BOTH, image, onp.array([0.4, -1.3]))
    agrees(lambda m, x, a: m.rotate(x, a, reshape=False, **options), BOTH, image, 20.0)
    matrix, offset = onp.array([[1.0917, 0.2231], [-0.3117, 0.8321]]), onp.array([0.3123, 0.2177])
    agrees(lambda m, x, a, o: m.affine_transform(x, a, o, **options), BOTH, image, matrix, offset)
    call = lambda m, x, a: m.affine_transform(x, a, 0.2, **options)
    with warnings.catch_warnings():  # SciPy had warned of a change in 0.18
        warnings.simplefilter("ignore")
        agrees(call, BOTH, image, offset, order=1, replayed=False)


def test_coefficients_of_short_and_long_axes(random):
    for n in (2, 5, 40):
        for mode in ("mirror", "reflect", "grid-wrap", "nearest"):
            call = lambda m, x, mode=mode: m.spline_filter1d(x, 5, mode=mode)
            agrees(call, BOTH, random.standard_normal(n), order=1, replayed=n == 5)
    agrees(lambda m, x: m.spline_filter(x, 3), BOTH, random.standard_normal((4, 3)))


def test_other_axes_and_sizes(random):
    cube = random.standard_normal((4, 3, 5))
    agrees(lambda m, x: m.rotate(x, 20.0, axes=(0, 2)), BOTH, cube, order=1)
    agrees(lambda m, x: m.zoom(x, (1, 2, 0.5)), BOTH, cube, order=1)
    agrees(lambda m, x: m.zoom(x, 2, grid_mode=True, mode="grid-wrap"), BOTH, cube, order=1)
    call = lambda m, x: m.affine_transform(x, onp.eye(3), output_shape=(2, 3, 3))
    agrees(call, BOTH, cube, order=1)


def test_what_has_no_rule(image):
    with pytest.raises(NotImplementedError, match="reshape=False"):
        grad(lambda a: np.sum(ndimage.rotate(image, a)))(20.0)
    with pytest.raises(NotImplementedError, match="geometric_transform"):
        grad(lambda x: np.sum(ndimage.geometric_transform(x, lambda at: at)))(image)


# ---- where places lie on an edge -----------------------------------------------------------------


def moved(name: str):
    """Calls of a function that moves images so that places lie on edges and between two."""
    if name == "rotate":
        for angle in (0, 90, 180, 270, -90, 45, 20):
            for reshape in (True, False):
                yield lambda m, x, k, a=angle, r=reshape: m.rotate(x, a, reshape=r, **k)
    elif name == "shift":
        for by in ((0, 0), (1, 2), (0.3, -0.6), (-1, 0.5), (3, 0)):
            yield lambda m, x, k, by=by: m.shift(x, by, **k)
    elif name == "zoom":
        for by in (1, 2, 0.5, 1.5, (2, 0.7)):
            yield lambda m, x, k, by=by: m.zoom(x, by, **k)
    else:
        for matrix, offset in (
            ((1.0, 2.0), 0),
            ((0.5, 0.7), (1.0, 0.5)),
            (((0.0, 1.0), (1.0, 0.0)), 0),
            (((0.3, 0.1), (0.2, 0.4)), (0.7, 1.0)),
        ):
            yield lambda m, x, k, a=matrix, o=offset: m.affine_transform(x, onp.array(a), o, **k)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["rotate", "shift", "zoom", "affine_transform"])
def test_images_moved_to_edges(name, mode, random):
    # They are linear in the image: the Jacobian times the image is the value.
    for call in moved(name):
        for shape in ((1, 5), (4, 4), (5, 2)):
            x = random.uniform(0.3, 2.0, shape)
            for order in (0, 1, 3):
                options = {"order": order, "mode": mode}
                slopes = jacobian(lambda x: call(ndimage, x, options))(x)
                expected = call(theirs, x, options)
                onp.testing.assert_allclose(onp.tensordot(slopes, x, 2), expected, atol=1e-9)
