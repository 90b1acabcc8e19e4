// Rows that go through a loop some at a time, against one element after the other.
#include "check.hpp"
#include "kernels/kernels.hpp"
#include "reverse/adjoint.hpp"
#include "samples.hpp"
#include "trace.hpp"

namespace fastad::testing {
namespace {

// The axes in `spread` have length one here.
std::vector<Extent> without(std::vector<Extent> shape, unsigned spread) {
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
        if (spread >> axis & 1u) shape[axis] = 1;
    return shape;
}

std::vector<double> whole_numbers(const std::vector<Extent>& shape, Random& random) {
    Extent n = 1;
    for (const Extent length : shape) n *= length;
    std::vector<double> numbers;
    for (Extent i = 0; i < n; ++i) numbers.push_back(std::floor(random.between(-9.0, 9.0)));
    return numbers;
}

std::size_t place(std::size_t flat, const std::vector<Extent>& shape, unsigned spread) {
    std::size_t at = 0, scale = 1;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        const std::size_t length = static_cast<std::size_t>(shape[axis]);
        if (!(spread >> axis & 1u)) {
            at += flat % length * scale;
            scale *= length;
        }
        flat /= length;
    }
    return at;
}

// g * y over this shape, added where the target is one element for several. Whole numbers, so that
// no order of additions differs.
template <class T>
void check(const std::vector<Extent>& shape, unsigned g_spread, unsigned y_spread,
           unsigned out_spread, DType y_type, bool accumulate, Random& random) {
    const DType dtype = dtype_for<T>;
    const int rank = static_cast<int>(shape.size());
    const std::vector<double> g = whole_numbers(without(shape, g_spread), random),
                              y = whole_numbers(without(shape, y_spread), random);
    const std::vector<Extent> target_shape = without(shape, out_spread);
    std::vector<double> expected = whole_numbers(target_shape, random);
    const Value gs = array(without(shape, g_spread), g, dtype),
                ys = array(without(shape, y_spread), y, y_type),
                out = array(target_shape, expected, dtype);
    Operand lanes[3];
    CHECK(lay_out(gs, shape.data(), rank, lanes[0]));
    CHECK(lay_out(ys, shape.data(), rank, lanes[1]));
    const Meta target{dtype, true, rank, target_shape.data()};
    lay_out_target(as_array(out)->data, target, shape.data(), rank, sizeof(T), lanes[2]);
    elementwise_adjoint<T>(Code::multiply, 0, shape.data(), rank, lanes[0], {}, lanes[1], {},
                           lanes[2], accumulate);
    std::size_t n = 1;
    for (const Extent length : shape) n *= static_cast<std::size_t>(length);
    for (std::size_t i = 0; i < n; ++i) {
        const double term = g[place(i, shape, g_spread)] * y[place(i, shape, y_spread)];
        double& element = expected[place(i, shape, out_spread)];
        element = accumulate ? element + term : term;
    }
    CHECK(numbers_of(out) == expected);
}

}  // namespace

FASTAD_TEST(short_rows_are_what_single_elements_are) {
    const std::vector<Extent> shapes[] = {{37, 3},     {300, 2},    {9, 63},      {40, 10, 3},
                                          {3, 130, 4}, {2, 511, 2}, {5, 2, 3, 5}, {2, 3, 600, 2}};
    Random random(3);
    for (const std::vector<Extent>& shape : shapes) {
        const unsigned all = 1u << shape.size();
        for (unsigned g = 0; g < all; ++g)
            for (unsigned y = 0; y < all; ++y) {
                for (unsigned out = 0; out < all; ++out)
                    check<double>(shape, g, y, out, DType::Float64, true, random);
                check<double>(shape, g, y, 0, DType::Int32, false, random);
                check<float>(shape, g, y, y, DType::Float32, true, random);
                check<float>(shape, g, y, 0, DType::Int64, false, random);
            }
    }
}

}  // namespace fastad::testing
