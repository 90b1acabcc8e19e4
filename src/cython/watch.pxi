# Watch: slots over the state that executed code reads, and the observer of what was executed.
#
# fastad/programs/watch.py finds what there is to watch; here it is compared.

cimport cython
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

cdef extern from "python/slots.hpp" namespace "fastad::python":
    cdef enum class SlotKind(unsigned char):
        Cell
        Entry
        Keys
        Items
        Type
        Mro
        Code
        Defaults
        KwDefaults
        Member
        Space
        Array
        Call

    cdef cppclass SlotTable:
        cbool unchanged() except *
        cbool holds(size_t) except *
        size_t size()
        Py_ssize_t add(SlotKind, PyObject*, PyObject*, PyObject**) except -1
        cbool refresh(size_t, PyObject**) except 0
        PyObject* current(size_t) except? NULL
        void ignore(size_t, cbool)
        void expect(size_t, PyObject*)
        const vector[char]* contents(size_t)
        @staticmethod
        PyObject* any()
    void set_slots_access(SlotTable* (*)(object) noexcept)
    cbool c_same_constant "fastad::python::same_constant"(PyObject*, PyObject*)


cdef extern from "python/observer.hpp" namespace "fastad::python":
    cdef cppclass CObserver "fastad::python::Observer":
        CObserver(PyObject*, cbool)
        uint64_t way()
        void start() except +
        void stop()
        void clear()
        object codes()
        object calls()


anything = <object>SlotTable.any()  # stands in a slot for an element that is not compared


def same_constant(a, b):
    """True for equal numbers, strings or tuples of these, of the same type and with the same bits."""
    return c_same_constant(<PyObject*>a, <PyObject*>b)


cdef dict _kind_names = {
    <int>SlotKind.Cell: "cell", <int>SlotKind.Entry: "entry",
    <int>SlotKind.Keys: "keys", <int>SlotKind.Items: "items", <int>SlotKind.Array: "content",
    <int>SlotKind.Member: "member",
}


@cython.no_gc_clear
cdef class Slots:
    """Places that hold what executed code reads, and what they held when they were added.

    Each method that adds a place returns its number.
    """

    cdef SlotTable* table
    cdef list kinds
    cdef list owned  # holder, key, expected of each slot: the table borrows them

    def __cinit__(self):
        self.table = new SlotTable()
        self.owned = []
        self.kinds = []

    def __dealloc__(self):
        del self.table

    cdef Py_ssize_t add(self, SlotKind kind, holder, key) except -1:
        cdef PyObject* expected = NULL
        cdef PyObject* place = NULL
        if key is not None:
            place = <PyObject*>key
        cdef Py_ssize_t number = self.table.add(kind, <PyObject*>holder, place, &expected)
        self.kinds.append(_kind_names.get(<int>kind, "other"))
        self.owned.append((holder, key))
        self.owned.append(None)
        self.keep(number, expected)
        return number

    cdef keep(self, Py_ssize_t number, PyObject* expected):
        if expected is NULL:
            self.owned[2 * number + 1] = None
        else:
            self.owned[2 * number + 1] = <object>expected
            Py_DECREF(<object>expected)

    def cell(self, cell): return self.add(SlotKind.Cell, cell, None)

    def entry(self, mapping, key):
        """One key of a dict, or of a class's own dict, that need not be there."""
        return self.add(SlotKind.Entry, mapping, key)

    def keys(self, mapping, names=None):
        """All keys of a dict or class in their order, and the values of those among `names` (None: all)."""
        return self.add(SlotKind.Keys, mapping, names)

    def items(self, sequence):
        """The elements of a list."""
        if not isinstance(sequence, list):
            raise TypeError(f"items() takes a list, not {sequence!r}")
        return self.add(SlotKind.Items, sequence, None)

    def type(self, object_): return self.add(SlotKind.Type, object_, None)
    def mro(self, cls): return self.add(SlotKind.Mro, cls, None)

    def function(self, function):
        """A function's code and defaults: three slots; the first one's number."""
        cdef Py_ssize_t number = self.add(SlotKind.Code, function, None)
        self.add(SlotKind.Defaults, function, None)
        self.add(SlotKind.KwDefaults, function, None)
        return number

    def space(self, object_):
        """The dict that holds an object's attributes."""
        return self.add(SlotKind.Space, object_, None)

    def member(self, object_, descriptor): return self.add(SlotKind.Member, object_, descriptor)

    def content(self, array):
        """The data, shape and dtype of an ndarray."""
        return self.add(SlotKind.Array, array, None)

    def call(self, function):
        """The tuple that a function without arguments gives."""
        return self.add(SlotKind.Call, function, None)

    def holds(self):
        """True while every slot holds what it held."""
        return self.table.unchanged()

    def changed(self):
        """The numbers of the slots that hold something else now."""
        cdef size_t i
        return [i for i in range(self.table.size()) if not self.table.holds(i)]

    def ignore(self, size_t number, key=None):
        """Compare a slot no longer; of a Keys or Items slot, what stands at this key or position."""
        self.check(number)
        expected = self.owned[2 * number + 1]
        if key is None:
            self.table.ignore(number, True)
            return
        if self.kinds[number] == "items":
            position = key
        else:
            position = 1 + 2 * expected[::2].index(key)
        self.table.expect(number, <PyObject*>NULL)
        changed = list(expected)
        changed[position] = <object>SlotTable.any()
        self.owned[2 * number + 1] = tuple(changed)
        self.table.expect(number, <PyObject*>self.owned[2 * number + 1])

    def place(self, size_t number):
        """The kind of a slot, its holder and key: "cell", "entry", "keys", "items", "content", "member" or "other"."""
        self.check(number)
        return (self.kinds[number], *self.owned[2 * number])

    def expected(self, size_t number):
        """What a slot held: an object, or the tuple of a Keys or Items slot; None if it was absent."""
        self.check(number)
        return self.owned[2 * number + 1]

    def current(self, size_t number):
        """What a slot holds now; None if it is absent."""
        self.check(number)
        cdef PyObject* found = self.table.current(number)
        if found is NULL:
            return None
        result = <object>found
        Py_DECREF(result)
        return result

    def contents(self, size_t number):
        """The bytes that the array of a slot held; None if they were not kept."""
        self.check(number)
        cdef const vector[char]* found = self.table.contents(number)
        return None if found is NULL else <bytes>found.data()[:found.size()]

    cdef int check(self, size_t number) except -1:
        if number >= self.table.size():
            raise IndexError(f"there is no slot {number}")
        return 0

    def refresh(self):
        """Take what is there now as right."""
        cdef size_t i
        cdef PyObject* expected
        for i in range(self.table.size()):
            expected = NULL
            self.table.refresh(i, &expected)
            self.keep(i, expected)

    def __len__(self):
        return self.table.size()


cdef SlotTable* _table_of(object slots) noexcept:
    return (<Slots>slots).table if isinstance(slots, Slots) else NULL


set_slots_access(_table_of)
cdef extern from "Python.h":
    int PyGC_Enable() noexcept
    int PyGC_Disable() noexcept
    int PyGC_IsEnabled() noexcept


cdef class Observer:
    """A context in which it is noted which code runs in this thread and which C functions it calls.

    C functions are noticed where Python's profile hook sees them: not types, ufuncs and Cython's functions. The
    cyclic garbage collector rests meanwhile: its callbacks and finalisers are no part of what the code does.

    Parameters
    ----------
    passed_over : callable
        Tells of a code object what its inside matters: 0, it does; 1, it does not; 2, nor does that of the code of
        kind 3 that it calls; 3, it does unless code of kind 2 called it.
    follows : bool
        Whether the way through all other code is followed, instruction by instruction.
    """

    cdef CObserver* observer
    cdef object passed_over
    cdef cbool collecting

    def __cinit__(self, passed_over, follows=True):
        self.passed_over = passed_over
        self.observer = new CObserver(<PyObject*>passed_over, follows)

    def __dealloc__(self):
        del self.observer

    def __enter__(self):
        self.collecting = PyGC_IsEnabled()
        PyGC_Disable()
        self.observer.start()
        return self

    def __exit__(self, *error):
        self.observer.stop()
        if self.collecting:
            PyGC_Enable()

    @property
    def way(self):
        """A number that two runs share if they ran the same instructions in the same order."""
        return self.observer.way()

    @property
    def codes(self):
        """The code objects that ran."""
        return self.observer.codes()

    @property
    def calls(self):
        """(function, code that called it, line) for each C function and caller."""
        return self.observer.calls()


class _Sample:
    pass


def is_python_class(cls):
    """True for a class made by a ``class`` statement; classes made in C keep state that Python cannot see."""
    return (<PyTypeObject*>cls).tp_dealloc == (<PyTypeObject*>_Sample).tp_dealloc
