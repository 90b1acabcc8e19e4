// A sum of products of two arrays over labelled axes.
#pragma once

#include <utility>
#include <vector>

#include "program/where.hpp"

namespace fastad::program {

struct Contraction {
    struct Axis {
        Extent length = 0;
        Extent a = 0, b = 0, c = 0;  // strides, 0 where an array has not this axis
        int at[3] = {-1, -1, -1};    // its places in the arrays, while it is planned
    };
    Address a, b, c;
    std::size_t bytes = 0;      // of c
    Axis rows, columns, inner;  // of the products of matrices
    std::vector<Axis> outer;    // loops around them
    bool adds = false;          // some of these loops add up
    bool by_blas = false;
    bool turned = false;        // b^T a^T instead of a b
    std::vector<Axis> axes[4];  // of batches, rows, columns, sums: while it is planned

    void turn() {
        turned = !turned;
        std::swap(rows, columns);
        for (Axis* axis : {&rows, &columns, &inner}) std::swap(axis->a, axis->b);
        for (auto& kind : axes)
            for (Axis& axis : kind) std::swap(axis.a, axis.b);
    }
};

}  // namespace fastad::program
