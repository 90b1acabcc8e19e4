// Fills the operation table from the expressions of ops/elementwise.def.
#include "level.hpp"
#include "ops/blocks.hpp"
#include "ops/op.hpp"
#include "ops/symbols.hpp"

namespace fastad {
namespace {

// The table's expressions once more, after the symbolic functions: names in a template are looked
// up where it is defined, so the instantiations below must see them.
#define UNARY(NAME, VALUE, DX)                                       \
    template <std::size_t which, class T>                            \
    auto derivative_of_##NAME([[maybe_unused]] const T& x, const T&, \
                              [[maybe_unused]] const T& ans) {       \
        return DX;                                                   \
    }
#define BINARY(NAME, VALUE, DX, DY)                                                     \
    template <std::size_t which, class T>                                               \
    auto derivative_of_##NAME([[maybe_unused]] const T& x, [[maybe_unused]] const T& y, \
                              [[maybe_unused]] const T& ans) {                          \
        if constexpr (which == 0)                                                       \
            return DX;                                                                  \
        else                                                                            \
            return DY;                                                                  \
    }
#include "ops/elementwise.def"

template <class Expression>
void set_derivative(Elementwise& e, std::size_t which, Expression expression) {
    const auto uses = expression(Uses{reads_x}, Uses{reads_y}, Uses{reads_ans});
    const auto text = expression(Text{"x"}, Text{"y"}, Text{"ans"});
    if constexpr (std::is_same_v<decltype(expression(Uses{}, Uses{}, Uses{})), Const>) {
        e.constant[which] = true;
        e.coefficient[which] = uses.number;
        e.text[which] = number_text(text).text;
        (void)uses_of(uses);
    } else {
        e.uses[which] = uses.mask;
        e.text[which] = text.text;
    }
}

struct Table {
    std::array<Op, operation_count> ops;
    std::array<std::array<Op, 2>, elementwise_operations> terms;

    Table() {
        auto head = [this](Code code, const char* name, OpKind kind, std::size_t arity) -> Op& {
            Op& op = ops[static_cast<std::size_t>(code)];
            op.name = name;
            op.code = code;
            op.own = kind;
            op.arity = arity;
            return op;
        };
#define FASTAD_DERIVATIVE(NAME, WHICH)                                              \
    set_derivative(e, WHICH, [](const auto& x, const auto& y, const auto& ans) {    \
        return derivative_of_##NAME<WHICH>(x, y, ans);                              \
    });                                                                             \
    e.partial[WHICH] = [](double x, double y, double ans) -> double {               \
        return derivative_of_##NAME<WHICH>(x, y, ans);                              \
    };                                                                              \
    e.rule[WHICH] = [](const Value& x, const Value& y, const Value& ans) -> Value { \
        return value_of(derivative_of_##NAME<WHICH>(x, y, ans));                    \
    };
#define UNARY(NAME, VALUE, DX)                                                        \
    {                                                                                 \
        Elementwise& e = head(Code::NAME, #NAME, OpKind::Elementwise, 1).elementwise; \
        e.value = [](double x, double) -> double { return VALUE; };                   \
        FASTAD_DERIVATIVE(NAME, 0)                                                    \
    }
#define BINARY(NAME, VALUE, DX, DY)                                                   \
    {                                                                                 \
        Elementwise& e = head(Code::NAME, #NAME, OpKind::Elementwise, 2).elementwise; \
        e.value = [](double x, double y) -> double { return VALUE; };                 \
        FASTAD_DERIVATIVE(NAME, 0)                                                    \
        FASTAD_DERIVATIVE(NAME, 1)                                                    \
    }
#define FASTAD_VALUE_ONLY(NAME, KIND, ARITY, VALUE)          \
    head(Code::NAME, #NAME, KIND, ARITY).elementwise.value = \
        []([[maybe_unused]] double x, [[maybe_unused]] double y) -> double { return VALUE; };
#define ZERO(NAME, ARITY, VALUE) FASTAD_VALUE_ONLY(NAME, OpKind::Zero, ARITY, VALUE)
#define TEST(NAME, ARITY, VALUE) FASTAD_VALUE_ONLY(NAME, OpKind::Test, ARITY, VALUE)
#include "ops/elementwise.def"
        for (std::size_t i = 0; i < elementwise_operations; ++i)
            static_cast<Facts&>(ops[i]) = elementwise_facts[i];
#define NEUTRAL(NAME, POSITION, NUMBER) \
    ops[static_cast<std::size_t>(Code::NAME)].elementwise.neutral[POSITION] = NUMBER;
#define OPPOSITES(FIRST, SECOND)                                       \
    ops[static_cast<std::size_t>(Code::FIRST)].elementwise.opposite =  \
        &ops[static_cast<std::size_t>(Code::SECOND)];                  \
    ops[static_cast<std::size_t>(Code::SECOND)].elementwise.opposite = \
        &ops[static_cast<std::size_t>(Code::FIRST)];
// A constant where it has no derivative: at zero and at what is not finite. The value is the host's
// own, with its type and bits; the expression gives the derivative alone.
#define OF_COMPLEX(NAME, EXPRESSION)                                                        \
    ops[static_cast<std::size_t>(Code::NAME)].elementwise.of_complex =                      \
        [](const Value& given) -> Value {                                                   \
        const Value regular = logical_and(apply(Code::isfinite, given),                     \
                                          apply(Code::not_equal, given, Value::weak(0.0))); \
        const Value x = where(regular, given, 1_c);                                         \
        const Value turning = apply(Code::astype, where(regular, EXPRESSION, 0_c),          \
                                    host::dtype_object(meta_of(given).dtype));              \
        return apply(Code::NAME, primal(given)) + (turning - primal(turning));              \
    };
#define TWINS(FIRST, SECOND)                                       \
    ops[static_cast<std::size_t>(Code::FIRST)].elementwise.twin =  \
        &ops[static_cast<std::size_t>(Code::SECOND)];              \
    ops[static_cast<std::size_t>(Code::SECOND)].elementwise.twin = \
        &ops[static_cast<std::size_t>(Code::FIRST)];
#include "ops/elementwise.def"
        for (std::size_t code = 0; code < elementwise_operations; ++code)
            for (std::size_t k = 0; k < ops[code].arity; ++k) {
                Op& term = terms[code][k];
                term.name = ops[code].name + (ops[code].arity == 2 ? (k ? "'y" : "'x") : "'");
                term.code = Code::term;
                term.own = OpKind::Term;
                term.program = InProgram::Loop;
                term.passes[0] = true;
                term.whole = &ops[code];
                term.which = k;
            }
#define STRUCTURAL(NAME) head(Code::NAME, #NAME, OpKind::Structural, 0);
#include "ops/structural.def"
#undef STRUCTURAL
        for (std::size_t code = 0; code < elementwise_operations; ++code)
            ops[code].program = InProgram::Loop;
        blocks::fill_reductions(ops.data());
        blocks::fill_shapes(ops.data());
        blocks::fill_joins(ops.data());
        blocks::fill_indexing(ops.data());
        blocks::fill_products(ops.data());
        blocks::fill_complex(ops.data());
    }
};

Table& table() {
    static auto* built = new Table;  // leaked: records of late tapes point into it
    return *built;
}
// Read on every operation: a plain pointer, without the guard of a function's static.
Op* const operations = table().ops.data();

// The operand in the result's precision, in which the operation read it: of a narrower one a rule
// may compute something alone, as the 1 / y of x / y.
Value as_precise(const Value& operand, DType result) {
    if (operand.empty()) return operand;
    const DType own = meta_of(operand).dtype;
    if (!is_inexact(own) || !is_inexact(result)) return operand;
    const DType wide = is_complex(own) ? complex_dtype(result) : real_dtype(result);
    if (item_size(own) >= item_size(wide)) return operand;
    return apply(Code::astype, operand, host::dtype_object(wide));
}

// The derivative as one operation, where the operands are boxes of a level that takes it so.
Value fused_term(const Op& op, std::size_t k, const Value& x, const Value& y, const Value& ans,
                 const Value& g) {
    const std::uint8_t uses = op.elementwise.uses[k];
    const Value values[4] = {g, uses & reads_x ? x : Value(), uses & reads_y ? y : Value(),
                             uses & reads_ans ? ans : Value()};
    return apply_term(table().terms[static_cast<std::size_t>(op.code)][k], values);
}

}  // namespace

Op& operation(Code code) { return operations[static_cast<std::size_t>(code)]; }

Value elementwise_rule(const Op& op, std::size_t k, const Value& x, const Value& y,
                       const Value& ans, DType result) {
    const auto rule = op.elementwise.rule[k];
    return op.arity == 2 ? rule(as_precise(x, result), as_precise(y, result), ans)
                         : rule(x, y, ans);
}

Value elementwise_term(const Op& op, std::size_t k, const Value& x, const Value& y,
                       const Value& ans, DType result, const Value& g) {
    const Elementwise& e = op.elementwise;
    if (!e.constant[k]) {
        if (Value term = fused_term(op, k, x, y, ans, g); !term.empty()) return term;
        return apply(Code::multiply, g, elementwise_rule(op, k, x, y, ans, result));
    }
    if (e.one(k)) return g;
    if (e.coefficient[k] == -1.0) return apply(Code::negative, g);
    return apply(Code::multiply, g, Value::weak(e.coefficient[k]));
}

const Op& rule_of(const Op& op, const Value* inner, bool y_traced) {
    if (!op.squares || y_traced || !inner[1].is_number()) return op;
    const Code code = rule_at(op.code, inner[1].number());
    return code == op.code ? op : operation(code);
}

const Op& operation_named(const char* name) {
    for (const Op& op : table().ops)
        if (op.name == name) return op;
    throw Error(Error::Class::Value, std::string("no operation is called ") + name);
}

}  // namespace fastad
