// A program as it is run: scalar instructions in runs, elementwise instructions in groups, the rest
// one by one, over slots for numbers and buffers for arrays.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/kernels.hpp"
#include "linalg/routine.hpp"
#include "program/contraction.hpp"
#include "program/graph.hpp"
#include "program/where.hpp"

namespace fastad::program {

// Many instructions of one kind on slots; results lie side by side.
enum class RunKind : std::uint8_t {
#define SCALAR(NAME) NAME,
#include "program/scalars.def"
#undef SCALAR
    MultiplyAdd,       // x * y + z, rounded twice
    MultiplySubtract,  // x * y - z
    SubtractMultiply,  // z - x * y
    Select,            // x != 0 ? y : z
    Unary,             // a loop of the kernels, or of the host
    Binary,
    Both,  // values by a loop of the kernels, and after all of them those of their twins
    Load,  // an element of an array
    Guard,
    Chain  // few instructions after one another: each four words, its kind first
};
struct Run {
    RunKind kind;
    Code code;
    std::uint32_t count;
    std::uint32_t out;    // the first slot
    std::uint32_t first;  // operands in Plan::words, one list an operand
};

struct Buffer {
    enum class Source : std::uint8_t { Arena, Input, Constant, Object, Output };
    Source source = Source::Arena;
    std::uint32_t index = 0;
    std::size_t bytes = 0;
    std::size_t offset = 0;            // Arena
    std::uint32_t born = 0, dies = 0;  // steps
    Id node = no_id;                   // whose value it is
};

// An operand of a group's instruction.
struct Ref {
    enum class Kind : std::uint8_t { None, Register, Memory, Slot };
    Kind kind = Kind::None;
    std::uint32_t index = 0;  // register, buffer or slot
    Extent offset = 0;        // Memory, Register: bytes
};

enum class Reduction : std::uint8_t { Sum, Max, Min };

struct Instruction {
    enum class Kind : std::uint8_t {
        Plain,  // a value; no operand is a number
        Value,
        Both,  // a value, and its derivative in z
        Term,  // a cotangent x times a derivative, which reads y, z and w
        Host,
        Select,
        Load,
        LoadOnce,  // for all blocks
        Store,
        Look,  // is it infinite or NaN?
        Rows,
        Columns,
        Axes  // a reduction over any axes
    };
    Kind kind = Kind::Value;
    Spread spread = Spread::Neither;
    std::uint8_t which = 0;  // Term: for which operand
    Reduction reduction = Reduction::Sum;
    Code code{};
    DType dtype = DType::Float64;  // of the memory that is loaded or stored
    std::uint32_t strides =
        0;                   // Load: the first in Plan::strides. Axes: of the result, in elements
    std::size_t length = 0;  // Rows: elements that become one. Columns: results
    Ref x, y, z, w, out;
    double scale = 1.0;  // mean: 1 / count
};

struct Group {
    DType dtype = DType::Float64;  // what it computes in
    std::size_t size = 0;
    std::size_t block = 0;
    std::uint32_t registers = 0;
    std::uint32_t first = 0, count = 0;  // instructions
    std::uint32_t reductions = 0;        // among them
    std::uint32_t rank = 0, shape = 0;   // in Plan::extents
    std::size_t part = 1;                // elements that one thread takes at a time: whole blocks

    std::size_t parts() const noexcept { return size <= part ? 1 : (size + part - 1) / part; }
    // From one register to the next: whole lines, and not a multiple of a page.
    std::size_t stride() const noexcept { return (block + 15) / 16 * 16 + 16; }
};

struct Product {  // c = a b, of matrices, or of stacks of them
    Where a, b, c;
    DType dtype = DType::Float64;
    Extent batch = 1, rows = 1, inner = 1, columns = 1;
    Extent a_strides[3], b_strides[3], c_strides[3];  // batch, row, column
    std::size_t work = 0;
};

struct Copy {  // of elements: slots to an array, from one layout to another, by an index's
               // positions
    enum class Kind : std::uint8_t { Numbers, Gather, Scatter, Zero, Strided };
    Kind kind = Kind::Numbers;
    DType dtype = DType::Float64;
    bool accumulate = false;
    std::uint32_t rank = 0, shape = 0;
    Where from, to;
    std::uint32_t from_strides = 0, to_strides = 0;
    std::uint32_t first = 0, count = 0;  // Numbers: slots; Gather, Scatter: offsets in Plan::words
};

struct RoutineCall {
    const Routine* routine = nullptr;  // of the node's operation, which the graph keeps alive
    Id node = no_id;
    std::uint32_t places = 0;   // the first operand in Plan::places
    std::uint32_t lengths = 0;  // in Plan::extents
    std::uint32_t strides = 0;  // in Plan::strides
    std::size_t work = 0;
};

struct Call {  // by the host
    Id node = no_id;
    std::uint32_t result = 0;  // object
};

// What an output is.
struct Result {
    enum class Way : std::uint8_t {
        Nothing,
        Same,      // the object of an earlier output
        Constant,  // a copy of one
        Input,     // that very object
        Copy,      // of an input
        Computed
    };
    Way way = Way::Nothing;
    Holder holder = Holder::Weak;  // Computed
    std::uint32_t index = 0;       // output, constant or input
};

struct Step {
    enum class Kind : std::uint8_t { Scalars, Group, Product, Contraction, Copy, Routine, Call };
    Kind kind = Kind::Scalars;
    std::uint32_t first = 0, count = 0;
    std::uint32_t guards = 0;  // all guards before this one have been looked at once it is done
};

struct Plan {
    std::vector<double> numbers;  // the first slots: constants
    std::uint32_t slots = 0;
    std::uint32_t first_result = 0;  // slots from here on are computed
    std::vector<Where> inputs;
    std::vector<Where> outputs;   // Nowhere: a constant
    std::vector<Id> asked;        // the outputs before the graph was simplified
    std::vector<Result> results;  // by output
    std::vector<Buffer> buffers;
    // What each run must find: inputs that lie in slots, and buffers that it does not own.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> numbers_given;  // input, slot
    std::vector<std::uint32_t> buffers_given;
    struct Captured {  // an array of the user's, as it lay when the plan was made
        std::uint32_t constant, space, strides;
    };
    std::vector<Captured> constants;
    std::vector<Step> steps;
    std::vector<Run> runs;
    std::vector<std::uint32_t> words;
    std::vector<Group> groups;
    std::vector<Instruction> instructions;
    std::vector<Product> products;
    std::vector<Contraction> contractions;
    std::vector<Copy> copies;
    std::vector<RoutineCall> routines;
    std::vector<Where> places;  // operands of routines
    std::vector<Call> calls;
    std::vector<Extent> extents;
    std::vector<Extent> strides;
    std::vector<Where> where;         // by node, until it is packed
    std::vector<Where> guard_places;  // by guard
    std::vector<Id> checks;           // arrays that are looked at when all is done
    std::vector<Where> check_places;
    std::vector<std::size_t> check_sizes;
    bool of_numbers = false;  // see Program
    std::uint32_t objects = 0;
    std::size_t arena = 0;
    std::uint32_t nodes = 0;  // that are computed
    std::size_t work = 0;     // elements, roughly

    std::size_t bytes() const noexcept;
    // Where nodes lie, in few bytes: most are numbers in slots.
    void pack();
    Where where_of(Id node) const noexcept;

  private:
    std::vector<std::uint32_t> slots_;             // by node; no_id: elsewhere
    std::vector<std::pair<Id, Where>> elsewhere_;  // in the order of nodes
};

// Work of some 50 us, during which other threads of the host are let run; less of it is 0.
inline std::size_t long_work(std::size_t work) noexcept { return work >= 100000 ? work : 0; }

Plan make_plan(Graph& graph);
// Bytes of an element that programs compute with themselves; 0 for others.
std::size_t native_size(DType dtype) noexcept;

}  // namespace fastad::program
