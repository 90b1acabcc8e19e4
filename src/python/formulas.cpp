#include "python/formulas.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include "host/arrays.hpp"
#include "host/rules.hpp"
#include "python/loops.hpp"
#include "python/primitive.hpp"

namespace fastad::python {

namespace {

constexpr std::size_t block = 256;
constexpr std::size_t most_whole = 1024;  // elements of a whole array
constexpr std::size_t most_operands = Formula::most_operands;

std::string text_of(PyObject* object) {
    const char* text = PyUnicode_AsUTF8(object);
    if (!text) throw HostError();
    return text;
}

Formula::Operand operand_of(PyObject* object) {
    Formula::Operand operand;
    if (PyLong_Check(object))
        operand.place = PyLong_AsSize_t(object);
    else
        operand.value = PyFloat_AsDouble(object);
    if (PyErr_Occurred()) throw HostError();
    return operand;
}

Formula::Step step_of(PyObject* noted) {
    Formula::Step step;
    const std::string kind = text_of(PyTuple_GET_ITEM(noted, 0));
    PyObject* operands = PyTuple_GET_ITEM(noted, 3);
    step.count = static_cast<std::uint8_t>(PyTuple_GET_SIZE(operands));
    step.expected = PyTuple_GET_ITEM(noted, 4) == Py_True;
    if (step.count > step.operands.size())
        throw Error(Error::Class::Value, "a formula's step has more than four operands");
    for (std::size_t k = 0; k < step.count; ++k)
        step.operands[k] = operand_of(PyTuple_GET_ITEM(operands, static_cast<Py_ssize_t>(k)));
    if (kind == "loop" || kind == "sum" || kind == "largest") {
        if (kind != "loop")
            step.kind = kind == "sum" ? Formula::Step::Kind::Sum : Formula::Step::Kind::Largest;
        auto* ufunc = reinterpret_cast<PyUFuncObject*>(PyTuple_GET_ITEM(noted, 1));
        const Py_ssize_t loop = PyLong_AsSsize_t(PyTuple_GET_ITEM(noted, 2));
        if (loop < 0 || loop >= ufunc->ntypes || !ufunc->functions[loop]) return step;
        step.run = ufunc->functions[loop];
        step.data = ufunc->data ? const_cast<void*>(ufunc->data[loop]) : nullptr;
        const char* types = ufunc->types + loop * ufunc->nargs;
        for (std::size_t k = 0; k <= step.count; ++k)  // a reduction's ufunc has one more
            step.bytes[k] = types[k] == NPY_BOOL ? 1 : types[k] == NPY_FLOAT32 ? 4 : 8;
    } else {
        step.kind = kind == "select" ? Formula::Step::Kind::Select
                    : kind == "any"  ? Formula::Step::Kind::Any
                                     : Formula::Step::Kind::All;
    }
    return step;
}

bool is_reduction(const Formula::Step& step) {
    return step.kind == Formula::Step::Kind::Sum || step.kind == Formula::Step::Kind::Largest;
}

// False where a ufunc has no loop that can be called.
bool formula_of(PyObject* noted, Formula& formula) {
    PyObject* steps = PyTuple_GET_ITEM(noted, 0);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(steps); ++i) {
        formula.steps.push_back(step_of(PyTuple_GET_ITEM(steps, i)));
        const Formula::Step& step = formula.steps.back();
        const bool runs = step.kind == Formula::Step::Kind::Loop || is_reduction(step);
        if (runs && !step.run) return false;
    }
    formula.result = operand_of(PyTuple_GET_ITEM(noted, 1));
    return true;
}

// Of a whole array's formula with so many arrays given: which steps are numbers is known.
void find_number(Formula& formula, std::size_t given) {
    std::vector<bool> numbers;
    auto is_number = [&](const Formula::Operand& operand) {
        if (operand.place == Formula::Operand::number) return true;
        return operand.place >= given && numbers[operand.place - given];
    };
    for (const Formula::Step& step : formula.steps)
        numbers.push_back(
            is_reduction(step) ||
            std::all_of(step.operands.begin(), step.operands.begin() + step.count, is_number));
    formula.number = is_number(formula.result);
}

std::uint32_t read_by(const Formula& formula, std::size_t given) {
    std::uint32_t reads = 0;
    auto read = [&](const Formula::Operand& operand) {
        if (operand.place < given) reads |= 1u << operand.place;
    };
    for (const Formula::Step& step : formula.steps)
        std::for_each_n(step.operands.begin(), step.count, read);
    read(formula.result);
    return reads;
}

// A pair: formulas, and whether they are all.
Formulas::Argument argument_of(PyObject* both, std::size_t given) {
    PyObject* noted = PyTuple_GET_ITEM(both, 0);
    bool whole = PyTuple_GET_ITEM(both, 1) == Py_True;
    Formulas::Argument argument;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(noted); ++i) {
        Formula formula;
        if (!formula_of(PyTuple_GET_ITEM(noted, i), formula)) {
            whole = false;
            continue;
        }
        argument.reads |= read_by(formula, given);
        argument.formulas.push_back(std::move(formula));
    }
    argument.tracked = whole ? argument.reads : ~std::uint32_t{0};
    return argument;
}

// Of the value; null where there are none.
const Formulas::Argument* value_formulas(const Op& op, std::size_t count) {
    const Hosted* own = hosted(op);
    Formulas* formulas = own->formulas.get();
    if (!formulas->write_value || !op.pointwise) return nullptr;
    Formulas::OfType& found = formulas->value;
    const Critical alone(own->primitive);
    if (!found.known) {
        Ref noted = checked(PyObject_CallNoArgs(formulas->write_value.get()));
        if (!found.known) {
            const std::size_t given = count + (formulas->whole ? 2 : 1);
            found.arguments.push_back(argument_of(noted.get(), given));
            for (Formula& formula : found.arguments[0].formulas) find_number(formula, given);
            found.known = true;
            formulas->value_source = std::move(noted);
        }
    }
    return found.arguments[0].formulas.empty() ? nullptr : &found.arguments[0];
}

const Formulas::OfType* formulas_of(const Op& op, DType dtype) {
    const Hosted* own = hosted(op);
    Formulas* formulas = own ? own->formulas.get() : nullptr;
    if (!formulas) return nullptr;
    if (dtype != DType::Float64 && dtype != DType::Float32) return nullptr;
    Formulas::OfType& found = formulas->types[dtype == DType::Float32];
    const Critical alone(own->primitive);
    if (found.known) return &found;
    Ref noted = checked(
        PyObject_CallFunction(formulas->write.get(), "s", dtype == DType::Float64 ? "d" : "f"));
    std::vector<Formulas::Argument> arguments;
    const Py_ssize_t count = PyTuple_GET_SIZE(noted.get());
    for (Py_ssize_t k = 0; k < count; ++k)
        arguments.push_back(
            argument_of(PyTuple_GET_ITEM(noted.get(), k),
                        static_cast<std::size_t>(count) + (formulas->whole ? 2 : 1)));
    if (!found.known) {  // the rules that it ran may have let another thread in
        found.arguments = std::move(arguments);
        found.known = true;
        Ref both = checked(PyTuple_Pack(2, or_none(formulas->source), noted.get()));
        formulas->source = std::move(both);
    }
    return &found;
}

// Where an operand lies, or the result.
template <class T>
struct Lane {
    const T* data = nullptr;
    bool fixed = false;  // a number
    T number{};
};

struct Way {
    bool exact = false;   // no step may raise a flag: the function warns, or does not
    bool spread = false;  // loops read arrays, as they do where a function's arguments were
                          // broadcast: beside a number they may give other bits
    bool whole = false;   // one block
};

// One formula on one set of operands, block by block, in registers of a block's size. What depends
// on numbers alone is computed once.
template <class T>
class Run {
    using Kind = Formula::Step::Kind;
    using Operand = Formula::Operand;

  public:
    Run(const Formula& formula, const std::vector<Lane<T>>& given, std::size_t size, Way way)
        : formula_(formula),
          given_(given),
          size_(size),
          width_(way.whole ? size : std::min(size, block)),
          way_(way) {
        const std::size_t bytes = formula.steps.size() * width_ * sizeof(T);
        if (bytes > sizeof near_) far_ = std::make_unique<char[]>(bytes);
    }

    // False where a condition does not hold; what is written then means nothing.
    bool into(T* out) {
        for (start_ = 0; start_ < size_; start_ += width_) {
            count_ = std::min(width_, size_ - start_);
            out_ = reinterpret_cast<char*>(out + start_);
            for (std::size_t i = 0; i < formula_.steps.size(); ++i)
                if (!step(i)) return false;
            const std::size_t place = formula_.result.place;
            if (place >= given_.size() && place != Operand::number && !once(place - given_.size()))
                continue;
            T number;
            bool fixed;
            const T* from = lane(formula_.result, number, fixed);
            const std::size_t written = way_.whole && formula_.number ? 1 : count_;
            for (std::size_t k = 0; k < written; ++k) out[start_ + k] = from[fixed ? 0 : k];
        }
        for (std::size_t i = 0; i < formula_.steps.size(); ++i) {
            const Formula::Step& own = formula_.steps[i];
            if (own.kind == Kind::Any && held(i) != own.expected) return false;
            if (own.kind == Kind::All && missed(i) == own.expected) return false;
        }
        return true;
    }

  private:
    bool held(std::size_t i) const { return held_ >> i & 1u; }
    bool missed(std::size_t i) const { return missed_ >> i & 1u; }
    bool once(std::size_t i) const { return once_ >> i & 1u; }
    bool is_number(const Operand& operand) const {
        if (operand.place == Operand::number) return true;
        return operand.place < given_.size() ? given_[operand.place].fixed
                                             : once(operand.place - given_.size());
    }
    // False where a condition does not hold, whatever comes.
    bool step(std::size_t i) {
        const Formula::Step& own = formula_.steps[i];
        if (start_ == 0) {
            bool numbers = true;
            for (std::size_t k = 0; k < own.count; ++k)
                numbers = numbers && is_number(own.operands[k]);
            if (numbers || is_reduction(own)) once_ |= std::uint64_t{1} << i;
        } else if (once(i)) {
            return true;
        }
        const std::size_t count = count_;
        if (once(i) && !is_reduction(own)) count_ = 1;
        const bool holds = compute(i, own);
        count_ = count;
        return holds;
    }
    bool compute(std::size_t i, const Formula::Step& own) {
        char* to = room(i);
        if (own.kind == Kind::Loop || is_reduction(own)) {
            if (own.kind == Kind::Loop)
                loop(own, to);
            else
                reduce(own, reinterpret_cast<T*>(to));
            return !way_.exact || !flags_raised();
        }
        const char* mask = room(own.operands[0].place - given_.size());
        if (own.kind == Kind::Select) {
            select(mask, own, reinterpret_cast<T*>(to));
            return true;
        }
        const auto count = static_cast<std::size_t>(
            std::count_if(mask, mask + count_, [](char one) { return one != 0; }));
        if (count > 0) held_ |= std::uint64_t{1} << i;
        if (count < count_) missed_ |= std::uint64_t{1} << i;
        return own.kind == Kind::Any ? own.expected || !held(i) : !own.expected || !missed(i);
    }
    // Of the step that gives the result it is where that is written, for later steps too.
    char* room(std::size_t i) {
        if (formula_.result.place == given_.size() + i && !once(i)) return out_;
        return (far_ ? far_.get() : near_) + i * width_ * sizeof(T);
    }
    const T* lane(const Operand& operand, T& number, bool& fixed) {
        fixed = operand.place == Operand::number;
        if (fixed) {
            number = static_cast<T>(operand.value);
            return &number;
        }
        if (operand.place >= given_.size()) {
            const std::size_t i = operand.place - given_.size();
            fixed = once(i);
            return reinterpret_cast<const T*>(room(i));
        }
        const Lane<T>& own = given_[operand.place];
        fixed = own.fixed;
        return own.data + (fixed ? 0 : start_);
    }
    void loop(const Formula::Step& own, char* to) {
        T numbers[most_operands];
        char* places[most_operands + 1];
        npy_intp strides[most_operands + 1];
        for (std::size_t k = 0; k < own.count; ++k) {
            bool fixed;
            const T* from = lane(own.operands[k], numbers[k], fixed);
            places[k] = reinterpret_cast<char*>(const_cast<T*>(from));
            strides[k] = fixed && !way_.spread ? 0 : own.bytes[k];
            if (fixed && way_.spread && count_ > 1) {
                if (own.bytes[k] == sizeof(T))
                    std::fill_n(spread_[k], count_, *from);
                else  // a mask
                    std::memset(spread_[k], *places[k], count_);
                places[k] = reinterpret_cast<char*>(spread_[k]);
                strides[k] = own.bytes[k];
            }
        }
        places[own.count] = to;
        strides[own.count] = own.bytes[own.count];
        const auto n = static_cast<npy_intp>(count_);
        own.run(places, &n, strides, own.data);
    }
    // As NumPy reduces what is contiguous: a sum begins with zero, a maximum with the first.
    void reduce(const Formula::Step& own, T* to) {
        T number;
        bool fixed;
        const T* from = lane(own.operands[0], number, fixed);
        const bool sum = own.kind == Kind::Sum;
        *to = sum ? T{} : *from;
        const std::size_t first = sum ? 0 : 1;
        char* places[3] = {reinterpret_cast<char*>(to),
                           reinterpret_cast<char*>(const_cast<T*>(from + (fixed ? 0 : first))),
                           reinterpret_cast<char*>(to)};
        const npy_intp strides[3] = {0, fixed ? 0 : own.bytes[0], 0};
        const auto n = static_cast<npy_intp>(count_ - first);
        own.run(places, &n, strides, own.data);
    }
    void select(const char* mask, const Formula::Step& own, T* to) {
        T yes_number, no_number;
        bool yes_fixed, no_fixed;
        const T* yes = lane(own.operands[1], yes_number, yes_fixed);
        const T* no = lane(own.operands[2], no_number, no_fixed);
        const bool one = once(own.operands[0].place - given_.size());
        for (std::size_t k = 0; k < count_; ++k)
            to[k] = mask[one ? 0 : k] != 0 ? yes[yes_fixed ? 0 : k] : no[no_fixed ? 0 : k];
    }

    const Formula& formula_;
    const std::vector<Lane<T>>& given_;
    const std::size_t size_, width_;
    const Way way_;
    std::size_t start_ = 0, count_ = 0;
    char* out_ = nullptr;
    std::uint64_t held_ = 0, missed_ = 0;  // by step: where a condition's mask held, and where not
    std::uint64_t once_ = 0;               // by step: whether it is a number
    std::unique_ptr<char[]> far_;
    T spread_[most_operands][block];
    alignas(64) char near_[std::size_t{8} << 10];
};

template <class T>
bool run(const Formulas::Argument& argument, const Value* values, std::size_t count,
         std::size_t size, Way way, T* out) {
    const std::size_t all = count + (way.whole ? 2 : 1);
    std::vector<Lane<T>> given(all);
    for (std::size_t k = 0; k < all; ++k) {
        Lane<T>& lane = given[k];
        if (!(argument.reads >> k & 1u)) continue;
        if (values[k].is_number()) {
            lane.fixed = true;
            lane.number = static_cast<T>(values[k].number());
            lane.data = &lane.number;
        } else {
            lane.data = static_cast<const T*>(PyArray_DATA(array(py(values[k].object()))));
        }
    }
    const host::Unlocked unlocked(size);
    for (const Formula& formula : argument.formulas)
        if (Run<T>(formula, given, size, way).into(out))
            return true;
        else if (way.exact && flags_raised())
            return false;
    return false;
}

}  // namespace

PyObject* give_formulas(PyObject* primitive, PyObject* write, PyObject* value, bool whole) {
    return guarded([&]() -> PyObject* {
        auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
        auto formulas = std::make_unique<Formulas>();
        formulas->write = Ref(Py_NewRef(write));
        formulas->whole = whole;
        if (value != Py_None) formulas->write_value = Ref(Py_NewRef(value));
        hosted(*self->owned)->formulas = std::move(formulas);
        self->owned->pointwise = true;
        Py_RETURN_NONE;
    });
}

PyObject* give_target(PyObject* primitive, PyObject* target, PyObject* names, PyObject* defaults,
                      std::uint32_t traced) {
    return guarded([&]() -> PyObject* {
        auto formulas = std::make_unique<Formulas>();
        formulas->target = {Ref(Py_NewRef(target)), Ref(Py_NewRef(names)), Ref(Py_NewRef(defaults)),
                            traced};
        auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
        hosted(*self->owned)->formulas = std::move(formulas);
        Py_RETURN_NONE;
    });
}

namespace {

constexpr Py_ssize_t most_bound = 8;

// A value that one level alone records, which takes derivatives.
bool traced_once(PyObject* object) {
    if (Py_TYPE(object) != array_box_type) return false;
    const Traced& traced = traced_of(object);
    return !traced.value.is_box() && traced.level && traced.level->needs_rules();
}

bool is_plain_number(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    if (type == &PyFloat_Type || type == &PyLong_Type || type == float64_type) return true;
    return type == &PyArray_Type && PyArray_TYPE(array(object)) == NPY_FLOAT64;
}

Py_ssize_t place_of(PyObject* names, PyObject* name) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i)
        if (PyTuple_GET_ITEM(names, i) == name) return i;
    return -1;
}

}  // namespace

PyObject* call_target(PyObject* primitive, PyObject* const* args, Py_ssize_t positional,
                      PyObject* kwnames) {
    const Formulas::Target& target =
        hosted(*reinterpret_cast<PrimitiveObject*>(primitive)->op)->formulas->target;
    const Py_ssize_t count = PyTuple_GET_SIZE(target.names.get());
    if (positional > count || count > most_bound) return nullptr;
    PyObject* bound[most_bound] = {};
    std::copy_n(args, positional, bound);
    const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < named; ++i) {
        const Py_ssize_t place = place_of(target.names.get(), PyTuple_GET_ITEM(kwnames, i));
        if (place < 0 || bound[place]) return nullptr;
        bound[place] = args[positional + i];
    }
    const Py_ssize_t first = count - PyTuple_GET_SIZE(target.defaults.get());
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (!bound[i]) {
            if (i < first) return nullptr;
            bound[i] = PyTuple_GET_ITEM(target.defaults.get(), i - first);
        } else if (!is_plain_number(bound[i]) &&
                   !((target.traced >> i & 1u) && traced_once(bound[i]))) {
            return nullptr;
        }
    }
    return PyObject_Vectorcall(target.primitive.get(), bound, static_cast<std::size_t>(count),
                               nullptr);
}

Value value_by_formula(const Op& op, const Value* values, std::size_t count) {
    PyArrayObject* like = nullptr;
    for (std::size_t k = 0; k < count; ++k) {
        if (values[k].is_number()) continue;
        if (!readable(values[k])) return {};
        PyArrayObject* own = array(py(values[k].object()));
        if (PyArray_TYPE(own) != NPY_FLOAT64 || PyArray_SIZE(own) == 0) return {};
        if (!like) like = own;
        if (!PyArray_SAMESHAPE(like, own)) return {};
    }
    const bool whole = host::whole(op);
    if (whole && (!like || PyArray_SIZE(like) > static_cast<npy_intp>(most_whole))) return {};
    const Formulas::Argument* own = value_formulas(op, count);
    if (!own) return {};
    if (whole && own->formulas[0].number != own->formulas.back().number) return {};
    const bool one = !like || (whole && own->formulas[0].number);
    if (flags_raised()) clear_flags();  // by others
    Ref result;
    double number = 0.0;
    double* out = &number;
    const std::size_t size = like ? static_cast<std::size_t>(PyArray_SIZE(like)) : 1;
    if (!one) {
        result = checked(new_ndarray(NPY_FLOAT64, PyArray_NDIM(like), PyArray_DIMS(like)));
        out = static_cast<double*>(PyArray_DATA(array(result.get())));
    }
    const bool done = run(*own, values, count, size, {true, !whole, whole}, out);
    const bool flagged = flags_raised();
    if (flagged) clear_flags();
    if (PyErr_Occurred()) {  // scipy.special.errstate asks for errors: the function raises them
        PyErr_Clear();
        return {};
    }
    if (!done || flagged) return {};
    return one ? Value::strong(number) : take_result(result.release());
}

void use_formulas(PyObject* primitive, bool wanted) noexcept {
    auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
    if (self->owned && hosted(*self->owned)->formulas) self->owned->pointwise = wanted;
}

}  // namespace fastad::python

namespace fastad::host {

using namespace python;

bool partial_known(const Op& op, std::size_t argument, DType dtype, std::uint32_t& reads) {
    const Formulas::OfType* own = formulas_of(op, dtype);
    if (!own || argument >= own->arguments.size() || own->arguments[argument].formulas.empty())
        return false;
    reads = own->arguments[argument].tracked;
    return true;
}

bool whole(const Op& op) noexcept {
    const Hosted* own = op.pointwise ? hosted(op) : nullptr;
    return own && own->formulas && own->formulas->whole;
}

bool cotangent(const Op& op, const Value* values, std::size_t size, double* out) {
    const Formulas::OfType* own = size <= most_whole ? formulas_of(op, DType::Float64) : nullptr;
    if (!own) return false;
    const bool done = run(own->arguments[0], values, 1, size, {false, false, true}, out);
    if (flags_raised()) clear_flags();
    return done;
}

bool partial(const Op& op, std::size_t argument, const Value* values, std::size_t count,
             DType dtype, std::size_t size, void* out) {
    const Formulas::OfType* own = formulas_of(op, dtype);
    if (!own || argument >= own->arguments.size()) return false;
    const bool done =
        dtype == DType::Float64
            ? run(own->arguments[argument], values, count, size, {}, static_cast<double*>(out))
            : run(own->arguments[argument], values, count, size, {}, static_cast<float*>(out));
    if (flags_raised()) clear_flags();
    return done;
}

}  // namespace fastad::host
