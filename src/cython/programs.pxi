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
#     recording.finish(outputs)             a Program; outputs are leaves: boxes of this level, or plain values
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
#     paths.failed                          after run() gave an int: the Guard that no path agrees with, or None
#   slots = Slots()                         what executed code can read, checked by identity in C
#     slots.cell(cell); slots.entry(dict_, key); slots.item(list_, position); slots.attribute(object, name)
#     slots.length(container); slots.content(array)      (each returns the slot's number)
#     slots.changed()                       numbers of the slots that are no longer what they were; [] is the usual
#     slots.refresh()                       take what is there now as right
#   jitted = Jitted(slow, fun)              the callable that jit returns: a vectorcall type
#     jitted.install(signature, paths, slots, build, interval)
#                                           replay this signature without Python: build(outputs) makes the result of the
#                                           list of outputs (None: the only output; a tuple of them for BUILD_TUPLE);
#                                           after `interval` replays slow() is asked once more
#     jitted.remove(signature); jitted.clear()
#     slow(jitted, args, kwargs, why)       everything else: why is "new" (no such signature), "state" (a slot changed),
#                                           "guard", "doubt" or "check"


def _value_loop(str name, x, y=None):
    """One elementwise loop of the kernels in use over arrays of float64 or float32: for their tests."""
    return value_loop(name.encode(), x, x if y is None else y)
