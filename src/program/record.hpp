// The program level: every application on its boxes is appended to a graph.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "level.hpp"
#include "program/constants.hpp"
#include "program/graph.hpp"

namespace fastad::program {

// What belongs to one recording: all of it is made anew for the next.
struct RecordingState {
    // How often an input is held that an operator such as *= may change, since what stands in its
    // place afterwards is a result: the box, and its memory. More than that: it has other names.
    struct Holders {
        std::ptrdiff_t box, memory;
    };

    std::unique_ptr<Graph> graph_;
    Constants constants_;
    std::unordered_set<const Op*> registered_;
    std::unordered_set<Id> counted_;  // masks
    std::unordered_map<std::uint32_t, Holders> changing_;
    std::unordered_map<std::uint32_t, Id> zeros_;  // by space
    std::unordered_map<std::string, std::uint32_t> places_;
    const void* last_code_ = nullptr;
    int last_instruction_ = -1;
    std::uint32_t last_place_ = 0;
    Value question_;
    // What the operands of operations under way held, of those that may have effects.
    std::vector<std::vector<Constants::Contents>> operands_before_;
    std::string dead_;
    bool raised_ = false;        // when it died: what asks for NumPy's own error reads values
    std::size_t under_way_ = 0;  // operations that began, and were not recorded yet
    bool has_whole_ = false;
    std::size_t guards_of_ints_ = 0;
    std::vector<bool> whole_;  // by node: what Python would compute with ints
};

class Recording final : public Level, private RecordingState {
  public:
    using RecordingState::Holders;
    static Recording* open();
    void close() noexcept;

    // The next input, boxed. A Python int becomes a float that is guarded to stay whole and exact.
    Value input(Value value);
    // The graph of what was recorded, with these outputs; ends the recording.
    std::unique_ptr<Graph> finish(const std::vector<Value>& outputs);
    // Why the recording cannot be replayed; empty while it can.
    const std::string& dead() const noexcept;
    // Whether that is an operation which raised an error: of these inputs, not of all.
    bool raised() const noexcept { return dead_.empty() ? under_way_ > 0 : raised_; }
    void kill(const std::string& reason);
    std::size_t size() const noexcept { return graph_->size(); }
    bool is_input(std::uint32_t index) const noexcept { return index < graph_->inputs; }

    void may_change(std::uint32_t index, Holders holders) { changing_[index] = holders; }
    const Holders* changing(std::uint32_t index) const {
        const auto found = changing_.find(index);
        return found == changing_.end() ? nullptr : &found->second;
    }

    // How many guards say that ints are held exactly, and no more than that.
    std::size_t guards_of_ints() const noexcept { return guards_of_ints_; }
    // Whether Python would compute this value with ints.
    bool is_whole(std::uint32_t index) const { return index < whole_.size() && whole_[index]; }

    Value record(const Applied& applied, Value ans) override;
    // Called before and after each operation that may have effects; gives in words why a replay
    // would do something else there, or nothing.
    void ask(Value question) { question_ = std::move(question); }
    bool sees(const Op&) override {
        const Lock lock(mutex_);
        ++under_way_;
        return true;
    }
    void before(const Op& op, const Value* operands, std::size_t count) override;
    Value term(const Op& op, const Value* values) override;
    bool add_into(const Value& present, const Value& more) override;
    Value restated(Traced box) override;
    bool read(const Traced& box, Read why) override;
    bool differentiates() const noexcept override { return false; }

  private:
    Recording() = default;
    std::uint32_t push(const Op* op, const Id* operands, std::size_t count, const Value& ans,
                       std::uint32_t kwnames, Form form, std::uint32_t layouts = 0);
    std::uint32_t push_bounds(const Applied& applied, const Id* operands, const Value& ans);
    Id operand(const Value& value, std::uint64_t own_serial);
    Id zeros(const Value& value, std::uint64_t own_serial);
    std::uint32_t constant_number(const Value& value);
    std::uint32_t place();
    void look_after(const Applied& applied);
    std::uint32_t layouts_of(const Applied& applied, const std::vector<Id>& operands);
    bool whole(Id id) const;
    void guard_whole(const Applied& applied, std::uint32_t index, const Value& ans);
    void guard(std::uint32_t node, bool exact, double expected);
    void guard_counts(const Applied& applied, const std::vector<Id>& operands);
};

}  // namespace fastad::program
