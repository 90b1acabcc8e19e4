// One formula on one set of operands.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>

#include "python/formulas.hpp"
#include "python/loops.hpp"

namespace fastad::python {

constexpr std::size_t block = 256;
// Between registers. Where an operand's end touches the result NumPy's loops before 2.0 leave their
// vector code for the C library's functions, and give other bits.
constexpr std::size_t gap = 64;

// Where an operand lies, or the result.
template <class T>
struct Lane {
    const T* data = nullptr;
    bool fixed = false;  // a number
    T number{};
};

struct Way {
    bool exact = false;   // no step may raise a flag: the function warns, or does not
    bool spread = false;  // loops read arrays, as they do where a function's arguments were
                          // broadcast: beside a number they may give other bits
};

// One formula on one set of operands, block by block, in registers of a block's size. What depends
// on numbers alone is computed once.
template <class T>
class Run {
    using Kind = Formula::Step::Kind;
    using Operand = Formula::Operand;
    static constexpr std::size_t most_operands = Formula::most_operands;

  public:
    Run(const Formula& formula, const std::vector<Lane<T>>& given, std::size_t size, Way way)
        : formula_(formula), given_(given), size_(size), width_(std::min(size, block)), way_(way) {
        const std::size_t bytes = gap + formula.steps.size() * pitch();
        if (bytes > sizeof near_) far_ = std::make_unique_for_overwrite<char[]>(bytes);
    }

    // False where a condition does not hold; what is written then means nothing.
    bool into(T* out) {
        for (start_ = 0; start_ < size_; start_ += width_) {
            count_ = std::min(width_, size_ - start_);
            out_ = reinterpret_cast<char*>(out + start_);
            for (std::size_t i = 0; i < formula_.steps.size(); ++i)
                if (!step(i)) return false;
            const std::size_t place = formula_.result.place;
            if (place >= given_.size() && place != Operand::number && !once(place - given_.size()))
                continue;
            T number;
            bool fixed;
            const T* from = lane(formula_.result, number, fixed);
            for (std::size_t k = 0; k < count_; ++k) out[start_ + k] = from[fixed ? 0 : k];
        }
        for (std::size_t i = 0; i < formula_.steps.size(); ++i) {
            const Formula::Step& own = formula_.steps[i];
            if (own.kind == Kind::Any && held(i) != own.expected) return false;
            if (own.kind == Kind::All && missed(i) == own.expected) return false;
        }
        return true;
    }

  private:
    std::size_t pitch() const { return width_ * sizeof(T) + gap; }
    bool held(std::size_t i) const { return held_ >> i & 1u; }
    bool missed(std::size_t i) const { return missed_ >> i & 1u; }
    bool once(std::size_t i) const { return once_ >> i & 1u; }
    bool is_number(const Operand& operand) const {
        if (operand.place == Operand::number) return true;
        return operand.place < given_.size() ? given_[operand.place].fixed
                                             : once(operand.place - given_.size());
    }
    // False where a condition does not hold, whatever comes.
    bool step(std::size_t i) {
        const Formula::Step& own = formula_.steps[i];
        if (start_ == 0) {
            bool numbers = true;
            for (std::size_t k = 0; k < own.count; ++k)
                numbers = numbers && is_number(own.operands[k]);
            if (numbers) once_ |= std::uint64_t{1} << i;
        } else if (once(i)) {
            return true;
        }
        const std::size_t count = count_;
        if (once(i)) count_ = 1;
        const bool holds = compute(i, own);
        count_ = count;
        return holds;
    }
    bool compute(std::size_t i, const Formula::Step& own) {
        char* to = room(i);
        if (own.kind == Kind::Loop) {
            loop(own, to);
            return !way_.exact || !flags_raised();
        }
        const char* mask = room(own.operands[0].place - given_.size());
        if (own.kind == Kind::Select) {
            select(mask, own, reinterpret_cast<T*>(to));
            return true;
        }
        const auto count = static_cast<std::size_t>(
            std::count_if(mask, mask + count_, [](char one) { return one != 0; }));
        if (count > 0) held_ |= std::uint64_t{1} << i;
        if (count < count_) missed_ |= std::uint64_t{1} << i;
        return own.kind == Kind::Any ? own.expected || !held(i) : !own.expected || !missed(i);
    }
    // Of the step that gives the result it is where that is written, for later steps too.
    char* room(std::size_t i) {
        if (formula_.result.place == given_.size() + i && !once(i)) return out_;
        return (far_ ? far_.get() : near_) + gap + i * pitch();
    }
    const T* lane(const Operand& operand, T& number, bool& fixed) {
        fixed = operand.place == Operand::number;
        if (fixed) {
            number = static_cast<T>(operand.value);
            return &number;
        }
        if (operand.place >= given_.size()) {
            const std::size_t i = operand.place - given_.size();
            fixed = once(i);
            return reinterpret_cast<const T*>(room(i));
        }
        const Lane<T>& own = given_[operand.place];
        fixed = own.fixed;
        return own.data + (fixed ? 0 : start_);
    }
    void loop(const Formula::Step& own, char* to) {
        T numbers[most_operands];
        char* places[most_operands + 1];
        npy_intp strides[most_operands + 1];
        for (std::size_t k = 0; k < own.count; ++k) {
            bool fixed;
            const T* from = lane(own.operands[k], numbers[k], fixed);
            places[k] = reinterpret_cast<char*>(const_cast<T*>(from));
            strides[k] = fixed && !way_.spread ? 0 : own.bytes[k];
            if (fixed && way_.spread && count_ > 1) {
                if (own.bytes[k] == sizeof(T))
                    std::fill_n(spread_[k], count_, *from);
                else  // a mask
                    std::memset(spread_[k], *places[k], count_);
                places[k] = reinterpret_cast<char*>(spread_[k]);
                strides[k] = own.bytes[k];
            }
        }
        places[own.count] = to;
        strides[own.count] = own.bytes[own.count];
        const auto n = static_cast<npy_intp>(count_);
        own.run(places, &n, strides, own.data);
    }
    void select(const char* mask, const Formula::Step& own, T* to) {
        T yes_number, no_number;
        bool yes_fixed, no_fixed;
        const T* yes = lane(own.operands[1], yes_number, yes_fixed);
        const T* no = lane(own.operands[2], no_number, no_fixed);
        const bool one = once(own.operands[0].place - given_.size());
        for (std::size_t k = 0; k < count_; ++k)
            to[k] = mask[one ? 0 : k] != 0 ? yes[yes_fixed ? 0 : k] : no[no_fixed ? 0 : k];
    }

    const Formula& formula_;
    const std::vector<Lane<T>>& given_;
    const std::size_t size_, width_;
    const Way way_;
    std::size_t start_ = 0, count_ = 0;
    char* out_ = nullptr;
    std::uint64_t held_ = 0, missed_ = 0;  // by step: where a condition's mask held, and where not
    std::uint64_t once_ = 0;               // by step: whether it is a number
    std::unique_ptr<char[]> far_;
    T spread_[most_operands][block];
    alignas(64) char near_[(std::size_t{8} << 10) + 8 * gap];
};

}  // namespace fastad::python
