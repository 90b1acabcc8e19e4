// Walks strided and broadcast operands in chunks, so that one unit-stride kernel serves every
// layout.
#include "reverse/adjoint.hpp"

#include <algorithm>

#include "kernels/kernels.hpp"
#include "reverse/walk.hpp"

namespace fastad {
namespace {

constexpr std::size_t operands = 5;  // g, x, y, ans, out
constexpr std::size_t target = 4;
// Rows that are shorter go through the loop some at a time.
constexpr std::size_t short_row = 64;

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
    if (reduces && !whole) add_to<T>(places[target], own.total());
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

    Walk<operands> walk(shape, rank, list);
    if (walk.empty) return;
    const int axes = walk.axes;
    Extent inner[operands] = {};
    if (axes == 0)
        return run_lane<T>(loop, loops, walk.dtypes, 1, walk.places, inner, accumulate, nullptr);
    PairwiseSum all;
    bool into_one = true;
    for (int axis = 0; axis < axes; ++axis) into_one = into_one && walk.strides[target][axis] == 0;
    PairwiseSum* const whole = into_one ? &all : nullptr;
    char* const place = walk.places[target];
    const std::size_t n = static_cast<std::size_t>(walk.lengths[axes - 1]);
    if (axes > 1 && n < short_row) {
        each_tile<T, target, 1>(
            walk,
            [loop](std::size_t count, const T* const* in, T* const* out, bool added) {
                loop(count, in[0], in[1], in[2], in[3], out[0], added);
            },
            accumulate, whole);
    } else {
        for (std::size_t k = 0; k < operands; ++k) inner[k] = walk.strides[k][axes - 1];
        Extent index[most_axes] = {};
        do run_lane<T>(loop, loops, walk.dtypes, n, walk.places, inner, accumulate, whole);
        while (walk.advance(index, 1));
    }
    if (whole) add_to<T>(place, all.total());
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
