// What _core.pyx calls: tapes and levels with Python objects in and out.
#pragma once

#include "forward/tangent.hpp"
#include "python/graph.hpp"
#include "python/operators.hpp"
#include "python/primitive.hpp"
#include "python/protocols.hpp"
#include "reverse/sweep.hpp"

namespace fastad::python {

PyObject* table_primitive(const char* name, PyObject* function);
// Whether a value is a box or a container that holds one.
PyObject* holds_box_object(PyObject* value);
PyObject* table_names(const char* kind);
// What the table says of the result of one of its operations on plain values: shape and dtype; None
// where it does not know, NotImplemented where there is no rule.
PyObject* aval_object(PyObject* primitive, PyObject* args, PyObject* kwargs);
PyObject* value_object(const Value& value);
// The value of a box one level down, for a user who may write into it.
PyObject* value_given(PyObject* box);
// The window (see level.hpp). The first asks nothing but type, dtype, shape and layout of what it
// gives.
PyObject* specimen(PyObject* object);
PyObject* read_object(PyObject* object, Read why);
PyObject* primal_object(PyObject* object);

// What a box of this tape holds; null for anything else.
const Traced* box_of(const Tape* tape, PyObject* object);
// A result for the user: never a view of something that others hold.
PyObject* owned_result(const Value& value);

Tape* open_tape() noexcept;
PyObject* tape_box(Tape* tape, PyObject* value);
// A list of cotangents, None where none arrived.
PyObject* tape_sweep(Tape* tape, PyObject* outputs, PyObject* cotangents, PyObject* inputs,
                     bool consume);
// The same with a leading batch axis; NotImplemented if the tape cannot be swept that way.
PyObject* tape_sweep_batch(Tape* tape, PyObject* outputs, PyObject* cotangents, PyObject* inputs);
// The gradient of a real output with seed one, for a box of the tape or a list of them. None if ans
// is no box of this tape or nothing arrived; NotImplemented if it is complex or, unless
// elementwise, has not just one element.
PyObject* tape_grad(Tape* tape, PyObject* ans, PyObject* boxes, bool elementwise);

// Derivatives of a real output by a list of boxes: arrays of shape out.shape + in.shape.
// NotImplemented if the tape cannot be swept for several at once. Columns are taken together as far
// as they have so many bytes an entry; with none, nothing is.
PyObject* tape_columns(Tape* tape, PyObject* ans, PyObject* boxes, std::size_t most_bytes);
PyObject* tape_rows(Tape* tape, PyObject* ans, PyObject* boxes, std::size_t most_bytes);

ForwardLevel* open_forward() noexcept;
GraphLevel* open_graph(bool everything) noexcept;
PyObject* graph_box(GraphLevel* level, PyObject* value, PyObject* node);
// What a forward level or a graph keeps with the box; None where there is nothing.
PyObject* attached(PyObject* box) noexcept;
// The same; an array whose memory anybody else holds is copied.
PyObject* owned_attached(PyObject* box) noexcept;
bool on_graph(PyObject* box) noexcept;
// From now on this operation of the table is recorded with the rules registered from Python.
void override_rules(PyObject* primitive, bool overridden) noexcept;
PyObject* builtin_copy(PyObject* primitive);
PyObject* weak_number(PyObject* box, PyObject* like);
void set_converting(bool converts) noexcept;
PyObject* forward_box(ForwardLevel* level, PyObject* value, PyObject* tangent);

// Whether boxes may be used when their level has ended.
void set_outlived(bool wanted) noexcept;
// The context variable that holds the modes, an int.
void set_modes_variable(PyObject* variable) noexcept;
PyObject* tape_losses(const Tape* tape);
// One tuple an entry: name, operands, shape (None for a number), dtype, kept bytes, formula, line,
// seconds forward and backward.
PyObject* tape_nodes(const Tape* tape);
// Files in these folders are not the user's program.
PyObject* set_inner_folders(PyObject* folders);
bool strict_zero_active() noexcept;
void trim_pool() noexcept;
std::size_t idle_pool_bytes() noexcept;
PyObject* choose_kernels(const char* name);
const char* kernels_name() noexcept;

}  // namespace fastad::python
