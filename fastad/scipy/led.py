"""What fastad.scipy differentiates of SciPy. Written by .ci/make_stubs.py."""

LED: dict[str, frozenset[str]] = {
    "special": frozenset(
        """
        comb factorial h1vp h2vp ivp jvp kvp lambertw log_softmax logsumexp multigammaln perm
        polygamma softmax softplus spherical_in spherical_jn spherical_kn spherical_yn yvp zeta
        """.split()
    ),
    "linalg": frozenset(
        """
        block_diag cho_factor cho_solve cho_solve_banded cholesky cholesky_banded circulant
        companion convolution_matrix coshm cosm det eig eig_banded eigh eigh_tridiagonal eigvals
        eigvals_banded eigvalsh eigvalsh_tridiagonal expm expm_frechet fiedler
        fractional_matrix_power hankel inv khatri_rao leslie logm lstsq lu lu_factor lu_solve
        matmul_toeplitz norm null_space orth orthogonal_procrustes pinv pinvh polar qr sinhm
        sinm solve solve_banded solve_circulant solve_continuous_are solve_continuous_lyapunov
        solve_discrete_are solve_discrete_lyapunov solve_lyapunov solve_sylvester solve_toeplitz
        solve_triangular solveh_banded sqrtm svd svdvals tanhm tanm toeplitz
        """.split()
    ),
    "signal": frozenset(
        """
        chirp coherence convolve convolve2d correlate correlate2d csd decimate detrend
        fftconvolve filtfilt freqs freqz freqz_sos gausspulse hilbert istft lfilter lfilter_zi
        oaconvolve periodogram resample resample_poly savgol_filter sawtooth sosfilt sosfilt_zi
        sosfiltfilt sosfreqz spectrogram square stft upfirdn welch
        """.split()
    ),
    "ndimage": frozenset(
        """
        affine_transform black_tophat center_of_mass convolve convolve1d correlate correlate1d
        fourier_ellipsoid fourier_gaussian fourier_shift fourier_uniform gaussian_filter
        gaussian_filter1d gaussian_gradient_magnitude gaussian_laplace grey_closing
        grey_dilation grey_erosion grey_opening laplace map_coordinates maximum maximum_filter
        maximum_filter1d mean median median_filter minimum minimum_filter minimum_filter1d
        morphological_gradient morphological_laplace percentile_filter prewitt rank_filter
        rotate shift sobel spline_filter spline_filter1d standard_deviation sum sum_labels
        uniform_filter uniform_filter1d variance white_tophat zoom
        """.split()
    ),
    "integrate": frozenset(
        """
        cumtrapz cumulative_simpson cumulative_trapezoid dblquad fixed_quad nquad odeint quad
        quad_vec romb simps simpson solve_ivp tplquad trapezoid trapz
        """.split()
    ),
    "interpolate": frozenset(
        """
        Akima1DInterpolator BSpline CubicHermiteSpline CubicSpline InterpolatedUnivariateSpline
        LSQBivariateSpline LSQUnivariateSpline LinearNDInterpolator NearestNDInterpolator PPoly
        PchipInterpolator RBFInterpolator RectBivariateSpline RegularGridInterpolator
        SmoothBivariateSpline UnivariateSpline griddata interp1d interpn make_interp_spline
        splev splint
        """.split()
    ),
    "optimize": frozenset(
        """
        anderson basinhopping bisect brent brenth brentq broyden1 broyden2 brute curve_fit
        diagbroyden differential_evolution direct dual_annealing excitingmixing fixed_point fmin
        fmin_bfgs fmin_cg fmin_cobyla fmin_l_bfgs_b fmin_ncg fmin_powell fmin_slsqp fmin_tnc
        fminbound fsolve golden isotonic_regression least_squares leastsq linearmixing linprog
        lsq_linear minimize minimize_scalar newton newton_krylov nnls ridder root root_scalar
        rosen rosen_der shgo toms748
        """.split()
    ),
    "spatial": frozenset(
        """
        distance_matrix minkowski_distance
        """.split()
    ),
    "spatial.distance": frozenset(
        """
        braycurtis canberra cdist chebyshev cityblock correlation cosine euclidean jensenshannon
        mahalanobis minkowski pdist seuclidean sqeuclidean squareform
        """.split()
    ),
    "sparse": frozenset(
        """
        block_diag diags diags_array hstack kron tril triu vstack
        """.split()
    ),
    "sparse.linalg": frozenset(
        """
        bicg bicgstab cg cgs eigsh expm_multiply factorized gcrotmk gmres lgmres lsmr lsqr
        minres splu spsolve
        """.split()
    ),
    "stats": frozenset(
        """
        boxcox boxcox_llf circmean circstd circvar dirichlet dirichlet_multinomial
        energy_distance entropy expectile gaussian_kde gmean gstd gzscore hmean invwishart iqr
        kstat kurtosis linregress matrix_normal matrix_t median_abs_deviation moment multinomial
        multivariate_hypergeom multivariate_normal multivariate_t normal_inverse_gamma
        ortho_group pearsonr pmean random_correlation random_table sem skew special_ortho_group
        tmean trim_mean tsem tstd tvar uniform_direction unitary_group variation vonmises_fisher
        wasserstein_distance wishart yeojohnson yeojohnson_llf zmap zscore
        """.split()
    ),
}
