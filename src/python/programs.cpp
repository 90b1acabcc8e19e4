#include "python/programs.hpp"

#include <cstddef>
#include <memory>

#include "python/primitive.hpp"

#include "host/programs.hpp"
#include "kernels/kernels.hpp"
#include "memory/fingerprint.hpp"

namespace fastad::python {
namespace {

template <class T>
void run_loop(Code code, PyArrayObject* x, PyArrayObject* y, PyArrayObject* out) {
    const auto loop = kernels().loops<T>().value[static_cast<std::size_t>(code)]
                                                [static_cast<std::size_t>(Spread::Neither)];
    loop(static_cast<std::size_t>(PyArray_SIZE(x)), static_cast<const T*>(PyArray_DATA(x)),
         static_cast<const T*>(PyArray_DATA(y)), static_cast<T*>(PyArray_DATA(out)));
}

}  // namespace

Recording* open_recording() { return Recording::open(); }

PyObject* recording_box(Recording* recording, PyObject* value) {
    return guarded([&]() -> PyObject* {
        Value own = to_value(value);
        if (own.is_box() || (own.kind() != Kind::Integer && !host::traceable(own)))
            throw Error(
                Error::Class::Type,
                "a recording takes floats, NumPy numbers and arrays, not " + host::type_name(own));
        return to_object(recording->input(std::move(own)));
    });
}

namespace {

// The recording that a box is a value of, with no level between: null for all others.
Recording* recording_of(const Traced& traced) {
    if (!traced.level || !traced.alive() || traced.level->differentiates()) return nullptr;
    return dynamic_cast<Recording*>(traced.level);
}

}  // namespace

PyObject* recorded_class(PyObject* box) {
    const Traced& traced = traced_of(box);
    Recording* recording = recording_of(traced);
    if (!recording || traced.value.is_box()) Py_RETURN_NONE;
    if (recording->is_whole(traced.index))
        return Py_NewRef(reinterpret_cast<PyObject*>(&PyLong_Type));
    return guarded([&]() -> PyObject* {
        Ref value = Ref(to_object(traced.value));
        return Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(value.get())));
    });
}

PyObject* recording_ask(Recording* recording, PyObject* question) {
    recording->ask(Value::share(core(question)));
    Py_RETURN_NONE;
}

namespace {

// Who holds a box and the memory of its array; nobody does that of a number, which does not change.
Recording::Holders holders_of(PyObject* box, const Traced& traced) {
    PyObject* value = py(traced.value.object());
    PyObject* base = PyArray_BASE(reinterpret_cast<PyArrayObject*>(value));
    return {Py_REFCNT(box), Py_REFCNT(base ? base : value)};
}

bool has_array(const Traced& traced) {
    return traced.value.is_object() && PyArray_Check(py(traced.value.object()));
}

}  // namespace

PyObject* recording_may_change(Recording* recording, PyObject* boxes) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(boxes); ++i) {
        PyObject* box = PyList_GET_ITEM(boxes, i);
        if (!is_box(box)) continue;
        const Traced& traced = traced_of(box);
        if (recording_of(traced) == recording && has_array(traced))
            recording->may_change(traced.index, holders_of(box, traced));
    }
    Py_RETURN_NONE;
}

void note_in_place(PyObject* box) {
    const Traced& traced = traced_of(box);
    Recording* recording = recording_of(traced);
    if (!recording || !has_array(traced)) return;
    const Recording::Holders now = holders_of(box, traced);
    // The box is held by what it stands in and by the operator; its memory by itself.
    const Recording::Holders* known = recording->changing(traced.index);
    const Recording::Holders alone = known ? *known : Recording::Holders{1, 1};
    if (now.box <= alone.box + 1 && now.memory <= alone.memory) return;
    recording->kill(
        recording->is_input(traced.index)
            ? "an operator such as *= changes an argument"
            : "an operator such as *= changes an array that has another name, or a view");
}

const Program* recording_finish(Recording* recording, PyObject* outputs) {
    try {
        Ref fast = checked(PySequence_Fast(outputs, "finish() takes a sequence of leaves"));
        std::vector<Value> values;
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
            PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), i);
            values.push_back(item == Py_None ? Value() : to_value(item));
        }
        auto graph = recording->finish(values);
        if (!graph)
            throw Error(Error::Class::Runtime, "this recording is dead: " + recording->dead());
        return new Program(std::move(graph));
    } catch (...) {
        set_python_error();
        return nullptr;
    }
}

void delete_program(const Program* program) noexcept { delete program; }

PyObject* program_plan(const Program* program) {
    return guarded([&]() -> PyObject* {
        const_cast<Program*>(program)->plan();
        Py_RETURN_NONE;
    });
}

PyObject* array_fingerprint(PyObject* object) {
    return guarded([&]() -> PyObject* {
        if (!PyArray_Check(object)) throw Error(Error::Class::Type, "fingerprint() takes an array");
        Ref whole(Py_NewRef(object));
        auto* array = reinterpret_cast<PyArrayObject*>(object);
        if (!PyArray_ISONESEGMENT(array)) {
            whole = checked(PyArray_NewCopy(array, NPY_KEEPORDER));
            array = reinterpret_cast<PyArrayObject*>(whole.get());
        }
        const Fingerprint bits =
            fingerprint(PyArray_DATA(array), static_cast<std::size_t>(PyArray_NBYTES(array)));
        return checked(PyBytes_FromStringAndSize(reinterpret_cast<const char*>(&bits), sizeof bits))
            .release();
    });
}

namespace {

// Room for a run's values, on the stack where they are few; only these are made.
class Room {
  public:
    explicit Room(std::size_t count) : count_(count) {
        if (count > few) heap_ = std::make_unique<Cell[]>(count);
        std::uninitialized_default_construct_n(data(), count);
    }
    ~Room() { std::destroy_n(data(), count_); }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    Value* data() noexcept { return reinterpret_cast<Value*>(heap_ ? heap_.get() : stack_); }

  private:
    static constexpr std::size_t few = 24;
    struct alignas(Value) Cell {
        std::byte bytes[sizeof(Value)];
    };
    std::size_t count_;
    std::unique_ptr<Cell[]> heap_;
    Cell stack_[few];
};

// What a run ends with; an exception that the function may catch makes it doubtful.
template <class Run>
int caught(Run&& run) {
    try {
        return run();
    } catch (const Interrupted&) {
        throw;
    } catch (const HostError&) {
        if (!PyErr_ExceptionMatches(PyExc_Exception)) throw;
        PyErr_Clear();
        return Program::doubtful;
    } catch (const Error&) {
        return Program::doubtful;
    }
}

}  // namespace

bool read_numbers(PyObject* const* inputs, std::size_t count, double* numbers) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        PyObject* input = inputs[i];
        if (PyFloat_CheckExact(input))
            numbers[i] = PyFloat_AS_DOUBLE(input);
        else if (Py_TYPE(input) == float64_type)
            numbers[i] = PyArrayScalar_VAL(input, Double);
        else
            return false;
    }
    return true;
}

int outcome_of(program::NumbersRun& run) {
    return caught([&] { return run.run(); });
}

void store_result(PyObject* place, PyObject* result) {
    if (!PyArray_Check(place))
        throw Error(Error::Class::Type, "into: a place for a result is an array or None, not " +
                                            std::string(Py_TYPE(place)->tp_name));
    auto* to = reinterpret_cast<PyArrayObject*>(place);
    Ref from = checked(PyArray_FromAny(result, nullptr, 0, 0, 0, nullptr));
    auto* source = reinterpret_cast<PyArrayObject*>(from.get());
    if (PyArray_NDIM(to) != PyArray_NDIM(source) ||
        !PyArray_CompareLists(PyArray_DIMS(to), PyArray_DIMS(source), PyArray_NDIM(to))) {
        auto text = [](PyArrayObject* a) {
            Meta meta;
            meta.rank = PyArray_NDIM(a);
            meta.shape = PyArray_DIMS(a);
            return shape_text(meta);
        };
        throw Error(Error::Class::Value, "into: an array of shape " + text(to) +
                                             " is no place for a result of shape " + text(source));
    }
    if (!PyArray_CanCastArrayTo(source, PyArray_DESCR(to), NPY_SAME_KIND_CASTING))
        throw Error(Error::Class::Type,
                    "into: an array of another kind of numbers than the result");
    if (PyArray_CopyInto(to, source) < 0) throw HostError();
}

int run_objects(const Program& program, PyObject* const* inputs, std::vector<PyObject*>& outputs,
                PyObject* const* places, bool agreed) {
    outputs.resize(program.outputs());
    Room given(program.inputs()), results(program.outputs()), into(places ? program.outputs() : 0);
    for (std::size_t i = 0; i < program.inputs(); ++i) given.data()[i] = to_value(inputs[i]);
    for (std::size_t i = 0; places && i < program.outputs(); ++i)
        if (places[i] != Py_None) into.data()[i] = to_value(places[i]);
    const int outcome = caught([&] {
        return program.run(given.data(), results.data(), places ? into.data() : nullptr, agreed);
    });
    if (outcome != Program::complete) return outcome;
    std::size_t made = 0;
    try {
        for (; made < program.outputs(); ++made) {
            outputs[made] = to_object(std::move(results.data()[made]));
            if (!places || places[made] == Py_None || places[made] == outputs[made]) continue;
            Ref result(outputs[made]);
            store_result(places[made], result.get());
            outputs[made] = Py_NewRef(places[made]);
        }
    } catch (...) {
        while (made > 0) Py_DECREF(outputs[--made]);
        throw;
    }
    return outcome;
}

namespace {

Ref inputs_of(const Program* program, PyObject* inputs) {
    Ref fast = checked(PySequence_Fast(inputs, "run() takes a sequence of inputs"));
    if (PySequence_Fast_GET_SIZE(fast.get()) != static_cast<Py_ssize_t>(program->inputs()))
        throw Error(Error::Class::Value, "this program has " + std::to_string(program->inputs()) +
                                             " inputs, not " +
                                             std::to_string(PySequence_Fast_GET_SIZE(fast.get())));
    return fast;
}

}  // namespace

namespace {

PyObject* run_to_list(const Program* program, PyObject* inputs, PyObject* const* places) {
    Ref fast = inputs_of(program, inputs);
    std::vector<PyObject*> results;
    const int outcome =
        run_objects(*program, PySequence_Fast_ITEMS(fast.get()), results, places, false);
    if (outcome != Program::complete)
        return PyLong_FromLong(outcome == Program::doubtful ? -1 : outcome);
    Ref list(PyList_New(static_cast<Py_ssize_t>(results.size())));
    if (!list) {
        for (PyObject* result : results) Py_DECREF(result);
        throw HostError();
    }
    for (std::size_t i = 0; i < results.size(); ++i)
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), results[i]);
    return list.release();
}

}  // namespace

PyObject* program_run(const Program* program, PyObject* inputs) {
    return guarded([&] { return run_to_list(program, inputs, nullptr); });
}

PyObject* program_into(const Program* program, PyObject* outs, PyObject* inputs) {
    return guarded([&]() -> PyObject* {
        Ref places = checked(PySequence_Fast(outs, "into() takes a sequence of arrays"));
        if (PySequence_Fast_GET_SIZE(places.get()) != static_cast<Py_ssize_t>(program->outputs()))
            throw Error(Error::Class::Value, "into() wants one array, or None, for each of " +
                                                 std::to_string(program->outputs()) + " results");
        return run_to_list(program, inputs, PySequence_Fast_ITEMS(places.get()));
    });
}

PyObject* write_result(PyObject* place, PyObject* result) {
    return guarded([&]() -> PyObject* {
        store_result(place, result);
        Py_RETURN_NONE;
    });
}

PyObject* program_guards(const Program* program, PyObject* make) {
    return guarded([&]() -> PyObject* {
        const auto& guards = program->graph().guards;
        Ref tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(guards.size())));
        for (std::size_t i = 0; i < guards.size(); ++i) {
            PyObject* guard = PyObject_CallFunction(
                make, "sd", program->graph().places[guards[i].place].c_str(), guards[i].expected);
            if (!guard) throw HostError();
            PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), guard);
        }
        return tuple.release();
    });
}

PyObject* program_constants(const Program* program) {
    return guarded([&]() -> PyObject* {
        Ref list = checked(PyList_New(0));
        for (const Value& constant : program->graph().constants)
            if (constant.is_object() && PyArray_Check(py(constant.object())) &&
                PyList_Append(list.get(), py(constant.object())) < 0)
                throw HostError();
        return checked(PyList_AsTuple(list.get())).release();
    });
}

PyObject* program_difference(const Program* a, const Program* b) {
    return guarded([&]() -> PyObject* {
        const std::string text = program::difference(a->graph(), b->graph());
        if (text.empty()) Py_RETURN_NONE;
        return PyUnicode_FromString(text.c_str());
    });
}

void set_contraction(PyObject* primitive) noexcept {
    reinterpret_cast<PrimitiveObject*>(primitive)->owned->program = InProgram::Contract;
}

PyObject* value_loop(const char* name, PyObject* x, PyObject* y) {
    return guarded([&]() -> PyObject* {
        const Op& op = operation_named(name);
        if (static_cast<std::size_t>(op.code) >= elementwise_operations)
            throw Error(Error::Class::Value, op.name + " is not elementwise");
        const bool single =
            PyArray_Check(x) && PyArray_TYPE(reinterpret_cast<PyArrayObject*>(x)) == NPY_FLOAT32;
        const int type = single ? NPY_FLOAT32 : NPY_FLOAT64;
        Ref first = checked(PyArray_ContiguousFromAny(x, type, 0, 0));
        Ref second = checked(PyArray_ContiguousFromAny(y, type, 0, 0));
        auto* a = reinterpret_cast<PyArrayObject*>(first.get());
        auto* b = reinterpret_cast<PyArrayObject*>(second.get());
        if (PyArray_SIZE(a) != PyArray_SIZE(b))
            throw Error(Error::Class::Value, "operands of different sizes");
        Ref result = checked(PyArray_EMPTY(PyArray_NDIM(a), PyArray_DIMS(a), type, 0));
        auto* out = reinterpret_cast<PyArrayObject*>(result.get());
        if (single)
            run_loop<float>(op.code, a, b, out);
        else
            run_loop<double>(op.code, a, b, out);
        return result.release();
    });
}

}  // namespace fastad::python
