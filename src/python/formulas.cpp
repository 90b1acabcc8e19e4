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
    if (kind == "loop") {
        auto* ufunc = reinterpret_cast<PyUFuncObject*>(PyTuple_GET_ITEM(noted, 1));
        const Py_ssize_t loop = PyLong_AsSsize_t(PyTuple_GET_ITEM(noted, 2));
        if (loop < 0 || loop >= ufunc->ntypes || !ufunc->functions[loop]) return step;
        step.run = ufunc->functions[loop];
        step.data = ufunc->data ? const_cast<void*>(ufunc->data[loop]) : nullptr;
        const char* types = ufunc->types + loop * ufunc->nargs;
        for (std::size_t k = 0; k <= step.count; ++k)
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
        if (step.kind == Formula::Step::Kind::Loop && !step.run) return false;
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
    for (Py_ssize_t k = 0; k < count; ++k) {
        PyObject* both = PyTuple_GET_ITEM(noted.get(), k);
        PyObject* of_argument = PyTuple_GET_ITEM(both, 0);
        bool whole = PyTuple_GET_ITEM(both, 1) == Py_True;
        Formulas::Argument argument;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(of_argument); ++i) {
            Formula formula;
            if (!formula_of(PyTuple_GET_ITEM(of_argument, i), formula)) {
                whole = false;
                continue;
            }
            argument.reads |= read_by(formula, static_cast<std::size_t>(count) + 1);
            argument.formulas.push_back(std::move(formula));
        }
        argument.tracked = whole ? argument.reads : ~std::uint32_t{0};
        arguments.push_back(std::move(argument));
    }
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

// One formula on one set of operands, block by block, in registers of a block's size.
template <class T>
class Run {
    using Kind = Formula::Step::Kind;
    using Operand = Formula::Operand;

  public:
    Run(const Formula& formula, const std::vector<Lane<T>>& given, std::size_t size)
        : formula_(formula), given_(given), size_(size), width_(std::min(size, block)) {
        const std::size_t bytes = formula.steps.size() * width_ * sizeof(T);
        if (bytes > sizeof near_) far_ = std::make_unique<char[]>(bytes);
    }

    // False where a condition does not hold; what is written then means nothing.
    bool into(T* out) {
        for (start_ = 0; start_ < size_; start_ += block) {
            count_ = std::min(block, size_ - start_);
            out_ = reinterpret_cast<char*>(out + start_);
            for (std::size_t i = 0; i < formula_.steps.size(); ++i)
                if (!step(i)) return false;
            if (formula_.result.place >= given_.size() && formula_.result.place != Operand::number)
                continue;
            T number;
            bool fixed;
            const T* from = lane(formula_.result, number, fixed);
            for (std::size_t k = 0; k < count_; ++k) out[start_ + k] = from[fixed ? 0 : k];
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
    // False where a condition does not hold, whatever comes.
    bool step(std::size_t i) {
        const Formula::Step& own = formula_.steps[i];
        char* to = room(i);
        if (own.kind == Kind::Loop) {
            loop(own, to);
            return true;
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
        if (formula_.result.place == given_.size() + i) return out_;
        return (far_ ? far_.get() : near_) + i * width_ * sizeof(T);
    }
    const T* lane(const Operand& operand, T& number, bool& fixed) {
        fixed = operand.place == Operand::number;
        if (fixed) {
            number = static_cast<T>(operand.value);
            return &number;
        }
        if (operand.place >= given_.size())
            return reinterpret_cast<const T*>(room(operand.place - given_.size()));
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
            strides[k] = fixed ? 0 : own.bytes[k];
        }
        places[own.count] = to;
        strides[own.count] = own.bytes[own.count];
        const auto n = static_cast<npy_intp>(count_);
        own.run(places, &n, strides, own.data);
    }
    void select(const char* mask, const Formula::Step& own, T* to) {
        T yes_number, no_number;
        bool yes_fixed, no_fixed;
        const T* yes = lane(own.operands[1], yes_number, yes_fixed);
        const T* no = lane(own.operands[2], no_number, no_fixed);
        for (std::size_t k = 0; k < count_; ++k)
            to[k] = mask[k] != 0 ? yes[yes_fixed ? 0 : k] : no[no_fixed ? 0 : k];
    }

    const Formula& formula_;
    const std::vector<Lane<T>>& given_;
    const std::size_t size_, width_;
    std::size_t start_ = 0, count_ = 0;
    char* out_ = nullptr;
    std::uint64_t held_ = 0, missed_ = 0;  // by step: where a condition's mask held, and where not
    std::unique_ptr<char[]> far_;
    alignas(64) char near_[std::size_t{8} << 10];
};

template <class T>
bool run(const Formulas::Argument& argument, const Value* values, std::size_t count,
         std::size_t size, T* out) {
    std::vector<Lane<T>> given(count + 1);
    for (std::size_t k = 0; k <= count; ++k) {
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
        if (Run<T>(formula, given, size).into(out)) return true;
    return false;
}

}  // namespace

PyObject* give_formulas(PyObject* primitive, PyObject* write) {
    return guarded([&]() -> PyObject* {
        auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
        auto formulas = std::make_unique<Formulas>();
        formulas->write = Ref(Py_NewRef(write));
        hosted(*self->owned)->formulas = std::move(formulas);
        self->owned->pointwise = true;
        Py_RETURN_NONE;
    });
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

bool partial(const Op& op, std::size_t argument, const Value* values, std::size_t count,
             DType dtype, std::size_t size, void* out) {
    const Formulas::OfType* own = formulas_of(op, dtype);
    if (!own || argument >= own->arguments.size()) return false;
    const bool done =
        dtype == DType::Float64
            ? run(own->arguments[argument], values, count, size, static_cast<double*>(out))
            : run(own->arguments[argument], values, count, size, static_cast<float*>(out));
    if (flags_raised()) clear_flags();
    return done;
}

}  // namespace fastad::host
