"""Small functions of the kinds people write, each with a change of the world around it.

Each story is made anew for f itself and for `jit(f)`: it gives the function, what happens after
five calls, and what the function left behind, which must be the same.
"""

from __future__ import annotations

STORIES: dict[str, object] = {}


def story(make):
    STORIES[make.__name__] = make
    return make


class Model:
    pass


def nothing():
    pass
