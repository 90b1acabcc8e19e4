"""Sample calls of what SciPy does to whole arrays: transforms, images, distances, grids, chains.

Part of the table of `calls_scipy`: by module, "name note" -> the function and what it is
differentiated by.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as onp
import pytest

pytest.importorskip("scipy.special")

import scipy.optimize

import fastad.numpy as np
import fastad.scipy.fft as fft
import fastad.scipy.interpolate as interpolate
import fastad.scipy.linalg as linalg
import fastad.scipy.ndimage as ndimage
import fastad.scipy.optimize as optimize
import fastad.scipy.signal as signal
import fastad.scipy.spatial as spatial
import fastad.scipy.spatial.distance as distance
import fastad.scipy.special as special
import fastad.scipy.stats as stats

_draw = onp.random.default_rng(11)
ROW = _draw.uniform(0.3, 2.0, 6)
LONG = _draw.uniform(0.3, 2.0, 40)
IMAGE = _draw.uniform(0.3, 2.0, (4, 5))
WEIGHTS = onp.array([0.2, 0.5, 0.4])
MASK = onp.array([[0.2, 0.5, 0.1], [0.3, 0.9, -0.4]])
POINTS = _draw.uniform(0.3, 2.0, (4, 3))
OTHERS = _draw.uniform(2.3, 4.0, (3, 3))
U, V = POINTS[0], POINTS[1]
AXIS = onp.array([0.0, 0.7, 1.3, 2.2, 3.1])
LINE = onp.array([0.0, 1.0, 2.5, 3.0])
GRID = _draw.uniform(0.3, 2.0, (5, 4))
INSIDE = onp.array([[0.31, 0.4], [1.63, 1.9], [2.9, 2.7]])
SCATTERED = onp.array([[0.0, 0.0], [2.0, 0.1], [0.2, 2.1], [2.2, 1.9], [1.1, 0.8], [0.6, 1.4]])
AMONG = onp.array([[0.7, 0.6], [1.4, 1.2]])
HEIGHTS = _draw.uniform(0.3, 2.0, 6)
COUNTS = onp.arange(6.0)


def _named(module: Any, name: str, options: dict[str, Any], *given: Any) -> Any:
    return getattr(module, name)(*given, **options)


def _by(module: Any, names: str, *leaves: Any, **options: Any) -> dict[str, Any]:
    return {
        name: (functools.partial(_named, module, name, options), *leaves)
        for name in names.split()
        if hasattr(module, name)
    }


TRANSFORMS = {
    **_by(fft, "fft ifft rfft irfft hfft ihfft fftshift ifftshift", ROW),
    **_by(fft, "fftn ifftn rfftn irfftn fft2 ifft2 rfft2 irfft2", IMAGE),
    **_by(fft, "hfftn ihfftn hfft2 ihfft2", IMAGE),
    **{
        f"{name} {type_}": (functools.partial(_named, fft, name, {"type": type_}), ROW)
        for name in ("dct", "idct", "dst", "idst")
        for type_ in (1, 2, 3, 4)
    },
    **_by(fft, "dctn idctn dstn idstn", IMAGE, norm="ortho"),
}

IMAGES = {
    **_by(ndimage, "correlate1d convolve1d", IMAGE, WEIGHTS),
    **_by(ndimage, "correlate convolve", IMAGE, MASK),
    "gaussian_filter1d": (lambda x, s: ndimage.gaussian_filter1d(x, s), IMAGE, 0.7),
    "gaussian_filter": (lambda x, s: ndimage.gaussian_filter(x, s), IMAGE, 0.7),
    "uniform_filter1d": (lambda x: ndimage.uniform_filter1d(x, 3), IMAGE),
    "uniform_filter": (lambda x: ndimage.uniform_filter(x, 3), IMAGE),
    **_by(ndimage, "sobel prewitt laplace spline_filter1d spline_filter", IMAGE),
    **_by(ndimage, "gaussian_laplace gaussian_gradient_magnitude", IMAGE, 0.7),
    "map_coordinates": (
        lambda x, at: ndimage.map_coordinates(x, at, order=3),
        IMAGE,
        onp.array([[0.7, 1.3, 2.2], [1.1, 2.4, 3.3]]),
    ),
    "shift": (lambda x, by: ndimage.shift(x, by), IMAGE, onp.array([0.3, -0.6])),
    "zoom": (lambda x: ndimage.zoom(x, 1.5), IMAGE),
    "affine_transform": (
        lambda x, m: ndimage.affine_transform(x, m),
        IMAGE,
        onp.array([[0.9, 0.1], [-0.1, 0.8]]),
    ),
    "rotate": (lambda x: ndimage.rotate(x, 20.0), IMAGE),
    "maximum_filter": (lambda x: ndimage.maximum_filter(x, 3), IMAGE),
    "minimum_filter": (lambda x: ndimage.minimum_filter(x, 3), IMAGE),
    "median_filter": (lambda x: ndimage.median_filter(x, 3), IMAGE),
    "rank_filter": (lambda x: ndimage.rank_filter(x, 2, 3), IMAGE),
    "percentile_filter": (lambda x: ndimage.percentile_filter(x, 30, 3), IMAGE),
}

PAIRS = {
    **_by(distance, "braycurtis canberra chebyshev cityblock correlation cosine", U, V),
    **_by(distance, "euclidean minkowski sqeuclidean jensenshannon", U, V),
    "mahalanobis": (lambda u, v: distance.mahalanobis(u, v, onp.eye(3) + 0.1), U, V),
    "seuclidean": (lambda u, v: distance.seuclidean(u, v, WEIGHTS), U, V),
    "cdist": (lambda a, b: distance.cdist(a, b), POINTS, OTHERS),
    "pdist": (lambda a: distance.pdist(a, "cityblock"), POINTS),
    "squareform": (distance.squareform, ROW),
}
SETS = {
    **_by(spatial, "distance_matrix", POINTS, OTHERS),
    **_by(spatial, "minkowski_distance", U, V),
}

CHAINS = {
    "lfilter_zi": (lambda b: signal.lfilter_zi(b, [1.0, 0.5, 0.1]), WEIGHTS),
    "sosfilt_zi": (signal.sosfilt_zi, onp.array([[0.4, 0.1, 0.2, 1.0, 0.5, 0.1]])),
    "filtfilt": (lambda b, x: signal.filtfilt(b, [1.0, 0.5], x), WEIGHTS, LONG),
    "sosfiltfilt": (lambda x: signal.sosfiltfilt([[0.4, 0.1, 0.2, 1.0, 0.5, 0.1]], x), LONG),
    "detrend": (lambda x: signal.detrend(x) + x, ROW),
    "resample": (lambda x: signal.resample(x, 9), ROW),
    "upfirdn": (lambda h, x: signal.upfirdn(h, x, 2, 3), WEIGHTS, ROW),
    "resample_poly": (lambda x: signal.resample_poly(x, 3, 2), ROW),
    "decimate": (lambda x: signal.decimate(x, 2, ftype="fir"), LONG),
    "freqz": (lambda b, a: signal.freqz(b, a, 5)[1], WEIGHTS, onp.array([1.0, 0.5])),
    **{
        name: (
            lambda sos, name=name: getattr(signal, name)(sos, 5)[1],
            onp.array([[0.4, 0.1, 0.2, 1.0, 0.5, 0.1]]),
        )
        for name in ("sosfreqz", "freqz_sos")
        if hasattr(signal, name)
    },
    "freqs": (
        lambda b, a: signal.freqs(b, a, [0.5, 1.0, 2.0])[1],
        WEIGHTS,
        onp.array([1.0, 0.5, 0.3]),
    ),
    "welch": (lambda x: signal.welch(x, nperseg=16)[1], LONG),
    "csd": (lambda x, y: signal.csd(x, y, nperseg=16)[1], LONG, LONG[::-1].copy()),
    "coherence": (lambda x, y: signal.coherence(x, y, nperseg=16)[1], LONG, LONG[::-1].copy()),
    "periodogram": (lambda x: signal.periodogram(x)[1], ROW),
    "stft": (lambda x: signal.stft(x, nperseg=8)[2], LONG),
    "chirp": (lambda t, f: signal.chirp(t, f, 2.0, 1.5), ROW, 0.4),
}

GRIDS = {
    "Akima1DInterpolator": (lambda y: interpolate.Akima1DInterpolator(COUNTS, y)(AXIS), ROW),
    "PPoly": (lambda c, at: interpolate.PPoly(c, LINE)(at), POINTS, INSIDE[:, 1]),
    "interpn": (lambda y, at: interpolate.interpn((AXIS, LINE), y, at), GRID, INSIDE),
    "interp1d": (lambda y, at: interpolate.interp1d(COUNTS, y)(at), ROW, INSIDE[:, 0]),
    "interp1d cubic": (lambda y: interpolate.interp1d(COUNTS, y, "cubic")(INSIDE[:, 0]), ROW),
    "RegularGridInterpolator": (
        lambda y, at: interpolate.RegularGridInterpolator((AXIS, LINE), y)(at),
        GRID,
        INSIDE,
    ),
    "splev": (lambda at: interpolate.splev(at, interpolate.splrep(COUNTS, ROW)), INSIDE[:, 0]),
    "splint": (lambda a, b: interpolate.splint(a, b, interpolate.splrep(COUNTS, ROW)), 0.3, 3.7),
    "UnivariateSpline": (lambda at: interpolate.UnivariateSpline(COUNTS, ROW)(at), INSIDE[:, 0]),
    "InterpolatedUnivariateSpline": (
        lambda at: interpolate.InterpolatedUnivariateSpline(COUNTS, ROW)(at),
        INSIDE[:, 0],
    ),
    "LSQUnivariateSpline": (
        lambda at: interpolate.LSQUnivariateSpline(COUNTS, ROW, [2.5])(at),
        INSIDE[:, 0],
    ),
    "RectBivariateSpline": (
        lambda a, b: interpolate.RectBivariateSpline(AXIS, LINE, GRID)(a, b, grid=False),
        INSIDE[:, 0],
        INSIDE[:, 1],
    ),
    "griddata": (lambda y: interpolate.griddata(SCATTERED, y, AMONG), HEIGHTS),
    "RBFInterpolator": (
        lambda y, at: interpolate.RBFInterpolator(SCATTERED, y)(at),
        HEIGHTS,
        AMONG,
    ),
    "LinearNDInterpolator": (
        lambda y, at: interpolate.LinearNDInterpolator(SCATTERED, y)(at),
        HEIGHTS,
        AMONG,
    ),
    "NearestNDInterpolator": (
        lambda y: interpolate.NearestNDInterpolator(SCATTERED, y)(AMONG),
        HEIGHTS,
    ),
}
MANY = _draw.uniform(0.0, 3.0, (30, 2))
for _name in ("SmoothBivariateSpline", "LSQBivariateSpline"):
    _knots = ([1.5], [1.5]) if _name.startswith("LSQ") else ()
    GRIDS[_name] = (
        lambda a, b, name=_name, knots=_knots: getattr(interpolate, name)(
            MANY[:, 0], MANY[:, 1], MANY[:, 0] * MANY[:, 1], *knots, kx=1, ky=1
        )(a, b, grid=False),
        INSIDE[:, 0],
        INSIDE[:, 1],
    )

FITS = {
    "curve_fit": (
        lambda y: optimize.curve_fit(lambda t, a, b: a * t + b * t * t, COUNTS, y)[0],
        ROW,
    ),
    "nnls": (lambda A, b: optimize.nnls(A, b)[0], POINTS, POINTS @ WEIGHTS),
    "linprog": (
        lambda c, b: optimize.linprog(c, [[1.0, 2.0], [3.0, 1.0]], b).x,
        onp.array([-1.0, -1.5]),
        onp.array([4.0, 6.0]),
    ),
}

OFF = ROW[::-1] + 0.07 * COUNTS
SUMMARIES = {
    **_by(stats, "gmean hmean expectile skew kurtosis variation sem gstd iqr", ROW),
    **_by(stats, "tmean tvar tstd tsem zscore gzscore circmean circvar circstd kstat", ROW),
    **_by(stats, "median_abs_deviation", ROW),
    "gmean weighted": (lambda x, w: stats.gmean(x, axis=1, weights=w), IMAGE, ROW[:5]),
    "hmean weighted": (lambda x, w: stats.hmean(x, weights=w), IMAGE, IMAGE + 0.3),
    "pmean": (lambda x: stats.pmean(x, 2.5, axis=None), IMAGE),
    "trim_mean": (lambda x: stats.trim_mean(x, 0.2), ROW),
    "expectile weighted": (lambda x, w: stats.expectile(x, 0.7, weights=w), ROW, OFF),
    "moment": (lambda x: stats.moment(x, [1, 2, 3], axis=1), IMAGE),
    "moment about": (lambda x, c: stats.moment(x, 3, center=c), ROW, 0.4),
    "skew unbiased": (lambda x: stats.skew(x, 1, False, keepdims=True), IMAGE),
    "kurtosis unbiased": (lambda x: stats.kurtosis(x, axis=1, bias=False), IMAGE),
    "kstat 4": (lambda x: stats.kstat(x, 4), ROW),
    "tmean within": (lambda x: stats.tmean(x, (0.6, 1.7)), ROW),
    "zmap": (lambda x, y: stats.zmap(x, y), ROW, OFF),
    "entropy": (stats.entropy, IMAGE),
    "entropy relative": (lambda p, q: stats.entropy(p, q, 2.0, axis=1), IMAGE, IMAGE + 0.3),
    "boxcox": (lambda x, lmbda: stats.boxcox(x, lmbda), ROW, 0.3),
    "boxcox_llf": (lambda lmbda, x: stats.boxcox_llf(lmbda, x), 0.3, ROW),
    "yeojohnson": (lambda x, lmbda: stats.yeojohnson(x, lmbda), ROW - 1.1, 0.3),
    "yeojohnson_llf": (lambda lmbda, x: stats.yeojohnson_llf(lmbda, x), 0.3, ROW - 1.1),
    "wasserstein_distance": (lambda u, v: stats.wasserstein_distance(u, v), ROW, OFF),
    "wasserstein_distance weighted": (
        lambda u, v, a, b: stats.wasserstein_distance(u, v, a, b), ROW, OFF, ROW + 0.2, OFF
    ),
    "energy_distance": (lambda u, v: stats.energy_distance(u, v), ROW, OFF),
    "pearsonr": (lambda x, y: stats.pearsonr(x, y)[0], ROW, OFF),
    "linregress": (lambda x, y: stats.linregress(x, y)[0], ROW, OFF),
    "gaussian_kde": (
        lambda x, factor, at: stats.gaussian_kde(x, factor)(at), ROW, 0.4, INSIDE[:, 0]
    ),
    "gaussian_kde logpdf": (
        lambda x, w, at: stats.gaussian_kde(x, weights=w).logpdf(at), POINTS.T.copy(),
        HEIGHTS[:4], OTHERS.T.copy(),
    ),
}  # fmt: skip


def _valley(x: Any, a: Any) -> Any:
    return np.sum((x - a) ** 2 + np.cosh(x))


def _steep(x: Any, a: Any) -> Any:
    return 2 * (x - a) + np.sinh(x)


def _number_valley(x: Any, a: Any) -> Any:
    return (x - a) ** 2 + np.cosh(x)


ZEROS = onp.zeros(2)
BOX = [(-2.0, 2.0), (-2.0, 2.1)]
NAMED = {
    **{
        name: (lambda a, n=name: getattr(optimize, n)(_valley, ZEROS, args=(a,), disp=0), 0.8)
        for name in ("fmin", "fmin_powell")
    },
    **{
        name: (
            lambda a, n=name: getattr(optimize, n)(_valley, ZEROS, _steep, args=(a,), disp=0), 0.8
        )
        for name in ("fmin_bfgs", "fmin_cg", "fmin_ncg")
    },
    "fmin_l_bfgs_b": (
        lambda a: optimize.fmin_l_bfgs_b(_valley, ZEROS, _steep, args=(a,))[0], 0.8
    ),
    "fmin_tnc": (
        lambda a: optimize.fmin_tnc(_valley, ZEROS, _steep, args=(a,), messages=0)[0], 0.8
    ),
    "fmin_slsqp": (lambda a: optimize.fmin_slsqp(_valley, ZEROS, args=(a,), iprint=0), 0.8),
    "brute": (lambda a: optimize.brute(_valley, ((-2, 2), (-2, 2)), args=(a,), Ns=5), 0.8),
    "basinhopping": (
        lambda a: optimize.basinhopping(
            _valley, ZEROS, niter=1, minimizer_kwargs={"args": (a,), "jac": _steep}, seed=0
        ).x,
        0.8,
    ),
    "differential_evolution": (
        lambda a: optimize.differential_evolution(
            _valley, BOX, args=(a,), seed=0, maxiter=5, popsize=5
        ).x,
        0.8,
    ),
    "dual_annealing": (
        lambda a: optimize.dual_annealing(_valley, BOX, args=(a,), maxiter=3, seed=0).x, 0.8
    ),
    "shgo": (lambda a: optimize.shgo(_valley, BOX, args=(a,), n=16).x, 0.8),
    "direct": (lambda a: optimize.direct(_valley, BOX, args=(a,), maxiter=40).x, 0.8),
    "golden": (lambda a: optimize.golden(_number_valley, (a,)), 0.8),
    "brent": (lambda a: optimize.brent(_number_valley, (a,)), 0.8),
    "fminbound": (lambda a: optimize.fminbound(_number_valley, -3, 3, (a,)), 0.8),
    "leastsq": (lambda a: optimize.leastsq(lambda x, a: x**2 - a, onp.ones(2), (a,))[0], 2.0),
    "lsq_linear": (lambda A, b: optimize.lsq_linear(A, b).x, POINTS, POINTS @ WEIGHTS + ROW[:4]),
    **{
        name: (
            lambda a, n=name: getattr(optimize, n)(lambda x: x + 0.2 * x**3 - a, ZEROS, f_tol=1e-9),
            0.8,
        )
        for name in (
            "newton_krylov broyden1 broyden2 anderson diagbroyden"
        ).split()
    },
    **{
        name: (
            lambda a, n=name: getattr(optimize, n)(
                lambda x: a - x - 0.2 * x**3, ZEROS, alpha=0.6, f_tol=1e-9
            ),
            0.8,
        )
        for name in ("linearmixing", "excitingmixing")
    },
    "linear_sum_assignment": (
        lambda c: c[optimize.linear_sum_assignment(c)], POINTS[:3]
    ),
}  # fmt: skip
if hasattr(scipy.optimize, "isotonic_regression"):
    NAMED["isotonic_regression"] = (
        lambda y, w: optimize.isotonic_regression(y, weights=w).x, ROW, OFF
    )  # fmt: skip
FITS.update(NAMED)

LABELS = onp.array([[1, 1, 2, 2, 0], [1, 2, 2, 0, 0], [3, 3, 1, 1, 2], [0, 3, 3, 2, 2]])
IMAGES.update(
    {
        **{
            name: (lambda x, n=name: getattr(ndimage, n)(x, LABELS, [1, 2, 3]), IMAGE)
            for name in (
                "sum sum_labels mean variance standard_deviation minimum maximum median "
                "center_of_mass"
            ).split()
        },
        **_by(ndimage, "grey_erosion grey_dilation grey_opening grey_closing", IMAGE, size=2),
        **_by(ndimage, "morphological_gradient morphological_laplace", IMAGE, size=2),
        **_by(ndimage, "white_tophat black_tophat", IMAGE, size=2),
        "maximum_filter1d": (lambda x: ndimage.maximum_filter1d(x, 3), IMAGE),
        "minimum_filter1d": (lambda x: ndimage.minimum_filter1d(x, 3), IMAGE),
        **{
            name: (lambda x, n=name: np.real(getattr(ndimage, n)(x, 1.5)), IMAGE)
            for name in ("fourier_gaussian fourier_uniform fourier_shift fourier_ellipsoid".split())
        },
    }
)
SPECTRA = onp.fft.rfft(LONG[:35].reshape(5, 7), 16, axis=1).T
CHAINS.update(
    {
        "spectrogram": (lambda x: signal.spectrogram(x, nperseg=8)[2], LONG),
        "istft": (lambda s: signal.istft(SPECTRA * s, nperseg=16)[1], 1.2),
        "sawtooth": (lambda t, w: signal.sawtooth(t, w), ROW, 0.3),
        "square": (lambda t: t * signal.square(t), ROW),
        "gausspulse": (lambda t, f, b: signal.gausspulse(t, f, b), ROW, 0.7, 0.5),
    }
)

SMALL = onp.array([4.0, 0.3, -0.2, 0.4])
BAND = onp.array([[0.5, 0.3, 0.2, 0.1], [2.0, 3.0, 4.0, 3.0]])
APART = onp.diag([1.0, 20.0, 60.0])  # real eigenvalues, whatever is added
FEW = {
    "matmul_toeplitz": (
        lambda c, r, x: linalg.matmul_toeplitz((c, r), x), SMALL, SMALL + 0.1, POINTS
    ),
    "solve_toeplitz": (
        lambda c, r, x: linalg.solve_toeplitz((c, r), x), SMALL, SMALL + 0.1, POINTS
    ),
    "solve_circulant": (lambda c, b: linalg.solve_circulant(c, b), SMALL, POINTS),
    "convolution_matrix": (lambda a: linalg.convolution_matrix(a, 5), SMALL),
    "leslie": (linalg.leslie, SMALL, WEIGHTS),
    "fiedler": (linalg.fiedler, ROW),
    "khatri_rao": (linalg.khatri_rao, POINTS, OTHERS),
    "orthogonal_procrustes": (
        lambda a, b: linalg.orthogonal_procrustes(a, b)[0], POINTS, POINTS[::-1] + 0.3
    ),
    "pinvh": (lambda a: linalg.pinvh(a), OTHERS),
    "cholesky_banded": (lambda a: linalg.cholesky_banded(a), BAND),
    "cho_solve_banded": (lambda a, b: linalg.cho_solve_banded((a, False), b), BAND, POINTS),
    "eig": (lambda a: np.abs(linalg.eig(a + APART)[1]), OTHERS),
    "eigvals": (lambda a: np.abs(linalg.eigvals(a + APART)), OTHERS),
    "eigh_tridiagonal": (lambda d, e: linalg.eigh_tridiagonal(d, e)[1], SMALL, WEIGHTS),
    "eigvalsh_tridiagonal": (lambda d, e: linalg.eigvalsh_tridiagonal(d, e), SMALL, WEIGHTS),
    "eig_banded": (lambda a: linalg.eig_banded(a)[1], BAND),
    "eigvals_banded": (lambda a: linalg.eigvals_banded(a), BAND),
}  # fmt: skip
COUNTED = {
    "comb": (lambda n, k: special.comb(n + 3.0, k), ROW, 1.5),
    "perm": (lambda n, k: special.perm(n + 3.0, k), ROW, 1.5),
    "factorial": (lambda n: special.factorial(n), ROW),
}

ARRAYS = {
    "linalg": FEW,
    "special": COUNTED,
    "stats": SUMMARIES,
    "fft": TRANSFORMS,
    "ndimage": IMAGES,
    "spatial": SETS,
    "spatial.distance": PAIRS,
    "signal": CHAINS,
    "interpolate": GRIDS,
    "optimize": FITS,
}
