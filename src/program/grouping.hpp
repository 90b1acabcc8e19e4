// One group while it is put together: elementwise nodes of one shape, and the reductions that end
// in it.
#pragma once

#include <unordered_map>
#include <vector>

#include "program/schedule.hpp"

namespace fastad::program {

// How an operand lies under the elements of a group.
struct Layout {
    bool flat = false;       // element i lies at i
    std::size_t period = 0;  // the block of this many elements is repeated; 0: neither
};
Layout layout_of(const std::vector<Extent>& strides, const Extent* shape, std::size_t item);

class Grouping {
  public:
    Grouping(Scheduler& scheduler, Id seed);
    void run();

  private:
    struct Destination {  // of a member's value
        Ref ref;
        bool converted = false;  // it is also stored, in another type than the group's
        Where memory;
    };

    // -- which nodes
    void choose();
    bool fits(Id id) const;
    bool reduces_member(Id id) const;
    bool leaves(Id id) const;
    void take(Id id);

    // -- how they are cut
    void consider(std::size_t period);
    void choose_block();
    void shrink_block();
    void settle();
    void choose_parts();

    // -- instructions
    void emit();
    void reduce(Id id);
    void value(Id id);
    Instruction elementwise(Id id);
    Instruction term(Id id);
    bool together(Id id, Instruction& instruction);
    Id twin(Id id) const;
    std::size_t terms_of(Id id) const;
    Destination destination(Id id);
    void deliver(Id id, const Destination& destination);
    bool read_outside(Id id) const;
    bool read_inside(Id id) const;
    std::size_t cost_again(Id id) const;
    bool recomputable(Id id) const;
    void last_use_of_recomputed(Id id, std::size_t at, std::unordered_map<Id, std::size_t>& uses);
    void consider_layout(Id operand);
    Ref memory(const Where& where);
    Ref number(std::uint32_t slot);
    Ref bind(Ref::Kind kind, const Address& address);
    std::uint32_t reducing(const Reducing& wanted);
    void keep();
    Ref operand(Id id);
    Ref lane(Id id);
    Ref load(Id id, bool once);
    DType dtype_of(Id id) const;
    Ref acquire();
    void release_operands();

    Scheduler& s_;
    const Graph& graph_;
    Plan& plan_;
    const Id seed_;
    Meta shape_;
    Group group_;
    std::vector<Address> addresses_;
    std::unordered_map<std::uint64_t, std::uint32_t> address_numbers_;
    std::size_t unit_ = 1;  // whole blocks are multiples of it
    std::vector<Id> members_;
    std::unordered_map<Id, std::size_t> position_;  // in that list
    std::vector<std::vector<Id>> dying_;            // by position: values that nobody reads later
    std::size_t now_ = 0;                           // the position that is being computed

    std::unordered_map<Id, Ref> held_;    // values of members that were computed
    std::unordered_map<Id, Ref> spread_;  // operands that are loaded once
    struct Slope {
        Ref ref;
        std::size_t terms;  // that still are to read it
    };
    std::unordered_map<Id, Slope> slopes_;  // derivatives, by the member whose they are
    std::vector<std::uint32_t> free_;       // registers
    std::vector<std::uint32_t> temporary_;  // of operands of the instruction at hand
};

}  // namespace fastad::program
