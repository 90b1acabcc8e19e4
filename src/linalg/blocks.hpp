// Matrices in memory, their products, and substitution: what the core's own routines are made of.
#pragma once

#include <cstddef>

#include "host/programs.hpp"

namespace fastad::linalg {

// Rows and columns at strides in bytes.
template <class T>
struct Matrix {
    char* data = nullptr;
    Extent row = 0, column = 0;

    T& operator()(Extent i, Extent j) const noexcept {
        return *reinterpret_cast<T*>(data + i * row + j * column);
    }
    T* at(Extent i) const noexcept { return reinterpret_cast<T*>(data + i * row); }
    Matrix from(Extent i, Extent j) const noexcept {
        return {data + i * row + j * column, row, column};
    }
    Matrix transposed() const noexcept { return {data, column, row}; }
    bool by_rows() const noexcept { return column == Extent{sizeof(T)}; }
};

using Doubles = Matrix<double>;

// Products by the host's BLAS.
class Products {
  public:
    Products();
    explicit operator bool() const noexcept { return loop_.run != nullptr; }
    // c = a b; c in C order.
    void operator()(Extent rows, Extent inner, Extent columns, const Doubles& a, const Doubles& b,
                    const Doubles& c) const;

  private:
    host::InnerLoop loop_;
};

// target -= source, where source lies in C order without gaps.
void subtract(Extent rows, Extent columns, const double* source, const Doubles& target);

// x = inv(t) x for a triangular t, by blocks; x is by rows.
void substitute(const Products& product, Extent size, Extent columns, const Doubles& t, bool lower,
                const Doubles& x, double* scratch);
// How many numbers the scratch of substitute() holds.
std::size_t substitution_scratch(Extent size, Extent columns) noexcept;

}  // namespace fastad::linalg
