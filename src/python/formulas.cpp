#include "python/formulas.hpp"

#include <algorithm>
#include <memory>

#include "host/arrays.hpp"
#include "host/rules.hpp"
#include "python/formula_along.hpp"
#include "python/formula_run.hpp"
#include "python/loops.hpp"
#include "python/primitive.hpp"

namespace fastad::python {

namespace {

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

// False where a ufunc has no loop that can be called.
bool formula_of(PyObject* noted, Formula& formula) {
    PyObject* steps = PyTuple_GET_ITEM(noted, 0);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(steps); ++i) {
        formula.steps.push_back(step_of(PyTuple_GET_ITEM(steps, i)));
        const Formula::Step& step = formula.steps.back();
        const bool runs = step.kind == Formula::Step::Kind::Loop || step.reduces();
        if (runs && !step.run) return false;
    }
    formula.result = operand_of(PyTuple_GET_ITEM(noted, 1));
    return true;
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

// Of an operation along axes, whose result is of this extent: its value, or its cotangent. The
// extents of all values are one.
void plan(Formulas::Argument& argument, Extent ans, bool cotangent) {
    std::vector<Formula> planned;
    for (Formula& formula : argument.formulas)
        if (plan_along(formula, ans, cotangent) &&
            (planned.empty() || planned[0].extent == formula.extent))
            planned.push_back(std::move(formula));
    if (planned.size() != argument.formulas.size()) argument.tracked = ~std::uint32_t{0};
    argument.formulas = std::move(planned);
}

}  // namespace

const Formulas::Argument* value_formulas(const Op& op, std::size_t count) {
    const Hosted* own = hosted(op);
    Formulas* formulas = own->formulas.get();
    if (!formulas->write_value || !op.pointwise) return nullptr;
    Formulas::OfType& found = formulas->value;
    const Critical alone(own->primitive);
    if (!found.known) {
        Ref noted = checked(PyObject_CallNoArgs(formulas->write_value.get()));
        if (!found.known) {
            found.arguments.push_back(
                argument_of(noted.get(), formulas->along ? along_given : count + 1));
            if (formulas->along) plan(found.arguments[0], Extent::Number, false);
            found.known = true;
            formulas->value_source = std::move(noted);
        }
    }
    return found.arguments[0].formulas.empty() ? nullptr : &found.arguments[0];
}

const Formulas::OfType* formulas_of(const Op& op, DType dtype) {
    const Hosted* own = hosted(op);
    Formulas* formulas = own ? own->formulas.get() : nullptr;
    if (!formulas || !formulas->write) return nullptr;
    if (dtype != DType::Float64 && dtype != DType::Float32) return nullptr;
    const Formulas::Argument* value = formulas->along ? value_formulas(op, 1) : nullptr;
    Formulas::OfType& found = formulas->types[dtype == DType::Float32];
    const Critical alone(own->primitive);
    if (found.known) return &found;
    Ref noted = checked(
        PyObject_CallFunction(formulas->write.get(), "s", dtype == DType::Float64 ? "d" : "f"));
    std::vector<Formulas::Argument> arguments;
    const Py_ssize_t count = PyTuple_GET_SIZE(noted.get());
    for (Py_ssize_t k = 0; k < count; ++k) {
        const std::size_t given =
            formulas->along ? along_given : static_cast<std::size_t>(count) + 1;
        arguments.push_back(argument_of(PyTuple_GET_ITEM(noted.get(), k), given));
        if (!formulas->along) continue;
        plan(arguments.back(), value ? value->formulas[0].extent : Extent::Full, true);
        // Its operand, and behind all of them the result.
        std::uint32_t& tracked = arguments.back().tracked;
        if (tracked != ~std::uint32_t{0})
            tracked = (tracked & 1u) | (tracked >> 1 & 1u) << formulas->along.count;
    }
    if (!found.known) {  // the rules that it ran may have let another thread in
        found.arguments = std::move(arguments);
        found.known = true;
        Ref both = checked(PyTuple_Pack(2, or_none(formulas->source), noted.get()));
        formulas->source = std::move(both);
    }
    return &found;
}

namespace {

template <class T>
bool run(const Formulas::Argument& argument, const Value* values, std::size_t count,
         std::size_t size, Way way, T* out) {
    const std::size_t all = count + 1;
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

Formulas& own_formulas(PyObject* primitive) {
    Hosted* own = hosted(*reinterpret_cast<PrimitiveObject*>(primitive)->owned);
    if (!own->formulas) own->formulas = std::make_shared<Formulas>();
    return *own->formulas;
}

PyObject* give_formulas(PyObject* primitive, PyObject* write, PyObject* value,
                        const Formulas::Axes& along) {
    return guarded([&]() -> PyObject* {
        Formulas& formulas = own_formulas(primitive);
        formulas.write = Ref(Py_NewRef(write));
        formulas.write_value = Ref(value == Py_None ? nullptr : Py_NewRef(value));
        formulas.along = along;
        for (Formulas::OfType* known : {&formulas.types[0], &formulas.types[1], &formulas.value})
            *known = {};
        reinterpret_cast<PrimitiveObject*>(primitive)->owned->pointwise = true;
        Py_RETURN_NONE;
    });
}

PyObject* give_composition(PyObject* primitive, PyObject* function) {
    return guarded([&]() -> PyObject* {
        own_formulas(primitive).composition = Ref(Py_NewRef(function));
        reinterpret_cast<PrimitiveObject*>(primitive)->owned->composed = true;
        Py_RETURN_NONE;
    });
}

Value value_by_formula(const Op& op, const Value* values, std::size_t count) {
    if (hosted(op)->formulas->along) return value_along(op, values, count);
    PyArrayObject* like = nullptr;
    for (std::size_t k = 0; k < count; ++k) {
        if (values[k].is_number()) continue;
        if (!readable(values[k])) return {};
        PyArrayObject* own = array(py(values[k].object()));
        if (PyArray_TYPE(own) != NPY_FLOAT64 || PyArray_SIZE(own) == 0) return {};
        if (!like) like = own;
        if (!PyArray_SAMESHAPE(like, own)) return {};
    }
    const Formulas::Argument* own = value_formulas(op, count);
    if (!own) return {};
    if (flags_raised()) clear_flags();  // by others
    Ref result;
    double number = 0.0;
    double* out = &number;
    const std::size_t size = like ? static_cast<std::size_t>(PyArray_SIZE(like)) : 1;
    if (like) {
        result = checked(new_ndarray(NPY_FLOAT64, PyArray_NDIM(like), PyArray_DIMS(like)));
        out = static_cast<double*>(PyArray_DATA(array(result.get())));
    }
    const bool done = run(*own, values, count, size, {true, true}, out);
    const bool flagged = flags_raised();
    if (flagged) clear_flags();
    if (PyErr_Occurred()) {  // scipy.special.errstate asks for errors: the function raises them
        PyErr_Clear();
        return {};
    }
    if (!done || flagged) return {};
    return like ? take_result(result.release()) : Value::strong(number);
}

void use_formulas(PyObject* primitive, bool wanted) noexcept {
    auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
    const Formulas* own = self->owned ? hosted(*self->owned)->formulas.get() : nullptr;
    if (own && own->write) self->owned->pointwise = wanted;
}

}  // namespace fastad::python

namespace fastad::host {

using namespace python;

Value composed(const Op& op, const Value* values, std::size_t count) {
    Value result = call(hosted(op)->formulas->composition.get(), values, count, nullptr);
    return result.is_object() && py(result.object()) == Py_NotImplemented ? Value() : result;
}

bool partial_known(const Op& op, std::size_t argument, DType dtype, std::uint32_t& reads) {
    const Formulas::OfType* own = formulas_of(op, dtype);
    if (!own || argument >= own->arguments.size() || own->arguments[argument].formulas.empty())
        return false;
    reads = own->arguments[argument].tracked;
    return true;
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
