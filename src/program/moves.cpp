// Products of matrices, and copies of elements.
#include <algorithm>
#include <complex>
#include <cstring>
#include <type_traits>

#include "host/programs.hpp"
#include "program/arena.hpp"

namespace fastad::program {

namespace {

// Up to this many multiplications a product is cheaper here than the way to the BLAS.
constexpr Extent small_product = 400;

const double& at(const char* base, Extent offset) {
    return *reinterpret_cast<const double*>(base + offset);
}

// One row times one column, in four lanes.
double inner_product(const char* a, Extent da, const char* b, Extent db, Extent n) {
    double lanes[4] = {};
    Extent i = 0;
    for (; i + 4 <= n; i += 4)
        for (Extent lane = 0; lane < 4; ++lane)
            lanes[lane] += at(a, (i + lane) * da) * at(b, (i + lane) * db);
    for (; i < n; ++i) lanes[0] += at(a, i * da) * at(b, i * db);
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

// Rows of c of so many columns, each in registers; b by rows.
template <int Columns>
void product_rows(const Matrices& p, const char* a, const char* b, char* c) {
    for (Extent i = 0; i < p.rows; ++i, a += p.a_strides[1], c += p.c_strides[1]) {
        double sum[Columns] = {};
        for (Extent k = 0; k < p.inner; ++k) {
            const double factor = at(a, k * p.a_strides[2]);
            const auto* row = reinterpret_cast<const double*>(b + k * p.b_strides[1]);
            for (int j = 0; j < Columns; ++j) sum[j] += factor * row[j];
        }
        auto* row = reinterpret_cast<double*>(c);
        for (int j = 0; j < Columns; ++j) row[j] = sum[j];
    }
}

// A product that is too small for the BLAS.
void multiply_small(Matrices p, const char* a, const char* b, char* c) {
    constexpr Extent widest = 8;
    double packed[small_product];
    const bool by_rows = p.b_strides[2] == Extent{sizeof(double)};
    // By columns of b, unless many rows of a meet it.
    if (p.columns == 1 || (!by_rows && (p.rows <= 2 || p.inner * p.columns > small_product))) {
        for (Extent i = 0; i < p.rows; ++i)
            for (Extent j = 0; j < p.columns; ++j)
                *reinterpret_cast<double*>(c + i * p.c_strides[1] + j * p.c_strides[2]) =
                    inner_product(a + i * p.a_strides[1], p.a_strides[2], b + j * p.b_strides[2],
                                  p.b_strides[1], p.inner);
        return;
    }
    if (!by_rows) {
        for (Extent k = 0; k < p.inner; ++k)
            for (Extent j = 0; j < p.columns; ++j)
                packed[k * p.columns + j] = at(b, k * p.b_strides[1] + j * p.b_strides[2]);
        b = reinterpret_cast<const char*>(packed);
        p.b_strides[1] = p.columns * Extent{sizeof(double)};
    }
    for (Extent first = 0; first < p.columns; first += widest) {
        const char* strip = b + first * Extent{sizeof(double)};
        char* to = c + first * Extent{sizeof(double)};
        switch (std::min(widest, p.columns - first)) {
            case 1: product_rows<1>(p, a, strip, to); break;
            case 2: product_rows<2>(p, a, strip, to); break;
            case 3: product_rows<3>(p, a, strip, to); break;
            case 4: product_rows<4>(p, a, strip, to); break;
            case 5: product_rows<5>(p, a, strip, to); break;
            case 6: product_rows<6>(p, a, strip, to); break;
            case 7: product_rows<7>(p, a, strip, to); break;
            default: product_rows<8>(p, a, strip, to); break;
        }
    }
}

}  // namespace

namespace {

void multiply_whole(const Matrices& p, const host::InnerLoop& loop, const char* a, const char* b,
                    char* c) {
    char* places[3] = {const_cast<char*>(a), const_cast<char*>(b), c};
    const Extent lengths[4] = {1, p.rows, p.inner, p.columns};
    // A stride along an axis of length one may be anything; the loop wants a plausible one. Along
    // others 0 is an operand that was broadcast.
    const auto item = static_cast<Extent>(native_size(p.dtype));
    const Extent column = p.columns == 1 && !p.b_strides[2] ? item : p.b_strides[2];
    const Extent row = p.rows == 1 && !p.a_strides[1] ? p.inner * item : p.a_strides[1];
    const Extent strides[9] = {
        0, 0, 0, row, p.a_strides[2], p.b_strides[1], column, p.c_strides[1], p.c_strides[2]};
    loop.run(places, lengths, strides, loop.data);
}

}  // namespace

void run_product(const Plan& plan, const Product& product, Arena& arena) {
    const Matrices& p = plan.matrices[product.matrices];
    const char* a = arena.place(product.a);
    const char* b = arena.place(product.b);
    char* c = arena.place(product.c);
    const bool vectors = p.rows == 1 && p.columns == 1;
    if (p.dtype != DType::Float64) return multiply_whole(p, p.loop, a, b, c);
    if ((vectors && p.inner < 64) || p.rows * p.inner * p.columns <= small_product)
        return multiply_small(p, a, b, c);
    const host::InnerLoop loop = host::inner_loop(operation(Code::matmul), DType::Float64);
    if (!loop.run) return multiply_small(p, a, b, c);
    multiply_whole(p, loop, a, b, c);
}

namespace {

template <class T>
void gather(const Copy& copy, const std::uint32_t* words, const char* from, const Extent* shape,
            const Extent* strides, T* to, bool contiguous) {
    if (contiguous) {
        const T* source = reinterpret_cast<const T*>(from);
        for (std::uint32_t i = 0; i < copy.count; ++i) to[i] = source[words[i]];
        return;
    }
    for (std::uint32_t i = 0; i < copy.count; ++i) {
        std::size_t rest = words[i];
        Extent offset = 0;
        for (std::uint32_t axis = copy.rank; axis-- > 0;) {
            const auto length = static_cast<std::size_t>(shape[axis]);
            offset += static_cast<Extent>(rest % length) * strides[axis];
            rest /= length;
        }
        to[i] = *reinterpret_cast<const T*>(from + offset);
    }
}

template <class T>
void add(std::size_t n, const T* source, T* target) {
    if constexpr (std::is_floating_point_v<T>)
        kernels().loops<T>().add(n, source, target);
    else
        for (std::size_t i = 0; i < n; ++i) target[i] += source[i];
}

// Rows of so few elements that a loop over each would be longer than what it does.
template <class T, int length>
void move_rows(bool accumulate, Extent rows, const char* from, const Extent* df, char* to,
               const Extent* dt) {
    for (Extent row = 0; row < rows; ++row, from += df[0], to += dt[0])
        for (int i = 0; i < length; ++i) {
            const T value = *reinterpret_cast<const T*>(from + i * df[1]);
            T& target = *reinterpret_cast<T*>(to + i * dt[1]);
            target = accumulate ? target + value : value;
        }
}
constexpr Extent longest_short_row = 4;
template <class T>
void move_short_rows(const Copy& copy, Extent length, Extent rows, const char* from,
                     const Extent* df, char* to, const Extent* dt) {
    switch (length) {
        case 1: return move_rows<T, 1>(copy.accumulate, rows, from, df, to, dt);
        case 2: return move_rows<T, 2>(copy.accumulate, rows, from, df, to, dt);
        case 3: return move_rows<T, 3>(copy.accumulate, rows, from, df, to, dt);
        default: return move_rows<T, 4>(copy.accumulate, rows, from, df, to, dt);
    }
}

// Between two layouts of one shape, row by row.
template <class T>
void move(const Copy& copy, const Extent* shape, const char* from, const Extent* from_strides,
          char* to, const Extent* to_strides) {
    const std::uint32_t last = copy.rank - 1;
    const Extent inner = shape[last], df = from_strides[last], dt = to_strides[last];
    if (inner == 0) return;
    const bool flat = df == Extent{sizeof(T)} && dt == Extent{sizeof(T)};
    // Short rows many at a time, down the axis before the last.
    const bool few = last > 0 && inner <= longest_short_row;
    const std::uint32_t outer = few ? last - 1 : last;
    Extent rows = 1;
    for (std::uint32_t axis = 0; axis < outer; ++axis) rows *= shape[axis];
    Extent index[64] = {};
    for (Extent row = 0; row < rows; ++row) {
        if (few) {
            move_short_rows<T>(copy, inner, shape[outer], from, from_strides + outer, to,
                               to_strides + outer);
        } else if (flat) {
            const T* source = reinterpret_cast<const T*>(from);
            T* target = reinterpret_cast<T*>(to);
            if (copy.accumulate)
                add(static_cast<std::size_t>(inner), source, target);
            else
                std::memcpy(target, source, static_cast<std::size_t>(inner) * sizeof(T));
        } else {
            for (Extent i = 0; i < inner; ++i) {
                const T value = *reinterpret_cast<const T*>(from + i * df);
                T& target = *reinterpret_cast<T*>(to + i * dt);
                target = copy.accumulate ? target + value : value;
            }
        }
        for (std::uint32_t axis = outer; axis-- > 0;) {
            from += from_strides[axis];
            to += to_strides[axis];
            if (++index[axis] < shape[axis]) break;
            from -= from_strides[axis] * shape[axis];
            to -= to_strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}

template <class T>
void scatter(const Plan& plan, const Copy& copy, Arena& arena, std::size_t size, T* to) {
    const std::uint32_t* words = plan.words.data() + copy.first;
    std::memset(static_cast<void*>(to), 0, size * sizeof(T));
    auto put = [&](std::uint32_t element, T value) {
        // Adding to zero also where elements come once: -0 becomes 0, as in the host's scatter.
        to[element] += value;
    };
    if (copy.from.base() == Address::slots) {
        const T value = static_cast<T>(*reinterpret_cast<const double*>(arena.place(copy.from)));
        for (std::uint32_t i = 0; i < copy.count; ++i) put(words[i], value);
        return;
    }
    const Extent* shape = plan.extents.data() + copy.shape;
    const Extent* strides = plan.strides.data() + copy.from_strides;
    const char* from = arena.place(copy.from);
    Extent index[64] = {};
    for (std::uint32_t i = 0; i < copy.count; ++i) {
        put(words[i], *reinterpret_cast<const T*>(from));
        for (std::uint32_t axis = copy.rank; axis-- > 0;) {
            from += strides[axis];
            if (++index[axis] < shape[axis]) break;
            from -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}

}  // namespace

namespace {

template <class Source, class Target>
void convert(const Plan& plan, const Copy& copy, Arena& arena) {
    const Extent* shape = plan.extents.data() + copy.shape;
    const Extent* strides = plan.strides.data() + copy.from_strides;
    const char* from = arena.place(copy.from);
    auto* to = reinterpret_cast<Target*>(arena.place(copy.to));
    std::size_t size = 1;
    for (std::uint32_t axis = 0; axis < copy.rank; ++axis)
        size *= static_cast<std::size_t>(shape[axis]);
    Extent index[64] = {};
    for (std::size_t i = 0; i < size; ++i) {
        to[i] = static_cast<Target>(*reinterpret_cast<const Source*>(from));
        for (std::uint32_t axis = copy.rank; axis-- > 0;) {
            from += strides[axis];
            if (++index[axis] < shape[axis]) break;
            from -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}

template <class T>
void copy_as(const Plan& plan, const Copy& copy, Arena& arena) {
    char* to = arena.place(copy.to);
    const std::uint32_t* words = plan.words.data() + copy.first;
    const Extent* shape = plan.extents.data() + copy.shape;
    const Extent* from = plan.strides.data() + copy.from_strides;
    switch (copy.kind) {
        case Copy::Kind::Gather:
            return gather(copy, words, arena.place(copy.from), shape, from,
                          reinterpret_cast<T*>(to), copy.contiguous);
        case Copy::Kind::Strided:
            return move<T>(copy, shape, arena.place(copy.from), from, to,
                           plan.strides.data() + copy.to_strides);
        default:
            return scatter(plan, copy, arena, copy.bytes / sizeof(T), reinterpret_cast<T*>(to));
    }
}

}  // namespace

void run_copy(const Plan& plan, const Copy& copy, Arena& arena) {
    using Complex = std::complex<double>;
    char* to = arena.place(copy.to);
    switch (copy.kind) {
        case Copy::Kind::Numbers: {
            const std::uint32_t* words = plan.words.data() + copy.first;
            auto* numbers = reinterpret_cast<double*>(to);
            for (std::uint32_t i = 0; i < copy.count; ++i) numbers[i] = arena.slots()[words[i]];
            return;
        }
        case Copy::Kind::Zero: std::memset(to, 0, copy.bytes); return;
        case Copy::Kind::Convert:
            if (copy.dtype == DType::Complex128) return convert<double, Complex>(plan, copy, arena);
            if (copy.dtype == DType::Float64) return convert<float, double>(plan, copy, arena);
            return convert<double, float>(plan, copy, arena);
        default: break;
    }
    if (copy.dtype == DType::Float64) return copy_as<double>(plan, copy, arena);
    if (copy.dtype == DType::Complex128) return copy_as<Complex>(plan, copy, arena);
    copy_as<float>(plan, copy, arena);
}

}  // namespace fastad::program
