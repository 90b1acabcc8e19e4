# Modes of a context: debugging, strict zeros; memory and kernels.

from libcpp cimport bool as cbool

from contextvars import ContextVar as _ContextVar
from operator import index as _index

cdef extern from "modes.hpp" namespace "fastad::Modes":
    unsigned MODE_NANS "fastad::Modes::nans"
    unsigned MODE_INFINITIES "fastad::Modes::infinities"
    unsigned MODE_MUTATION "fastad::Modes::mutation"
    unsigned MODE_STRICT_ZERO "fastad::Modes::strict_zero"
    unsigned MODE_PLACES "fastad::Modes::places"
    void modes_entered "fastad::Modes::entered" (unsigned modes)
    void modes_left "fastad::Modes::left" (unsigned modes)

cdef extern from "python/session.hpp" namespace "fastad::python":
    void set_modes_variable(object variable)
    cbool strict_zero_active()
    void trim_pool()
    size_t idle_pool_bytes()
    object choose_kernels(const char* name)
    const char* kernels_name()

cdef extern from "program/threads.hpp" namespace "fastad::program":
    size_t threads()
    void set_threads(size_t count)

cdef extern from "python/programs.hpp" namespace "fastad::python":
    object value_loop(const char* name, object x, object y)


_modes = _ContextVar("fastad.modes", default=0)
set_modes_variable(_modes)


class _Mode:
    """A mode of the context (`contextvars`): of this thread, and of this task in `asyncio` or greenlet.

    A generator shares the context of who runs it, as for ``numpy.errstate``.
    """

    __slots__ = ("_tokens",)

    def __init__(self):
        self._tokens = []

    def __enter__(self):
        modes = self._flags()
        self._tokens.append((_modes.set(_modes.get() | modes), modes))
        modes_entered(modes)
        return self

    def __exit__(self, *error):
        name = type(self).__name__
        if not self._tokens:
            raise RuntimeError(f"{name}: left, but not entered")
        token, modes = self._tokens[-1]
        try:
            _modes.reset(token)
        except ValueError:
            raise RuntimeError(f"{name}: left in another thread or context than it was entered in") from None
        self._tokens.pop()
        modes_left(modes)


class debug_nans(_Mode):
    """Within this context, the first NaN or infinity is an error that names the operation and the line.

    Every traced operation is looked at, forward and in the sweep: where its result (or the contribution of its
    derivative) has a NaN or an infinity and what it was computed of has none, FloatingPointError says which
    operation, and the file and line of the program that called it. A NaN that came in with an argument or a
    constant is let pass, and reported with its place if the gradient ends with one. Holds for this context (thread, task); slow.

    Parameters
    ----------
    infinities : bool
        False looks for NaN only, for programs in which infinities are meant (a mask of ``-inf``).

    Raises
    ------
    FloatingPointError
        In the function that is differentiated, or where its gradient is taken.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import debug_nans, grad
    >>> with debug_nans(), np.errstate(divide="ignore"):
    ...     grad(lambda x: np.sqrt(x))(0.0)
    Traceback (most recent call last):
        ...
    FloatingPointError: ...
    """

    __slots__ = ("infinities",)

    def __init__(self, *, infinities=True):
        super().__init__()
        self.infinities = bool(infinities)

    def _flags(self):
        return MODE_NANS | MODE_INFINITIES if self.infinities else MODE_NANS


class debug_mutation(_Mode):
    """Within this context, an array that was changed between its use and the sweep is an error.

    The tape keeps operands by reference. A program that writes into an array after an operation used it (a
    buffer that a loop fills anew) has a derivative of what is in it then, silently. Here each array that a rule
    will read is remembered by a checksum; RuntimeError names the operation, the argument, and the file and line.
    Holds for what this context (thread, task)
    records; slow.

    Raises
    ------
    RuntimeError
        Where the gradient is taken.

    Examples
    --------
    >>> import numpy
    >>> import fastad.numpy as np
    >>> from fastad import debug_mutation, grad
    >>> def f(x):
    ...     buffer = numpy.ones(2)
    ...     y = np.sum(x * buffer)
    ...     buffer[0] = 5.0
    ...     return y
    >>> with debug_mutation():
    ...     grad(f)(numpy.ones(2))
    Traceback (most recent call last):
        ...
    RuntimeError: ...
    """

    __slots__ = ()

    def _flags(self):
        return MODE_MUTATION


class recorded_places(_Mode):
    """Within this context, tapes note the user's line of each operation and the time that it takes."""

    __slots__ = ()

    def _flags(self):
        return MODE_PLACES


class strict_zero(_Mode):
    """Within this context, a cotangent that is exactly zero contributes exactly zero in every adjoint.

    ``where(x > 0, sqrt(x), 0)`` and the like then pick up no NaN from the branch that was not taken (its own
    rule computes ``0 * inf``), and the subgradient of sqrt and norm at 0 is 0. Without it, derivatives are what
    NumPy computes: ``0 * inf`` is NaN. Holds for the sweeps of this context (thread, task); a little slower.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad, strict_zero
    >>> with strict_zero():
    ...     float(grad(lambda x: np.where(x > 0, np.sqrt(x), 0.0))(0.0))
    0.0
    """

    __slots__ = ()

    def _flags(self):
        return MODE_STRICT_ZERO


def is_strict_zero():
    """True within ``strict_zero`` in this context: for rules that divide by what may be zero."""
    return strict_zero_active()


def release_memory():
    """Give the idle memory of the pool of large arrays back to the system.

    Returns
    -------
    int
        How many bytes that was.

    Examples
    --------
    >>> from fastad import release_memory
    >>> release_memory() >= 0
    True
    """
    idle = idle_pool_bytes()
    trim_pool()
    return idle


def get_num_threads():
    """Return how many threads one replay of a program may use: see `set_num_threads`.

    Returns
    -------
    int
        As `set_num_threads` was told.

    Examples
    --------
    >>> from fastad import get_num_threads
    >>> get_num_threads() >= 1
    True
    """
    return threads()


def set_num_threads(count):
    """Let a replay of a `jit` program use up to this many threads, for its large elementwise parts.

    One at first, or what the environment's `FASTAD_NUM_THREADS` says. For all threads of the process; results do not
    depend on it. Products of matrices are the BLAS's, which has threads of its own.

    Parameters
    ----------
    count : int
        From 1 to 256; more than the machine has processors is of no use.

    Raises
    ------
    ValueError
        For a count outside of these.

    Examples
    --------
    >>> from fastad import get_num_threads, set_num_threads
    >>> set_num_threads(2)
    >>> get_num_threads()
    2
    >>> set_num_threads(1)
    """
    number = _index(count)
    if not 1 <= number <= 256:
        raise ValueError(f"set_num_threads: count must be from 1 to 256, not {number}")
    set_threads(number)


def use_kernels(str name):
    """Choose the instruction set of the kernels: 'baseline', 'avx2' or 'avx512'; ValueError if not here."""
    choose_kernels(name.encode())


def kernels():
    """The instruction set in use."""
    return kernels_name().decode()


def _value_loop(str name, x, y=None):
    """One elementwise loop of the kernels in use over arrays of float64 or float32: for their tests."""
    return value_loop(name.encode(), x, x if y is None else y)
