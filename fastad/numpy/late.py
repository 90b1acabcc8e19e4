"""The modules of rules that are loaded late. Written by .ci/make_stubs.py."""

# Of each the functions of NumPy's, also those that only other versions have.
MODULES: dict[str, str] = {
    "creation.conversions": """
    asarray asanyarray asfarray ascontiguousarray asfortranarray asarray_chkfinite require full
    full_like
    """,
    "creation.ranges": """
    linspace logspace geomspace arange
    """,
    "functional": """
    apply_along_axis apply_over_axes
    """,
    "linalg.determinants": """
    linalg.det linalg.slogdet
    """,
    "linalg.eigen": """
    linalg.eig linalg.eigvals
    """,
    "linalg.einsum": """
    einsum
    """,
    "linalg.factorizations": """
    linalg.qr linalg.cholesky
    """,
    "linalg.hermitian": """
    linalg.eigh linalg.eigvalsh
    """,
    "linalg.least_squares": """
    linalg.pinv linalg.lstsq
    """,
    "linalg.matrix_products": """
    linalg.matrix_power linalg.multi_dot
    """,
    "linalg.norms": """
    linalg.norm linalg.vector_norm linalg.matrix_norm linalg.cond
    """,
    "linalg.products": """
    tensordot linalg.tensordot inner outer linalg.outer kron cross linalg.cross vdot vecdot
    linalg.vecdot matvec vecmat linalg.matmul
    """,
    "linalg.singular_values": """
    linalg.svd linalg.svdvals
    """,
    "linalg.solving": """
    linalg.inv linalg.solve linalg.tensorsolve linalg.tensorinv
    """,
    "manipulation.joining": """
    stack vstack row_stack hstack dstack column_stack concatenate append block array_split split
    vsplit hsplit dsplit unstack delete insert broadcast_arrays meshgrid
    """,
    "manipulation.padding": """
    pad
    """,
    "manipulation.shaping": """
    rollaxis matrix_transpose linalg.matrix_transpose atleast_1d atleast_2d atleast_3d flip
    flipud fliplr rot90 roll repeat tile resize diagonal linalg.diagonal diag diagflat tril triu
    """,
    "mathematics.differences": """
    diff ediff1d gradient trapezoid trapz
    """,
    "mathematics.elementwise": """
    sinc i0 ldexp frexp modf divmod
    """,
    "mathematics.nan_functions": """
    nansum nanprod nancumsum nancumprod nanmean nanmax nanmin nan_to_num
    """,
    "mathematics.reductions": """
    prod product ptp trace linalg.trace amax amin
    """,
    "mathematics.scans": """
    cumsum cumprod cumproduct cumulative_sum cumulative_prod
    """,
    "mathematics.sequences": """
    convolve correlate interp unwrap
    """,
    "mathematics.variances": """
    var std nanvar nanstd
    """,
    "polynomials": """
    polyval polyadd polysub polymul polydiv polyder polyint vander poly roots polyfit
    """,
    "sorting.selection": """
    sort msort partition take take_along_axis compress extract select choose piecewise
    real_if_close sort_complex
    """,
    "sorting.sets": """
    unique unique_all unique_counts unique_inverse unique_values union1d intersect1d setdiff1d
    setxor1d trim_zeros ix_
    """,
    "statistics.averages": """
    average
    """,
    "statistics.correlations": """
    cov corrcoef
    """,
    "statistics.histograms": """
    bincount histogram histogram2d histogramdd
    """,
    "statistics.order_statistics": """
    median nanmedian quantile percentile nanquantile nanpercentile
    """,
}

# Those that answer plain values in a way of their own.
CALLED = frozenset(
    """
    column_stack concatenate dstack hstack row_stack stack vstack
    """.split()
)

# Those that are no entries of the table.
BESIDE = frozenset(
    """
    histogram histogram2d histogramdd
    """.split()
)
