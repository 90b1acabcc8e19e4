// Registered elementwise operations as formulas: ufuncs' loops, in blocks. Partial derivatives, and
// values where the function is made of ufuncs itself.
#pragma once

#include <array>
#include <vector>

#include "python/hosted.hpp"

namespace fastad::python {

struct Formula {
    static constexpr std::size_t most_operands = 4;
    // One that is computed or given, or a number.
    struct Operand {
        static constexpr std::size_t number = ~std::size_t{0};
        std::size_t place = number;
        double value = 0.0;
    };
    struct Step {
        enum class Kind : std::uint8_t { Loop, Select, Any, All, Sum, Largest };
        Kind kind = Kind::Loop;
        bool expected = false;  // of a condition
        std::uint8_t count = 0;
        std::array<Operand, most_operands> operands{};
        std::array<npy_intp, most_operands + 1> bytes{};  // an element of each, and of the result
        PyUFuncGenericFunction run = nullptr;
        void* data = nullptr;
        bool reduces() const { return kind == Kind::Sum || kind == Kind::Largest; }
    };
    std::vector<Step> steps;
    Operand result;
    bool number = false;  // the result, of a whole array
};

// Those of one operation, by its arguments; written down when they are first asked for.
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
    bool whole = false;
    struct Target {
        Ref primitive, names, defaults;
        std::uint32_t traced = 0;
    };
    Target target;  // of one that has nothing else here
};

// Gives a registered elementwise primitive its formulas, for ever: write(dtype character) returns,
// for each argument, a tuple of formulas as _impl/formulas.py notes them, and whether they are all;
// value(), or None, the same for the value. whole: the operation is one of a whole array, and what
// write() gives are formulas of the cotangent by operand, result and the result's cotangent.
PyObject* give_formulas(PyObject* primitive, PyObject* write, PyObject* value, bool whole);
// Whether they count: not where the user has given rules of his own.
void use_formulas(PyObject* primitive, bool wanted) noexcept;
// The value of float64 arrays of one shape beside numbers, to the bit what the function gives of
// arrays alone; empty where no formula holds, or where the function has a warning to give.
Value value_by_formula(const Op& op, const Value* values, std::size_t count);

}  // namespace fastad::python
