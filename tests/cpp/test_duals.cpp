// A cotangent times a derivative on a forward level, in one pass, against the rule's operations.
#include "check.hpp"
#include "kernels/kernels.hpp"
#include "samples.hpp"
#include "trace.hpp"

namespace fastad::testing {
namespace {

std::vector<double> draw(Code code, std::size_t argument, Extent n, Random& random) {
    std::vector<double> numbers;
    for (Extent i = 0; i < n; ++i) numbers.push_back(sample(code, argument, random));
    return numbers;
}

Extent size_of(const std::vector<Extent>& shape) {
    Extent n = 1;
    for (const Extent length : shape) n *= length;
    return n;
}

struct Product {
    std::vector<double> value, tangent;
};

void check_near(const std::vector<double>& got, const std::vector<double>& expected, const Op& op,
                std::size_t which, const char* what) {
    CHECK(got.size() == expected.size());
    double largest = 1.0;
    for (const double number : expected) largest = std::max(largest, std::abs(number));
    for (std::size_t i = 0; i < got.size(); ++i)
        CHECK_TEXT(
            same_number(got[i], expected[i]) || std::abs(got[i] - expected[i]) <= 1e-12 * largest,
            op.name << " argument " << which << ", " << what << " " << i << " of " << got.size()
                    << ": " << got[i] << " and " << expected[i] << " (" << kernels().instruction_set
                    << ")");
}

// The operands of one product: in `traced`, by bits, those that have a tangent: g, x, y.
struct Operands {
    const Op& op;
    std::vector<Extent> shape, y_shape;
    unsigned traced;
    std::vector<double> numbers[3], tangents[3];

    Operands(const Op& of, std::vector<Extent> x_shape, std::vector<Extent> other, unsigned mask,
             Random& random)
        : op(of), shape(std::move(x_shape)), y_shape(std::move(other)), traced(mask) {
        const Extent n = size_of(shape), m = size_of(y_shape);
        for (std::size_t k = 0; k < 3; ++k) {
            const Extent length = k == 2 ? m : n;
            for (Extent i = 0; i < length; ++i) tangents[k].push_back(random.between(-1.0, 1.0));
        }
        for (Extent i = 0; i < n; ++i) numbers[0].push_back(random.between(-1.0, 1.0));
        numbers[1] = draw(op.code, 0, n, random);
        numbers[2] = draw(op.code, 1, m, random);
    }
    // Of array operands, or, with `single`, of the numbers at one place.
    Product product(std::size_t which, const std::size_t* single = nullptr) const {
        Forward level;
        Value values[3];
        for (std::size_t k = 0; k < (op.arity == 2 ? 3u : 2u); ++k) {
            const std::vector<Extent>& own = k == 2 ? y_shape : shape;
            const Value plain = single ? strong(numbers[k][*single]) : array(own, numbers[k]);
            const Value along = single ? strong(tangents[k][*single]) : array(own, tangents[k]);
            values[k] = traced >> k & 1u ? level.box(plain, along) : plain;
        }
        const Value ans = apply(op, values + 1, op.arity);
        const Value term =
            elementwise_term(op, which, values[1], values[2], ans, DType::Float64, values[0]);
        if (!term.is_box()) return {numbers_of(term), {}};
        return {numbers_of(innermost(term)), numbers_of(level.tangent(term))};
    }
};

}  // namespace

FASTAD_TEST(products_with_tangents_in_one_pass_are_those_of_the_rules) {
    const struct {
        std::vector<Extent> x, y;
    } shapes[] = {{{1}, {1}},      {{3}, {3}},          {{513}, {513}},    {{1200}, {1200}},
                  {{200, 3}, {3}}, {{40, 30}, {40, 1}}, {{2, 600}, {600}}, {{4, 5, 6}, {1, 5, 1}}};
    const std::string before = kernels().instruction_set;
    for (const char* set : {"baseline", "avx2", "avx512"}) {
        if (!use_kernels(set)) continue;
        for (std::size_t code = 0; code < elementwise_operations; ++code) {
            const Op& op = operation(static_cast<Code>(code));
            if (op.kind() != OpKind::Elementwise) continue;
            Random random(code + 1);
            for (const auto& s : shapes)
                for (unsigned mask = 1; mask < (op.arity == 2 ? 8u : 4u); ++mask)
                    for (std::size_t which = 0; which < op.arity; ++which) {
                        const Operands operands(op, s.x, s.y, mask, random);
                        const Product got = operands.product(which);
                        Product expected;
                        {
                            const GenericOnly generic;
                            expected = operands.product(which);
                        }
                        if (expected.tangent.empty() && !got.tangent.empty())
                            expected.tangent.resize(got.tangent.size());
                        check_near(got.value, expected.value, op, which, "value");
                        check_near(got.tangent, expected.tangent, op, which, "tangent");
                        if (s.x != s.y) continue;
                        const std::size_t place = got.value.size() - 1;
                        const Product one = operands.product(which, &place);
                        check_near(one.value, {expected.value[place]}, op, which, "number");
                        if (!one.tangent.empty())
                            check_near(one.tangent, {expected.tangent[place]}, op, which,
                                       "a number's tangent");
                    }
        }
    }
    use_kernels(before.c_str());
}

FASTAD_TEST(loops_of_duals_leave_large_angles_to_the_rule) {
    Forward level;
    std::vector<double> angles(600, 0.5);
    angles[599] = 1e22;
    const Value x = level.box(array(angles), filled({600}, 1.0));
    const Value term = elementwise_term(operation(Code::sin), 0, x, Value(), Value(),
                                        DType::Float64, filled({600}, 1.0));
    CHECK(same_number(numbers_of(innermost(term))[599], std::cos(1e22)));
    CHECK(same_number(numbers_of(level.tangent(term))[599], -std::sin(1e22)));
}

}  // namespace fastad::testing
