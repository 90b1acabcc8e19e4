// Elementwise records of a large array are swept together: each element has the bits that it has in
// a short one, whose records are swept one by one.
#include "check.hpp"
#include "samples.hpp"
#include "trace.hpp"

namespace fastad::testing {

namespace {

constexpr std::size_t size = 5000;  // more than a stretch needs, no multiple of a block
constexpr std::size_t few_elements = 250;

std::vector<double> drawn(std::uint64_t seed) {
    Random random(seed);
    std::vector<double> numbers(size);
    for (double& number : numbers) number = random.between(-1.0, 1.0);
    return numbers;
}

// Values used once, several times, with themselves and with a constant array beside numbers.
Value program(std::uint64_t seed, const Value& x, const Value& constant) {
    Random random(seed);
    std::vector<Value> values{x, constant};
    const auto any = [&] { return values[random.below(values.size())]; };
    const std::size_t steps = 3 + random.below(90);
    for (std::size_t i = 0; i < steps; ++i) {
        const Value a = any(), b = any();
        switch (random.below(8)) {
            case 0: values.push_back(apply(Code::tanh, a)); break;
            case 1: values.push_back(apply(Code::sin, a)); break;
            case 2: values.push_back(a + b); break;
            case 3: values.push_back(a - b); break;
            case 4: values.push_back(apply(Code::tanh, a * b)); break;
            case 5: values.push_back(a / (weak(3.0) + b * b)); break;
            case 6: values.push_back(-a * weak(0.5)); break;
            default: values.push_back(apply(Code::maximum, a, b)); break;
        }
    }
    return values.back() * x + values[values.size() / 2];
}

}  // namespace

FASTAD_TEST(large_arrays_have_the_bits_of_their_parts) {
    for (std::uint64_t seed = 1; seed < 40; ++seed) {
        const std::vector<double> x = drawn(seed), y = drawn(seed + 100),
                                  cotangent = drawn(seed + 200);
        const bool consume = seed % 2 == 0;
        const auto swept = [&](std::size_t start, std::size_t count) {
            const auto cut = [&](const std::vector<double>& all) {
                const auto from = all.begin() + static_cast<std::ptrdiff_t>(start);
                return array(std::vector<double>(from, from + static_cast<std::ptrdiff_t>(count)));
            };
            Trace trace;
            const Value box = trace.box(cut(x)), constant = cut(y), g = cut(cotangent);
            const Value found = trace.sweep(program(seed, box, constant), g, box, consume);
            CHECK(numbers_of(g) == numbers_of(cut(cotangent)));
            CHECK(numbers_of(constant) == numbers_of(cut(y)));
            return numbers_of(found);
        };
        const std::vector<double> whole = swept(0, size);
        for (std::size_t start = 0; start < size; start += few_elements) {
            const std::vector<double> few = swept(start, few_elements);
            for (std::size_t i = 0; i < few_elements; ++i)
                CHECK(same_number(whole[start + i], few[i]));
        }
    }
}

}  // namespace fastad::testing
