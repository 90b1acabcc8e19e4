// The order in which NumPy's iterators take axes, and so lay out what they make.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "python/hosted.hpp"

namespace fastad::python {

// By falling stride, none reversed: from the innermost axis on, each goes outwards past those with
// smaller strides. An axis without a stride (broadcast, or of length one) is compared with none and
// stays where C order has it; where two operands disagree C order wins.
class AxisOrder {
  public:
    static constexpr int most_operands = 2;
    explicit AxisOrder(int rank) noexcept : rank_(rank) {}
    // An operand that lies along so many last axes.
    void add(int axes, const npy_intp* shape, const npy_intp* strides) noexcept {
        npy_intp* own = strides_[count_++];
        std::fill_n(own, rank_ - axes, npy_intp{0});
        for (int axis = 0; axis < axes; ++axis)
            own[rank_ - axes + axis] = shape[axis] == 1 ? 0 : std::abs(strides[axis]);
    }
    // From the innermost axis.
    void inward(int* axes) const noexcept {
        for (int placed = 0; placed < rank_; ++placed) {
            const int axis = rank_ - 1 - placed;
            int place = placed;
            for (int before = placed; before-- > 0;) {
                const Side side = compare(axis, axes[before]);
                if (side == Side::Inside) break;
                if (side == Side::Outside) place = before;
            }
            std::copy_backward(axes + place, axes + placed, axes + placed + 1);
            axes[place] = axis;
        }
    }

  private:
    enum class Side { Unknown, Inside, Outside };
    // Outside where the second belongs outside of the first.
    Side compare(int axis, int before) const noexcept {
        Side side = Side::Unknown;
        for (int k = 0; k < count_; ++k) {
            const npy_intp own = strides_[k][axis], theirs = strides_[k][before];
            if (!own || !theirs) continue;
            if (theirs <= own)
                side = Side::Inside;
            else if (side == Side::Unknown)
                side = Side::Outside;
        }
        return side;
    }

    const int rank_;
    int count_ = 0;
    npy_intp strides_[most_operands][NPY_MAXDIMS];
};

}  // namespace fastad::python
