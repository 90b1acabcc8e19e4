// Paths: one program after the other, until one agrees with all answers.
#include "python/paths.hpp"

#include "memory/buffer.hpp"
#include "python/session.hpp"

namespace fastad::python {

namespace {

PyTypeObject* program_type = nullptr;
PyTypeObject* paths_type = nullptr;
PyObject* guard_class = nullptr;

const Program* program_of(PyObject* object) {
    return reinterpret_cast<ProgramObject*>(object)->program;
}

}  // namespace

Paths::~Paths() {
    for (PyObject* program : programs_) Py_DECREF(program);
}

void Paths::add(PyObject* program) {
    const Lock lock(mutex_);
    programs_.push_back(Py_NewRef(program));
    if (program_of(program)->lets_others()) lets_others_.store(true, std::memory_order_relaxed);
}

std::vector<PyObject*> Paths::programs() const {
    const Lock lock(mutex_);
    return programs_;
}

bool Paths::turn(std::size_t& at, int guard) {
    failed_program_ = at;
    failed_guard_ = static_cast<std::size_t>(guard);
    const std::size_t other = branch(at, failed_guard_);
    if (other == programs_.size()) return false;
    at = other;
    return true;
}

bool Paths::rest() const {
    const Lock lock(mutex_);
    bool any = false;
    for (PyObject* program : programs_) any = program_of(program)->rest() || any;
    if (any) buffer::trim();
    return any;
}

const program::Guard* Paths::failed(const std::vector<std::string>** places) const {
    const Lock lock(mutex_);
    if (failed_program_ >= programs_.size()) return nullptr;
    const program::Graph& graph = program_of(programs_[failed_program_])->graph();
    *places = &graph.places;
    return &graph.guards[failed_guard_];
}

std::size_t Paths::branch(std::size_t from, std::size_t guard) const {
    const auto& own = program_of(programs_[from])->graph().guards;
    for (std::size_t i = 0; i < programs_.size(); ++i) {
        const auto& other = program_of(programs_[i])->graph().guards;
        if (i == from || other.size() <= guard) continue;
        bool agrees = other[guard].expected != own[guard].expected;
        for (std::size_t k = 0; agrees && k < guard; ++k)
            agrees = other[k].expected == own[k].expected;
        if (agrees) return i;
    }
    return programs_.size();
}

namespace {

struct PathsObject {
    PyObject_HEAD Paths* paths;
};
Paths& own_paths(PyObject* object) { return *reinterpret_cast<PathsObject*>(object)->paths; }

PyObject* create_paths(PyTypeObject* type, PyObject* args, PyObject*) {
    if (!PyArg_ParseTuple(args, ":Paths")) return nullptr;
    return guarded([&]() -> PyObject* {
        auto paths = std::make_unique<Paths>();
        Ref self = checked(type->tp_alloc(type, 0));
        reinterpret_cast<PathsObject*>(self.get())->paths = paths.release();
        return self.release();
    });
}
void dealloc_paths(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    delete reinterpret_cast<PathsObject*>(self)->paths;
    type->tp_free(self);
    Py_DECREF(type);
}
PyObject* add_path(PyObject* self, PyObject* program) {
    return guarded([&]() -> PyObject* {
        if (Py_TYPE(program) != program_type)
            throw Error(Error::Class::Type, "add() takes a Program");
        if (!program_of(program)->planned())
            throw Error(Error::Class::Value, "add(): a program is planned before it is added");
        const auto known = own_paths(self).programs();
        if (!known.empty() && program_of(known[0])->inputs() != program_of(program)->inputs())
            throw Error(Error::Class::Value,
                        "add(): programs of one signature have the same inputs");
        own_paths(self).add(program);
        Py_RETURN_NONE;
    });
}
PyObject* run_paths(PyObject* self, PyObject* inputs) {
    return guarded([&]() -> PyObject* {
        Ref fast = checked(PySequence_Fast(inputs, "run() takes a sequence of inputs"));
        const auto known = own_paths(self).programs();
        if (!known.empty() && static_cast<std::size_t>(PySequence_Fast_GET_SIZE(fast.get())) !=
                                  program_of(known[0])->inputs())
            throw Error(Error::Class::Value, "run(): the wrong number of inputs");
        std::vector<PyObject*> outputs;
        const int outcome = own_paths(self).run([&](const Program& program) {
            return run_objects(program, PySequence_Fast_ITEMS(fast.get()), outputs, nullptr, false);
        });
        if (outcome == Program::complete) return list_of(outputs);
        return PyLong_FromLong(outcome == Program::doubtful ? -1 : outcome);
    });
}
PyObject* rest_paths(PyObject* self, PyObject*) {
    return guarded([&] { return PyBool_FromLong(own_paths(self).rest()); });
}
PyObject* failed_guard(PyObject* self, void*) {
    const std::vector<std::string>* places = nullptr;
    const program::Guard* guard = own_paths(self).failed(&places);
    if (!guard || !guard_class) Py_RETURN_NONE;
    return PyObject_CallFunction(guard_class, "sd", (*places)[guard->place].c_str(),
                                 guard->expected);
}
PyObject* path_programs(PyObject* self, void*) {
    return guarded([&]() -> PyObject* {
        const auto programs = own_paths(self).programs();
        Ref tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(programs.size())));
        for (std::size_t i = 0; i < programs.size(); ++i)
            PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), Py_NewRef(programs[i]));
        return tuple.release();
    });
}

PyMethodDef path_methods[] = {
    {"add", add_path, METH_O, "add(program): one more path."},
    {"run", run_paths, METH_O, "run(inputs): outputs, the number of a guard, or -1."},
    {"rest", rest_paths, METH_NOARGS, "rest(): give back the memory that large programs run in."},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef path_getset[] = {
    {"failed", failed_guard, nullptr, "The guard that no path agreed with last, or None.", nullptr},
    {"programs", path_programs, nullptr, "The programs.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot path_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(create_paths)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc_paths)},
    {Py_tp_methods, path_methods},
    {Py_tp_getset, path_getset},
    {Py_tp_doc, const_cast<char*>("The programs of one signature, a tree by guards.")},
    {0, nullptr},
};
PyType_Spec path_spec = {"fastad._core.Paths", sizeof(PathsObject), 0, Py_TPFLAGS_DEFAULT,
                         path_slots};

}  // namespace

PyObject* list_of(const std::vector<PyObject*>& objects) {
    PyObject* list = PyList_New(static_cast<Py_ssize_t>(objects.size()));
    if (!list) {
        for (PyObject* object : objects) Py_DECREF(object);
        throw HostError();
    }
    for (std::size_t i = 0; i < objects.size(); ++i)
        PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), objects[i]);
    return list;
}

void set_program_types(PyTypeObject* program, PyObject* guard) noexcept {
    program_type = program;
    guard_class = Py_NewRef(guard);
}

Paths* paths_of(PyObject* object) {
    return Py_TYPE(object) == paths_type ? reinterpret_cast<PathsObject*>(object)->paths : nullptr;
}

PyObject* paths_class() {
    if (!paths_type) paths_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&path_spec));
    return Py_XNewRef(reinterpret_cast<PyObject*>(paths_type));
}

}  // namespace fastad::python
