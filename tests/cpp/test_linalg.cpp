// The core's own routines of linear algebra, against the definition of what they solve.
#include <cmath>
#include <cstring>
#include <vector>

#include "check.hpp"
#include "linalg/routine.hpp"

namespace fastad::testing {
namespace {

using Numbers = std::vector<double>;

double drawn(std::size_t i) { return std::sin(1.0 + 3.7 * static_cast<double>(i)); }

// Lower triangular, far from singular.
Numbers triangle(std::size_t n) {
    Numbers t(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j)
            t[i * n + j] =
                i == j ? 2.0 + 0.5 * drawn(i) : drawn(i * n + j) / static_cast<double>(n);
    return t;
}

Numbers turned(const Numbers& x, std::size_t n) {
    Numbers result(n * n);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) result[j * n + i] = x[i * n + j];
    return result;
}

bool run(const char* name, std::size_t n, std::size_t columns, Numbers a, Numbers b, Numbers& c,
         bool transposed = false) {
    const Routine& routine = *own_routine(name);
    const Extent shape_a[] = {static_cast<Extent>(n), static_cast<Extent>(n)};
    const Extent shape_b[] = {static_cast<Extent>(n), static_cast<Extent>(columns)};
    const Meta metas[] = {{DType::Float64, true, 2, shape_a}, {DType::Float64, true, 2, shape_b}};
    RoutineShape shape;
    CHECK(fits(routine, metas, shape));
    CHECK(shape.size_of(routine.operands[2]) == n * columns);
    c.assign(n * columns, 0.0);
    char* places[] = {reinterpret_cast<char*>(a.data()), reinterpret_cast<char*>(b.data()),
                      reinterpret_cast<char*>(c.data())};
    const Extent row = 8 * shape_a[0];
    const Extent own[] = {transposed ? 8 : row, transposed ? row : 8};
    Extent strides[9];
    for (std::size_t k = 0; k < 3; ++k)
        shape.strides_of(routine, k, k == 0 ? own : nullptr, strides);
    return routine(places, shape.lengths, strides);
}

FASTAD_TEST(triangular_systems) {
    for (const std::size_t n : {1, 2, 5, 32, 33, 70})
        for (const std::size_t columns : {1, 3, 8, 11}) {
            const Numbers t = triangle(n), upper = turned(t, n);
            Numbers b(n * columns), x;
            for (std::size_t i = 0; i < b.size(); ++i) b[i] = drawn(i);
            for (int form = 0; form < 4; ++form) {
                const bool lower = form % 2 == 0, transposed = form >= 2;
                const Numbers& matrix = lower ? t : upper;
                CHECK(run("solve_triangular", n, columns, transposed ? turned(matrix, n) : matrix,
                          b, x, transposed));
                for (std::size_t i = 0; i < n; ++i)
                    for (std::size_t c = 0; c < columns; ++c) {
                        double sum = 0.0;
                        for (std::size_t j = 0; j < n; ++j)
                            sum += matrix[i * n + j] * x[j * columns + c];
                        CHECK(std::fabs(sum - b[i * columns + c]) < 1e-13);
                    }
            }
        }
}

FASTAD_TEST(matrices_that_are_not_triangular_fail) {
    Numbers t = triangle(3), x;
    const Numbers b(3, 1.0);
    t[2] = 1e-3;
    CHECK(!run("solve_triangular", 3, 1, t, b, x));
    t = triangle(3);
    t[4] = 0.0;
    CHECK(!run("solve_triangular", 3, 1, t, b, x));
    CHECK(run("solve_triangular", 3, 1, triangle(3), b, x));
}

// The adjoint of Cholesky: with a = l l^T and da = dl l^T + l dl^T for any lower dl, the product of
// the cotangent of a with da is that of the cotangent of l with dl.
FASTAD_TEST(adjoint_of_cholesky) {
    for (const std::size_t n : {1, 2, 7, 32, 33, 64, 75}) {
        const Numbers l = triangle(n);
        Numbers g(n * n), dl(n * n, 0.0), w;
        for (std::size_t i = 0; i < n * n; ++i) g[i] = drawn(i + 5);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j <= i; ++j) dl[i * n + j] = drawn(i + 3 * j + 9);
        for (const bool transposed : {false, true}) {
            CHECK(run("cholesky_adjoint", n, n, transposed ? turned(l, n) : l, g, w, transposed));
            double expected = 0.0, found = 0.0;
            for (std::size_t i = 0; i < n; ++i)
                for (std::size_t j = 0; j < n; ++j) {
                    CHECK(w[i * n + j] == w[j * n + i]);
                    expected += j <= i ? g[i * n + j] * dl[i * n + j] : 0.0;
                    double moved = 0.0;
                    for (std::size_t k = 0; k < n; ++k)
                        moved += dl[i * n + k] * l[j * n + k] + l[i * n + k] * dl[j * n + k];
                    found += w[i * n + j] * moved;
                }
            CHECK(std::fabs(found - expected) < 1e-11 * static_cast<double>(n));
        }
    }
}

FASTAD_TEST(what_routines_take) {
    const Routine& routine = *own_routine("cholesky_adjoint");
    const Extent square[] = {2, 3, 3}, other[] = {3, 3}, wide[] = {3, 4}, none[] = {0, 0};
    auto taken = [&](const Extent* a, int rank_a, const Extent* b, int rank_b,
                     DType dtype = DType::Float64) {
        const Meta metas[] = {{DType::Float64, true, rank_a, a}, {dtype, true, rank_b, b}};
        RoutineShape shape;
        return fits(routine, metas, shape);
    };
    CHECK(taken(other, 2, other, 2));
    CHECK(taken(square, 3, square, 3));
    CHECK(!taken(square, 3, other, 2));
    CHECK(!taken(other, 2, wide, 2));
    CHECK(!taken(other, 2, other, 1));
    CHECK(!taken(none, 2, none, 2));
    CHECK(!taken(other, 2, other, 2, DType::Float32));
    CHECK(own_routine("none") == nullptr);
}

}  // namespace
}  // namespace fastad::testing
