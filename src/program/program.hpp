// A recorded function, ready to run: immutable, and safe to run from several threads.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "program/plan.hpp"

namespace fastad::program {

class Arena;

class Program {
  public:
    // Not planned yet: only graph() and what takes it may be asked for.
    explicit Program(std::unique_ptr<Graph> graph) noexcept;
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    // Makes ready to run, once; before any other thread has the program.
    void plan();
    bool planned() const noexcept { return planned_; }
    // Gives back the memory of the last run, if it is worth that; true if there was any.
    bool rest() const noexcept;

    static constexpr int complete = -1;
    // A result is infinite or NaN, or something has another shape than when it was recorded: the
    // function itself must be asked.
    static constexpr int doubtful = -2;
    // Fills the outputs; or the number of the first guard that failed, or doubtful. Where `into`
    // has an array of a result's dtype and shape, and nothing else lies there, the result is
    // written into it and the output is that array. `agreed`: whoever
    // calls has seen that the inputs' types and layouts are those of the recording.
    int run(const Value* inputs, Value* outputs, const Value* into = nullptr,
            bool agreed = false) const;

    // Whether all inputs and all results are float64 numbers and nothing is asked of the host: then
    // a NumbersRun does the same without values around them.
    bool of_numbers() const noexcept { return plan_.of_numbers; }

    // Whether a run may let other code run meanwhile: of other threads, or what the host is asked.
    bool lets_others() const noexcept { return !plan_.calls.empty() || long_work(plan_.work) > 0; }

    const Graph& graph() const noexcept { return *graph_; }
    const Plan& steps() const noexcept { return plan_; }
    std::size_t inputs() const noexcept { return graph_->inputs; }
    std::size_t outputs() const noexcept { return graph_->outputs.size(); }
    std::size_t instructions() const noexcept { return plan_.nodes; }
    std::size_t bytes() const noexcept;
    std::string print() const;

  private:
    friend class NumbersRun;
    int run_on(Arena& arena, const Value* inputs, Value* outputs, const Value* into,
               bool agreed) const;
    int run_steps(Arena& arena) const;
    bool prepare(Arena& arena, const Value* inputs, Value* outputs, const Value* into,
                 bool agreed) const;
    void give(Arena& arena, const Value* inputs, Value* outputs, const Value* into) const;
    // Where a result may be written to; null: nowhere.
    bool is_overwritten(std::size_t output, const Value& given, const Value* into) const;
    char* place_in(std::size_t output, const Value* inputs, const Value* into) const;
    void fill(const Arena& arena, const Where& where, const Space& space, char* data) const;
    bool call(Arena& arena, const Call& call) const;
    // Of one of the plan's operands.
    Value value_of(const Arena& arena, std::size_t index, const Where& where) const;
    Value object_of(const Arena& arena, const Where& where, const Space& space) const;
    bool finite(const Arena& arena) const;

    std::unique_ptr<Graph> graph_;
    Plan plan_;
    bool planned_ = false;
    mutable std::atomic<Arena*> idle_{nullptr};
};

// One run of a program of numbers: inputs are written, and results read, where the program has
// them.
class NumbersRun {
  public:
    // `alone`: whoever calls knows that no other thread comes here as long as this lives, unless a
    // run that takes long lets it.
    NumbersRun(const Program& program, bool alone);
    ~NumbersRun();
    NumbersRun(const NumbersRun&) = delete;
    NumbersRun& operator=(const NumbersRun&) = delete;

    double* inputs() noexcept { return slots_ + plan_.first_input; }
    int run();  // as Program::run()
    double result(std::size_t output) const noexcept { return slots_[plan_.outputs[output].index]; }
    // Whether a result is a plain number of the host's language.
    bool weak(std::size_t output) const noexcept {
        return plan_.results[output].holder == Holder::Weak;
    }

  private:
    const Program& program_;
    const Plan& plan_;
    const bool alone_;
    Arena* arena_;
    double* slots_;
};

}  // namespace fastad::program
