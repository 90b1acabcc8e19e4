// Sums of products of two arrays over labelled axes, as numpy.einsum has them: planned once, and
// run as products of matrices, in loops over the axes that these do not take.
#include "program/contraction.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "host/programs.hpp"
#include "program/arena.hpp"
#include "program/schedule.hpp"

namespace fastad::program {

namespace {

// 'ij,jk->ik' of letters, from how Python writes the text; empty for anything else.
struct Labels {
    std::string a, b, c;
};
std::optional<Labels> labels_of(const std::string& written) {
    if (written.size() < 2 || written.front() != '\'' || written.back() != '\'') return {};
    Labels labels;
    std::string* part = &labels.a;
    for (std::size_t i = 1; i + 1 < written.size(); ++i) {
        const char letter = written[i];
        if (letter == ',' && part == &labels.a) {
            part = &labels.b;
        } else if (letter == '-' && part == &labels.b && written[i + 1] == '>') {
            part = &labels.c;
            ++i;
        } else if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')) {
            if (part->find(letter) != std::string::npos) return {};  // a diagonal
            part->push_back(letter);
        } else {
            return {};
        }
    }
    if (part != &labels.c) return {};
    return labels;
}

using Axis = Contraction::Axis;

// Of the axes of one kind the longest is the matrix's; neighbours in memory count as one.
Axis take_longest(std::vector<Axis>& axes) {
    for (std::size_t i = 0; i < axes.size(); ++i)
        for (std::size_t j = 0; j < axes.size(); ++j) {
            const Axis& outer = axes[i];
            const Axis& inner = axes[j];
            if (i == j || outer.a != inner.a * inner.length || outer.b != inner.b * inner.length ||
                outer.c != inner.c * inner.length)
                continue;
            axes[j].length *= outer.length;
            axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(i));
            return take_longest(axes);
        }
    if (axes.empty()) return {};
    const auto longest = std::max_element(
        axes.begin(), axes.end(), [](const Axis& x, const Axis& y) { return x.length < y.length; });
    const Axis taken = *longest;
    axes.erase(longest);
    return taken;
}

double at(const char* place) noexcept {
    double number;
    std::memcpy(&number, place, sizeof number);
    return number;
}

// So many columns of c, each in a register. The rows of b lie one after the other.
template <int columns>
void strip(const Contraction& m, const char* a, const double* b, Extent b_row, char* c, bool add) {
    for (Extent i = 0; i < m.rows.length; ++i, a += m.rows.a, c += m.rows.c) {
        double sum[columns] = {};
        const char* factor = a;
        const double* row = b;
        for (Extent k = 0; k < m.inner.length; ++k, factor += m.inner.a, row += b_row) {
            const double x = at(factor);
            for (int j = 0; j < columns; ++j) sum[j] += x * row[j];
        }
        for (int j = 0; j < columns; ++j) {
            char* place = c + j * m.columns.c;
            const double value = add ? at(place) + sum[j] : sum[j];
            std::memcpy(place, &value, sizeof value);
        }
    }
}

using Strip = void (*)(const Contraction&, const char*, const double*, Extent, char*, bool);
constexpr Strip strips[] = {strip<1>, strip<2>, strip<3>, strip<4>,
                            strip<5>, strip<6>, strip<7>, strip<8>};
constexpr Extent widest = 8;

// One product of matrices; what of b is not by rows is packed into `room`.
void multiply(const Contraction& m, const char* a, const char* b, char* c, bool add,
              std::vector<double>& room) {
    constexpr Extent item = sizeof(double);
    const Extent inner = m.inner.length;
    if (m.by_blas) {
        const host::InnerLoop loop = host::inner_loop(operation(Code::matmul), DType::Float64);
        room.resize(static_cast<std::size_t>(m.rows.length * m.columns.length));
        char* to = add ? reinterpret_cast<char*>(room.data()) : c;
        char* places[3] = {const_cast<char*>(a), const_cast<char*>(b), to};
        const Extent lengths[4] = {1, m.rows.length, inner, m.columns.length};
        const Extent row = add ? m.columns.length * item : m.rows.c;
        const Extent column = add ? item : m.columns.c;
        const Extent strides[9] = {0,         0,           0,   m.rows.a, m.inner.a,
                                   m.inner.b, m.columns.b, row, column};
        loop.run(places, lengths, strides, loop.data);
        for (Extent i = 0; add && i < m.rows.length; ++i)
            for (Extent j = 0; j < m.columns.length; ++j) {
                char* place = c + i * m.rows.c + j * m.columns.c;
                const double value =
                    at(place) + room[static_cast<std::size_t>(i * m.columns.length + j)];
                std::memcpy(place, &value, sizeof value);
            }
        return;
    }
    for (Extent first = 0; first < m.columns.length; first += widest) {
        const Extent count = std::min(widest, m.columns.length - first);
        const char* own = b + first * m.columns.b;
        const double* rows = reinterpret_cast<const double*>(own);
        Extent step = m.inner.b / item;
        if (m.columns.b != item || m.inner.b % item != 0) {
            room.resize(static_cast<std::size_t>(inner * count));
            double* packed = room.data();
            for (Extent k = 0; k < inner; ++k)
                for (Extent j = 0; j < count; ++j)
                    *packed++ = at(own + k * m.inner.b + j * m.columns.b);
            rows = room.data();
            step = count;
        }
        strips[count - 1](m, a, rows, step, c + first * m.columns.c, add);
    }
}

}  // namespace

// The axes of a node that is such a sum; false if it is none that is computed here.
bool Scheduler::contraction(Id id, Contraction& plan) const {
    const Node& node = graph_.nodes[id];
    if (node.op->program != InProgram::Contract || node.count != 4 || node.kwnames) return false;
    const Id* operands = graph_.operands_of(node);
    for (int k = 0; k < 2; ++k)
        if (operands[k] == no_id || !is_constant(operands[k])) return false;
    const std::string options = host::constant_text(graph_.constants[constant_index(operands[1])]);
    if (options != "{}" && options != "{'optimize': True}") return false;
    const auto labels =
        labels_of(host::constant_text(graph_.constants[constant_index(operands[0])]));
    const Space& space = graph_.space_of(id);
    if (!labels || space.holder != Holder::Array || space.dtype != DType::Float64 ||
        space.rank == 0)
        return false;
    struct Side {
        const std::string& letters;
        const Extent* shape = nullptr;
        int rank = 0;
        Extent strides[64] = {};
    };
    Side sides[3] = {{labels->a}, {labels->b}, {labels->c}};
    for (int k = 0; k < 3; ++k) {
        Side& side = sides[k];
        if (k < 2 && is_constant(operands[2 + k])) {
            const Value& constant = graph_.constants[constant_index(operands[2 + k])];
            const View view = constant.is_object() ? host::describe(constant) : View();
            if (!view.array || !view.usable || view.dtype != DType::Float64) return false;
            side.shape = view.shape;
            side.rank = view.rank;
        } else {
            const Id of = k < 2 ? operands[2 + k] : id;
            const Meta meta = graph_.meta_of(of);
            if (!meta.array || meta.dtype != DType::Float64 || scalar_space(graph_.space_of(of)))
                return false;
            side.shape = meta.shape;
            side.rank = meta.rank;
        }
        if (static_cast<std::size_t>(side.rank) != side.letters.size()) return false;
    }
    std::vector<Axis> batch, rows, columns, inner;
    std::string letters = labels->a;
    for (const char letter : labels->b)
        if (letters.find(letter) == std::string::npos) letters.push_back(letter);
    for (const char letter : letters) {
        Axis axis;
        std::size_t places[3];
        for (int k = 0; k < 3; ++k) {
            places[k] = sides[k].letters.find(letter);
            if (places[k] == std::string::npos) continue;
            const Extent length = sides[k].shape[places[k]];
            if (axis.length && axis.length != length) return false;  // broadcast
            if (length == 0) return false;
            axis.length = length;
        }
        const bool a = places[0] != std::string::npos, b = places[1] != std::string::npos;
        const bool c = places[2] != std::string::npos;
        if (!c && !(a && b)) return false;  // summed in one of them alone
        axis.at[0] = a ? static_cast<int>(places[0]) : -1;
        axis.at[1] = b ? static_cast<int>(places[1]) : -1;
        axis.at[2] = c ? static_cast<int>(places[2]) : -1;
        (a && b ? (c ? batch : inner) : a ? rows : columns).push_back(axis);
    }
    // Many products of hardly anything are quicker in NumPy's one loop.
    Extent all = 1, matrix = 1;
    for (const auto* axes : {&batch, &rows, &columns, &inner}) {
        Extent longest = 1;
        for (const Axis& axis : *axes) {
            all *= axis.length;
            longest = std::max(longest, axis.length);
        }
        if (axes != &batch) matrix *= longest;
    }
    constexpr Extent least_matrix = 16, most_small = 256;
    if (matrix < least_matrix && all / matrix > most_small) return false;
    plan.axes[0] = batch;
    plan.axes[1] = rows;
    plan.axes[2] = columns;
    plan.axes[3] = inner;
    return true;
}

void Scheduler::contraction_step(Id id) {
    Contraction m;
    contraction(id, m);
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    const Where from[2] = {memory_of(operands[2]), memory_of(operands[3])};
    use(from[0]);
    use(from[1]);
    const Meta meta = graph_.meta_of(id);
    const Where to = new_memory(id, meta.size() * native_size(meta.dtype));
    plan_.where[id] = to;
    m.a = address(from[0]);
    m.b = address(from[1]);
    m.c = address(to);
    m.bytes = meta.size() * sizeof(double);
    for (std::vector<Axis>& axes : m.axes)
        for (Axis& axis : axes) {
            auto stride = [&](const Where& where, int place) {
                return place < 0 ? Extent{0}
                                 : plan_.strides[where.strides + static_cast<std::uint32_t>(place)];
            };
            axis.a = stride(from[0], axis.at[0]);
            axis.b = stride(from[1], axis.at[1]);
            axis.c = stride(to, axis.at[2]);
        }
    Axis one;
    one.length = 1;
    auto longest = [&one](std::vector<Axis>& axes) {
        return axes.empty() ? one : take_longest(axes);
    };
    m.rows = longest(m.axes[1]);
    m.columns = longest(m.axes[2]);
    m.inner = longest(m.axes[3]);
    // Columns are what lies side by side, or the fewer.
    constexpr Extent item = sizeof(double);
    const bool by_rows = m.columns.b == item && m.columns.c == item;
    const bool by_columns = m.rows.a == item && m.rows.c == item;
    if (!by_rows && (by_columns || m.rows.length < m.columns.length)) m.turn();
    const Extent work = m.rows.length * m.columns.length * m.inner.length;
    constexpr Extent least_work = 8192, least_length = 4;
    m.by_blas = work >= least_work &&
                std::min({m.rows.length, m.columns.length, m.inner.length}) >= least_length &&
                host::inner_loop(operation(Code::matmul), DType::Float64).run;
    // Loops around the products: those that add up come last.
    for (std::size_t kind = 0; kind < 4; ++kind)
        for (const Axis& axis : m.axes[kind]) {
            m.outer.push_back(axis);
            m.adds = m.adds || kind == 3;
        }
    for (std::vector<Axis>& axes : m.axes) std::vector<Axis>().swap(axes);
    std::size_t all = static_cast<std::size_t>(work);
    for (const Axis& axis : m.outer) all *= static_cast<std::size_t>(axis.length);
    plan_.work += all / 4;
    if (needs_look(id)) plan_.checks.push_back(id);
    plan_.contractions.push_back(std::move(m));
    step(Step::Kind::Contraction, static_cast<std::uint32_t>(plan_.contractions.size() - 1), 1);
    done(id);
    flush_guards();
}

void run_contraction(const Contraction& m, Arena& arena) {
    const char* a = arena.place(m.a);
    const char* b = arena.place(m.b);
    if (m.turned) std::swap(a, b);
    char* c = arena.place(m.c);
    if (m.adds) std::memset(c, 0, m.bytes);
    std::vector<double> room;
    std::vector<Extent> index(m.outer.size(), 0);
    while (true) {
        multiply(m, a, b, c, m.adds, room);
        std::size_t axis = m.outer.size();
        for (; axis-- > 0;) {
            const Axis& own = m.outer[axis];
            a += own.a;
            b += own.b;
            c += own.c;
            if (++index[axis] < own.length) break;
            a -= own.a * own.length;
            b -= own.b * own.length;
            c -= own.c * own.length;
            index[axis] = 0;
        }
        if (axis == static_cast<std::size_t>(-1)) return;
    }
}

}  // namespace fastad::program
