// Several cotangents backwards over the tape at once: what batch.cpp, which walks, and
// batch_rules.cpp, where the rules run, share.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/kernels.hpp"
#include "reverse/adjoint.hpp"
#include "reverse/sweep.hpp"

namespace fastad {

// A meta with the batch's axis in front. Owns its shape.
struct Wide {
    Extent shape[most_axes + 1];
    int rank = 0;
    Wide(Extent width, const Meta& meta) : rank(meta.rank + 1) {
        shape[0] = width;
        std::copy(meta.shape, meta.shape + meta.rank, shape + 1);
    }
};

// Found in the middle: a rule gave a boxed or foreign cotangent, which only the single sweep can
// add up.
struct NotSweepable {};

class BatchSweep {
  public:
    BatchSweep(Tape& tape, std::uint32_t entries, Extent width)
        : tape_(tape), width_(static_cast<std::size_t>(width)), nodes_(entries) {}

    void seed(std::uint32_t entry, const Value& cotangents);
    void run();
    Value result(std::uint32_t entry);

  private:
    static constexpr std::uint32_t untouched = 0xFFFFFFFFu;

    // A block of numbers for a scalar entry, an array for another one.
    struct Node {
        std::uint32_t block = untouched;
        Value array;
    };

    bool is_complex(std::uint32_t entry) const {
        return fastad::is_complex(tape_.meta(entry).dtype);
    }
    bool is_scalar(std::uint32_t entry) const {
        return !tape_.is_array_entry(entry) || !tape_.meta(entry).array;
    }
    double* block(std::uint32_t number) { return blocks_.data() + number * width_; }
    // The entry's block, zero if it was not there.
    double* reach(std::uint32_t entry) {
        Node& node = nodes_[entry];
        if (node.block == untouched) {
            if (free_.empty()) {
                node.block = static_cast<std::uint32_t>(blocks_.size() / width_);
                blocks_.resize(blocks_.size() + width_, 0.0);
            } else {
                node.block = free_.back();
                free_.pop_back();
                std::fill_n(block(node.block), width_, 0.0);
            }
        }
        return block(node.block);
    }
    void add_scaled(std::uint32_t entry, std::uint32_t from, double partial) {
        double* target = reach(entry);  // may move the blocks: take the source afterwards
        kernels().float64.scale(width_, partial, block(from), target, true);
    }
    void add_array(std::uint32_t entry, Value value);
    double* writable(std::uint32_t entry);

    Value batch_of(std::uint32_t entry);
    void record(const Record& record, Value g, const Meta& meta);
    Value first_room(Value& g, const Wide& wide, bool last);
    bool elementwise(const Record& record, Value& g, const Meta& meta);
    Value zeros(const Meta& target) const {
        const Wide wide(static_cast<Extent>(width_), target);
        return host::zeros({target.dtype, true, wide.rank, wide.shape});
    }
    bool by_values(const Record& record, const Call& call, std::size_t k, const Value& g);
    bool scattered(const Call& call, std::size_t at, std::uint32_t node, const Value& g);
    bool whole(const Call& call, std::size_t argnum, std::uint32_t node, const Value& g);
    bool scaled(const Call& call, std::size_t argnum, std::uint32_t node, const Value& g);
    void rows(const Record& record, const Value& g, const Call& call, std::size_t k,
              std::uint32_t node);
    void add_row(std::uint32_t node, std::size_t row, Value term, const Meta& target);
    void add_complex_row(const Value& all, const Value& row, const Value& term);

    Tape& tape_;
    std::size_t width_;
    std::vector<Node> nodes_;
    std::vector<double> blocks_;
    std::vector<std::uint32_t> free_;
};

}  // namespace fastad
