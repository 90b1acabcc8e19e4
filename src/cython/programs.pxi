# Programs: recording on a program level, replay, and the compiled front of fastad.jit.
#
# How the parts meet (fastad/programs/ drives them; nothing here decides whether a program is trusted):
#
#   signature = Signature(args, kwargs)     what must agree for a replay: structure, exact types, dtypes, shapes,
#                                           strides and flags of arrays, aliasing; ints, strings, bools, None by value,
#                                           other objects by identity. Hashable; equal signatures may share programs.
#     signature.unsupported                 None, or why no program can have it (a box, an object array, ...)
#     signature.leaves(args, kwargs)        the inputs in order (floats, NumPy floats and complex, arrays; one for each
#                                           object, so f(x, x) has one), or None where the arguments do not agree
#     signature.rebuild(leaves)             (args, kwargs) of the same containers with these leaves: boxes, for recording
#   recording = Recording()                 a program level; a context manager, close() ends it
#     recording.box(value)                  the next input, boxed. Also for an array that is captured and shall be lifted
#     recording.dead                        None, or the reason, with the user's line, why this cannot be replayed
#     recording.kill(reason)                sets it
#     recording.ask(question)               question(name) is called before a function of the user's; a str kills
#     recording.finish(outputs)             a Program; outputs are leaves: boxes of this level, or plain values;
#                                           planned=False: program.plan() is called before it is run or printed
#   program.run(inputs)                     list of outputs; an int k >= 0: guard k failed; -1: a value is infinite or NaN,
#                                           or a shape differs: ask the function itself
#     program.into(outs, inputs)            the same, into arrays given (None where a leaf is no array); returns the list
#     program.guards                        tuple of Guard(place, expected): what Python read
#     program.difference(other)             None if both recordings have the same nodes and constants, else a sentence
#                                           with the node and the user's line of the first that differs
#     program.constants                     the captured arrays, read where they lie
#     program.nbytes, len(program), str(program)
#   paths = Paths()                         the programs of one signature, a tree by guards; last taken is tried first
#     paths.add(program); paths.run(inputs); paths.programs
#     paths.rest()                          gives back the memory in which large programs run, until the next run;
#                                           True if there was any
#     paths.failed                          after run() gave an int: the Guard that no path agrees with, or None
#   jitted = Jitted(slow, fun)              the callable that jit returns: a vectorcall type
#     jitted.install(signature, paths, unchanged, build, interval)
#                                           replay this signature while unchanged() is true (None: always): build(outputs) makes the result of the
#                                           list of outputs (None: the only output; True: a tuple of them);
#                                           after `interval` replays slow() is asked once more
#     jitted.remove(signature); jitted.clear()
#     slow(jitted, args, kwargs, why)       everything else: why is "new" (no such signature), "state" (a slot changed),
#                                           "guard", "doubt" or "check"
#
# from boxes: Box
# from trees: DictForm, LeafForm, ListForm, OtherForm, Structure

from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool
from libcpp.string cimport string

cdef extern from "python/programs.hpp" namespace "fastad::program":
    cdef cppclass CRecording "fastad::program::Recording":
        uint64_t serial
        void close()
        void kill(const string& reason) except +
        const string& dead()
        cbool raised()
        size_t size()
        size_t guards_of_ints()

    cdef cppclass CProgram "fastad::program::Program":
        size_t inputs()
        size_t outputs()
        size_t bytes()
        size_t instructions()
        string print() except +

cdef extern from "python/programs.hpp" namespace "fastad::python":
    CRecording* open_recording() except NULL
    object recording_box(CRecording* recording, object value)
    object recording_ask(CRecording* recording, object question)
    object recording_may_change(CRecording* recording, list boxes)
    const CProgram* recording_finish(CRecording* recording, object outputs) except NULL
    object program_plan(const CProgram* program)
    object array_fingerprint(object array)
    void delete_program(const CProgram* program)
    object program_run(const CProgram* program, object inputs)
    object write_result(object place, object result)
    object program_into(const CProgram* program, object outs, object inputs)
    object program_guards(const CProgram* program, object make)
    object program_constants(const CProgram* program)
    object program_difference(const CProgram* a, const CProgram* b)
    void set_program_types(PyTypeObject* program, PyObject* guard)
    object paths_class()
    object jitted_class()
    object signature_class()
    PyObject* instance_state(object)

cdef extern from "python/result_form.hpp" namespace "fastad::python":
    object make_result_form(object)


class Guard:
    """What Python read from a recorded value: where, and the answer that the program relies on."""

    __slots__ = ("expected", "place")

    def __init__(self, place, expected):
        self.place = place
        self.expected = expected

    def __repr__(self):
        return f"<guard {self.expected:g} at {self.place}>"


cdef class Program:
    """A recorded function of its inputs: immutable, and safe to run from several threads.

    Made by ``Recording.finish``. What it cannot compute itself it asks the host for; a result that is infinite or
    NaN it does not give.
    """

    cdef const CProgram* program

    def __init__(self):
        raise TypeError("programs are made by Recording.finish()")

    def __dealloc__(self):
        if self.program is not NULL:
            delete_program(self.program)

    def plan(self):
        """Make ready to be run, where that was left for later; before another thread has the program."""
        program_plan(self.program)

    def run(self, inputs, /):
        """The outputs as a list; the number of the guard that failed; or -1 where the function must be asked."""
        program_plan(self.program)
        return program_run(self.program, inputs)

    def into(self, outs, inputs, /):
        """As ``run``, with results written into the arrays given (None: a new object)."""
        program_plan(self.program)
        return program_into(self.program, outs, inputs)

    def difference(self, Program other, /):
        """What differs between two recordings, in words; None if nothing does."""
        return program_difference(self.program, other.program)

    def __len__(self):
        program_plan(self.program)
        return self.program.instructions()

    def __str__(self):
        program_plan(self.program)
        return self.program.print().decode()

    @property
    def guards(self):
        """What Python read, in order."""
        return program_guards(self.program, Guard)

    @property
    def constants(self):
        """The captured arrays, read where they lie."""
        return program_constants(self.program)

    @property
    def nbytes(self):
        """Bytes of instructions, plan and memory."""
        program_plan(self.program)
        return self.program.bytes()


cdef class Recording:
    """A program level: every operation on its boxes is recorded.

    It lies below the levels that the recorded function opens, so that derivatives are recorded like values.
    """

    cdef CRecording* recording
    cdef uint64_t serial

    def __cinit__(self):
        self.recording = open_recording()
        self.serial = self.recording.serial

    def __dealloc__(self):
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """End the level: its boxes become invalid."""
        if self.recording is not NULL:
            self.recording.close()
            self.recording = NULL

    cdef CRecording* living(self) except NULL:
        if self.recording is NULL:
            raise RuntimeError("this recording is closed")
        return self.recording

    def box(self, value, /):
        """The next input, boxed: a float, a NumPy number or an array."""
        if self.living().serial != self.serial:
            raise RuntimeError("this recording is finished")
        return recording_box(self.recording, value)

    def owns(self, x, /):
        """True if x is a box of this recording."""
        return isinstance(x, Box) and (<Box>x).traced.serial == self.serial

    def kill(self, str reason, /):
        """Say that what is recorded cannot be replayed."""
        self.living().kill(reason.encode())

    def ask(self, question, /):
        """Call ``question(name, function, operands)`` before and after each operation that may read or change what
        only Python code can; a sentence that it returns is why what is recorded cannot be replayed."""
        recording_ask(self.living(), question)

    def may_change(self, list boxes, /):
        """Say that operators such as ``*=`` may change the arrays that these boxes stand for: what stands in their
        places afterwards is a result, and nobody holds them but who holds them now."""
        recording_may_change(self.living(), boxes)

    @property
    def guards_of_ints(self):
        """How many of its guards say no more than that ints are held exactly."""
        return self.living().guards_of_ints()

    @property
    def dead(self):
        """Why it cannot be replayed, with the user's line; None if it can."""
        cdef bytes reason = self.living().dead()
        return reason.decode() if reason else None

    @property
    def raised(self):
        """Whether that is since an operation raised an error, which it may do at these inputs alone."""
        return self.living().raised()

    def finish(self, outputs, /, *, planned=True):
        """The program with these results: boxes of this recording, or plain values.

        One that is not planned yet can be compared with others, in little memory; ``plan()`` makes it ready.

        Raises
        ------
        RuntimeError
            If the recording is dead.
        """
        cdef const CProgram* made = recording_finish(self.living(), outputs)
        cdef Program program = Program.__new__(Program)
        program.program = made
        if planned:
            program.plan()
        return program


set_program_types(<PyTypeObject*>Program, <PyObject*>Guard)
Signature = signature_class()


def store_result(place, result, /):
    """``place[...] = result``, for an array of the result's shape."""
    write_result(place, result)


def fingerprint(array, /):
    """128 bits that tell an array's bytes, in the order of its memory, from others of its dtype and layout."""
    return array_fingerprint(array)


def result_form(Structure structure, /):
    """How C puts leaves together to a result of this structure; None if that takes Python."""
    description = _description(structure)
    return None if description is False else make_result_form(description)


cdef object _description(Structure structure):
    """What a ResultForm is made from; False: a container that Python joins."""
    cdef Structure child
    if structure.form == LeafForm:
        return ("constant", structure.aux) if structure.constant else None
    if structure.form == OtherForm:
        return False
    parts = []
    for child in structure.children:
        part = _description(child)
        if part is False:
            return False
        parts.append(part)
    if structure.form == DictForm:
        return "dict", tuple(structure.aux[1]), tuple(parts)
    return "list" if structure.form == ListForm else "tuple", tuple(parts)


def instance_state_of(value, /):
    """The dict of a data class's instance that a signature takes apart, or None."""
    cdef PyObject* state = instance_state(value)
    if state is NULL:
        return None
    found = <object>state
    Py_DECREF(found)
    return found


Paths = paths_class()
Jitted = jitted_class()
