#include "python/formula_along.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include "python/formula_run.hpp"

namespace fastad::python {

namespace {

using Kind = Formula::Step::Kind;
using Operand = Formula::Operand;

class Plan {
  public:
    Plan(Formula& formula, Extent ans)
        : formula_(formula), given_{Extent::Full, ans, ans}, old_(std::move(formula.steps)) {
        formula_.steps.clear();
    }

    bool make(bool cotangent) {
        for (Formula::Step& step : old_)
            if (!take(step)) return false;
        Operand& result = formula_.result;
        moved(result);
        if (cotangent && extent(result) == Extent::Kept) result = spread(result);
        if (extent(result) == Extent::Number) return false;
        formula_.extent = extent(result);
        find_rooms();
        return true;
    }

  private:
    Extent extent(const Operand& operand) const {
        if (operand.place == Operand::number) return Extent::Number;
        return operand.place < along_given ? given_[operand.place]
                                           : formula_.steps[operand.place - along_given].extent;
    }
    void moved(Operand& operand) const {
        if (operand.place != Operand::number && operand.place >= along_given)
            operand.place = places_[operand.place - along_given];
    }
    bool take(Formula::Step& step) {
        step.extent = Extent::Number;
        for (std::size_t k = 0; k < step.count; ++k) {
            moved(step.operands[k]);
            step.extent = std::max(step.extent, extent(step.operands[k]));
        }
        if (step.reduces()) {
            if (step.extent != Extent::Full) return false;
            step.extent = Extent::Kept;
        } else if (step.extent == Extent::Full) {
            for (std::size_t k = 0; k < step.count; ++k)
                if (extent(step.operands[k]) == Extent::Kept)
                    step.operands[k] = spread(step.operands[k], width(step, k));
        }
        places_.push_back(push(step));
        return true;
    }
    static npy_intp width(const Formula::Step& step, std::size_t k) {
        const bool mask = step.kind == Kind::Select && k == 0;
        return mask ? 1 : step.kind == Kind::Loop ? step.bytes[k] : npy_intp{sizeof(double)};
    }
    std::size_t push(const Formula::Step& step) {
        formula_.steps.push_back(step);
        return along_given + formula_.steps.size() - 1;
    }
    Operand spread(const Operand& operand, npy_intp width = sizeof(double)) {
        auto [found, fresh] = spread_.try_emplace(operand.place);
        if (fresh) {
            Formula::Step step;
            step.kind = Kind::Spread;
            step.count = 1;
            step.operands[0] = operand;
            step.bytes[0] = step.bytes[1] = width;
            found->second = push(step);
        }
        Operand whole;
        whole.place = found->second;
        return whole;
    }
    void find_rooms() {
        const std::size_t count = formula_.steps.size();
        std::vector<std::size_t> last(count, 0);
        for (std::size_t i = 0; i < count; ++i) {
            const Formula::Step& step = formula_.steps[i];
            for (std::size_t k = 0; k < step.count; ++k) read(step.operands[k], i, last);
            // One that spreads may hand on what it reads where that is.
            if (step.kind == Kind::Spread) sources_[i] = step.operands[0];
        }
        read(formula_.result, count, last);
        for (std::size_t i = count; i-- > 0;)
            if (auto source = sources_.find(i); source != sources_.end())
                read(source->second, last[i], last);
        std::vector<std::size_t> until;  // by room: the last step that reads what is there
        for (std::size_t i = 0; i < count; ++i) {
            auto room =
                std::find_if(until.begin(), until.end(), [i](std::size_t one) { return one < i; });
            if (room == until.end()) room = until.insert(until.end(), 0);
            *room = std::max(last[i], i);
            formula_.steps[i].room = static_cast<std::uint8_t>(room - until.begin());
        }
        formula_.rooms = until.size();
    }
    static void read(const Operand& operand, std::size_t when, std::vector<std::size_t>& last) {
        if (operand.place == Operand::number || operand.place < along_given) return;
        std::size_t& known = last[operand.place - along_given];
        known = std::max(known, when);
    }

    Formula& formula_;
    const Extent given_[along_given];
    std::vector<Formula::Step> old_;
    std::vector<std::size_t> places_;            // of the old steps
    std::map<std::size_t, std::size_t> spread_;  // by place
    std::map<std::size_t, Operand> sources_;     // by step
};

class AlongRun {
  public:
    AlongRun(const Formula& formula, const double* const* given, const Along& along, bool exact)
        : formula_(formula),
          given_(given),
          along_(along),
          exact_(exact),
          pitch_(along.size() * sizeof(double) + gap) {
        const std::size_t bytes = gap + formula.rooms * pitch_;
        if (bytes > sizeof near_) far_ = std::make_unique_for_overwrite<char[]>(bytes);
    }

    bool into(double* out) {
        for (std::size_t i = 0; i < formula_.steps.size(); ++i)
            if (!step(i, out)) return false;
        double number;
        bool fixed;
        const auto* from = reinterpret_cast<const double*>(lane(formula_.result, number, fixed));
        if (from == out) return true;
        const std::size_t count = along_.of(formula_.extent);
        for (std::size_t k = 0; k < count; ++k) out[k] = from[fixed ? 0 : k];
        return true;
    }

  private:
    struct Place {
        const char* data;
        bool fixed;  // one for all
    };

    bool step(std::size_t i, double* out) {
        const Formula::Step& own = formula_.steps[i];
        const std::size_t count = along_.of(own.extent);
        char* to = formula_.result.place == along_given + i
                       ? reinterpret_cast<char*>(out)
                       : (far_ ? far_.get() : near_) + gap + own.room * pitch_;
        places_[i] = {to, own.extent == Extent::Number};
        switch (own.kind) {
            case Kind::Loop: loop(own, to, count); break;
            case Kind::Sum:
            case Kind::Largest: reduce(own, reinterpret_cast<double*>(to)); break;
            case Kind::Spread: places_[i] = spread(own, to); break;
            case Kind::Select: select(own, reinterpret_cast<double*>(to), count); break;
            case Kind::Any:
            case Kind::All: return holds(own, count);
        }
        return !exact_ || !flags_raised();
    }
    const char* lane(const Operand& operand, double& number, bool& fixed) const {
        fixed = operand.place == Operand::number;
        if (fixed) {
            number = operand.value;
            return reinterpret_cast<const char*>(&number);
        }
        if (operand.place < along_given)
            return reinterpret_cast<const char*>(given_[operand.place]);
        const Place& place = places_[operand.place - along_given];
        fixed = place.fixed;
        return place.data;
    }
    void loop(const Formula::Step& own, char* to, std::size_t count) const {
        double numbers[Formula::most_operands];
        char* places[Formula::most_operands + 1];
        npy_intp strides[Formula::most_operands + 1];
        for (std::size_t k = 0; k < own.count; ++k) {
            bool fixed;
            places[k] = const_cast<char*>(lane(own.operands[k], numbers[k], fixed));
            strides[k] = fixed ? 0 : own.bytes[k];
        }
        places[own.count] = to;
        strides[own.count] = own.bytes[own.count];
        const auto n = static_cast<npy_intp>(count);
        own.run(places, &n, strides, own.data);
    }
    // As NumPy reduces what is contiguous: a sum begins with zero, a maximum with the first. Lines
    // of neighbours are reduced one by one, others all together.
    void reduce(const Formula::Step& own, double* to) const {
        double number;
        bool fixed;
        const auto* from = reinterpret_cast<const double*>(lane(own.operands[0], number, fixed));
        const bool sum = own.kind == Kind::Sum;
        const std::size_t first = sum ? 0 : 1, inner = along_.inner, length = along_.length;
        for (std::size_t o = 0; o < along_.outer; ++o, from += length * inner, to += inner) {
            for (std::size_t k = 0; k < inner; ++k) to[k] = sum ? 0.0 : from[k];
            if (inner == 1)
                accumulate(own, to, 0, from + first, length - first);
            else
                for (std::size_t j = first; j < length; ++j)
                    accumulate(own, to, sizeof(double), from + j * inner, inner);
        }
    }
    static void accumulate(const Formula::Step& own, double* to, npy_intp stride,
                           const double* from, std::size_t count) {
        char* places[3] = {reinterpret_cast<char*>(to),
                           reinterpret_cast<char*>(const_cast<double*>(from)),
                           reinterpret_cast<char*>(to)};
        const npy_intp strides[3] = {stride, sizeof(double), stride};
        const auto n = static_cast<npy_intp>(count);
        own.run(places, &n, strides, own.data);
    }
    Place spread(const Formula::Step& own, char* to) const {
        double number;
        bool fixed;
        const char* from = lane(own.operands[0], number, fixed);
        if (along_.lines() == 1) return {from, true};
        if (along_.length == 1) return {from, false};
        if (own.bytes[0] == 1)
            repeat(from, to);
        else
            repeat(reinterpret_cast<const double*>(from), reinterpret_cast<double*>(to));
        return {to, false};
    }
    template <class T>
    void repeat(const T* from, T* to) const {
        for (std::size_t o = 0; o < along_.outer; ++o, from += along_.inner)
            for (std::size_t j = 0; j < along_.length; ++j)
                for (std::size_t k = 0; k < along_.inner; ++k) *to++ = from[k];
    }
    void select(const Formula::Step& own, double* to, std::size_t count) const {
        double number, yes_number, no_number;
        bool fixed, yes_fixed, no_fixed;
        const char* mask = lane(own.operands[0], number, fixed);
        const auto* yes =
            reinterpret_cast<const double*>(lane(own.operands[1], yes_number, yes_fixed));
        const auto* no =
            reinterpret_cast<const double*>(lane(own.operands[2], no_number, no_fixed));
        for (std::size_t k = 0; k < count; ++k)
            to[k] = mask[fixed ? 0 : k] != 0 ? yes[yes_fixed ? 0 : k] : no[no_fixed ? 0 : k];
    }
    bool holds(const Formula::Step& own, std::size_t count) const {
        double number;
        bool fixed;
        const char* mask = lane(own.operands[0], number, fixed);
        const char* end = mask + (fixed ? 1 : count);
        auto is_set = [](char one) { return one != 0; };
        return own.expected == (own.kind == Kind::Any ? std::any_of(mask, end, is_set)
                                                      : std::all_of(mask, end, is_set));
    }

    const Formula& formula_;
    const double* const* given_;
    const Along& along_;
    const bool exact_;
    const std::size_t pitch_;
    std::unique_ptr<char[]> far_;
    Place places_[2 * Formula::most_steps + along_given];
    alignas(64) char near_[(std::size_t{8} << 10) + 8 * gap];
};

}  // namespace

bool plan_along(Formula& formula, Extent ans, bool cotangent) {
    return Plan(formula, ans).make(cotangent);
}

bool run_along(const Formula& formula, const double* const* given, const Along& along, bool exact,
               double* out) {
    return AlongRun(formula, given, along, exact).into(out);
}

}  // namespace fastad::python
