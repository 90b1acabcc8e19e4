// A program as it is run: scalar instructions in runs, elementwise instructions in groups, the rest
// one by one, over slots for numbers and buffers for arrays.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "host/programs.hpp"
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
    Unary,             // a loop of the kernels
    Binary,            // the same, on operands that are gathered for it
    Both,  // values of functions and of their twins, by one loop: first all of the functions
    Load,  // an element of an array
    Guard,
    Chain,  // few instructions after one another: each four words, its kind first
    // Stretches of a chain whose instructions each take the result of the one before: it stays in a
    // register. It is the first operand of a sum or difference, or the last one.
    RunningAdd,
    RunningSubtract,
    RunningMultiplyAdd,
    RunningSubtractMultiply
};
struct Run {
    RunKind kind;
    Code code;
    std::uint8_t moves;  // 0: each operand has a list; else a first slot, and bits for those that
                         // go on to the next one while the others stay
    std::uint32_t count;
    std::uint32_t out;    // the first slot
    std::uint32_t first;  // operands in Plan::words
};

struct Buffer {
    enum class Source : std::uint8_t { Arena, Input, Constant, Object, Output };
    Source source = Source::Arena;
    std::uint32_t index = 0;
    std::size_t bytes = 0;
    std::size_t offset = 0;            // Arena
    std::uint32_t born = 0, dies = 0;  // steps
    Id node = no_id;                   // whose value it is
    std::uint32_t space = 0;           // Output: of it
};

// An operand of a group's instruction.
struct Ref {
    enum class Kind : std::uint32_t { None, Register, Memory, Slot };
    static constexpr std::uint32_t most = (1u << 30) - 1;
    Kind kind : 2 = Kind::None;
    std::uint32_t index : 30 = 0;  // of a group's addresses; a register: where it lies, in lines

    Ref() noexcept = default;
    Ref(Kind what, std::size_t at) noexcept
        : kind(what), index(static_cast<std::uint32_t>(at) & most) {}
    bool operator==(const Ref&) const = default;
};
inline constexpr std::size_t line_bytes = 64;

enum class Reduction : std::uint8_t { Sum, Max, Min };

struct Instruction {
    enum class Kind : std::uint8_t {
        Plain,  // a value; no operand is a number
        Value,
        Both,  // a value, and its derivative in z
        Term,  // a cotangent x times a derivative, which reads y, z and w
        Host,  // the host's own loop
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
    std::uint8_t which = 0;  // Term: for which operand. Load: 1 if element i lies at i
    Reduction reduction = Reduction::Sum;
    Code code{};
    DType dtype = DType::Float64;  // of the memory that is loaded or stored
    std::uint32_t extra = 0;  // Load: the first in Plan::strides. Reductions: in Plan::reducing
    Ref x, y, z, w, out;

    bool operator==(const Instruction&) const = default;
};
static_assert(sizeof(Instruction) == 32);

struct Reducing {
    std::size_t length = 0;     // Rows: elements that become one. Columns: results
    double scale = 1.0;         // mean: what is divided by
    std::uint32_t strides = 0;  // Axes: of the result, in elements; the first in Plan::strides

    bool operator==(const Reducing&) const = default;
};

// Programs do the same again and again, on other memory: equal groups are kept once, and each step
// has a list of addresses.
struct Group {
    DType dtype = DType::Float64;  // what it computes in
    std::size_t size = 0;
    std::size_t block = 0;
    std::uint32_t registers = 0;
    std::uint32_t first = 0, count = 0;  // instructions
    std::uint32_t reductions = 0;        // among them
    std::uint32_t addresses = 0;         // that a step gives it
    std::uint32_t rank = 0, shape = 0;   // in Plan::extents
    std::size_t part = 1;                // elements that one thread takes at a time: whole blocks

    bool operator==(const Group&) const = default;
    std::size_t parts() const noexcept { return size <= part ? 1 : (size + part - 1) / part; }
    // From one register to the next: whole lines, and not a multiple of a page.
    std::size_t stride() const noexcept { return (block + 15) / 16 * 16 + 16; }
};

struct Matrices {
    DType dtype = DType::Float64;
    host::InnerLoop loop;  // of complex ones
    Extent batch = 1, rows = 1, inner = 1, columns = 1;
    Extent a_strides[3] = {}, b_strides[3] = {}, c_strides[3] = {};  // batch, row, column
    std::size_t work = 0;

    bool operator==(const Matrices&) const = default;
};

struct Product {  // c = a b, of matrices, or of stacks of them
    Address a, b, c;
    std::uint32_t matrices = 0;  // in Plan::matrices
};

struct Copy {  // of elements: slots to an array, from one layout to another, by an index's
               // positions
    enum class Kind : std::uint8_t { Numbers, Gather, Scatter, Zero, Strided, Convert };
    Kind kind = Kind::Numbers;
    DType dtype = DType::Float64;
    DType source = DType::Float64;  // Convert: of what it takes from
    bool accumulate = false;
    bool contiguous = false;  // what Gather takes from
    std::uint32_t rank = 0, shape = 0;
    std::uint32_t from_strides = 0, to_strides = 0;
    std::uint32_t first = 0, count = 0;  // Numbers: slots; Gather, Scatter: offsets in Plan::words
    Address from, to;
    std::size_t bytes = 0;  // Scatter, Zero: of all that is written
};

// An elementwise operation, or a sum, by a loop of the host's over whole arrays.
struct LoopCall {
    host::InnerLoop loop;
    Id node = no_id;
    std::uint32_t operands = 0;
    bool sums = false;     // the operand into the result
    double divisor = 1.0;  // of sums
    std::uint32_t rank = 0, shape = 0;
    std::uint32_t strides[3] = {};  // of operands and result, in Plan::strides
    Address places[3];
    std::size_t bytes = 0;  // of the result
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
    const Op* op = nullptr;
    Id node = no_id;
    std::uint32_t space = 0;
    Form form = Form::Rule;
    std::uint32_t kwnames = 0;              // as in Node
    std::uint32_t layouts = 0;              // the same
    std::uint32_t operands = 0, count = 0;  // the first in Plan::operands
    std::uint32_t places = 0;               // that of each, and of the result, in Plan::places
    std::uint32_t result = 0;               // object
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
    enum class Kind : std::uint8_t {
        Scalars,
        Group,
        Product,
        Contraction,
        Copy,
        Loop,
        Routine,
        Call
    };
    Kind kind = Kind::Scalars;
    std::uint32_t first = 0, count = 0;  // Group: its first address instead of a count
    std::uint32_t guards = 0;  // all guards before this one have been looked at once it is done
};

struct Plan {
    std::vector<double> numbers;  // the first slots: constants
    std::uint32_t slots = 0;
    std::uint32_t first_input = 0;  // inputs that are numbers, one after the other
    // Slots that are looked at when all is done, from a first to before a last.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> looks;
    std::vector<Where> inputs;
    std::vector<Where> outputs;  // Nowhere: a constant, or none
    // Of the outputs: the spaces that were recorded, and the nodes of the simplified graph.
    std::vector<std::uint32_t> asked;
    std::vector<Id> given;
    std::vector<Guard> guards;    // of the simplified graph
    std::vector<Result> results;  // by output
    std::vector<Buffer> buffers;  // once it is packed by base: those that the arena has not
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
    std::vector<Reducing> reducing;
    std::vector<Address> addresses;
    std::vector<Product> products;
    std::vector<Matrices> matrices;
    std::vector<Contraction> contractions;
    std::vector<Copy> copies;
    std::vector<LoopCall> loops;
    std::vector<RoutineCall> routines;
    std::vector<Where> places;  // operands of routines and calls
    std::vector<Id> operands;   // of calls, and their spaces
    std::vector<std::uint32_t> operand_spaces;
    std::vector<Call> calls;
    std::vector<Extent> extents;
    std::vector<Extent> strides;
    std::vector<Where> where;         // by node, until it is packed
    std::vector<Where> guard_places;  // by guard
    std::vector<DType> guard_dtypes;
    std::vector<Id> checks;  // arrays that are looked at when all is done
    std::vector<Where> check_places;
    std::vector<std::uint32_t> check_spaces;
    std::vector<std::size_t> check_sizes;
    bool of_numbers = false;  // see Program
    std::uint32_t objects = 0;
    std::size_t arena = 0;
    std::uint32_t nodes = 0;  // that are computed
    std::size_t work = 0;     // elements, roughly

    std::size_t bytes() const noexcept;
    // What is only for the eye is left out, and buffers of the arena become offsets.
    void pack();
};

// Work of some 50 us, during which other threads of the host are let run; less of it is 0.
inline std::size_t long_work(std::size_t work) noexcept { return work >= 100000 ? work : 0; }

// The plan of an unpacked graph, which is simplified.
Plan make_plan(Graph& graph);
// Bytes of an element that lies in memory of programs; 0 for others.
std::size_t native_size(DType dtype) noexcept;

}  // namespace fastad::program
