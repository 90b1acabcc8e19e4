// Registered elementwise operations as formulas: ufuncs' loops, in blocks. Partial derivatives, and
// values where the function is made of ufuncs itself. And operations along axes of one array, whose
// formulas sum over these and take maxima.
#pragma once

#include <array>
#include <vector>

#include "python/hosted.hpp"

namespace fastad::python {

// Of what stands in the formula of an operation along axes: the same for all elements, one for each
// line of the array, or one for each of its elements.
enum class Extent : std::uint8_t { Number, Kept, Full };

struct Formula {
    static constexpr std::size_t most_operands = 4;
    static constexpr std::size_t most_steps = 64;  // as they are noted
    // One that is computed or given, or a number.
    struct Operand {
        static constexpr std::size_t number = ~std::size_t{0};
        std::size_t place = number;
        double value = 0.0;
    };
    struct Step {
        // Spread: one value for each line of an array, repeated along it.
        enum class Kind : std::uint8_t { Loop, Select, Any, All, Sum, Largest, Spread };
        Kind kind = Kind::Loop;
        bool expected = false;  // of a condition
        std::uint8_t count = 0;
        // Of operations along axes: how much it gives, and where that is.
        Extent extent = Extent::Full;
        std::uint8_t room = 0;
        std::array<Operand, most_operands> operands{};
        std::array<npy_intp, most_operands + 1> bytes{};  // an element of each, and of the result
        PyUFuncGenericFunction run = nullptr;
        void* data = nullptr;
        bool reduces() const { return kind == Kind::Sum || kind == Kind::Largest; }
    };
    std::vector<Step> steps;
    Operand result;
    // Of operations along axes.
    Extent extent = Extent::Full;  // the result's
    std::size_t rooms = 0;
};

// Those of one operation, by its arguments; written down when they are first asked for. And what
// else a registered one was given: what it is composed of, and where its calls go.
struct Formulas {
    struct Argument {
        std::vector<Formula> formulas;
        std::uint32_t reads = 0;  // operands, and behind them the result
        // Those, and where the rule is called for some values, all: it may read any.
        std::uint32_t tracked = 0;
    };
    struct OfType {
        bool known = false;
        std::vector<Argument> arguments;
    };
    Ref write;        // dtype character -> for each argument its formulas, and whether they are all
    Ref source;       // what it gave: it holds the ufuncs
    OfType types[2];  // float64, float32
    Ref write_value;  // () -> those of the value in float64, and whether they are all
    Ref value_source;
    OfType value;  // one entry
    // Of an operation along axes of its first operand: at which places these and `keepdims` are
    // given, which may be nowhere, of how many; the others are None or False where formulas hold.
    struct Axes {
        static constexpr std::size_t nowhere = ~std::size_t{0};
        std::size_t axis = nowhere, keepdims = nowhere, count = 0;
        explicit operator bool() const { return count != 0; }
    };
    Axes along;
    // A function of operations that gives the same value, or NotImplemented.
    Ref composition;
    struct Target {
        Ref primitive, names, defaults;
        std::uint32_t traced = 0;   // places at which traced values are taken
        std::uint32_t options = 0;  // and those for numbers of axes, truths and None
    };
    Target target;
};

// What a registered primitive has been given so far, to which more is added.
Formulas& own_formulas(PyObject* primitive);
// Gives a registered elementwise primitive its formulas, for ever: write(dtype character) returns,
// for each argument, a tuple of formulas as _impl/formulas.py notes them, and whether they are all;
// value(), or None, the same for the value. along: the operation is one along axes of its first
// operand, and what write() gives are formulas of the cotangent by operand, result and the result's
// cotangent.
PyObject* give_formulas(PyObject* primitive, PyObject* write, PyObject* value,
                        const Formulas::Axes& along);
// Gives a registered primitive what it is composed of, for ever.
PyObject* give_composition(PyObject* primitive, PyObject* function);
// Whether they count: not where the user has given rules of his own.
void use_formulas(PyObject* primitive, bool wanted) noexcept;
// Those of the value, null where there are none, and those of derivatives.
const Formulas::Argument* value_formulas(const Op& op, std::size_t count);
const Formulas::OfType* formulas_of(const Op& op, DType dtype);
// The value of float64 arrays of one shape beside numbers, to the bit what the function gives of
// arrays alone; empty where no formula holds, or where the function has a warning to give.
Value value_by_formula(const Op& op, const Value* values, std::size_t count);

}  // namespace fastad::python
