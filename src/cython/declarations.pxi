# What the C++ side offers to Cython.

from libc.stdint cimport uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.string cimport string

cdef extern from "python/session.hpp" namespace "fastad":
    cdef cppclass Value:
        Value()
        Value(const Value&)

    cdef cppclass Level:
        uint64_t serial

    cdef cppclass ForwardLevel(Level):
        void close()

    cdef enum class Read(unsigned char):
        Truth
        Index
        Int
        Float
        Complex
        Array
        Integers
        Floor
        Ceil
        Round
        Trunc
        Text
        Hash
        Layout
        Rule
        User

    cdef cppclass Traced:
        Level* level
        uint64_t serial
        Value value
        uint32_t index

    cdef cppclass CTape "fastad::Tape":
        uint64_t trace()
        void stop()
        void close()
        uint32_t size()
        size_t bytes()
        string print()

cdef extern from "python/session.hpp" namespace "fastad::python":
    void take_trees(object primitive, cbool taken)
    object getitem_operator(object box, object index)
    object reshape_method(object box, object shape)
    object transposed_attribute(object box)
    object matrix_transposed_attribute(object box)
    object value_object(const Value& value)
    object value_given(object box)
    object specimen(object x)
    object read_object(object x, Read why)
    CTape* open_tape() except NULL
    object tape_box(CTape* tape, object value)
    object tape_sweep(CTape* tape, object outputs, object cotangents, object inputs, cbool consume)
    object tape_grad(CTape* tape, object ans, object boxes, cbool elementwise)
    object attached(object box)
    object forward_box(ForwardLevel* level, object value, object tangent)
    object tape_losses(CTape* tape)
