"""What stands for a list that a function appends to while it is recorded.

A replay appends what the program computes. What the function reads of the list beside that is an
input of the program: how long it is, and single elements, by their places from either end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["LENGTH", "Grown", "Reread", "glance_of", "wanted_of"]

LENGTH = object()  # instead of an index: how long a list is
MOST = 64  # elements from either end that are read


def glance_of(values: list[Any], key: Any) -> Any:
    """What a function reads of a list by this key.

    Raises
    ------
    IndexError
        If there is no such element.
    """
    return list.__len__(values) if key is LENGTH else list.__getitem__(values, key)


class Grown:
    """Stands for a list: it can be appended to, and be read at places that are known before.

    Parameters
    ----------
    kill : callable
        Is told why what is recorded cannot be replayed.
    known : dict
        What was read of the list in earlier calls: `LENGTH` or an index, and a traced value.

    Attributes
    ----------
    items : list
        What has been appended.
    wanted : list
        What should be known as well.
    """

    __slots__ = ("_kill", "items", "known", "wanted")

    def __init__(self, kill: Callable[[str], None], known: dict[Any, Any] | None = None) -> None:
        self.items: list[Any] = []
        self.known = {} if known is None else known
        self.wanted: list[Any] = []
        self._kill = kill

    def append(self, item: Any) -> None:
        self.items.append(item)

    def extend(self, items: Any) -> None:
        self.items.extend(items)

    def length(self) -> Any:
        """How long the list is now: a traced number."""
        return self._look("__len__", LENGTH)[0] + len(self.items)

    def __bool__(self) -> bool:
        return bool(self.items) or bool(self._look("__bool__", LENGTH)[0] > 0)

    def __getitem__(self, key: Any) -> Any:
        if type(key) is int:
            return self._at(key)
        if type(key) is slice and key.step is None and key.stop is None:
            if type(key.start) is int and key.start < 0:
                return self._last(-key.start)
        return self._read("__getitem__")

    def _at(self, key: int) -> Any:
        if key < 0:
            if -key <= len(self.items):
                return self.items[key]
            return self._look("__getitem__", key + len(self.items))[0]
        if key not in self.known:
            length = self._look("__getitem__", LENGTH)[0]
            if not length > key:  # it has been appended
                return self.items[key - int(length)]
        return self._look("__getitem__", key)[0]

    def _last(self, count: int) -> list[Any]:
        older = count - len(self.items)
        if older <= 0:
            return self.items[-count:]
        length = self._look("__getitem__", LENGTH)[0]
        if not length >= older:
            older = int(length)
        return [*self._look("__getitem__", *range(-older, 0)), *self.items]

    def _look(self, name: str, *keys: Any) -> list[Any]:
        """What was read in earlier calls; else it is, from the next call on."""
        missing = [key for key in keys if key not in self.known]
        if not missing:
            return [self.known[key] for key in keys]
        if all(key is LENGTH or -MOST <= key < MOST for key in missing):
            # Who reads one of these reads the others before long.
            self.wanted += dict.fromkeys((*missing, LENGTH, -1))
        self._read(name)
        raise AssertionError  # it has raised an error

    def __getattr__(self, name: str) -> Any:
        return self._read(name)

    def _read(self, name: str) -> Any:
        self._kill(f"it reads a list that it appends to, by {name}")
        raise TypeError(f"a list that is recorded cannot be read by {name}")


def _reader(name: str) -> Any:
    def read(self: Grown, *args: Any) -> Any:
        return self._read(name)

    return read


for _name in (
    *"__add__ __contains__ __delitem__ __eq__ __ge__ __gt__ __iadd__".split(),
    *"__imul__ __iter__ __le__ __len__ __lt__ __mul__ __ne__ __reversed__ __rmul__".split(),
    *"__array__ __copy__ __deepcopy__ __format__ __hash__ __radd__ __reduce_ex__".split(),
    *"__repr__ __setitem__ __str__ __sizeof__".split(),
):
    setattr(Grown, _name, _reader(_name))


class Reread(Grown):
    """Stands for a list in a plain call that is made once more: what is known are plain values.

    What such a call changes in other elements would be changed twice.
    """

    __slots__ = ()

    def __len__(self) -> int:
        return int(self.length())


def wanted_of(lists: Sequence[Grown]) -> list[tuple[int, Any]]:
    """What should be known as well of these lists: which one, and where."""
    return [(i, key) for i, one in enumerate(lists) for key in one.wanted]
