// Groups, block by block: a few registers of some hundred elements each, in the nearest cache.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "host/programs.hpp"
#include "program/arena.hpp"

namespace fastad::program {

namespace {

template <class T, class Source>
void load_row(const char* source, Extent stride, std::size_t count, T* out) {
    if (stride == 0) {
        std::fill_n(out, count, static_cast<T>(*reinterpret_cast<const Source*>(source)));
    } else if (stride == static_cast<Extent>(sizeof(Source))) {
        if constexpr (std::is_same_v<T, Source>) {
            std::memcpy(out, source, count * sizeof(T));
        } else {
            const auto* items = reinterpret_cast<const Source*>(source);
            for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<T>(items[i]);
        }
    } else {
        for (std::size_t i = 0; i < count; ++i, source += stride)
            out[i] = static_cast<T>(*reinterpret_cast<const Source*>(source));
    }
}

// All elements from this axis on. What is broadcast is loaded once and copied.
template <class T, class Source>
T* fill(const char* source, const Extent* shape, const Extent* strides, std::uint32_t axis,
        std::uint32_t rank, T* out) {
    const auto length = static_cast<std::size_t>(shape[axis]);
    if (axis + 1 == rank) {
        load_row<T, Source>(source, strides[axis], length, out);
        return out + length;
    }
    if (strides[axis] == 0 && length > 1) {
        T* end = fill<T, Source>(source, shape, strides, axis + 1, rank, out);
        const auto one = static_cast<std::size_t>(end - out), all = one * length;
        for (std::size_t done = one; done < all;) {
            const std::size_t more = std::min(done, all - done);
            std::memcpy(out + done, out, more * sizeof(T));
            done += more;
        }
        return out + all;
    }
    for (std::size_t i = 0; i < length; ++i, source += strides[axis])
        out = fill<T, Source>(source, shape, strides, axis + 1, rank, out);
    return out;
}

// Elements [start, start + count) of a shape, in C order, from any layout.
template <class T, class Source>
void load(const char* base, const Extent* shape, const Extent* strides, std::uint32_t rank,
          std::size_t start, std::size_t count, T* out) {
    if (rank == 0) {
        std::fill_n(out, count, static_cast<T>(*reinterpret_cast<const Source*>(base)));
        return;
    }
    // Whole parts from some axis on, where the block begins and ends with one.
    std::uint32_t whole = rank;
    std::size_t part = 1;
    for (std::size_t size = 1; whole > 0;) {
        size *= static_cast<std::size_t>(shape[whole - 1]);
        if (size > count || start % size != 0 || count % size != 0) break;
        part = size;
        --whole;
    }
    if (whole + 1 < rank) {
        for (std::size_t done = 0; done < count; done += part) {
            std::size_t rest = (start + done) / part;
            const char* place = base;
            for (std::uint32_t axis = whole; axis-- > 0;) {
                const auto length = static_cast<std::size_t>(shape[axis]);
                place += static_cast<Extent>(rest % length) * strides[axis];
                rest /= length;
            }
            out = fill<T, Source>(place, shape, strides, whole, rank, out);
        }
        return;
    }
    Extent index[64];
    std::size_t rest = start;
    const char* row = base;
    for (std::uint32_t axis = rank; axis-- > 0;) {
        const auto length = static_cast<std::size_t>(shape[axis]);
        index[axis] = static_cast<Extent>(rest % length);
        rest /= length;
        row += index[axis] * strides[axis];
    }
    const std::uint32_t last = rank - 1;
    const auto length = static_cast<std::size_t>(shape[last]);
    while (count > 0) {
        const std::size_t here = std::min(count, length - static_cast<std::size_t>(index[last]));
        load_row<T, Source>(row, strides[last], here, out);
        out += here;
        count -= here;
        row -= index[last] * strides[last];
        index[last] = 0;
        for (std::uint32_t axis = last; axis-- > 0;) {
            row += strides[axis];
            if (++index[axis] < shape[axis]) break;
            row -= index[axis] * strides[axis];
            index[axis] = 0;
        }
    }
}

template <class T>
void load(DType dtype, const char* base, const Extent* shape, const Extent* strides,
          std::uint32_t rank, std::size_t start, std::size_t count, T* out) {
    switch (dtype) {
        case DType::Float64: return load<T, double>(base, shape, strides, rank, start, count, out);
        case DType::Float32: return load<T, float>(base, shape, strides, rank, start, count, out);
        case DType::Int64:
            return load<T, std::int64_t>(base, shape, strides, rank, start, count, out);
        case DType::Int32:
            return load<T, std::int32_t>(base, shape, strides, rank, start, count, out);
        default: return load<T, unsigned char>(base, shape, strides, rank, start, count, out);
    }
}

template <class T>
void store(DType dtype, const T* x, std::size_t count, char* out) {
    switch (dtype) {
        case DType::Bool: {
            auto* items = reinterpret_cast<unsigned char*>(out);
            // Of 0 and 1, which is what a register of truths holds, one bit tells.
            using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
            for (std::size_t i = 0; i < count; ++i)
                items[i] = static_cast<unsigned char>(
                    std::bit_cast<Bits>(x[i]) >> (8 * sizeof(T) - 3) & 1);
            return;
        }
        case DType::Float64: {
            auto* items = reinterpret_cast<double*>(out);
            for (std::size_t i = 0; i < count; ++i) items[i] = static_cast<double>(x[i]);
            return;
        }
        case DType::Float32: {
            auto* items = reinterpret_cast<float*>(out);
            for (std::size_t i = 0; i < count; ++i) items[i] = static_cast<float>(x[i]);
            return;
        }
        case DType::Int64: {
            auto* items = reinterpret_cast<std::int64_t*>(out);
            for (std::size_t i = 0; i < count; ++i) items[i] = static_cast<std::int64_t>(x[i]);
            return;
        }
        default: return;
    }
}

// A sum in pairs of blocks of 128, each in eight lanes, as NumPy takes it.
template <class T>
T pairwise(const LoopTable<T>& loops, const T* x, std::size_t count) {
    if (count <= 128) return static_cast<T>(loops.sum(count, x));
    const std::size_t half = count / 2 / 8 * 8;
    return pairwise(loops, x, half) + pairwise(loops, x + half, count - half);
}

template <class T>
T better(Code code, T a, T b) {
    if (a != a || b != b) return a != a ? a : b;
    return (code == Code::max ? a > b : a < b) ? a : b;
}

// By the loop of the elementwise operation: halves against each other.
template <class T>
T extremum(const LoopTable<T>& loops, Code code, const T* x, std::size_t count) {
    constexpr std::size_t few = 16, most = 512;
    T best[most];
    std::size_t width = count;
    if (count > few) {
        const Code pairs = code == Code::max ? Code::maximum : Code::minimum;
        const ValueLoop<T> loop = loops.value[static_cast<std::size_t>(pairs)][0];
        width = std::min(most, count / 2);
        loop(width, x, x + width, best);
        for (std::size_t at = 2 * width; at < count; at += width)
            loop(std::min(width, count - at), best, x + at, best);
        for (; width > few; width = (width + 1) / 2)
            loop(width / 2, best, best + (width + 1) / 2, best);
        x = best;
    }
    T result = x[0];
    for (std::size_t i = 1; i < width; ++i) result = better(code, result, x[i]);
    return result;
}

// The state of a reduction between blocks.
template <class T>
struct Reduced {
    T total = 0;
    T lost = 0;  // of a sum over many blocks
    std::vector<T> columns;
};

template <class T>
class Blocks {
  public:
    Blocks(const Plan& plan, const Group& group, Arena& arena)
        : plan_(plan), group_(group), arena_(arena), loops_(kernels().loops<T>()) {
        auto address = reinterpret_cast<std::uintptr_t>(arena.registers.data());
        registers_ = reinterpret_cast<T*>((address + 63) / 64 * 64);
    }

    void run() {
        const Instruction* first = plan_.instructions.data() + group_.first;
        const Instruction* end = first + group_.count;
        std::size_t reductions = 0;
        for (const Instruction* i = first; i != end; ++i)
            if (i->kind >= Instruction::Kind::Rows) ++reductions;
        reduced_.resize(reductions);
        for (start_ = 0; start_ < group_.size; start_ += group_.block) {
            count_ = std::min(group_.block, group_.size - start_);
            next_reduced_ = 0;
            for (const Instruction* i = first; i != end; ++i) instruction(*i);
        }
    }

  private:
    // A slot as a number of the group's type.
    struct Operand {
        const T* place;
        T number;
    };
    T* target(const Ref& ref) const {
        if (ref.kind == Ref::Kind::Register) return registers_ + ref.index * group_.block;
        return reinterpret_cast<T*>(arena_.bases[ref.index] + ref.offset) + start_;
    }
    const T* source(const Ref& ref, T& number) const {
        if (ref.kind == Ref::Kind::Slot) {
            number = static_cast<T>(arena_.slots()[ref.index]);
            return &number;
        }
        if (ref.kind == Ref::Kind::None) return nullptr;
        return target(ref);
    }

    void instruction(const Instruction& i) {
        T x_number, y_number, z_number;
        const T* x = source(i.x, x_number);
        switch (i.kind) {
            case Instruction::Kind::Value: {
                const T* y = source(i.y, y_number);
                T* out = target(i.out);
                if (x == &x_number && i.spread != Spread::X) {  // a loop of one operand
                    T one;
                    loops_.value[static_cast<std::size_t>(i.code)][0](1, x, y ? y : x, &one);
                    std::fill_n(out, count_, one);
                    return;
                }
                loops_.value[static_cast<std::size_t>(i.code)][static_cast<std::size_t>(i.spread)](
                    count_, x, y, out);
                return;
            }
            case Instruction::Kind::Host: {
                const host::InnerLoop inner = host::inner_loop(operation(i.code), dtype_for<T>);
                const T* y = source(i.y, y_number);
                T* out = target(i.out);
                const Extent item = sizeof(T);
                char* places[3] = {reinterpret_cast<char*>(const_cast<T*>(x)),
                                   reinterpret_cast<char*>(y ? const_cast<T*>(y) : out),
                                   reinterpret_cast<char*>(out)};
                const Extent n = static_cast<Extent>(count_);
                const Extent strides[3] = {x == &x_number ? 0 : item, y == &y_number ? 0 : item,
                                           item};
                inner.run(places, &n, strides, inner.data);
                return;
            }
            case Instruction::Kind::Select: {
                const T* y = source(i.y, y_number);
                const T* z = source(i.z, z_number);
                select(x, x == &x_number, y, y == &y_number, z, z == &z_number, target(i.out));
                return;
            }
            case Instruction::Kind::LoadOnce:
                if (start_ > 0) return;
                [[fallthrough]];
            case Instruction::Kind::Load:
                load<T>(i.dtype, arena_.bases[i.x.index] + i.x.offset,
                        plan_.extents.data() + group_.shape, plan_.strides.data() + i.strides,
                        group_.rank, start_, count_, target(i.out));
                return;
            case Instruction::Kind::Store:
                store(i.dtype, x, count_,
                      arena_.bases[i.out.index] + i.out.offset + start_ * native_size(i.dtype));
                return;
            case Instruction::Kind::Look:
                if (!all_finite(x, x == &x_number ? 1 : count_)) arena_.infinite = true;
                return;
            case Instruction::Kind::Rows: rows(i, x, x == &x_number); return;
            case Instruction::Kind::Columns: columns(i, x, x == &x_number); return;
            case Instruction::Kind::Axes: axes(i, x, x == &x_number); return;
        }
    }

    void select(const T* x, bool x_fixed, const T* y, bool y_fixed, const T* z, bool z_fixed,
                T* out) {
        if (x_fixed) {
            const T* chosen = *x != 0 ? y : z;
            const bool fixed = *x != 0 ? y_fixed : z_fixed;
            if (fixed)
                std::fill_n(out, count_, *chosen);
            else
                std::memmove(out, chosen, count_ * sizeof(T));
            return;
        }
        const std::size_t dy = y_fixed ? 0 : 1, dz = z_fixed ? 0 : 1;
        if (dy && dz) {
            for (std::size_t k = 0; k < count_; ++k) {
                const T a = y[k], b = z[k];
                out[k] = x[k] != 0 ? a : b;
            }
        } else if (dy) {
            const T b = *z;
            for (std::size_t k = 0; k < count_; ++k) {
                const T a = y[k];
                out[k] = x[k] != 0 ? a : b;
            }
        } else {
            const T a = *y;
            for (std::size_t k = 0; k < count_; ++k) {
                const T b = z[k * dz];
                out[k] = x[k] != 0 ? a : b;
            }
        }
    }

    void put(const Instruction& i, std::size_t row, T value) {
        if (i.scale != 1.0) value = value / static_cast<T>(i.scale);
        if (i.out.kind == Ref::Kind::Slot)
            arena_.slots()[i.out.index] = static_cast<double>(value);
        else if (i.dtype == DType::Int64)  // how many are true
            reinterpret_cast<std::int64_t*>(arena_.bases[i.out.index] + i.out.offset)[row] =
                static_cast<std::int64_t>(value);
        else
            reinterpret_cast<T*>(arena_.bases[i.out.index] + i.out.offset)[row] = value;
    }

    // Four sums of short rows at a time: one after another, each would wait for its own additions.
    static constexpr std::size_t short_row = 32;
    std::size_t short_rows(const Instruction& i, const T* x) {
        const std::size_t length = i.length, rows = count_ / length, first = start_ / length;
        std::size_t row = 0;
        for (; row + 4 <= rows; row += 4) {
            const T* a = x + row * length;
            const T* b = a + length;
            const T* c = b + length;
            const T* d = c + length;
            T sums[4] = {a[0], b[0], c[0], d[0]};
            for (std::size_t k = 1; k < length; ++k) {
                sums[0] += a[k];
                sums[1] += b[k];
                sums[2] += c[k];
                sums[3] += d[k];
            }
            for (std::size_t k = 0; k < 4; ++k) put(i, first + row + k, sums[k]);
        }
        return row * length;
    }

    // Each `length` elements become one.
    void rows(const Instruction& i, const T* x, bool fixed) {
        Reduced<T>& state = reduced_[next_reduced_++];
        T* spread = nullptr;
        if (fixed) {
            state.columns.assign(count_, *x);
            spread = state.columns.data();
        }
        const T* from = fixed ? spread : x;
        std::size_t at = 0;
        if (i.code == Code::sum && i.length <= short_row && start_ % i.length == 0)
            at = short_rows(i, from);
        while (at < count_) {
            const std::size_t element = start_ + at, row = element / i.length;
            const std::size_t end = std::min((row + 1) * i.length, start_ + count_) - start_;
            const bool begins = element % i.length == 0;
            const bool ends = start_ + end == (row + 1) * i.length;
            if (i.code == Code::sum) {
                const T part = pairwise(loops_, from + at, end - at);
                if (begins && ends) {
                    put(i, row, part);
                } else {
                    if (begins) state.total = state.lost = 0;
                    const T sum = state.total + part;
                    state.lost +=
                        (state.total < 0 ? -state.total : state.total) >= (part < 0 ? -part : part)
                            ? (state.total - sum) + part
                            : (part - sum) + state.total;
                    state.total = sum;
                    if (ends) put(i, row, state.total + state.lost);
                }
            } else {
                const T part = extremum(loops_, i.code, from + at, end - at);
                state.total = begins ? part : better(i.code, state.total, part);
                if (ends) put(i, row, state.total);
            }
            at = end;
        }
    }

    // Element k goes to result k modulo `length`: whole blocks are added up where they are whole
    // periods, and folded at the end.
    void columns(const Instruction& i, const T* x, bool fixed) {
        Reduced<T>& state = reduced_[next_reduced_++];
        std::vector<T> spread;
        if (fixed) {
            spread.assign(count_, *x);
            x = spread.data();
        }
        const bool whole = group_.block % i.length == 0;
        const std::size_t width = whole ? group_.block : i.length;
        const bool sums = i.code == Code::sum;
        if (start_ == 0) state.columns.assign(std::min(width, group_.size), 0);
        T* columns = state.columns.data();
        std::size_t at = 0;
        while (at < count_) {
            const std::size_t element = start_ + at, column = whole ? at : element % i.length;
            const std::size_t count = std::min(count_ - at, width - column);
            const bool first = element < width;
            if (first)
                std::copy_n(x + at, count, columns + column);
            else if (sums)
                loops_.add(count, x + at, columns + column);
            else
                loops_.value[static_cast<std::size_t>(i.code == Code::max ? Code::maximum
                                                                          : Code::minimum)][0](
                    count, columns + column, x + at, columns + column);
            at += count;
        }
        if (start_ + count_ < group_.size) return;
        const std::size_t held = state.columns.size();
        for (std::size_t k = i.length; k < held; ++k)
            columns[k % i.length] = sums ? columns[k % i.length] + columns[k]
                                         : better(i.code, columns[k % i.length], columns[k]);
        for (std::size_t k = 0; k < i.length; ++k) put(i, k, columns[k]);
    }

    // Any axes: each row of the shape is added to its results.
    void axes(const Instruction& i, const T* x, bool fixed) {
        Reduced<T>& state = reduced_[next_reduced_++];
        const bool sums = i.code == Code::sum;
        if (start_ == 0) {
            const T limit = std::numeric_limits<T>::infinity();
            state.columns.assign(i.length, sums ? T(0) : (i.code == Code::max ? -limit : limit));
        }
        T* results = state.columns.data();
        const Extent* shape = plan_.extents.data() + group_.shape;
        const Extent* strides = plan_.strides.data() + i.strides;
        const std::uint32_t last = group_.rank - 1;
        const auto inner = static_cast<std::size_t>(shape[last]);
        const std::size_t step = static_cast<std::size_t>(strides[last]);
        for (std::size_t at = 0; at < count_;) {
            std::size_t rest = (start_ + at) / inner, place = 0;
            const std::size_t column = (start_ + at) % inner;
            for (std::uint32_t axis = last; axis-- > 0;) {
                const auto length = static_cast<std::size_t>(shape[axis]);
                place += rest % length * static_cast<std::size_t>(strides[axis]);
                rest /= length;
            }
            const std::size_t count = std::min(count_ - at, inner - column);
            T* out = results + place + column * step;
            const T* from = fixed ? x : x + at;
            if (step == 0 && !fixed) {
                *out = sums ? *out + pairwise(loops_, from, count)
                            : better(i.code, *out, extremum(loops_, i.code, from, count));
            } else {
                for (std::size_t k = 0; k < count; ++k) {
                    const T value = from[fixed ? 0 : k];
                    T& target = out[k * step];
                    target = sums ? target + value : better(i.code, target, value);
                }
            }
            at += count;
        }
        if (start_ + count_ < group_.size) return;
        for (std::size_t k = 0; k < i.length; ++k) put(i, k, results[k]);
    }

    const Plan& plan_;
    const Group& group_;
    Arena& arena_;
    const LoopTable<T>& loops_;
    T* registers_;
    std::size_t start_ = 0, count_ = 0;
    std::vector<Reduced<T>> reduced_;
    std::size_t next_reduced_ = 0;
};

}  // namespace

void run_group(const Plan& plan, const Graph&, const Group& group, Arena& arena) {
    if (group.dtype == DType::Float64)
        Blocks<double>(plan, group, arena).run();
    else
        Blocks<float>(plan, group, arena).run();
}

}  // namespace fastad::program
