"""Programs of operators and orders, containers, complex numbers, primitives of the user's."""

from __future__ import annotations

import numpy
from programs_for_both import draw, program


@program
def orders_of_an_array_function(np, ad):
    f = np.tanh
    x = draw(5)
    out = []
    for _ in range(5):
        f = ad.elementwise_grad(f)
        out.append(f(x))
    return out


@program
def mixed_partials(np, ad):
    def f(x, y):
        return np.exp(x * y) * np.sin(x + 2 * y)

    fxy = ad.grad(ad.grad(f, 0), 1)
    fyx = ad.grad(ad.grad(f, 1), 0)
    return [fxy(0.3, 0.8), fyx(0.3, 0.8), ad.grad(ad.grad(fxy, 0), 1)(0.3, 0.8)]


@program
def inner_gradient_closes_over_the_outer(np, ad):
    def outer(x):
        def inner(y):
            return np.sin(x * y) + x * y**2

        return ad.grad(inner)(x * 2.0) * x + ad.grad(ad.grad(inner))(x)

    return [outer(0.9), ad.grad(outer)(0.9), ad.grad(ad.grad(outer))(0.9)]


@program
def perturbation_confusion(np, ad):
    return ad.grad(lambda x: x * ad.grad(lambda y: x + y)(1.0))(1.0)


@program
def gradient_descent_is_differentiated(np, ad):
    def loss(w, penalty):
        return np.sum((np.dot(draw(6, 3), w) - draw(6)) ** 2) + penalty * np.sum(w**2)

    def validation(penalty):
        w = np.zeros(3)
        for _ in range(10):
            w = w - 0.05 * ad.grad(loss)(w, penalty)
        return np.sum((np.dot(draw(4, 3), w) - draw(4)) ** 2)

    return ad.value_and_grad(validation)(0.3)


@program
def forward_mode(np, ad):
    def f(x):
        return np.sin(x) * np.sum(x**2) + np.dot(draw(3, 3), x)

    x, v = draw(3), draw(3) + 1
    g = ad.grad(lambda x: np.sum(f(x) ** 2))
    return [list(ad.make_jvp(f)(x)(v)), list(ad.make_jvp(g)(x)(v))]


@program
def products_with_derivatives(np, ad):
    def f(x):
        return np.array([np.sum(x**3), np.prod(np.cos(x)), x[0] * x[1]])

    def scalar(x):
        return np.sum(np.sin(f(x)))

    x, v = draw(3), draw(3) + 1
    return [
        ad.hessian_vector_product(scalar)(x, v),
        ad.hessian_tensor_product(scalar)(x, v),
        ad.vector_jacobian_product(f)(x, v),
        ad.tensor_jacobian_product(f)(x, v),
        ad.make_ggnvp(f)(x)(v),
        ad.make_jvp_reversemode(f)(x)(v),
        ad.make_hvp(scalar)(x)[0](v),
    ]


@program
def vjp_is_called_again_and_again(np, ad):
    vjp, value = ad.make_vjp(lambda x: np.sin(x) * x[::-1])(draw(4))
    return [value, vjp(draw(4)), vjp(numpy.ones(4)), vjp(draw(4))]


@program
def operators_with_names(np, ad):
    def f(x, y, scale=2.0):
        return scale * np.sum(x * np.sin(y))

    named = ad.grad_named(f, "y")(draw(3), draw(3))
    pair = ad.grad_and_aux(lambda x: (np.sum(x**2), np.cos(x)))(draw(3))
    return [named, list(pair), ad.deriv(np.sin)(0.4)]


@program
def several_arguments_at_once(np, ad):
    def f(x, y, z):
        return np.sum(x * y) + z["w"] * np.sum(y**2) if isinstance(z, dict) else np.sum(x * y * z)

    return [
        ad.grad(f, (0, 2))(draw(3), draw(3), 2.0),
        ad.value_and_grad(f, (1, 0))(draw(3), draw(3), {"w": 2.0}),
    ]


@program
def checkpointed(np, ad):
    def f(x):
        return np.sum(np.sin(np.exp(np.tanh(x))))

    held = ad.checkpoint(f)
    return [ad.grad(held)(draw(4)), ad.grad(lambda x: held(x) ** 2)(draw(4))]


@program
def jacobian_of_matrices(np, ad):
    def f(x):
        return np.dot(x, x.T) * np.sum(x)

    return [ad.jacobian(f)(draw(2, 3)), ad.jacobian(lambda x: f(x)[0])(draw(2, 3))]


@program
def nested_containers(np, ad):
    def f(p):
        first, (second, third) = p["pair"]
        return np.sum(first * second) + third**2 + sum(np.sum(v) ** 2 for v in p["list"])

    return ad.grad(f)({"pair": (draw(3), (draw(3), 2.0)), "list": [draw(2), 1.5, draw(2, 2)]})


@program
def containers_made_inside(np, ad):
    def f(x):
        table = {"a": x, "b": x**2}
        table["c"] = table["a"] * table["b"]
        series = [table[k] for k in sorted(table)]
        series.append(np.sin(x))
        later = tuple(v * 2 for v in series)
        return sum(later) + later[-1] * series[0]

    return ad.grad(f)(0.7)


@program
def a_part_that_is_not_used(np, ad):
    def f(p):
        return np.sum(p["used"] ** 2)

    return ad.grad(f)({"used": draw(3), "idle": draw(2), "number": 1.0})


@program
def complex_step_through_a_real_function(np, ad):
    def f(x):
        z = np.exp(1j * x) * (1 + 2j * x)
        return np.sum(np.real(z) ** 2 + np.imag(z) + np.abs(z) + np.angle(z))

    return [ad.grad(f)(0.4), ad.grad(f)(draw(3)), ad.grad(ad.grad(f))(0.4)]


@program
def holomorphic(np, ad):
    def f(z):
        return np.sin(z) * np.exp(z) / (1 + z**2)

    return [
        ad.holomorphic_grad(f)(0.3 + 0.8j),
        ad.holomorphic_grad(ad.holomorphic_grad(f))(0.3 + 0.8j),
    ]


@program
def complex_gradient_of_a_real_loss(np, ad):
    def f(z):
        return np.real(np.sum(z * np.conj(z))) + np.imag(np.sum(z**3)) + np.abs(z[0])

    return ad.grad(f)(draw(3) + 1j * draw(3)[::-1])


@program
def mandelbrot_orbit(np, ad):
    def f(x, y):
        c = x + 1j * y
        z = 0.0
        for _ in range(6):
            z = z * z + c
        return np.abs(z) ** 2

    return [ad.grad(f, i)(0.1, 0.4) for i in (0, 1)]


@program
def own_primitive(np, ad):
    @ad.extend.primitive
    def softplus(x):
        return numpy.log1p(numpy.exp(x))

    ad.extend.defvjp(softplus, lambda ans, x: lambda g: g / (1 + np.exp(-x)))
    ad.extend.defjvp(softplus, lambda g, ans, x: g / (1 + np.exp(-x)))

    def f(x):
        return np.sum(softplus(x) * softplus(-x))

    return [
        ad.grad(f)(draw(4)),
        ad.hessian(f)(draw(4)),
        ad.grad(softplus)(0.3),
        list(ad.make_jvp(f)(draw(4))(draw(4))),
    ]


@program
def own_primitive_of_two_arguments(np, ad):
    @ad.extend.primitive
    def scaled_norm(x, y, power=2):
        return numpy.sum(y * numpy.abs(x) ** power)

    ad.extend.defvjp(
        scaled_norm,
        lambda ans, x, y, power=2: lambda g: g * y * power * np.abs(x) ** (power - 1) * np.sign(x),
        lambda ans, x, y, power=2: lambda g: g * np.abs(x) ** power,
    )
    return [ad.grad(scaled_norm, i)(draw(3), draw(3) + 2, power=3) for i in (0, 1)]
