// The contract of an operation: what stands in the table, and what tape, gate and sweep may ask of
// it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "host/arrays.hpp"
#include "host/rules.hpp"
#include "value.hpp"

namespace fastad {

enum class Code : std::uint16_t {
#define UNARY(NAME, VALUE, DX) NAME,
#define BINARY(NAME, VALUE, DX, DY) NAME,
#define ZERO(NAME, ARITY, VALUE) NAME,
#define TEST(NAME, ARITY, VALUE) NAME,
#include "ops/elementwise.def"
    elementwise_count,
    first_structural = elementwise_count,
    before_structural =
        first_structural - 1,  // the next enumerator takes first_structural's number
#define STRUCTURAL(NAME) NAME,
#include "ops/structural.def"
#undef STRUCTURAL
    count,
    foreign = count,  // registered from the host, not in the table
    term              // of kind Term
};

inline constexpr std::size_t operation_count = static_cast<std::size_t>(Code::count);
inline constexpr std::size_t elementwise_operations =
    static_cast<std::size_t>(Code::elementwise_count);

enum class OpKind : std::uint8_t {
    Elementwise,  // value by NumPy's loop, derivative by a kernel or by the rule on Value
    Structural,   // a block in ops/*.cpp
    Zero,         // derivative zero: not recorded
    Test,         // boolean: not recorded
    Foreign,      // rules registered from the host
    Pointwise,    // of a record: one of those, elementwise, with operands that formulas are for
    Term          // a cotangent times a derivative, as levels that do not differentiate record it
};
constexpr const char* name_of(OpKind kind) noexcept {
    switch (kind) {
        case OpKind::Elementwise: return "elementwise";
        case OpKind::Structural: return "structural";
        case OpKind::Zero: return "zero";
        case OpKind::Test: return "test";
        case OpKind::Foreign:
        case OpKind::Pointwise: return "rule";
        case OpKind::Term: break;
    }
    return "term";
}

// Which of x, y and ans a derivative reads.
inline constexpr std::uint8_t reads_x = 1, reads_y = 2, reads_ans = 4;

// What is known of an operation beside its expressions or its block.
struct Facts {
    bool finite = false;           // of finite operands the result is finite
    std::array<bool, 2> passes{};  // infinite or NaN wherever this operand is
    bool exact = false;            // the table's value is correctly rounded: NumPy's bits
    bool exact_operator = false;   // the table's value has the bits of the operator of numbers
    bool root = false;     // under strict_zero an infinite derivative, at the domain's end, is zero
    bool squares = false;  // where y is a constant two, its rule is that of square, much cheaper
    bool hosted = false;   // programs run the host's loop, if the host says that it is the better
    bool cheap = false;    // computed sooner than it is stored and loaded again
    bool same = false;     // the result is the operand
    bool negates = false;  // or its opposite
    bool commutes = false;      // the operands may change places, bit for bit
    std::array<bool, 2> odd{};  // of the opposite of this operand the opposite, bit for bit
    bool divides = false;       // x times what it is of 1 and y, but for a rounding
    bool by_value = false;  // the derivative for y is that for x times -ans, but for two roundings
    // Of whole numbers the result is whole, if it is one that doubles hold; it may be -0.
    bool keeps_whole = false, minus_zero = false;
    std::array<bool, 2> keeps_sign{};  // not -0 where this operand is positive
    bool sometimes_whole = false;      // or not, as the values of the operands are
    bool own_operator = false;         // ndarray's is not always the ufunc of that name
    // One loop for a cotangent times this derivative is cheaper than the rule's operations.
    std::array<bool, 2> fused{};
};

inline constexpr auto elementwise_facts = [] {
    std::array<Facts, elementwise_operations> facts{};
#define FACT(NAME, FIELD) facts[static_cast<std::size_t>(Code::NAME)].FIELD = true;
#include "ops/elementwise.def"
    return facts;
}();
// The operation whose rule an application has where y is this constant.
constexpr Code rule_at(Code code, double y) noexcept {
    const bool square = elementwise_facts[static_cast<std::size_t>(code)].squares && y == 2.0;
    return square ? Code::square : code;
}

struct Elementwise {
    std::array<std::uint8_t, 2> uses{};
    std::array<bool, 2> constant{};  // the derivative is the number below
    std::array<double, 2> coefficient{};
    // Whether a cotangent or tangent passes as it is.
    bool one(std::size_t k) const noexcept { return constant[k] && coefficient[k] == 1.0; }
    // With this number as the other operand the result is the operand, bit for bit; NaN: never.
    std::array<double, 2> neutral{never, never};
    static constexpr double never = __builtin_nan("");
    // Of the same operand at little more cost: the derivative of the one is the other.
    const Op* twin = nullptr;
    // With the second operand negated, bit for bit what that gives of it as it is.
    const Op* opposite = nullptr;
    // Of kind Zero: what stands for it where its operand is complex, and has a derivative.
    Value (*of_complex)(const Value& x) = nullptr;
    double (*value)(double x, double y) = nullptr;
    double (*partial[2])(double x, double y, double ans) = {};
    Value (*rule[2])(const Value& x, const Value& y, const Value& ans) = {};
    std::array<std::string, 2> text;
};

// An operand that was not given.
inline bool absent(const Value& operand) {
    return operand.empty() || (operand.is_object() && host::type_name(operand) == "NoneType");
}

// One application of an operation, as its structural rule sees it. Operands that the rule does not
// read are empty in the reverse sweep; their shape and dtype are still there.
class Call {
  public:
    Call(const Op& op, const Value* args, const Meta* metas, std::size_t count, const Value* ans,
         const Meta& ans_meta) noexcept
        : op(op), ans_meta(ans_meta), args_(args), metas_(metas), count_(count), ans_(ans) {}

    const Op& op;
    const Meta ans_meta;
    std::size_t count() const noexcept { return count_; }
    const Value& arg(std::size_t i) const noexcept { return i < count_ ? args_[i] : none_; }
    const Meta& meta(std::size_t i) const noexcept { return metas_[i]; }
    const Value& ans() const noexcept { return *ans_; }

  private:
    const Value* args_;
    const Meta* metas_;
    std::size_t count_;
    const Value* ans_;
    Value none_;
};

// What is known of a result before it is computed (ops/aval.hpp).
struct Aval;

// What an argument of a structural operation is to the levels.
enum class Argument : std::uint8_t {
    Differentiable,
    Discrete,  // an index, a condition: derivative zero, and may be traced
    Static,    // an axis, a flag: the same at every input
    Lengths,   // a static list of axes or lengths, which a list or an array may give too
    Order,     // of memory
    Refused    // on a traced value only with NumPy's default
};

struct Parameter {
    const char* name;
    Argument kind;
    bool kept = false;  // a differentiable one whose value a rule reads
};

struct Structural {
    std::vector<Parameter> parameters;
    bool variadic = false;  // the last parameter stands for any number of arguments
    // Called with its arguments by position only: NumPy's function of that name takes others.
    bool positional = false;
    bool rearranges = false;  // elements: the result of the operand's shape is not the operand
    // With fewer arguments NumPy's function of that name is another one, of derivative zero.
    std::size_t least = 0;
    // NumPy's function takes these parameters by position only, ours by name as well.
    bool unnamed = false;
    bool keeps_ans = false;
    // g added in at the index that this argument is: the whole adjoint of the first one. 0: no.
    std::size_t scatters = 0;
    // One of several results of a primitive, whose rule wants the cotangents of all of them.
    bool bundled = false;
    // In its differentiable arguments together (its JVP is itself on the tangents), or in each of
    // them (the rule of one reads the others).
    enum class Linear : std::uint8_t { No, Jointly, Separately };
    Linear linear = Linear::No;
    // Dtype and shape of the result; false where only the host's function knows them.
    bool (*aval)(const Call& call, Aval& result) = nullptr;
    Value (*vjp)(const Call& call, std::size_t argnum, const Value& g) = nullptr;
    // The same for values without boxes in one pass over memory: out, an array in C order of the
    // argument's dtype and shape, is written or added to. False, and nothing done, where that does
    // not apply to this call; null: never.
    bool (*adjoint)(const Call& call, std::size_t argnum, const Value& g, const Value& out,
                    bool accumulate) = nullptr;
    // vjp for raw cotangents with a leading axis of this length, all at once; summing over
    // broadcast axes is left to the caller here too. Empty where that does not apply to this call:
    // one row after the other then.
    Value (*vjp_batch)(const Call& call, std::size_t argnum, const Value& g,
                       Extent width) = nullptr;
    // The tangent of the result for tangents of some arguments (empty: none), each with a leading
    // axis of this length; empty where that does not apply to this call. It may have axes of length
    // one where the result has longer ones. Null: one tangent after the other.
    Value (*jvp_batch)(const Call& call, const Value* tangents, Extent width) = nullptr;
    // Of an operation that is not linear.
    Value (*jvp)(const Call& call, std::size_t argnum, const Value& tangent) = nullptr;
    const char* formula = "";

    const Parameter* parameter(std::size_t i) const noexcept {
        if (i < parameters.size()) return &parameters[i];
        return variadic ? &parameters.back() : nullptr;
    }
    bool differentiable(std::size_t i) const noexcept {
        const Parameter* own = parameter(i);
        return own && own->kind == Argument::Differentiable;
    }
    // Whether the value of a traced argument must be kept for the rules; that of a constant is in
    // any case, for its shape.
    bool keeps(std::size_t i) const noexcept {
        const Parameter* own = parameter(i);
        return own && own->kept;
    }
    // Whether the rules read more of this argument than its shape.
    bool reads(std::size_t i) const noexcept {
        return !differentiable(i) || keeps(i) || linear == Linear::Separately;
    }
};

// What a program makes of an operation.
enum class InProgram : std::uint8_t {
    Call,  // of the host; so are those below where operands or parameters do not suit
    Loop,  // elementwise
    Select,
    Cast,
    Sum,
    Mean,
    Max,
    Min,
    Same,    // of real numbers, the operand
    View,    // the operand's memory in another layout
    Spread,  // a view of an array, and of a number
    Take,    // a view, a number or a copy of the elements that an index takes
    Put,     // added into zeros at an index
    Join,    // arrays one after the other
    Stack,   // arrays or numbers along a new axis
    Product,
    Contract,  // numpy.einsum: subscripts, options, two arrays
    Bound,     // of real numbers, a maximum and a minimum: recorded as these
    Index,     // a tuple of positions
    Part       // of a tuple
};

struct Op : Facts {
    std::string name;
    Code code = Code::foreign;
    // By the user, with rules or of derivative zero; not one of the table.
    bool registered() const noexcept { return code == Code::foreign; }
    OpKind own = OpKind::Foreign;
    bool pure = false;  // a registered one without effects: the same of the same operands
    // One that is pure and only moves elements of its first operand, by others that are static;
    // elements of the result that come from nowhere are zero.
    bool moves = false;
    // A registered one that is elementwise, and whose partial derivatives the host may have as
    // formulas.
    bool pointwise = false;
    // A registered one that levels which do not differentiate record as what it is composed of.
    bool composed = false;
    bool replaced = false;  // rules registered from the host stand in for its own
    OpKind kind() const noexcept { return replaced ? OpKind::Foreign : own; }
    InProgram program = InProgram::Call;
    std::size_t arity = 0;
    // Kind Term: of which operation, and for which of its operands. Its own operands are the
    // cotangent, x, y and ans; those that the derivative does not read are empty.
    const Op* whole = nullptr;
    std::size_t which = 0;
    Elementwise elementwise;
    Structural structural;
    Object* host = nullptr;  // what the host needs to run it
    // How the host runs it, where that is not one way for all of its kind.
    Value (*forward)(const Op& op, const Value* values, std::size_t count) = nullptr;

    // A function of the host's, which may raise an error of its own, and do more than give its
    // result.
    bool may_raise() const noexcept { return registered() && program == InProgram::Call; }
    bool effects() const noexcept { return may_raise() && !pure; }
    // The derivative for each argument, as printed; empty where the host has the rules.
    std::string formula() const {
        if (kind() == OpKind::Structural) return structural.formula;
        if (kind() != OpKind::Elementwise) return {};
        return elementwise.text[0] + (arity == 2 ? "; " + elementwise.text[1] : "");
    }

    // An argument such as an index or a condition: piecewise constant, so its derivative is zero.
    bool discrete(std::size_t i) const noexcept {
        return kind() == OpKind::Structural && !structural.differentiable(i);
    }
};

Op& operation(Code code);
const Op& operation_named(const char* name);

// One gate: the value of an operation on any values, recorded wherever it must be. Operands of the
// highest level win; values of lower levels are constants to it.
Value apply(const Op& op, const Value* values, std::size_t count, Object* kwnames = nullptr,
            Form form = Form::Rule);

template <class... Values>
Value apply(Code code, const Values&... values) {
    const Value list[] = {values...};
    return apply(operation(code), list, sizeof...(Values));
}

// The space of a value's cotangent, seen through all levels. Borrowed from the value.
Meta meta_of(const Value& value);
// g as a cotangent of the target: summed over broadcast axes, cast, real part taken. The one place.
Value fit(const Value& g, const Meta& target);
// The axes of a cotangent along which the target was broadcast; the first `lead` are those of a
// batch.
std::vector<Extent> broadcast_axes(const Meta& own, const Meta& target, int lead = 0);
// The tangent as a tangent of ans: broadcast to its shape, of its dtype, real where ans is real.
Value conform(const Value& tangent, const Value& ans);
Value conform(const Value& tangent, const Meta& ans);
// The derivative of an elementwise operation for its k-th argument, which is no constant; g times
// the derivative. The result's type is that of ans, which may be empty where no rule reads it.
Value elementwise_rule(const Op& op, std::size_t k, const Value& x, const Value& y,
                       const Value& ans, DType result);
Value elementwise_term(const Op& op, std::size_t k, const Value& x, const Value& y,
                       const Value& ans, DType result, const Value& g);
// The operation of kind Term, on its four operands, where the one level that they are of records
// it; else empty.
Value apply_term(const Op& term, const Value* values);
// The operation whose rule this application has: another one where a fact in the table says so.
const Op& rule_of(const Op& op, const Value* inner, bool y_traced);
// What a rule returned, without boxes of the tape that is being swept: they are constants to it.
Value sweep_result(Value value);

// Structural operations as functions on Value, for the rules.
namespace shaped {
Value reshape(const Value& x, const Extent* shape, int rank);
Value reshape_like(const Value& x, const Meta& meta);
Value broadcast(const Value& x, const Meta& meta);
Value sum(const Value& x, const Value& axis, bool keepdims);
Value transpose(const Value& x, const Extent* axes, int rank);
Value matrix_transpose(const Value& x);
}  // namespace shaped

// Values with a leading axis of a batch's width.
namespace batched {
// Of this shape behind the batch's axis.
Value reshape(const Value& x, const Extent* shape, int rank, Extent width);
// With axes of length one behind the batch's, so that it broadcasts to results of that many axes.
Value aligned(const Value& x, const Meta& own, int rank, Extent width);
// Broadcast to the shape, behind the batch's axis.
Value broadcast(const Value& x, const Meta& own, const Meta& target, Extent width);
Value zeros(const Meta& own, Extent width);
// Cotangents as ones of the target: summed over the axes that it was broadcast along. Empty for
// what is not made of doubles.
Value fit(Value g, const Meta& target, Extent width);
}  // namespace batched

}  // namespace fastad
