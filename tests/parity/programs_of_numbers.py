"""Programs of numbers: loops, branches, recursion."""

from __future__ import annotations

import numpy
from programs_for_both import program


@program
def newton_root(np, ad):
    def root(a):
        x = a
        for _ in range(8):
            x = 0.5 * (x + a / x)
        return x

    return [f(3.0) for f in (root, ad.grad(root), ad.grad(ad.grad(root)))]


@program
def while_loop_until_small(np, ad):
    def f(x):
        n = 0
        while np.abs(x) > 1e-3:
            x = np.sin(x) * 0.7
            n += 1
        return x * n

    return [ad.value_and_grad(f)(x) for x in (0.3, 1.0, -2.0)]


@program
def recursion(np, ad):
    def power(x, n):
        if n == 0:
            return 1.0
        half = power(x, n // 2)
        return half * half * (x if n % 2 else 1.0)

    return [ad.grad(power)(1.1, n) for n in (1, 2, 7, 20)]


@program
def recursive_tree(np, ad):
    def tree(x, depth):
        if depth == 0:
            return np.sin(x)
        return tree(x * 0.5, depth - 1) * tree(x + 1.0, depth - 1)

    return [ad.value_and_grad(tree)(0.7, d) for d in range(5)]


@program
def continued_fraction(np, ad):
    def f(x):
        y = x
        for i in range(30, 0, -1):
            y = x + i / y
        return 1.0 / y

    return [ad.grad(f)(0.8), ad.grad(ad.grad(f))(0.8), ad.grad(ad.grad(ad.grad(f)))(0.8)]


@program
def all_python_operators(np, ad):
    def f(x, y):
        z = x - (-y)
        z = z + 2 - 3.0 + (4 - z) + (1.5 + z)
        z = z * 2 * z / 3 / y + 1 / x
        z = z**2 + x**y + 2.0**x + y**3
        return abs(z) + x % 0.7 + (x > y) * z

    return [ad.grad(f, i)(1.3, 0.4) for i in (0, 1)]


@program
def number_of_every_unary(np, ad):
    names = "sin cos tan exp log sqrt tanh sinh cosh arctan arcsinh expm1 log1p square reciprocal"
    return [
        [d(0.6) for d in (f, ad.grad(f), ad.grad(ad.grad(f)))]
        for f in (getattr(np, name) for name in names.split())
    ]


@program
def lorenz(np, ad):
    def f(start):
        x, y, z = start
        for _ in range(40):
            dx, dy, dz = 10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z
            x, y, z = x + 0.005 * dx, y + 0.005 * dy, z + 0.005 * dz
        return x * y + z

    return ad.grad(f)([1.0, 2.0, 20.0])


@program
def runge_kutta_of_an_array(np, ad):
    def f(y, rate):
        def slope(y):
            return np.array([y[1], -rate * np.sin(y[0])])

        for _ in range(20):
            a = slope(y)
            b = slope(y + 0.05 * a)
            c = slope(y + 0.05 * b)
            d = slope(y + 0.1 * c)
            y = y + 0.1 / 6 * (a + 2 * b + 2 * c + d)
        return y

    y = numpy.array([1.0, 0.0])
    return [
        ad.jacobian(f)(y, 2.0),
        ad.jacobian(f, 1)(y, 2.0),
        ad.grad(lambda r: np.sum(f(y, r)))(2.0),
    ]


@program
def determinant_by_minors(np, ad):
    def det(m):
        if len(m) == 1:
            return m[0][0]
        total = 0.0
        for j in range(len(m)):
            rest = [[row[k] for k in range(len(m)) if k != j] for row in m[1:]]
            total = total + (-1.0) ** j * m[0][j] * det(rest)
        return total

    return ad.grad(det)([[2.0, 1.0, 0.5], [-1.0, 3.0, 0.25], [0.5, 1.5, 4.0]])


@program
def golden_search_inside(np, ad):
    """The minimiser of (x - a)^2 + x^4 by Newton's method; it is differentiated itself."""

    def argmin(a):
        x = 0.5
        for _ in range(12):
            x = x - (2 * (x - a) + 4 * x**3) / (2 + 12 * x**2)
        return x

    return [argmin(1.3), ad.grad(argmin)(1.3), ad.grad(ad.grad(argmin))(1.3)]
