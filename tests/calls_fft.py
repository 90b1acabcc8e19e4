"""Sample calls of `numpy.fft`: even and odd lengths, padded and cut, all norms and axes."""

from __future__ import annotations

from points import A, Call, X, Z, c


def _one_axis(real: bool, half: bool) -> list[Call]:
    """Calls of a transform of one axis; `half`: of half-complex values, whose length is halved."""
    points = A if real else Z
    calls = [c(points(n)) for n in (2, 4, 5)]
    calls += [c(points(4), n) for n in (3, 4, 6, 7)]
    calls += [c(points(5), n, norm=norm) for n, norm in ((4, "ortho"), (5, "forward"))]
    calls += [
        c(points(2, 3), axis=0),
        c(points(2, 3, 4), 5, 1, "ortho"),
        c(points(3, 4), 2, -1, "backward"),
    ]
    if not real:
        calls.append(c(A(4)))
    return calls if half or real else [*calls, c(Z(1))]


SEVERAL = [
    c(A(3, 4)),
    c(Z(3, 4)),
    c(X, axes=(0, 1)),
    c(X, (3, 5), (2, 0), "ortho"),
    c(Z(2, 3, 3), s=(3, 2), axes=(-1, 1), norm="forward"),
]
REAL = [call for call in SEVERAL if call[0][0].dtype.kind == "f"] + [c(A(2, 3))]

CALLS: dict[str, list[Call]] = {
    "fft.fft": _one_axis(False, False),
    "fft.ifft": _one_axis(False, False),
    "fft.rfft": _one_axis(True, False),
    "fft.ihfft": _one_axis(True, False),
    "fft.irfft": _one_axis(False, True),
    "fft.hfft": _one_axis(False, True),
    "fft.fft2": SEVERAL,
    "fft.ifft2": SEVERAL,
    "fft.fftn": [*SEVERAL, c(X), c(X, axes=(1, 1))],
    "fft.ifftn": [*SEVERAL, c(X)],
    "fft.rfft2": REAL,
    "fft.rfftn": [*REAL, c(X)],
    "fft.irfft2": SEVERAL,
    "fft.irfftn": [*SEVERAL, c(X), c(Z(2, 3, 3), (2, 3, 5), (0, 1, 2))],
    "fft.fftshift": [c(A(5)), c(X), c(X, 1), c(X, axes=(0, -1))],
    "fft.ifftshift": [c(A(5)), c(X), c(X, 1), c(X, axes=(0, -1))],
    "fft.fftfreq": [c(5, 0.5), c(4, 0.25)],
    "fft.rfftfreq": [c(5, 0.5), c(4, 2.0)],
}
