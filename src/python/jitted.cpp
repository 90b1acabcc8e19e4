// The callable that jit returns: programs by signature, replayed while what they rely on holds.
#include "python/observer.hpp"
#include "python/paths.hpp"
#include "python/programs.hpp"
#include "python/result_form.hpp"
#include "python/session.hpp"
#include "python/slots.hpp"

#include <structmember.h>

#include <algorithm>
#include <optional>

namespace fastad::python {

namespace {

struct Entry {
    PyObject* signature;
    PyObject* paths;
    PyObject* slots;  // Slots that must hold, or a function that says whether they do, or null
    PyObject* build;  // a ResultForm, or called with a list
    // Null, or (signature, places, draw): captured values that are inputs, and what gives draws.
    PyObject* lifted;
    Py_ssize_t interval, left;
    bool calls;  // whether programs call Python code, which may change what the slots hold
    // What the objects above hold, so that a call need not ask; null: it must.
    const Signature* arguments = nullptr;
    Paths* programs = nullptr;
    SlotTable* table = nullptr;
    const ResultForm* form = nullptr;
    LastResults last{};
    // Replays in a row whose results were infinite or no number, and calls until the next attempt:
    // where that is what the function gives, a replay before each call of it is in vain.
    std::uint32_t doubts = 0, waits = 0;
};

struct JittedObject {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject* slow;
    PyObject* fun;
    PyObject* dict;
    PyObject* weakrefs;
    std::vector<Entry>* entries;
    // Room of the last call, for the next one.
    std::vector<PyObject*>* inputs;
    std::vector<PyObject*>* outputs;
    std::vector<PyObject*>* places;
    std::vector<double*>* numbers;
};

// A room that a call takes, and gives back to the next call; a call inside it makes its own.
template <class T>
class Room {
  public:
    explicit Room(std::vector<T>& kept) : kept_(kept) {
        if (!free_threaded) own.swap(kept);
    }
    ~Room() {
        own.clear();
        if (!free_threaded) own.swap(kept_);
    }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    std::vector<T> own;

  private:
    std::vector<T>& kept_;
};
PyTypeObject* jitted_type = nullptr;

void drop(Entry& entry) {
    entry.last.clear();
    Py_DECREF(entry.signature);
    Py_DECREF(entry.paths);
    Py_XDECREF(entry.slots);
    Py_DECREF(entry.build);
    Py_XDECREF(entry.lifted);
}

// `out`: where results are written, or null.
PyObject* ask(JittedObject* self, PyObject* const* args, Py_ssize_t positional, PyObject* kwnames,
              const char* why, PyObject* out) {
    Ref tuple = checked(PyTuple_New(positional));
    for (Py_ssize_t i = 0; i < positional; ++i)
        PyTuple_SET_ITEM(tuple.get(), i, Py_NewRef(args[i]));
    Ref named = checked(PyDict_New());
    for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); ++i)
        if (PyDict_SetItem(named.get(), PyTuple_GET_ITEM(kwnames, i), args[positional + i]) < 0)
            throw HostError();
    auto* object = reinterpret_cast<PyObject*>(self);
    return out ? PyObject_CallFunction(self->slow, "OOOsO", object, tuple.get(), named.get(), why,
                                       out)
               : PyObject_CallFunction(self->slow, "OOOs", object, tuple.get(), named.get(), why);
}

PyObject* built(PyObject* build, const ResultForm* form, std::vector<PyObject*>& outputs) {
    if (form) return form->build(outputs);
    Ref list(list_of(outputs));
    return PyObject_CallOneArg(build, list.get());
}

bool unchanged(PyObject* slots, SlotTable* table) {
    if (table) return table->unchanged();
    Ref answer = checked(PyObject_CallNoArgs(slots));
    const int truth = PyObject_IsTrue(answer.get());
    if (truth < 0) throw HostError();
    return truth == 1;
}

constexpr std::size_t most_states = 4;  // in which calls of one kind are replayed

enum class PlaceKind : std::uint8_t { Cell, Dict, List, Class, Member, Length };

// What stands at a place; null if nothing does.
Ref look(PyObject* place) {
    const auto kind = static_cast<PlaceKind>(PyLong_AsLong(PyTuple_GET_ITEM(place, 0)));
    PyObject* holder = PyTuple_GET_ITEM(place, 1);
    PyObject* key = PyTuple_GET_ITEM(place, 2);
    PyObject* found = nullptr;
    const Critical alone(holder);
    switch (kind) {
        case PlaceKind::Cell: return Ref(Py_XNewRef(PyCell_GET(holder)));
        case PlaceKind::Dict: found = PyDict_GetItemWithError(holder, key); break;
        case PlaceKind::List: {
            const Py_ssize_t size = PyList_GET_SIZE(holder);
            const Py_ssize_t key_at = PyLong_AsSsize_t(key);
            const Py_ssize_t at = key_at < 0 ? key_at + size : key_at;
            if (at >= 0 && at < size) found = PyList_GET_ITEM(holder, at);
            break;
        }
        case PlaceKind::Length: return Ref(PyLong_FromSsize_t(PyList_GET_SIZE(holder)));
        case PlaceKind::Class:
            found = PyDict_GetItemWithError(reinterpret_cast<PyTypeObject*>(holder)->tp_dict, key);
            break;
        case PlaceKind::Member: {
            Ref own(Py_TYPE(key)->tp_descr_get(key, holder,
                                               reinterpret_cast<PyObject*>(Py_TYPE(holder))));
            if (!own) PyErr_Clear();
            return own;
        }
    }
    if (!found) PyErr_Clear();
    return Ref(Py_XNewRef(found));
}

// The captured values that are inputs, after the arguments'; false where one is of another kind.
bool add_lifted(PyObject* lifted, std::vector<PyObject*>& inputs, std::vector<Ref>& held) {
    PyObject* items = PyTuple_GET_ITEM(lifted, 1);
    const Py_ssize_t count = PyTuple_GET_SIZE(items);
    std::vector<PyObject*> values(static_cast<std::size_t>(count));
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* places = PyTuple_GET_ITEM(items, i);
        held.push_back(look(PyTuple_GET_ITEM(places, 0)));
        PyObject* value = held.back().get();
        if (!value) return false;
        for (Py_ssize_t k = 1; k < PyTuple_GET_SIZE(places); ++k)
            if (look(PyTuple_GET_ITEM(places, k)).get() != value) return false;
        values[static_cast<std::size_t>(i)] = value;
    }
    return signature_of(PyTuple_GET_ITEM(lifted, 0))->match(values.data(), count, nullptr, inputs);
}

// What the function draws, after all other inputs; false where draws are given or noted, which
// those of a program would not be.
bool add_draws(PyObject* draw, std::vector<PyObject*>& inputs, Ref& drawn) {
    drawn = checked(PyObject_CallNoArgs(draw));
    if (drawn.get() == Py_None) return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(drawn.get()); ++i)
        inputs.push_back(PyList_GET_ITEM(drawn.get(), i));
    return true;
}

void note_doubt(JittedObject* self, std::size_t number, bool doubtful) {
    constexpr std::uint32_t most = 6;
    const Critical alone(reinterpret_cast<PyObject*>(self));
    if (number >= self->entries->size()) return;
    Entry& entry = (*self->entries)[number];
    entry.waits = doubtful ? (std::uint32_t{1} << entry.doubts) - 1 : 0;
    entry.doubts = doubtful ? std::min(entry.doubts + 1, most) : 0;
}

// What a replay needs of an entry, held: code of the user's may run, and change the entries.
struct Held {
    std::size_t number;
    bool calls;
    Ref paths, build, slots, lifted;
    Paths& programs;
    SlotTable* table;
    const ResultForm* form;

    Held(std::size_t at, const Entry& entry)
        : number(at),
          calls(entry.calls && entry.slots),
          paths(Py_NewRef(entry.paths)),
          build(Py_NewRef(entry.build)),
          slots(Py_XNewRef(entry.slots)),
          lifted(Py_XNewRef(entry.lifted)),
          programs(*entry.programs),
          table(entry.table),
          form(entry.form) {}

    // Whether code of the user's is asked if what the programs rely on still holds.
    bool asks() const noexcept { return slots && (!table || table->asks()); }
};

void hold(const std::vector<PyObject*>& objects, std::vector<Ref>& held) {
    for (PyObject* object : objects) held.emplace_back(Py_NewRef(object));
}

// Replays of a program of numbers: what is written where, and what is given.
struct Numbers {
    PyObject* out = nullptr;                 // null: a result is made
    std::vector<double*>* places = nullptr;  // in `out`, of all results
    PyObject* result = nullptr;
    PyObject* dropped = nullptr;  // what is held no more
};

// One run of a program of numbers; false if it is none, or an input is not what it looks for.
bool run_numbers(JittedObject* self, const Held& entry, const Program& program,
                 const std::vector<PyObject*>& inputs, int& outcome, Numbers& numbers) {
    const ResultForm& form = *entry.form;
    if (!program.of_numbers() || form.leaves() != program.outputs()) return false;
    program::NumbersRun run(program, !free_threaded);
    if (!read_numbers(inputs.data(), program.inputs(), run.inputs())) return false;
    outcome = outcome_of(run);
    if (outcome != Program::complete) return true;
    if (numbers.out) {
        const std::vector<double*>& places = *numbers.places;
        for (std::size_t i = 0; i < places.size(); ++i) *places[i] = run.result(i);
        numbers.result = Py_NewRef(numbers.out);
        return true;
    }
    // A long run lets other threads run, and a container that is made the collector of garbage:
    // each may change the entries.
    const auto last = [&]() -> LastResults* {
        std::vector<Entry>& entries = *self->entries;
        const bool there = entry.number < entries.size() && entries[entry.number].form == &form;
        return there ? &entries[entry.number].last : nullptr;
    };
    const bool kept = refills && form.leaves() <= LastResults::most_numbers;
    if (LastResults* results = kept ? last() : nullptr)
        numbers.result = results->refilled(form, run);
    if (numbers.result) return true;
    numbers.result = form.build(run);
    if (LastResults* results = kept ? last() : nullptr)
        numbers.dropped = results->keep(numbers.result);
    return true;
}

// A run of values that are not numbers alone, or into `places` in `out`.
int run_values(JittedObject* self, const Held& entry, const std::vector<PyObject*>& inputs,
               PyObject* out, const std::vector<PyObject*>* places, bool agreed,
               PyObject*& result) {
    Room<PyObject*> results(*self->outputs);
    const int outcome = entry.programs.run([&](const Program& program) {
        return run_objects(program, inputs.data(), results.own, places ? places->data() : nullptr,
                           agreed);
    });
    if (outcome != Program::complete) return outcome;
    if (places && entry.form->is_whole(*places)) {
        for (PyObject* object : results.own) Py_DECREF(object);
        result = Py_NewRef(out);
    } else {
        result = built(entry.build.get(), entry.form, results.own);
    }
    return outcome;
}

// The result of a replay; null without an exception where none may be: `why` says the reason.
PyObject* replay(JittedObject* self, PyObject* const* args, Py_ssize_t positional,
                 PyObject* kwnames, PyObject* out, const char*& why) {
    // Whoever is observed must be seen to run, and a mode changes what derivatives are.
    if (Observer::any_runs() || strict_zero_active()) return nullptr;
    Room<PyObject*> room(*self->inputs);
    std::vector<PyObject*>& inputs = room.own;
    std::optional<Critical> alone(std::in_place, reinterpret_cast<PyObject*>(self));
    std::size_t e = 0;
    // Other code may replace a captured value, and take what is read and written out of the
    // containers that the caller gave.
    bool others = false;
    std::vector<Ref> held;
    std::optional<Held> found;
    for (;; ++e) {  // arguments of one kind have an entry for each of a few states
        inputs.clear();
        if (e >= self->entries->size()) return nullptr;
        if (!(*self->entries)[e].arguments->match(args, positional, kwnames, inputs)) continue;
        found.emplace(e, (*self->entries)[e]);
        others = free_threaded || found->lifted || found->asks() || found->programs.lets_others();
        if (others) hold(inputs, held);
        if ((!found->slots || unchanged(found->slots.get(), found->table)) &&
            (!found->lifted || add_lifted(found->lifted.get(), inputs, held)))
            break;
        why = "state";
        // This may be the last to hold them: let go before anything is borrowed for the next one.
        found.reset();
        held.clear();
    }
    const Held& entry = *found;
    why = "state";
    if (e >= self->entries->size()) return nullptr;
    Entry& counted = (*self->entries)[e];
    if (counted.waits > 0) {
        --counted.waits;
        why = "doubt";
        return nullptr;
    }
    if (--counted.left < 0) {
        counted.left = counted.interval;
        why = "check";
        return nullptr;
    }
    const bool doubted = counted.doubts > 0;
    Numbers numbers{out};
    bool plain =
        entry.form && entry.form->holds_numbers() && !entry.lifted && entry.programs.of_numbers();
    std::optional<Room<double*>> plain_places;
    std::optional<Room<PyObject*>> written;
    if (out && plain) {
        plain_places.emplace(*self->numbers);
        numbers.places = &plain_places->own;
        plain = entry.form->take_numbers(out, {*numbers.places, others ? &held : nullptr});
    }
    const auto take = [&] {
        written.emplace(*self->places);
        if (!entry.form || !entry.form->take(out, written->own)) return false;
        if (others) hold(written->own, held);
        return true;
    };
    if (out && !plain && !take()) {  // not built like the result
        why = "new";
        return nullptr;
    }
    alone.reset();
    Ref drawn;
    PyObject* draw = entry.lifted ? PyTuple_GET_ITEM(entry.lifted.get(), 2) : Py_None;
    if (draw != Py_None && !add_draws(draw, inputs, drawn)) {
        why = "doubt";
        return nullptr;
    }
    // Nobody has looked at what was drawn: how an array lies is up to what draws it.
    const bool agreed = draw == Py_None;
    int outcome = Program::doubtful;
    bool done = false;
    if (plain)
        outcome = entry.programs.run([&](const Program& program) {
            int own = Program::doubtful;
            done = run_numbers(self, entry, program, inputs, own, numbers);
            return own;
        });
    if (!done && out && !written && !take()) {
        why = "new";
        return nullptr;
    }
    if (!done)
        outcome = run_values(self, entry, inputs, out, written ? &written->own : nullptr, agreed,
                             numbers.result);
    const bool doubtful = outcome == Program::doubtful;
    if (doubtful || doubted) note_doubt(self, e, doubtful);
    Py_XDECREF(numbers.dropped);
    Ref result(numbers.result);
    if (entry.calls && !unchanged(entry.slots.get(), entry.table)) {
        why = "changed";
        return nullptr;
    }
    if (outcome == Program::complete) return result.release();
    why = !agreed ? (doubtful ? "drawn" : "undo") : doubtful ? "doubt" : "guard";
    return nullptr;
}

PyObject* answer(JittedObject* self, PyObject* const* args, Py_ssize_t positional,
                 PyObject* kwnames, PyObject* out) {
    return guarded([&]() -> PyObject* {
        const char* why = "new";
        PyObject* result = replay(self, args, positional, kwnames, out, why);
        if (result || PyErr_Occurred()) return result;
        return ask(self, args, positional, kwnames, why, out);
    });
}

PyObject* call(PyObject* object, PyObject* const* args, std::size_t flags, PyObject* kwnames) {
    return answer(reinterpret_cast<JittedObject*>(object), args, PyVectorcall_NARGS(flags), kwnames,
                  nullptr);
}

PyObject* into(PyObject* object, PyObject* const* args, Py_ssize_t positional, PyObject* kwnames) {
    if (positional < 1) {
        PyErr_SetString(
            PyExc_TypeError,
            "into() takes the arrays for the result, and then the function's arguments");
        return nullptr;
    }
    return answer(reinterpret_cast<JittedObject*>(object), args + 1, positional - 1, kwnames,
                  args[0]);
}

PyObject* create_jitted(PyTypeObject* type, PyObject* args, PyObject*) {
    PyObject *slow, *fun;
    if (!PyArg_ParseTuple(args, "OO:Jitted", &slow, &fun)) return nullptr;
    if (!PyCallable_Check(slow) || !PyCallable_Check(fun)) {
        PyErr_Format(PyExc_TypeError,
                     "jit: the first argument must be a function, not %R of type %s", fun,
                     Py_TYPE(fun)->tp_name);
        return nullptr;
    }
    auto* self = reinterpret_cast<JittedObject*>(type->tp_alloc(type, 0));
    if (!self) return nullptr;
    self->vectorcall = call;
    self->slow = Py_NewRef(slow);
    self->fun = Py_NewRef(fun);
    self->entries = new std::vector<Entry>;
    self->inputs = new std::vector<PyObject*>;
    self->outputs = new std::vector<PyObject*>;
    self->places = new std::vector<PyObject*>;
    self->numbers = new std::vector<double*>;
    return reinterpret_cast<PyObject*>(self);
}
int traverse(PyObject* object, visitproc visit, void* arg) {
    auto* self = reinterpret_cast<JittedObject*>(object);
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->slow);
    Py_VISIT(self->fun);
    Py_VISIT(self->dict);
    if (self->entries)
        for (const Entry& entry : *self->entries) {
            Py_VISIT(entry.build);
            Py_VISIT(entry.slots);
            Py_VISIT(entry.lifted);
            if (const int stop = entry.last.visit(visit, arg)) return stop;
        }
    return 0;
}
void empty(JittedObject* self) {
    std::vector<Entry> entries;
    entries.swap(*self->entries);
    for (Entry& entry : entries) drop(entry);
}
int clear(PyObject* object) {
    auto* self = reinterpret_cast<JittedObject*>(object);
    if (self->entries) empty(self);
    Py_CLEAR(self->slow);
    Py_CLEAR(self->fun);
    Py_CLEAR(self->dict);
    return 0;
}
void dealloc(PyObject* object) {
    auto* self = reinterpret_cast<JittedObject*>(object);
    PyTypeObject* type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->weakrefs) PyObject_ClearWeakRefs(object);
    clear(object);
    delete self->entries;
    delete self->inputs;
    delete self->outputs;
    delete self->places;
    delete self->numbers;
    type->tp_free(object);
    Py_DECREF(type);
}
// What makes the result: a form for the only output, and for a tuple of them.
Ref form_of(PyObject* build, const std::vector<PyObject*>& programs) {
    if (build == Py_None) return checked(make_result_form(Py_None));
    if (build != Py_True || programs.empty()) return Ref(Py_NewRef(build));
    const auto count =
        static_cast<Py_ssize_t>(reinterpret_cast<ProgramObject*>(programs[0])->program->outputs());
    Ref leaves = checked(PyTuple_New(count));
    for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(leaves.get(), i, Py_NewRef(Py_None));
    Ref description = checked(Py_BuildValue("sO", "tuple", leaves.get()));
    return checked(make_result_form(description.get()));
}

PyObject* install(PyObject* object, PyObject* args) {
    PyObject *signature, *paths, *slots, *build, *lifted = Py_None;
    Py_ssize_t interval;
    int calls = 0;
    if (!PyArg_ParseTuple(args, "OOOOn|Op:install", &signature, &paths, &slots, &build, &interval,
                          &lifted, &calls))
        return nullptr;
    return guarded([&]() -> PyObject* {
        auto* self = reinterpret_cast<JittedObject*>(object);
        if (!signature_of(signature) || !paths_of(paths) ||
            (slots != Py_None && !slots_of(slots) && !PyCallable_Check(slots)) ||
            (lifted != Py_None && !PyTuple_Check(lifted)))
            throw Error(
                Error::Class::Type,
                "install() takes a Signature, Paths, a function or None, a function, a number");
        const Ref form = form_of(build, paths_of(paths)->programs());
        build = form.get();
        Entry entry{Py_NewRef(signature),
                    Py_NewRef(paths),
                    slots == Py_None ? nullptr : Py_NewRef(slots),
                    Py_NewRef(build),
                    lifted == Py_None ? nullptr : Py_NewRef(lifted),
                    interval,
                    interval,
                    calls != 0,
                    signature_of(signature),
                    paths_of(paths),
                    slots == Py_None ? nullptr : slots_of(slots),
                    result_form_of(build)};
        const Critical alone(object);
        Entry* oldest = nullptr;
        std::size_t states = 0;
        for (Entry& known : *self->entries) {
            if (!(*signature_of(known.signature) == *signature_of(signature))) continue;
            ++states;
            if (!oldest || known.paths == paths) oldest = &known;
            if (known.paths == paths) break;
        }
        if (oldest && (oldest->paths == paths || states == most_states)) {
            std::swap(*oldest, entry);
            drop(entry);
            Py_RETURN_NONE;
        }
        self->entries->push_back(entry);
        Py_RETURN_NONE;
    });
}
PyObject* remove(PyObject* object, PyObject* signature) {
    return guarded([&]() -> PyObject* {
        auto* self = reinterpret_cast<JittedObject*>(object);
        if (!signature_of(signature)) throw Error(Error::Class::Type, "remove() takes a Signature");
        const Critical alone(object);
        for (std::size_t i = 0; i < self->entries->size();) {
            if (!(*signature_of((*self->entries)[i].signature) == *signature_of(signature))) {
                ++i;
                continue;
            }
            Entry entry = (*self->entries)[i];
            self->entries->erase(self->entries->begin() + static_cast<std::ptrdiff_t>(i));
            drop(entry);
        }
        Py_RETURN_NONE;
    });
}
PyObject* clear_entries(PyObject* object, PyObject*) {
    const Critical alone(object);
    empty(reinterpret_cast<JittedObject*>(object));
    Py_RETURN_NONE;
}
PyObject* descr_get(PyObject* self, PyObject* object, PyObject*) {
    if (!object || object == Py_None) return Py_NewRef(self);
    return PyMethod_New(self, object);
}
PyObject* get_dict(PyObject* object, void* closure) {
    return PyObject_GenericGetDict(object, closure);
}

PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(JittedObject, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(JittedObject, weakrefs), READONLY, nullptr},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(JittedObject, vectorcall), READONLY, nullptr},
    {"fun", T_OBJECT_EX, offsetof(JittedObject, fun), READONLY, "The function itself."},
    {nullptr, 0, 0, 0, nullptr},
};
PyMethodDef methods[] = {
    {"install", install, METH_VARARGS,
     "install(signature, paths, slots, build, interval, lifted, calls): replay calls that agree."},
    {"remove", remove, METH_O, "remove(signature): ask the slow way again."},
    {"into", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)(void)>(into)),
     METH_FASTCALL | METH_KEYWORDS,
     "into(out, /, *args, **kwargs)\n--\n\n"
     "Call the function with its results written into arrays given.\n\n"
     "Parameters\n----------\n"
     "out : array, or a container of arrays\n"
     "    Built like the result: an array of no dimensions for a number, and one array for lists "
     "or\n"
     "    tuples of numbers, of their lengths. Where it has None, a new value is given.\n\n"
     "Returns\n-------\n"
     "object\n"
     "    `out`; where that has None, the result with the arrays of `out` in it."},
    {"clear", clear_entries, METH_NOARGS, "clear(): replay nothing any more."},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef getset[] = {
    {"__dict__", get_dict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(create_jitted)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_descr_get, reinterpret_cast<void*>(descr_get)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, getset},
    {Py_tp_doc, const_cast<char*>("A function that replays its programs: what jit returns.")},
    {0, nullptr},
};
PyType_Spec spec = {
    "fastad._core.Jitted", sizeof(JittedObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_BASETYPE,
    slots};

}  // namespace

PyObject* jitted_class() {
    if (!jitted_type) jitted_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return Py_XNewRef(reinterpret_cast<PyObject*>(jitted_type));
}

}  // namespace fastad::python
