// Programs on Python's side: recording, replay and the callable that jit returns.
#pragma once

#include "program/program.hpp"
#include "program/record.hpp"
#include "python/hosted.hpp"
#include "python/signature.hpp"

namespace fastad::python {

using program::Program;
using program::Recording;

// The layout of Cython's Program.
struct ProgramObject {
    PyObject_HEAD const Program* program;
};

Recording* open_recording();
PyObject* recording_box(Recording* recording, PyObject* value);
// Gives it a function: see Recording::ask.
PyObject* recording_ask(Recording* recording, PyObject* question);
// These boxes stand for arrays that may be changed in place, and are held by nothing else yet.
PyObject* recording_may_change(Recording* recording, PyObject* boxes);
// Null with an exception where the recording is dead.
const Program* recording_finish(Recording* recording, PyObject* outputs);
// Before an operator such as *= on a box: NumPy's changes an array for all who hold it or a view of
// it, and a traced one is another array afterwards. A recording ends where that makes a difference.
void note_in_place(PyObject* box);
// The class of the plain value that a box of a recording stands for; None for other boxes.
PyObject* recorded_class(PyObject* box);
void delete_program(const Program* program) noexcept;
PyObject* program_plan(const Program* program);
// 128 bits, as bytes, of the elements of an array; of a copy where it has gaps.
PyObject* array_fingerprint(PyObject* array);
// A list of the outputs; an int for a guard that failed, or -1.
PyObject* program_run(const Program* program, PyObject* inputs);
PyObject* program_into(const Program* program, PyObject* outs, PyObject* inputs);
PyObject* program_guards(const Program* program, PyObject* make);
PyObject* program_constants(const Program* program);
PyObject* program_difference(const Program* a, const Program* b);

// Outputs of a run as objects; the same codes as Program::run(). `places`: an array for each
// result, or None; null: none at all. `agreed`: as there.
int run_objects(const Program& program, PyObject* const* inputs, std::vector<PyObject*>& outputs,
                PyObject* const* places, bool agreed);
// The inputs of a program of numbers; false if one is of a type that takes more than to read it.
bool read_numbers(PyObject* const* inputs, std::size_t count, double* numbers) noexcept;
// What a run ends with; an exception that the function may catch makes it doubtful.
int outcome_of(program::NumbersRun& run);
// A result written into an array of its shape: place[...] = result.
void store_result(PyObject* place, PyObject* result);
PyObject* write_result(PyObject* place, PyObject* result);  // for Python: None, or null

// A list that takes over these references.
PyObject* list_of(const std::vector<PyObject*>& objects);

void set_program_types(PyTypeObject* program, PyObject* guard) noexcept;
PyObject* paths_class();
PyObject* jitted_class();

// One value loop of the kernels over a contiguous array of doubles or floats: for their tests.
PyObject* value_loop(const char* name, PyObject* x, PyObject* y);
// Of a primitive of the user's own: it is numpy.einsum.
void set_contraction(PyObject* primitive) noexcept;

}  // namespace fastad::python
