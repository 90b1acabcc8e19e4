// Walks strided and broadcast operands in chunks, so that one unit-stride kernel serves every
// layout.
#include "reverse/adjoint.hpp"

#include <algorithm>

#include "kernels/kernels.hpp"

namespace fastad {
namespace {

// Elements gathered at a time: five operands of double stay in the first-level cache.
constexpr std::size_t chunk = 512;

template <class T, class Source>
void gather(const char* source, Extent stride, std::size_t n, T* target) {
    if (stride == 0) {
        Source value;
        __builtin_memcpy(&value, source, sizeof value);
        std::fill_n(target, n, static_cast<T>(value));
        return;
    }
    for (std::size_t i = 0; i < n; ++i, source += stride) {
        Source value;
        __builtin_memcpy(&value, source, sizeof value);
        target[i] = static_cast<T>(value);
    }
}

template <class T>
void gather(const char* source, DType dtype, Extent stride, std::size_t n, T* target) {
    switch (dtype) {
#define READABLE(NAME, TYPE) \
    case DType::NAME: return gather<T, TYPE>(source, stride, n, target);
#include "ops/dtypes.def"
        default: return;
    }
}

constexpr std::size_t operands = 5;  // g, x, y, ans, out
constexpr std::size_t target = 4;

// A sum of many numbers that come one by one, pairwise: its error grows with the logarithm of their
// count.
class PairwiseSum {
  public:
    void add(double number) noexcept {
        std::size_t level = 0;
        for (std::size_t rest = count_++; rest & 1; rest >>= 1) number += partial_[level++];
        partial_[level] = number;
    }
    double total() const noexcept {
        double sum = 0.0;
        for (std::size_t level = 0; count_ >> level; ++level)
            if (count_ >> level & 1) sum += partial_[level];
        return sum;
    }

  private:
    std::size_t count_ = 0;
    double partial_[64];  // of 2^level numbers, where count_ has that bit
};

template <class T>
void add_to(char* place, const PairwiseSum& sum) {
    T& element = *reinterpret_cast<T*>(place);
    element = static_cast<T>(static_cast<double>(element) + sum.total());
}

// The inner axis: n elements at the given places. A target that the axis is summed into gets the
// numbers through `sum`, if it is one for the whole operation, or through a sum of its own.
template <class T>
void run_lane(AdjointLoop<T> loop, const LoopTable<T>& loops, const DType* dtypes, std::size_t n,
              char* const* places, const Extent* strides, bool accumulate, PairwiseSum* whole) {
    alignas(64) T room[operands][chunk];
    const bool reduces = whole || (strides[target] == 0 && n != 1);
    PairwiseSum own;
    PairwiseSum& sum = whole ? *whole : own;
    bool filled[operands] = {};
    for (std::size_t start = 0; start < n; start += chunk) {
        const std::size_t count = std::min(chunk, n - start);
        const T* lanes[operands - 1];
        for (std::size_t k = 0; k < target; ++k) {
            if (!places[k]) {
                lanes[k] = nullptr;
                continue;
            }
            const char* place = places[k] + static_cast<Extent>(start) * strides[k];
            if (strides[k] == static_cast<Extent>(sizeof(T)) && dtypes[k] == dtype_for<T>) {
                lanes[k] = reinterpret_cast<const T*>(place);
                continue;
            }
            if (strides[k] != 0 || !filled[k])
                gather<T>(place, dtypes[k], strides[k], count, room[k]);
            filled[k] = true;
            lanes[k] = room[k];
        }
        if (reduces) {
            loop(count, lanes[0], lanes[1], lanes[2], lanes[3], room[target], false);
            sum.add(loops.total(count, room[target]));
        } else {
            loop(count, lanes[0], lanes[1], lanes[2], lanes[3],
                 reinterpret_cast<T*>(places[target]) + start, accumulate);
        }
    }
    if (reduces && !whole) add_to<T>(places[target], own);
}

}  // namespace

bool lay_out(const Value& value, const Extent* shape, int rank, Operand& operand) noexcept {
    if (value.is_number()) {
        operand.data = reinterpret_cast<const char*>(value.number_address());
        operand.dtype = DType::Float64;
        std::fill_n(operand.strides, rank, Extent{0});
        return true;
    }
    const View view = host::describe(value);
    if (!is_readable(view.dtype) || !view.usable || view.rank > rank) return false;
    operand.data = view.data;
    operand.dtype = view.dtype;
    const int extra = rank - view.rank;
    for (int axis = 0; axis < rank; ++axis) {
        if (axis < extra || (view.shape[axis - extra] == 1 && shape[axis] != 1))
            operand.strides[axis] = 0;
        else if (view.shape[axis - extra] != shape[axis])
            return false;
        else
            operand.strides[axis] = view.strides[axis - extra];
    }
    return true;
}

void lay_out_target(char* data, const Meta& target_meta, const Extent* shape, int rank,
                    std::size_t item, Operand& operand) noexcept {
    operand.data = data;
    const int extra = rank - target_meta.rank;
    Extent stride = static_cast<Extent>(item);
    for (int axis = rank - 1; axis >= 0; --axis) {
        if (axis < extra) {
            operand.strides[axis] = 0;
            continue;
        }
        const Extent length = target_meta.shape[axis - extra];
        operand.strides[axis] = length == 1 && shape[axis] != 1 ? 0 : stride;
        stride *= length;
    }
}

template <class T>
void elementwise_adjoint(Code code, std::size_t which, const Extent* shape, int rank,
                         const Operand& g, const Operand& x, const Operand& y, const Operand& ans,
                         const Operand& out, bool accumulate) {
    const LoopTable<T>& loops = kernels().loops<T>();
    const AdjointLoop<T> loop = loops.adjoint[static_cast<std::size_t>(code)][which];
    const Operand* const list[operands] = {&g, &x, &y, &ans, &out};

    // Merge axes that every operand walks as one; most shapes come down to a single lane.
    Extent lengths[most_axes];
    Extent strides[operands][most_axes];
    int axes = 0;
    for (int axis = 0; axis < rank; ++axis) {
        if (shape[axis] == 0) return;
        if (shape[axis] == 1) continue;
        bool merge = axes > 0;
        for (std::size_t k = 0; k < operands && merge; ++k)
            if (list[k]->data) merge = strides[k][axes - 1] == list[k]->strides[axis] * shape[axis];
        if (!merge) {
            ++axes;
            lengths[axes - 1] = 1;
        }
        lengths[axes - 1] *= shape[axis];
        for (std::size_t k = 0; k < operands; ++k)
            strides[k][axes - 1] = list[k]->data ? list[k]->strides[axis] : 0;
    }
    char* places[operands];
    DType dtypes[operands];
    for (std::size_t k = 0; k < operands; ++k) {
        places[k] = const_cast<char*>(list[k]->data);
        dtypes[k] = list[k]->dtype;
    }
    Extent inner[operands] = {};
    if (axes == 0) {
        for (std::size_t k = 0; k < operands; ++k) inner[k] = 0;
        run_lane<T>(loop, loops, dtypes, 1, places, inner, accumulate, nullptr);
        return;
    }
    PairwiseSum all;
    bool into_one = true;
    for (int axis = 0; axis < axes; ++axis) into_one = into_one && strides[target][axis] == 0;
    PairwiseSum* const whole = into_one ? &all : nullptr;
    const std::size_t n = static_cast<std::size_t>(lengths[axes - 1]);
    for (std::size_t k = 0; k < operands; ++k) inner[k] = strides[k][axes - 1];
    Extent index[most_axes] = {};
    while (true) {
        run_lane<T>(loop, loops, dtypes, n, places, inner, accumulate, whole);
        int axis = axes - 2;
        for (; axis >= 0; --axis) {
            for (std::size_t k = 0; k < operands; ++k)
                if (places[k]) places[k] += strides[k][axis];
            if (++index[axis] < lengths[axis]) break;
            for (std::size_t k = 0; k < operands; ++k)
                if (places[k]) places[k] -= strides[k][axis] * lengths[axis];
            index[axis] = 0;
        }
        if (axis < 0) break;
    }
    if (whole) add_to<T>(places[target], all);
}

template void elementwise_adjoint<double>(Code, std::size_t, const Extent*, int, const Operand&,
                                          const Operand&, const Operand&, const Operand&,
                                          const Operand&, bool);
template void elementwise_adjoint<float>(Code, std::size_t, const Extent*, int, const Operand&,
                                         const Operand&, const Operand&, const Operand&,
                                         const Operand&, bool);

Value contiguous(const Value& value) {
    const View view = host::describe(value);
    if (view.dtype != DType::Float64 || view.rank > most_axes) return {};
    if (view.array && view.contiguous && view.usable) return value;
    Operand from, to;
    if (!lay_out(value, view.shape, view.rank, from)) return {};
    Value copy = host::new_array(DType::Float64, view.shape, view.rank);
    const Meta meta{DType::Float64, true, view.rank, view.shape};
    lay_out_target(host::describe(copy).data, meta, meta.shape, meta.rank, sizeof(double), to);
    pass_on<double>(meta.shape, meta.rank, from, to, false);
    return copy;
}

void batch_adjoint(Code code, std::size_t which, const Extent* shape, int rank, const Operand& g,
                   const Operand& x, const Operand& y, const Operand& ans, const Operand& out,
                   bool accumulate) {
    constexpr Extent worth_it = 4;  // rows from which on a pass for the derivative pays
    std::size_t size = 1;
    for (int axis = 1; axis < rank; ++axis) size *= static_cast<std::size_t>(shape[axis]);
    const bool once = rank > 1 && shape[0] >= worth_it && size > 0 &&
                      !operation(code).elementwise.constant[which];
    if (!once) {
        const host::Unlocked unlocked(size * static_cast<std::size_t>(shape[0]));
        return elementwise_adjoint<double>(code, which, shape, rank, g, x, y, ans, out, accumulate);
    }
    const Value derivative = host::new_array(DType::Float64, shape + 1, rank - 1);
    const View view = host::describe(derivative);
    auto of_a_row = [rank](const Operand& operand) {
        if (!operand.data) return Operand{};
        Operand row = operand;
        std::copy_n(operand.strides + 1, rank - 1, row.strides);
        return row;
    };
    static constexpr double unit = 1.0;
    Operand one, made;
    one.data = reinterpret_cast<const char*>(&unit);
    std::fill_n(one.strides, rank, Extent{0});
    made.data = view.data;
    std::copy_n(view.strides, rank - 1, made.strides);
    const host::Unlocked unlocked(size * static_cast<std::size_t>(shape[0]));
    elementwise_adjoint<double>(code, which, shape + 1, rank - 1, one, of_a_row(x), of_a_row(y),
                                of_a_row(ans), made, false);
    Operand again = made;
    again.strides[0] = 0;
    std::copy_n(made.strides, rank - 1, again.strides + 1);
    elementwise_adjoint<double>(operation(Code::multiply).code, 0, shape, rank, g, {}, again, {},
                                out, accumulate);
}

}  // namespace fastad
