// Puts a graph into steps: scalar nodes in runs of one kind, elementwise nodes in groups of one
// shape, the rest one by one.
#pragma once

#include <set>
#include <span>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "program/plan.hpp"

namespace fastad::program {

// How a node is computed.
enum class Way : std::uint8_t {
    Input,
    Scalar,  // on slots
    Alias,   // where one of its operands lies, or a view of it
    Block,   // in a group
    Reduce,  // at the end of a group
    Product,
    Contract,
    Copy,
    Loop,     // of the host's, over whole arrays
    Routine,  // of linear algebra
    Host
};

// Powers of two, by which a division is a multiplication.
bool exact_reciprocal(double number) noexcept;

class Grouping;

class Scheduler {
  public:
    // A group's instructions are set up once a block: more of them than this are put in two groups.
    static constexpr std::size_t most_members = 4096;
    // More gathered or scattered elements than this are left to the host: each is a word of the
    // plan.
    static constexpr std::size_t most_gathered = std::size_t{1} << 20;

    Scheduler(Graph& graph, const std::vector<bool>& needed, Plan& plan);
    void run();

  private:
    friend class Grouping;  // (grouping.cpp, instructions.cpp)

    // -- what each node is (classify.cpp)
    Way classify(Id id);
    bool scalar_operand(Id operand) const;
    bool scalar_space(const Space& space) const noexcept;
    bool number(Id operand, double& value) const;
    bool block_dtype(Id id, DType& dtype) const;
    double whole_bound(Id id, int depth = 6) const;
    bool reduction(Id id, DType& dtype) const;
    enum class Axes : std::uint8_t { All, Leading, Trailing, Mixed, Unsupported };
    // Which of the operand's axes a reduction goes over.
    std::vector<bool> reduced_axes(Id id) const;
    Axes reduction_axes(Id id) const;
    bool viewable(Id id) const;
    bool product(Id id) const;
    bool copyable(Id id) const;

    // -- order (schedule.cpp)
    void ready(Id id);
    void done(Id id);
    void flush_guards();
    void alias(Id id);
    Id spread_number(Id id) const;
    bool spread_only(Id id) const;
    void host(Id id);
    Step& step(Step::Kind kind, std::uint32_t first, std::uint32_t count);
    std::span<const std::uint32_t> consumers(Id id) const;
    bool needs_look(Id id) const;
    void look_at_slots(std::uint32_t first);

    // -- numbers (levels.cpp)
    void scalars();
    // Instructions on numbers of one kind: `nodes` have the same.
    struct Alike {
        RunKind kind;
        Code code;             // of those that kernels compute
        std::uint32_t buffer;  // Load: where from
        auto operator<=>(const Alike&) const = default;
    };
    // One instruction, and the slots of its operands; those that it has not are 0.
    struct Scalar {
        RunKind kind;
        int arity = 0;
        std::uint32_t slots[3] = {0, 0, 0};
        Id id = no_id;
    };
    Alike alike(Id id) const;
    Scalar scalar(Id id);
    void scalar_run(const Alike& alike, const std::vector<Id>& nodes);
    void load_run(const std::vector<Id>& nodes);
    void place_results(Run run, const std::vector<Id>& nodes);
    void guard_runs();
    void absorb_products();
    int absorbed_operand(Id id) const;
    Id sibling(Id id) const;
    Id equal_number(Id id) const;
    Id twin(Id id) const;
    void chain(const std::vector<Id>& nodes);
    void running_sums(std::size_t first);
    void element_of(Id id, Extent* position) const;
    // Whether the node divides by a power of two, and so multiplies with its inverse.
    bool multiplies(Id id, double& inverse) const;

    // -- sums of products (contraction.cpp)
    bool contraction(Id id, Contraction& plan) const;
    void contraction_step(Id id);

    // -- complex numbers (host_loops.cpp)
    host::InnerLoop loop(Id id) const;
    bool complex_space(const Space& space) const noexcept;
    bool complex_number(Id operand) const;
    bool casts_to_complex(Id id) const;
    bool stacks_complex(Id id) const;
    void complex_stack_step(Id id);
    bool complex_element(Id id, std::vector<Extent>& position) const;
    bool complex_operand(Id operand) const;
    bool takes_complex(Id id) const;
    bool part_of_number(Id id) const;
    void note_complex_numbers();
    void loop_step(Id id);
    void part_of_number_step(Id id);
    Where converted(Id operand, DType dtype, Id value = no_id);
    Where room(std::size_t bytes);
    Where operand_of_loop(Id operand, const Meta& target, std::vector<Extent>& strides);

    // -- linear algebra (calls.cpp)
    const fastad::Routine* routine(Id id, RoutineShape& shape) const;
    Id part_of(Id whole, std::size_t which) const;
    bool in_single(Id id) const;
    void narrow(Id id, const Where& from);
    void routine_step(Id id);

    // -- what only moves elements (moved.cpp)
    bool movable(Id id) const;
    void moved_step(Id id);

    // -- copies (copies.cpp)
    void product_step(Id id);
    void copy_step(Id id);
    void copies_done(Id id, const Where& to, std::uint32_t first, bool looked = false);
    void join(Id id, const Where& to);
    void seat_parts();
    bool keeps_order(Id id) const;
    Id computed_as(Id id) const;
    bool scatter_view(Id id, const Where& to);
    bool copied_in_order(Id id, const Where& from);

    // -- places (places.cpp)
    Where memory_of(Id operand);  // of an array that lies somewhere
    std::uint32_t constant_slot(double number);
    std::uint32_t slot_of(Id operand);
    Where new_memory(Id id, std::size_t bytes);
    void use(const Where& where);
    std::uint32_t add_strides(const std::vector<Extent>& strides);
    std::uint32_t add_c_order(const Meta& meta, DType dtype);
    std::uint32_t add_extents(const Extent* shape, int rank);
    Address address(const Where& where) const;
    std::vector<Extent> strides_of(const Where& where, const Meta& meta) const;
    std::vector<Extent> spread_strides(Id operand, const Meta& target);

    const Graph& graph_;
    const std::vector<bool>& needed_;
    Plan& plan_;
    std::vector<Way> ways_;
    std::vector<std::uint32_t> waiting_;  // operands that are still to come
    std::vector<std::uint32_t> first_consumer_, consumer_list_;
    std::vector<Id> scalars_ready_, aliases_ready_;
    std::set<Id> blocks_ready_, others_ready_;
    // What is small comes first, so that the large groups that need it are fewer; of one size,
    // groups come last, so that they find more to do.
    struct Turn {
        std::uint32_t wave;
        std::size_t size;
        bool grouped;
        Id id;
        bool operator<(const Turn& other) const noexcept {
            if (wave != other.wave) return wave > other.wave;
            return std::tie(size, grouped, id) < std::tie(other.size, other.grouped, other.id);
        }
    };
    std::set<Turn> turns_;
    // Many small arrays side by side, such as the rows of a Hessian, are computed some at a time,
    // to the end, as long as they are in cache: what became ready since a wave began comes before
    // all that was ready then.
    std::uint32_t waves_ = 0;
    std::vector<std::uint32_t> wave_;  // by node
    std::vector<Id> fresh_;            // nodes that became ready since the last wave began
    void next_wave();
    Turn turn(Id id) const;
    bool grouped(Id id) const { return ways_[id] == Way::Block || ways_[id] == Way::Reduce; }
    std::size_t size_of(Id id) const;
    void leave(Id id);  // no longer ready, since it is being computed
    // Arrays that are joined are computed where the whole lies, from so many bytes on.
    struct Seat {
        Id whole;
        Extent offset;
    };
    std::unordered_map<Id, Seat> seats_;
    std::vector<bool> is_output_;
    std::vector<bool> recomputed_;  // not stored: whoever reads them computes them again
    std::vector<bool> absorbed_;    // products that are part of the sum that reads them
    std::size_t step_runs_ = 0;     // runs before the step that is being made
    std::vector<bool> is_guarded_;
    std::unordered_multimap<Id, std::uint32_t> guards_of_;  // by node
    std::vector<std::uint32_t> guard_nodes_;
    std::vector<bool> guard_done_;
    std::uint32_t guards_done_ = 0;
    std::unordered_map<std::uint64_t, std::uint32_t> number_slots_;   // by bits
    std::unordered_map<std::uint32_t, std::uint32_t> complex_slots_;  // by constant: two slots
    std::unordered_multimap<std::uint64_t, std::uint32_t> known_strides_, known_extents_;
    std::unordered_multimap<std::size_t, std::uint32_t> known_groups_;  // by hash
    std::unordered_map<std::uint32_t, Value>
        spare_;                              // arrays of a space, whose elements mean nothing
    std::unordered_map<Id, Value> dummies_;  // arrays that lie as views do
    // Of constants that are objects; known before views into the graph's spaces are taken.
    std::vector<std::uint32_t> constant_spaces_;
    std::vector<std::uint32_t> constant_buffers_;
};

}  // namespace fastad::program
