"""Stories of state that is reached through objects made in C, or of this package's own."""

from __future__ import annotations

import copy
import copyreg
import datetime
import functools
import sys
import types

import numpy as onp

import fastad.numpy as np
from fastad import grad, jit, make_jvp, make_vjp
from fastad.extend import defjvp, defvjp, defvjp_argnum, primitive

from . import Stories, calls, inputs, kept, nothing, of, setting, space

STORIES = Stories()
REPLAYED = Stories()  # these are replayed, at least after their last change
story = STORIES.add
replayed = STORIES.beside(REPLAYED)


class Scale:
    def __init__(self):
        self.k = 1.0

    def __call__(self, x):
        return x * self.k

    def times(self, x):
        return x * self.k

    def vjp(self, ans, x):
        return lambda g: g * self.k

    def jvp(self, g, ans, x):
        return g * self.k

    def vjp_of_any(self, argnum, ans, args, kwargs):
        return lambda g: g * self.k


class ScaledRule(Scale):
    def __call__(self, ans, x):
        return lambda g: g * self.k


def doubled():
    @primitive
    def p(x):
        return x * 2.0

    return p


# functions that objects made in C call


@replayed
def a_ufunc_of_an_object():
    scale = Scale()
    ufunc = onp.frompyfunc(scale, 1, 1)
    return lambda x: np.sum(x) * float(ufunc(2.0)), calls(setting(scale, k=3.0)), of(scale)


@replayed
def a_ufunc_of_a_method():
    scale = Scale()
    ufunc = onp.frompyfunc(scale.times, 1, 1)
    return lambda x: np.sum(x) * float(ufunc(2.0)), calls(setting(scale, k=3.0)), of(scale)


@replayed
def a_ufunc_of_a_dict():
    table = {"a": 1.0}
    ufunc = onp.frompyfunc(table.get, 1, 1)
    return lambda x: np.sum(x) * float(ufunc("a")), calls(lambda: table.update(a=3.0)), nothing


@replayed
def a_ufunc_as_an_argument():
    scale = Scale()
    ufunc = onp.frompyfunc(scale, 1, 1)
    xs = inputs(14)
    steps = [(x, ufunc) for x in xs]
    steps.insert(7, setting(scale, k=3.0))
    return lambda x, u: np.sum(x) * float(u(2.0)), steps, of(scale)


class Zone(datetime.tzinfo):
    def __init__(self):
        self.hours = 1

    def utcoffset(self, when):
        return datetime.timedelta(hours=self.hours)

    def dst(self, when):
        return None

    def tzname(self, when):
        return "Z"


def seconds_of(when):
    return when.utcoffset().total_seconds()


@replayed
def a_time_in_a_zone():
    zone = Zone()
    noon = datetime.time(12, tzinfo=zone)
    return lambda x: np.sum(x) * seconds_of(noon), calls(setting(zone, hours=3)), nothing


@replayed
def a_date_and_time_in_a_zone():
    zone = Zone()
    noon = datetime.datetime(2000, 1, 1, 12, tzinfo=zone)
    return lambda x: np.sum(x) * seconds_of(noon), calls(setting(zone, hours=3)), nothing


@story
def a_time_in_a_zone_as_an_argument():
    zone = Zone()
    noon = datetime.time(12, tzinfo=zone)
    steps = [(x, noon) for x in inputs(14)]
    steps.insert(7, setting(zone, hours=3))
    return lambda x, when: np.sum(x) * seconds_of(when), steps, nothing


@story
def a_class_in_an_alias():
    class Rated:
        k = 1.0

    alias = list[Rated]
    return lambda x: np.sum(x) * alias.__args__[0].k, calls(setting(Rated, k=3.0)), nothing


@story
def a_class_behind_an_alias():
    class Rated:
        k = 1.0

    alias = types.GenericAlias(Rated, (int,))
    return lambda x: np.sum(x) * alias.k, calls(setting(Rated, k=3.0)), nothing


@story
def a_class_in_a_union():
    class Rated:
        k = 1.0

    union = Rated | None
    return lambda x: np.sum(x) * union.__args__[0].k, calls(setting(Rated, k=3.0)), nothing


@replayed
def metadata_of_a_dtype():
    rates = [1.0]
    dtype = onp.dtype("f8", metadata={"rates": rates})

    def f(x):
        return np.sum(x) * dtype.metadata["rates"][0]

    return f, calls(lambda: rates.__setitem__(0, 2.0)), nothing


@replayed
def metadata_of_an_array():
    rates = [1.0]
    table = onp.zeros(3, onp.dtype("f8", metadata={"rates": rates}))

    def f(x):
        return np.sum(x) * table.dtype.metadata["rates"][0]

    return f, calls(lambda: rates.__setitem__(0, 2.0)), nothing


@story
def metadata_of_an_argument():
    def given(k):
        return onp.zeros(3, onp.dtype("f8", metadata={"k": k}))

    xs = inputs(14)
    steps = [(x, given(1.0)) for x in xs[:7]] + [(x, given(2.0)) for x in xs[7:]]
    return lambda x, table: np.sum(x) * table.dtype.metadata["k"], steps, nothing


@story
def names_of_fields():
    table = onp.zeros(3, [("a", "f8")])

    def rename():
        table.dtype.names = ("rate",)

    return lambda x: np.sum(x) * len(table.dtype.names[0]), calls(rename), nothing


# what stands in for what is not there, and what cannot be written


@story
def an_attribute_that_a_module_makes():
    module = types.ModuleType("made_for_a_story")
    rates = [2.0]

    def made(name):
        if name != "rate":
            raise AttributeError(name)
        return rates[0]

    module.__getattr__ = made

    def f(x):
        import made_for_a_story

        return x * made_for_a_story.rate

    def begin():
        sys.modules["made_for_a_story"] = module

    changes = (lambda: rates.__setitem__(0, 5.0), setting(module, rate=3.0))
    return f, [begin, *calls(*changes)], nothing


@story
def an_attribute_that_a_module_gets():
    module = types.ModuleType("made_for_another_story")

    def f(x):
        import made_for_another_story

        return x * getattr(made_for_another_story, "rate", 2.0)

    def begin():
        vars(module).pop("rate", None)
        sys.modules["made_for_another_story"] = module

    return f, [begin, *calls(setting(module, rate=3.0))], nothing


@story
def the_state_of_a_partial():
    def times(x, k):
        return x * k

    partial = functools.partial(times, k=2.0)

    def other():
        partial.__setstate__((times, (), {"k": 9.0}, {}))

    return lambda x: partial(x), calls(lambda: partial.keywords.update(k=5.0), other), nothing


@story
def an_object_that_counts_who_looks():
    class Counting:
        def __init__(self):
            self.reads = 0
            self.w = 1.0

        def __getattribute__(self, name):
            space = object.__getattribute__(self, "__dict__")
            space["reads"] += 1
            return space[name]

    m = Counting()

    def f(x):
        m.w = m.w * 0.5 + np.sum(x)
        return m.w

    return f, calls(), lambda: dict(object.__getattribute__(m, "__dict__"))


class Reducing(Scale):
    def reduce(self, copied):
        return float, (self.k,)


@story
def an_object_that_nothing_leads_to():
    class Copied:
        pass

    scale, copied = Reducing(), Copied()
    copyreg.pickle(Copied, scale.reduce)
    return lambda x: np.sum(x) * copy.copy(copied), calls(setting(scale, k=3.0)), of(scale)


# rules of primitives


@replayed
def a_rule_that_is_a_method():
    scale, p = Scale(), doubled()
    defvjp(p, scale.vjp)
    return grad(lambda x: np.sum(p(x) * x)), calls(setting(scale, k=3.0)), of(scale)


@replayed
def a_rule_that_is_an_object():
    scale, p = ScaledRule(), doubled()
    defvjp(p, scale)
    return grad(lambda x: np.sum(p(x) * x)), calls(setting(scale, k=3.0)), of(scale)


@replayed
def a_rule_that_is_a_partial():
    scale, p = [1.0], doubled()
    defvjp(p, functools.partial(lambda scale, ans, x: lambda g: g * scale[0], scale))
    return grad(lambda x: np.sum(p(x) * x)), calls(lambda: scale.__setitem__(0, 3.0)), nothing


@replayed
def a_rule_for_any_argument():
    scale, p = Scale(), doubled()
    defvjp_argnum(p, scale.vjp_of_any)
    return grad(lambda x: np.sum(p(x) * x)), calls(setting(scale, k=3.0)), of(scale)


@replayed
def a_forward_rule_that_is_a_method():
    scale, p = Scale(), doubled()
    defjvp(p, scale.jvp)

    def f(x):
        return make_jvp(lambda y: np.sum(p(y) * y))(x)(onp.ones(4))

    return f, calls(setting(scale, k=3.0)), of(scale)


# attributes that users give to functions of this package


def beside(make, name):
    def build():
        function = make(lambda y: y * 2.0)
        function.rate = 1.0

        def f(x):
            return function(x[0]) * function.rate

        def counting(x):
            function.count += 1
            return function(x[0]) * function.count

        if name.endswith("counter"):
            function.count = 0
            return counting, calls(setting(function, count=0)), lambda: function.count
        return f, calls(setting(function, rate=3.0)), nothing

    build.__name__ = name
    if name == "a_primitive_with_a_counter":  # its own code may read the counter
        story(build)
    else:
        replayed(build)


beside(primitive, "an_attribute_of_a_primitive")
beside(jit, "an_attribute_of_a_replayed_function")
beside(grad, "an_attribute_of_a_gradient")
beside(primitive, "a_primitive_with_a_counter")
beside(jit, "a_replayed_function_with_a_counter")
beside(grad, "a_gradient_with_a_counter")


@replayed
def an_attribute_of_its_own():
    @jit
    def f(x):
        return np.sum(x) * f.rate

    f.rate = 1.0
    return f.__wrapped__, calls(setting(f, rate=3.0)), nothing


@story
def the_tape_of_a_captured_vjp():
    point = onp.ones(4)
    vjp, _ = make_vjp(lambda x: np.sum(np.sin(x) * x))(point)
    return lambda x: vjp(np.sum(x)), calls(lambda: point.fill(5.0)), nothing


@story
def the_object_of_a_captured_jvp():
    scale = Scale()
    jvp = make_jvp(scale)(onp.ones(4))
    return lambda x: jvp(x)[1], calls(setting(scale, k=3.0)), nothing


# primitives that change state now and then: when they did not while they were recorded


def rare(kind, more, then, name):
    """A story of a primitive that changes state of a kind at some of its arguments."""

    def build():
        m = space(k=0.0, table=[1.0, 2.0], known={"a": 1.0}, w=onp.ones(4), seen=set(), log=[0.0])

        @primitive
        def p(x):
            if x[0] > 1.7:
                if kind == "a_number":
                    m.k += 1.0
                elif kind == "an_element":
                    m.table[0] += 1.0
                elif kind == "a_longer_list":
                    m.table.append(1.0)
                elif kind == "an_entry":
                    m.known["a"] += 1.0
                elif kind == "a_new_entry":
                    m.known[len(m.known)] = 1.0
                elif kind == "an_array_in_place":
                    m.w += 1.0
                elif kind == "another_array":
                    m.w = m.w + 1.0
                elif kind == "a_set":
                    m.seen.add(len(m.seen))
                elif kind == "a_new_attribute":
                    m.rare = float(x[0])
                elif kind == "a_history":
                    m.log.append(float(x[0]))
            return x * 2.0

        def f(x):
            return then(m, more(m, np.sum(p(x))))

        return f, calls(n=25), lambda: kept(vars(m))

    build.__name__ = f"{kind}_{name}now_and_then"
    story(build)


KINDS = """
    a_number an_element a_longer_list an_entry a_new_entry an_array_in_place another_array a_set
    a_new_attribute a_history
""".split()


def as_it_is(m, y):
    return y


def reads_all(m, y):
    lengths = len(m.known) + len(m.seen) + len(m.log)
    return y + m.k + m.table[0] + m.known["a"] + np.sum(m.w) + lengths


def decays(m, y):
    m.w *= 0.9
    return y + np.sum(m.w)


def branches(m, y):
    return y * 2.0 if y > 9.0 else y


for kind in KINDS:
    rare(kind, as_it_is, as_it_is, "")
    rare(kind, reads_all, as_it_is, "that_is_read_")
    rare(kind, reads_all, decays, "beside_state_")
    rare(kind, as_it_is, branches, "beside_a_branch_")


# ways of which only some keep what they are given, or write in place


@replayed
def one_way_keeps_its_argument():
    m = space(log=[0.0], k=0)

    def f(x):
        m.k += 1
        if np.sum(x) > 5.0:
            m.log.append(x)
        else:
            m.log.append(np.sum(x))
        return np.sum(x) * m.k

    return f, calls(n=30), of(m)


@story
def an_argument_that_is_the_state_while_it_is_recorded():
    m = space(w=onp.ones(4), log=[0.0])

    def f(x):
        m.log.append(float(x[0]))
        return [x, m.w]

    xs = inputs(10)
    return f, [(xs[0],), *((m.w,) for _ in range(6)), *((x,) for x in xs)], of(m)


@replayed
def one_way_writes_in_place():
    m = space(w=onp.ones(4), v=onp.ones(4))

    def f(x):
        if np.sum(x) > 5.0:
            m.w += x
        else:
            m.w = m.w - x
        return np.sum(m.w * m.v)

    def share():
        m.v = m.w

    return f, calls(share, lambda: setattr(m, "v", m.w[::-1]), n=25), of(m)
