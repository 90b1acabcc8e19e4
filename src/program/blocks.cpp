// Groups, block by block: a few registers of some hundred elements each, in the nearest cache.
// Large groups are cut in parts, for as many threads as there are; what parts reduce to is put
// together in their order, so that results do not depend on the threads.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <vector>

#include "host/programs.hpp"
#include "program/arena.hpp"
#include "program/loads.hpp"
#include "program/reductions.hpp"
#include "program/threads.hpp"

namespace fastad::program {

namespace {

// The instructions of a group on some of its elements.
template <class T>
class Blocks {
  public:
    Blocks(const Plan& plan, const Group& group, char* const* bases, char* registers,
           Reduced<T>* reduced)
        : plan_(plan),
          group_(group),
          bases_(bases),
          loops_(kernels().loops<T>()),
          registers_(
              reinterpret_cast<T*>((reinterpret_cast<std::uintptr_t>(registers) + 63) / 64 * 64)),
          reduced_(reduced) {}

    // False if something that was looked at is infinite or NaN.
    bool run(std::size_t from, std::size_t to) {
        const Instruction* first = plan_.instructions.data() + group_.first;
        const Instruction* end = first + group_.count;
        from_ = from;
        to_ = to;
        for (start_ = from; start_ < to; start_ += group_.block) {
            count_ = std::min(group_.block, to - start_);
            start_bytes_ = start_ * sizeof(T);
            next_reduced_ = 0;
            for (const Instruction* i = first; i != end; ++i) instruction(*i);
        }
        return finite_;
    }

    // The results of the reductions that go over several blocks, out of what each part has.
    void finish(std::size_t parts) {
        const Instruction* first = plan_.instructions.data() + group_.first;
        Reduced<T>* next = reduced_;
        for (const Instruction* i = first; i != first + group_.count; ++i) {
            if (i->kind < Instruction::Kind::Rows) continue;
            Reduced<T>& whole = *next++;
            for (std::size_t part = 1; part < parts; ++part)
                join(*i, whole, (&whole)[part * group_.reductions]);
            switch (i->kind) {
                case Instruction::Kind::Rows:
                    if (reducing(*i).length == group_.size)
                        put(*i, 0,
                            i->reduction == Reduction::Sum ? whole.total.value() : whole.best);
                    break;
                case Instruction::Kind::Columns: fold(*i, whole.columns); break;
                default:
                    for (std::size_t k = 0; k < reducing(*i).length; ++k)
                        put(*i, k, whole.columns[k]);
            }
        }
    }

  private:
    T* target(const Ref& ref) const {
        return reinterpret_cast<T*>(ref.kind == Ref::Kind::Register
                                        ? reinterpret_cast<char*>(registers_) +
                                              ref.index * line_bytes
                                        : bases_[ref.index] + start_bytes_);
    }
    const T* source(const Ref& ref, T& number) const {
        if (ref.kind == Ref::Kind::Slot) {
            number = static_cast<T>(*reinterpret_cast<const double*>(bases_[ref.index]));
            return &number;
        }
        if (ref.kind == Ref::Kind::None) return nullptr;
        return target(ref);
    }
    // One that is no number.
    const T* lane(const Ref& ref) const {
        return ref.kind == Ref::Kind::None ? nullptr : target(ref);
    }

    void instruction(const Instruction& i) {
        const auto code = static_cast<std::size_t>(i.code);
        if (i.kind == Instruction::Kind::Plain)  // most are
            return loops_.value[code][0](count_, lane(i.x), lane(i.y), target(i.out));
        T x_number, y_number, z_number;
        const T* x = source(i.x, x_number);
        switch (i.kind) {
            case Instruction::Kind::Plain: return;
            case Instruction::Kind::Value: {
                const T* y = source(i.y, y_number);
                T* out = target(i.out);
                if (x == &x_number && i.spread != Spread::X) {  // a loop of one operand
                    T one;
                    loops_.value[code][0](1, x, y ? y : x, &one);
                    std::fill_n(out, count_, one);
                    return;
                }
                loops_.value[code][static_cast<std::size_t>(i.spread)](count_, x, y, out);
                return;
            }
            case Instruction::Kind::Both:
                loops_.both[code](count_, x, target(i.out), target(i.z));
                return;
            case Instruction::Kind::Term:
                loops_.adjoint[code][i.which](count_, x, lane(i.y), lane(i.z), lane(i.w),
                                              target(i.out), false);
                return;
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
                if (start_ > from_) return;
                if (x == &x_number) {
                    std::fill_n(target(i.out), count_, x_number);
                    return;
                }
                [[fallthrough]];
            case Instruction::Kind::Load:
                if (i.which)
                    return load_flat<T>(i.dtype, bases_[i.x.index], start_, count_, target(i.out));
                load<T>(i.dtype, bases_[i.x.index], plan_.extents.data() + group_.shape,
                        plan_.strides.data() + i.extra, group_.rank, start_, count_, target(i.out));
                return;
            case Instruction::Kind::Store:
                store(i.dtype, x, count_, bases_[i.out.index] + start_ * native_size(i.dtype));
                return;
            case Instruction::Kind::Look:
                if (!all_finite(x, x == &x_number ? 1 : count_)) finite_ = false;
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
        const double scale = reducing(i).scale;
        if (scale != 1.0) value = value / static_cast<T>(scale);
        char* const out = bases_[i.out.index];
        if (i.out.kind == Ref::Kind::Slot)
            *reinterpret_cast<double*>(out) = static_cast<double>(value);
        else if (i.dtype == DType::Int64)  // how many are true
            reinterpret_cast<std::int64_t*>(out)[row] = static_cast<std::int64_t>(value);
        else
            reinterpret_cast<T*>(out)[row] = value;
    }

    // Four sums of short rows at a time: one after another, each would wait for its own additions.
    static constexpr std::size_t short_row = 32;
    std::size_t short_rows(const Instruction& i, const T* x) {
        const std::size_t length = reducing(i).length, rows = count_ / length,
                          first = start_ / length;
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

    // Each `length` elements become one; if that is all of them, finish() writes the result.
    void rows(const Instruction& i, const T* x, bool fixed) {
        Reduced<T>& state = reduced_[next_reduced_++];
        const T* from = x;
        if (fixed) {
            state.columns.assign(count_, *x);
            from = state.columns.data();
        }
        const std::size_t length = reducing(i).length;
        const bool sums = i.reduction == Reduction::Sum, whole = length == group_.size;
        std::size_t at = 0;
        if (sums && !whole && length <= short_row && start_ % length == 0) at = short_rows(i, from);
        while (at < count_) {
            const std::size_t element = start_ + at, row = element / length;
            const std::size_t end = std::min((row + 1) * length, start_ + count_) - start_;
            const bool begins = element % length == 0 || element == from_;
            const bool ends = start_ + end == (row + 1) * length && !whole;
            if (sums) {
                const T part = pairwise(loops_, from + at, end - at);
                if (begins && ends) {
                    put(i, row, part);
                } else {
                    if (begins) state.total = {};
                    state.total.add(part);
                    if (ends) put(i, row, state.total.value());
                }
            } else {
                const T part = extremum(loops_, i.reduction, from + at, end - at);
                state.best = begins ? part : better(i.reduction, state.best, part);
                if (ends) put(i, row, state.best);
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
        const std::size_t length = reducing(i).length;
        const bool whole = group_.block % length == 0;
        const std::size_t width = whole ? group_.block : length;
        if (start_ == from_) state.columns.assign(std::min(width, to_ - from_), 0);
        T* columns = state.columns.data();
        std::size_t at = 0;
        while (at < count_) {
            const std::size_t element = start_ + at, column = whole ? at : element % length;
            const std::size_t count = std::min(count_ - at, width - column);
            if (element - from_ < width)
                std::copy_n(x + at, count, columns + column);
            else
                merge(i.reduction, count, x + at, columns + column);
            at += count;
        }
    }

    // One in each place of the two.
    void merge(Reduction reduction, std::size_t count, const T* x, T* into) {
        if (reduction == Reduction::Sum)
            loops_.add(count, x, into);
        else
            larger_or_smaller(loops_, reduction)(count, into, x, into);
    }

    void fold(const Instruction& i, std::vector<T>& columns) {
        const std::size_t length = reducing(i).length;
        for (std::size_t k = length; k < columns.size(); ++k)
            columns[k % length] = i.reduction == Reduction::Sum
                                      ? columns[k % length] + columns[k]
                                      : better(i.reduction, columns[k % length], columns[k]);
        for (std::size_t k = 0; k < length; ++k) put(i, k, columns[k]);
    }

    void join(const Instruction& i, Reduced<T>& whole, const Reduced<T>& part) {
        if (i.kind != Instruction::Kind::Rows) {
            // A last part may be shorter than a block.
            merge(i.reduction, part.columns.size(), part.columns.data(), whole.columns.data());
        } else if (i.reduction == Reduction::Sum) {
            whole.total.add(part.total.sum);
            whole.total.lost += part.total.lost;
        } else {
            whole.best = better(i.reduction, whole.best, part.best);
        }
    }

    // Any axes: each row of the shape is added to its results.
    void axes(const Instruction& i, const T* x, bool fixed) {
        Reduced<T>& state = reduced_[next_reduced_++];
        const bool sums = i.reduction == Reduction::Sum;
        if (start_ == from_) {
            const T limit = std::numeric_limits<T>::infinity();
            state.columns.assign(reducing(i).length,
                                 sums ? T(0) : (i.reduction == Reduction::Max ? -limit : limit));
        }
        T* results = state.columns.data();
        const Merged merged(plan_.extents.data() + group_.shape,
                            plan_.strides.data() + reducing(i).strides, group_.rank);
        const Extent* shape = merged.shape;
        const Extent* strides = merged.strides;
        const std::uint32_t last = merged.rank ? merged.rank - 1 : 0;
        const auto inner = merged.rank ? static_cast<std::size_t>(shape[last]) : 1;
        const auto step = merged.rank ? static_cast<std::size_t>(strides[last]) : 0;
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
                            : better(i.reduction, *out, extremum(loops_, i.reduction, from, count));
            } else if (step == 1 && !fixed) {
                merge(i.reduction, count, from, out);
            } else {
                for (std::size_t k = 0; k < count; ++k) {
                    const T value = from[fixed ? 0 : k];
                    T& target = out[k * step];
                    target = sums ? target + value : better(i.reduction, target, value);
                }
            }
            at += count;
        }
    }

    const Reducing& reducing(const Instruction& i) const { return plan_.reducing[i.extra]; }

    const Plan& plan_;
    const Group& group_;
    char* const* bases_;
    const LoopTable<T>& loops_;
    T* registers_;
    Reduced<T>* reduced_;  // by reduction; those of the next part follow
    std::size_t from_ = 0, to_ = 0, start_ = 0, start_bytes_ = 0, count_ = 0;
    std::size_t next_reduced_ = 0;
    bool finite_ = true;
};

// The parts of one group, each of which any thread may take.
template <class T>
struct Parts {
    const Plan& plan;
    const Group& group;
    char* const* bases;
    Reduced<T>* reduced;
    std::atomic<bool> finite{true};

    void run(std::size_t part, char* registers) {
        const std::size_t from = part * group.part;
        const std::size_t to = std::min(from + group.part, group.size);
        if (!Blocks<T>(plan, group, bases, registers, reduced + part * group.reductions)
                 .run(from, to))
            finite.store(false, std::memory_order_relaxed);
    }
};

template <class T>
void run(const Plan& plan, const Group& group, char* const* bases, Arena& arena) {
    constexpr std::size_t few = 2;
    const std::size_t count = group.parts(), reductions = count * group.reductions;
    Reduced<T> some[few];
    std::vector<Reduced<T>> many(reductions > few ? reductions : 0);
    Parts<T> parts{plan, group, bases, reductions > few ? many.data() : some};
    if (count == 1) {
        parts.run(0, arena.registers.data());
    } else {
        const std::size_t bytes = group.registers * group.stride() * sizeof(T) + 64;
        share(count, bytes, arena.registers.data(),
              [&parts](std::size_t part, char* registers) { parts.run(part, registers); });
    }
    if (!parts.finite) arena.infinite = true;
    if (group.reductions)
        Blocks<T>(plan, group, bases, arena.registers.data(), parts.reduced).finish(count);
}

}  // namespace

void run_group(const Plan& plan, const Group& group, const Address* addresses, Arena& arena) {
    constexpr std::size_t few = 32;
    char* some[few];
    std::vector<char*> many(group.addresses > few ? group.addresses : 0);
    char** bases = group.addresses > few ? many.data() : some;
    for (std::uint32_t k = 0; k < group.addresses; ++k) bases[k] = arena.place(addresses[k]);
    if (group.dtype == DType::Float64)
        run<double>(plan, group, bases, arena);
    else
        run<float>(plan, group, bases, arena);
}

}  // namespace fastad::program
