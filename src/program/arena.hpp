// The memory of one run: slots, places of buffers, objects, and one block for all arrays.
#pragma once

#include <memory>
#include <vector>

#include "program/plan.hpp"

namespace fastad::program {

class Arena {
  public:
    explicit Arena(const Plan& plan);

    double* slots() noexcept { return slots_.data(); }
    const double* slots() const noexcept { return slots_.data(); }
    char* place(const Where& where) const noexcept { return bases[where.index] + where.offset; }
    char* place(const Address& own) const noexcept { return bases[own.base()] + own.offset(); }

    std::vector<char*> bases;  // as addresses have them
    std::vector<Value> objects;
    const Value* inputs = nullptr;
    std::vector<char> registers;  // of the largest group
    bool infinite = false;

  private:
    struct Free {
        void operator()(char* memory) const noexcept { ::operator delete(memory, alignment()); }
    };
    static std::align_val_t alignment() noexcept { return std::align_val_t{64}; }
    std::vector<double> slots_;
    std::unique_ptr<char, Free> memory_;
};

// Runs of scalar instructions; returns the number of a guard that failed, or no_id.
std::uint32_t run_scalars(const Plan& plan, const Graph& graph, const Step& step, Arena& arena,
                          std::uint32_t failed);
void run_group(const Plan& plan, const Group& group, const Address* addresses, Arena& arena);
void run_product(const Plan& plan, const Product& product, Arena& arena);
void run_contraction(const Contraction& contraction, Arena& arena);
void run_copy(const Plan& plan, const Copy& copy, Arena& arena);
void run_loop(const Plan& plan, const LoopCall& call, Arena& arena);

// Whether all of these are finite.
bool all_finite(const double* numbers, std::size_t count) noexcept;
bool all_finite(const float* numbers, std::size_t count) noexcept;

}  // namespace fastad::program
