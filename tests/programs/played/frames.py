"""Frames and series of pandas that a function captures, makes, or changes."""

import datetime
import io
import warnings

import numpy as onp
import pandas as pd

import fastad.numpy as np
from fastad import value_and_grad

from . import Stories, calls, nothing, setting

STORIES = Stories()
story = STORIES.add
REPLAYED = Stories()


def table():
    return pd.DataFrame(
        {
            "x": onp.arange(4.0),
            "y": onp.array([1.0, 3.0, 2.0, 5.0]),
            "n": onp.arange(4),
            "kind": ["a", "b", "a", "c"],
            "level": pd.Categorical(["low", "high", "low", "low"]),
            "day": pd.date_range("2024-01-01", periods=4),
            "gap": pd.array([1, 2, None, 4], dtype="Int64"),
        }
    )


def by_values(df, x):
    return np.sum((df["y"].values - df["x"].to_numpy() * x) ** 2)


def by_operators(df, x):
    return np.sum((df["y"] * 2 + df.x - x) ** 2)


def by_groups(df, x):
    means = df.groupby("kind")["y"].mean()
    return np.sum(x) * sum(means[key] for key in df["kind"]) + np.sum(x**2)


def by_labels(df, x):
    dummies = pd.get_dummies(df["level"]).to_numpy(dtype=float)
    days = (df["day"] - df["day"].iloc[0]).dt.days.to_numpy()
    return np.sum((dummies @ np.array([x[0], x[1]]) + days * x) ** 2)


def by_rows(df, x):
    rows = enumerate(df.itertuples())
    return sum((row.y - x[i] * row.x) ** 2 for i, row in rows) * float(df["gap"].sum())


def element(df):
    df.loc[1, "y"] = 7.0


def column(df):
    df["y"] = df["y"] * 2


def order(df):
    df.sort_values("y", inplace=True)


def names(df):
    df.rename(columns={"x": "y", "y": "x"}, inplace=True)


def words(df):
    df.loc[0, "kind"] = "c"


def category(df):
    df.loc[0, "level"] = "high"


def date(df):
    df.loc[3, "day"] = pd.Timestamp("2024-02-01")


def gap(df):
    df.loc[2, "gap"] = 9


def one_more_column(df):
    df["z"] = 1.0


WAYS = (by_values, by_operators, by_groups, by_labels, by_rows)
CHANGES = (element, column, order, names, words, category, date, gap, one_more_column)


def frame_story(way, change, wrap):
    def make():
        df = table()
        f = wrap(lambda x: way(df, x))
        return f, calls(lambda: change(df)), nothing

    make.__name__ = f"{way.__name__}_then_{change.__name__}_{wrap.__name__}"
    REPLAYED.add(story(make))


def as_it_is(f):
    return f


for way in WAYS:
    for change in CHANGES:
        frame_story(way, change, value_and_grad)
frame_story(by_values, element, as_it_is)


@story
def series_captured():
    s = pd.Series([1.0, 2.0, 3.0, 4.0])

    def f(x):
        return np.sum(s.cumsum().values * x)

    def change():
        s.iloc[0] = 5.0

    return f, calls(change), nothing


@story
def large_column():
    df = pd.DataFrame({"y": onp.arange(200_000.0)})

    def f(x):
        return np.sum(x) * df["y"].mean()

    def change():
        df.iloc[1234, 0] = 1e9

    return f, calls(change), nothing


@story
def frame_with_an_attribute():
    df = table()
    df.attrs["rate"] = 2.0

    def f(x):
        return np.sum(x) * df.attrs["rate"]

    return f, calls(lambda: df.attrs.update(rate=3.0)), nothing


@story
def frame_of_objects():
    held = [1.0]
    df = pd.DataFrame({"o": pd.Series([held, held], dtype=object)})

    def f(x):
        return np.sum(x) * df["o"].iloc[0][0]

    return f, calls(lambda: held.__setitem__(0, 3.0)), nothing


@story
def frame_of_a_class_of_its_own():
    class Table(pd.DataFrame):
        rate = 2.0

    df = Table(table())

    def f(x):
        return np.sum(x) * df.rate * df["y"].mean()

    return f, calls(setting(Table, rate=3.0)), nothing


@story
def frame_made_by_the_call():
    rows = onp.arange(8.0).reshape(4, 2)

    def f(x):
        df = pd.DataFrame(rows, columns=["a", "b"])
        df["c"] = df.a * df.b
        return np.sum(df["c"].rolling(2).mean().fillna(0.0).to_numpy() * x)

    return f, calls(lambda: rows.__setitem__((1, 1), 9.0)), nothing


@story
def frame_changed_by_the_call():
    df = table()

    def f(x):
        df.loc[0, "y"] += 1.0
        return np.sum(x) * df["y"].sum()

    return f, calls(), lambda: df["y"].sum()


@story
def apply_that_closes_over_state():
    df, rate = table(), [2.0]

    def f(x):
        return np.sum(df["y"].apply(lambda y: y * rate[0]).to_numpy() * x)

    return f, calls(lambda: rate.__setitem__(0, 3.0)), nothing


@story
def query_by_a_local_variable():
    df, least = table(), [1.5]

    def f(x):
        bound = least[0]  # noqa: F841
        return np.sum(x) * df.query("y > @bound")["y"].sum()

    return f, calls(lambda: least.__setitem__(0, 2.5)), nothing


@story
def query_by_a_global_variable():
    df = table()

    globals()["bound"] = 1.5

    def f(x):
        return np.sum(x) * df.query("y > @bound")["y"].sum()

    return f, calls(lambda: globals().update(bound=2.5)), nothing


@story
def samples():
    df = table()

    def f(x):
        return np.sum(x) * df.sample(1)["y"].iloc[0]

    return f, [lambda: onp.random.seed(3), *calls()], onp.random.random


@story
def samples_of_a_generator():
    df, rng = table(), onp.random.default_rng(3)

    def f(x):
        return np.sum(x) * (2.0 if df.sample(1, random_state=rng)["y"].iloc[0] > 4 else 1.0)

    return f, calls(), rng.random


@story
def text_that_is_read():
    text = ["y\n1\n2\n"]

    def f(x):
        return np.sum(x) * pd.read_csv(io.StringIO(text[0]))["y"].sum()

    return f, calls(lambda: text.__setitem__(0, "y\n3\n4\n")), nothing


@story
def days_until_today():
    def f(x):
        today = pd.Timestamp("now").normalize()
        return np.sum(x) * float((today - pd.Timestamp(datetime.date.today())).days + 1)

    return f, calls(), nothing


@story
def options_of_pandas():
    s = pd.Series([1.0, onp.nan, 3.0])

    def f(x):
        return np.sum(x) * len(repr(s))

    def change():
        pd.set_option("display.precision", 2)

    return f, calls(change), lambda: pd.reset_option("display.precision")


@story
def option_that_is_asked_for():
    def f(x):
        return np.sum(x) * pd.get_option("display.precision")

    def change():
        pd.set_option("display.precision", 2)

    return f, calls(change), lambda: pd.reset_option("display.precision")


REPLAYED.add(option_that_is_asked_for)


@story
def option_that_a_function_of_pandas_reads():
    def f(x):
        df = pd.DataFrame({"kind": ["a", "b"]})
        return np.sum(x) * (2.0 if df["kind"].dtype == object else 1.0)

    def change():
        before = pd.get_option("future.infer_string")
        pd.set_option("future.infer_string", not before)

    return f, calls(change), lambda: pd.reset_option("future.infer_string")


class Rated:
    rate = 2.0

    def __init__(self, data):
        self.data = data

    def total(self):
        return float(onp.sum(self.data.to_numpy(dtype=float))) * self.rate


def accessor_story(name, read):
    def make():
        for register in (
            pd.api.extensions.register_dataframe_accessor,
            pd.api.extensions.register_series_accessor,
        ):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it is registered again
                register("rated")(Rated)
        df = pd.DataFrame({"a": [1.0, 2.0]})

        def f(x):
            return np.sum(x) * read(df)

        return f, calls(setting(Rated, rate=3.0)), lambda: setattr(Rated, "rate", 2.0)

    make.__name__ = f"accessor_of_{name}"
    REPLAYED.add(story(make))


accessor_story("a_frame", lambda df: df.rated.total())
accessor_story("a_column", lambda df: df["a"].rated.total())
accessor_story("a_frame_that_is_made", lambda df: pd.DataFrame({"a": [1.0, 2.0]}).rated.total())


def names_story(name, read, change):
    def make():
        df = table()

        def f(x):
            return np.sum(x) * read(df)

        return f, calls(lambda: change(df)), nothing

    make.__name__ = f"{name}_that_is_set"
    REPLAYED.add(story(make))


names_story(
    "name_of_an_index",
    lambda df: 1.0 if df.index.name is None else 2.0,
    lambda df: setattr(df.index, "name", "row"),
)
names_story(
    "name_of_columns",
    lambda df: 1.0 if df.columns.name is None else 2.0,
    lambda df: setattr(df.columns, "name", "field"),
)
names_story(
    "flag",
    lambda df: 1.0 if df.flags.allows_duplicate_labels else 2.0,
    lambda df: setattr(df.flags, "allows_duplicate_labels", False),
)


@story
def frequency_that_is_set():
    s = pd.Series(onp.ones(4), index=pd.date_range("2024-01-01", periods=4))

    def f(x):
        return np.sum(x) * (1.0 if s.index.freq is None else 2.0)

    return f, calls(setting(s.index, freq=None)), nothing


@story
def labels_in_memory_of_the_users():
    days = onp.arange(4.0)
    s = pd.Series(onp.ones(4), index=pd.Index(days, copy=False))

    def f(x):
        return np.sum(x) * float(s.index.to_numpy().sum())

    return f, calls(lambda: days.__setitem__(0, 9.0)), nothing


REPLAYED.add(labels_in_memory_of_the_users)
