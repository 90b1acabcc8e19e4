# What the C++ side offers to Cython.

cdef extern from "python/operators.hpp" namespace "fastad::python::operators":
    object operator_add "fastad::python::operators::add" (object left, object right)
    object operator_subtract "fastad::python::operators::subtract" (object left, object right)
    object operator_multiply "fastad::python::operators::multiply" (object left, object right)
    object operator_divide "fastad::python::operators::divide" (object left, object right)
    object operator_power "fastad::python::operators::power" (object left, object right)
    object operator_floor_divide "fastad::python::operators::floor_divide" (object left, object right)
    object operator_remainder "fastad::python::operators::remainder" (object left, object right)
    object operator_matmul "fastad::python::operators::matmul" (object left, object right)
    object operator_less "fastad::python::operators::less" (object left, object right)
    object operator_less_equal "fastad::python::operators::less_equal" (object left, object right)
    object operator_equal "fastad::python::operators::equal" (object left, object right)
    object operator_not_equal "fastad::python::operators::not_equal" (object left, object right)
    object operator_greater "fastad::python::operators::greater" (object left, object right)
    object operator_greater_equal "fastad::python::operators::greater_equal" (object left, object right)
    object operator_negative "fastad::python::operators::negative" (object operand)
    object operator_positive "fastad::python::operators::positive" (object operand)
    object operator_absolute "fastad::python::operators::absolute" (object operand)

cdef extern from "python/session.hpp" namespace "fastad":
    cdef enum class Kind(unsigned char):
        Nothing "fastad::Kind::None"
        Weak
        Strong
        Integer
        Object
        Box

    cdef cppclass Value:
        Value()
        Value(const Value&)
        Kind kind()
        cbool empty()
        cbool is_box()
        cbool is_number()

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
        cbool alive()

    cdef cppclass CTape "fastad::Tape":
        uint64_t trace()
        void stop()
        void close()
        uint32_t size()
        size_t bytes()
        string print()

    cdef cppclass Op:
        string name

cdef extern from "modes.hpp" namespace "fastad::Modes":
    unsigned MODE_NANS "fastad::Modes::nans"
    unsigned MODE_INFINITIES "fastad::Modes::infinities"
    unsigned MODE_MUTATION "fastad::Modes::mutation"
    unsigned MODE_STRICT_ZERO "fastad::Modes::strict_zero"
    unsigned MODE_PLACES "fastad::Modes::places"
    void modes_entered "fastad::Modes::entered" (unsigned modes)
    void modes_left "fastad::Modes::left" (unsigned modes)

cdef extern from "python/session.hpp" namespace "fastad::python":
    struct Callbacks:
        PyObject* (*make_vjps)(PyObject*, PyObject*, PyObject*, PyObject*, PyObject*)
        PyObject* (*call_vjp)(PyObject*, PyObject*, Py_ssize_t, PyObject*, cbool)
        PyObject* (*map_batch)(PyObject*, Py_ssize_t, PyObject*, PyObject*)
        PyObject* (*call_jvp)(PyObject*, Py_ssize_t, PyObject*, PyObject*, PyObject*, PyObject*)
        PyObject* (*array_of)(PyObject*)
        PyTypeObject* (*box_type_of)(PyObject*)
        PyObject* (*record)(PyObject*, PyObject*, PyObject*, PyObject*, PyObject*, PyObject*)
        PyObject* (*add_objects)(PyObject*, PyObject*)
        PyObject* (*convert)(PyObject*)
        PyObject* (*by_position)(PyObject*, PyObject*, PyObject*)
        PyObject* (*general)(PyObject*, PyObject*, PyObject*)
        PyObject* (*trees)(PyObject*, PyObject*, PyObject*, PyObject*)
        int (*is_tree)(PyTypeObject*)
        int (*holds_traced)(PyObject*)
        int (*own_arithmetic)(PyTypeObject*)
        void (*refuse_foreign)(PyTypeObject*, const char*)
        PyObject* (*refused)(PyObject*, Read)
        PyObject* (*foreign_operator)(const char*, PyObject*, PyObject*)

    object initialise(PyTypeObject* box, PyTypeObject* array_box, const Callbacks& given)
    object primitive_class()
    object install_protocols(object by_function, object for_ufunc, object for_function)
    void set_function(object primitive, object function)
    void take_trees(object primitive, cbool taken)
    object getitem_operator(object box, object index)
    object getitem_position(object box, Py_ssize_t position)
    object table_primitive(const char* name, object function)
    object holds_box_object(object value)
    object table_names(const char* kind)
    object value_object(const Value& value)
    object value_given(object box)
    object specimen(object x)
    object read_object(object x, Read why)
    object primal_object(object x)

    CTape* open_tape() except NULL
    object tape_box(CTape* tape, object value)
    object tape_sweep(CTape* tape, object outputs, object cotangents, object inputs, cbool consume)
    object tape_sweep_batch(CTape* tape, object outputs, object cotangents, object inputs)
    object tape_columns(CTape* tape, object ans, object boxes, size_t most_bytes)
    object tape_rows(CTape* tape, object ans, object boxes, size_t most_bytes)
    object tape_grad(CTape* tape, object ans, object boxes, cbool elementwise)
    cdef cppclass GraphLevel(Level):
        void close()

    ForwardLevel* open_forward() except NULL
    GraphLevel* open_graph(cbool everything) except NULL
    object graph_box(GraphLevel* level, object value, object node)
    object attached(object box)
    object owned_attached(object box)
    cbool on_graph(object box)
    void override_rules(object primitive, cbool overridden)
    object builtin_copy(object primitive)
    object weak_number(object box, object like)
    void set_converting(cbool converts)
    object forward_box(ForwardLevel* level, object value, object tangent)
    void set_outlived(cbool wanted)
    object tape_losses(CTape* tape)
    object tape_nodes(CTape* tape)
    object c_set_inner_folders "fastad::python::set_inner_folders" (object folders)
    void set_modes_variable(object variable)
    cbool strict_zero_active()
    void trim_pool()
    size_t idle_pool_bytes()
    object choose_kernels(const char* name)
    const char* kernels_name()

cdef extern from "program/threads.hpp" namespace "fastad::program":
    size_t threads()
    void set_threads(size_t count)

cdef extern from "python/routines.hpp" namespace "fastad::python":
    object c_give_routines "fastad::python::give_routines" (object primitive, object entries, object result)
    void set_moves(object primitive)

cdef extern from "python/gather.hpp" namespace "fastad::python":
    object c_pooled_array "fastad::python::pooled_array" (object shape)
    object c_sums_from_behind "fastad::python::sums_from_behind" (object x, Py_ssize_t axis)

cdef extern from "python/formulas.hpp" namespace "fastad::python":
    object c_give_formulas "fastad::python::give_formulas" (object primitive, object write)
    void use_formulas(object primitive, cbool wanted)

cdef extern from "python/programs.hpp" namespace "fastad::program":
    cdef cppclass CRecording "fastad::program::Recording":
        uint64_t serial
        void close()
        void kill(const string& reason) except +
        const string& dead()
        cbool raised()
        size_t size()

    cdef cppclass CProgram "fastad::program::Program":
        size_t inputs()
        size_t outputs()
        size_t bytes()
        size_t instructions()
        string print() except +

cdef extern from "python/programs.hpp" namespace "fastad::python":
    object value_loop(const char* name, object x, object y)
    void set_contraction(object primitive)
    CRecording* open_recording() except NULL
    object recording_box(CRecording* recording, object value)
    const CProgram* recording_finish(CRecording* recording, object outputs) except NULL
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
