// Elementwise records one behind the other, of large arrays of one shape: swept together, block by
// block, so that the cotangents between them stay in the cache and are never written to memory.
// Each element goes through the same loops as one record after the other has it; where a
// contribution meets one from elsewhere, sums may be rounded in another order.
#include <algorithm>

#include "kernels/kernels.hpp"
#include "reverse/single.hpp"

namespace fastad {

namespace {

constexpr std::size_t block = 1024;          // elements; a few blocks of double fill a cache
constexpr std::size_t most_members = 64;     // records in one stretch
constexpr std::uint32_t most_entries = 256;  // looked at for them

// Where elements lie: a whole array, or one block that serves at every place.
template <class T>
struct Lane {
    T* data = nullptr;
    bool whole = false;
    T* at(std::size_t start) const noexcept { return whole ? data + start : data; }
};

// One element for all: a number, or an array without strides.
template <class T>
bool is_spread(const Value& value, T& number) {
    if (value.is_number()) {
        number = static_cast<T>(value.number());
        return true;
    }
    const View view = host::describe(value);
    if (!view.array || !view.usable || view.dtype != dtype_for<T> || view.size == 0) return false;
    for (int axis = 0; axis < view.rank; ++axis)
        if (view.shape[axis] != 1 && view.strides[axis] != 0) return false;
    number = *reinterpret_cast<const T*>(view.data);
    return true;
}

// Blocks in the cache: cotangents on their way, counted, and numbers spread over a block.
template <class T>
class Blocks {
  public:
    T* acquire() {
        if (idle_.empty()) {
            rooms_.push_back(std::make_unique<Room>());
            return rooms_.back()->numbers;
        }
        T* const room = idle_.back();
        idle_.pop_back();
        return room;
    }
    void release(T* room) { idle_.push_back(room); }
    T* spread(T number) {
        for (const auto& [own, room] : spread_)
            if (__builtin_memcmp(&own, &number, sizeof number) == 0) return room;
        rooms_.push_back(std::make_unique<Room>());  // that no step writes to
        T* const room = rooms_.back()->numbers;
        std::fill_n(room, block, number);
        spread_.emplace_back(number, room);
        return room;
    }

  private:
    struct Room {
        alignas(64) T numbers[block];
    };
    std::vector<std::unique_ptr<Room>> rooms_;
    std::vector<T*> idle_;
    std::vector<std::pair<T, T*>> spread_;
};

}  // namespace

template <class T>
class Sweep::Stretch {
  public:
    Stretch(Sweep& sweep, const Meta& meta) : sweep_(sweep), meta_(meta) {}

    // The records from this entry on downwards that can be swept together; false for less than two.
    bool find(std::uint32_t top) {
        const std::uint32_t bottom = top > most_entries ? top - most_entries : 0;
        for (std::uint32_t i = top + 1; i-- > bottom && members_.size() < most_members;) {
            if (sweep_.slots_[i] == untouched && !among(reached_, i)) continue;
            if (!suits(i)) break;
            members_.push_back(i);
            const Record& record = record_of(i);
            const std::uint32_t* operands = sweep_.tape_.operands(record);
            for (std::size_t k = 0; k < record.op->arity; ++k)
                if (operands[k] != Entry::none) reached_.push_back(operands[k]);
        }
        return members_.size() > 1;
    }

    void run() {
        for (const std::uint32_t member : members_) plan(member);
        const std::size_t size = meta_.size();
        {
            const host::Unlocked unlocked(size * steps_.size());
            for (std::size_t start = 0; start < size; start += block) {
                const std::size_t count = std::min(block, size - start);
                for (const Step& step : steps_)
                    if (step.loop)
                        step.loop(count, step.in[0].at(start), step.in[1].at(start),
                                  step.in[2].at(start), step.in[3].at(start), step.out.at(start),
                                  step.accumulate);
                    else
                        loops_.add(count, step.in[0].at(start), step.out.at(start));
            }
        }
        if (!sweep_.consume_) return;
        for (const std::uint32_t member : members_) {
            const Record& record = record_of(member);
            Value* kept = sweep_.tape_.kept(record);
            for (std::size_t k = 0; k <= record.count; ++k) kept[k] = Value();
        }
    }
    std::size_t work() const noexcept { return steps_.size() * meta_.size(); }

  private:
    struct Step {
        AdjointLoop<T> loop;  // null: in[0] is added
        Lane<T> in[4];        // g, x, y, ans
        Lane<T> out;
        bool accumulate;
    };
    // A cotangent during the stretch.
    struct Node {
        std::uint32_t entry;
        Lane<T> lane;      // null while no cotangent has come
        bool own = false;  // may be added into
    };

    static bool among(const std::vector<std::uint32_t>& list, std::uint32_t i) {
        return std::find(list.begin(), list.end(), i) != list.end();
    }
    const Record& record_of(std::uint32_t i) const {
        return sweep_.tape_.record(sweep_.tape_.entry(i));
    }
    bool alike(const Meta& meta) const {
        return meta.array && meta.dtype == dtype_for<T> && same_shape(meta, meta_);
    }
    // Whether a value can be read block by block.
    bool readable(const Value& value) const {
        if (value.is_box() || value.empty()) return false;
        T number;
        return host::flat(value, meta_.dtype, meta_.shape, meta_.rank) || is_spread(value, number);
    }
    Lane<T> lane_of(const Value& value) {
        if (void* data = host::flat(value, meta_.dtype, meta_.shape, meta_.rank))
            return {static_cast<T*>(data), true};
        T number{};
        is_spread(value, number);
        return {blocks_.spread(number), false};
    }
    // Whether what has reached an entry, if anything, can be read so.
    bool reached_plainly(std::uint32_t i) const {
        const Slot slot = sweep_.slots_[i];
        return slot == untouched || (is_mark(slot) && readable(sweep_.held(i)));
    }
    bool suits(std::uint32_t i) const {
        if (sweep_.tape_.entry(i).x != Entry::record) return false;
        const Record& record = record_of(i);
        if (!record.op || record.kind != OpKind::Elementwise) return false;
        if (!alike(sweep_.tape_.meta(i)) || !reached_plainly(i)) return false;
        const std::uint32_t* operands = sweep_.tape_.operands(record);
        const Value* kept = sweep_.tape_.kept(record);
        const std::size_t arity = record.op->arity;
        for (std::size_t which = 0; which < arity; ++which) {
            const std::uint32_t node = operands[which];
            if (node == Entry::none) continue;
            if (!alike(sweep_.tape_.meta(node)) || !reached_plainly(node)) return false;
            const std::uint8_t uses = record.op->elementwise.uses[which];
            const std::size_t places[3] = {0, 1, arity};
            for (std::size_t k = 0; k < 3; ++k)
                if ((uses >> k & 1u) && !readable(kept[places[k]])) return false;
        }
        return true;
    }

    Node& node(std::uint32_t entry) {
        for (Node& own : nodes_)
            if (own.entry == entry) return own;
        nodes_.push_back({entry, {}});
        Node& made = nodes_.back();
        if (sweep_.slots_[entry] != untouched) {
            // What lies in memory is read there; members have blocks of their own.
            made.lane = lane_of(sweep_.held(entry));
            made.own = made.lane.whole && !among(members_, entry) && sweep_.writable(entry);
        }
        return made;
    }
    // Room that can be added into: a block, or an array for what the stretch leaves behind.
    Lane<T> room(std::uint32_t entry) {
        if (among(members_, entry)) return {blocks_.acquire(), false};
        Value fresh = sweep_.room(sweep_.tape_.meta(entry));
        void* data = host::flat(fresh, meta_.dtype, meta_.shape, meta_.rank);
        if (sweep_.slots_[entry] == untouched)
            sweep_.hold(entry, std::move(fresh));
        else
            replaced_.push_back(std::exchange(sweep_.held(entry), std::move(fresh)));
        return {static_cast<T*>(data), true};
    }

    void plan(std::uint32_t member) {
        const Record& record = record_of(member);
        sweep_.tape_.verify(record, sweep_.prints_, sweep_.consume_);
        const Op& op = *record.op;
        const std::uint32_t* operands = sweep_.tape_.operands(record);
        const Value* kept = sweep_.tape_.kept(record);
        const Node from = node(member);
        // Held until the loops have run.
        Value given;
        if (sweep_.slots_[member] != untouched) {
            given = sweep_.take(member);
            taken_.push_back(given);
        }
        // What had come before is the whole cotangent only where the stretch has added nothing.
        const bool passes =
            !from.own && given.is_object() && same_shape(host::describe(given), meta_);
        std::size_t last = 0;
        for (std::size_t k = 0; k < op.arity; ++k)
            if (operands[k] != Entry::none) last = k;
        bool handed_on = false;
        for (std::size_t which = 0; which <= last; ++which) {
            const std::uint32_t entry = operands[which];
            if (entry == Entry::none) continue;
            Node& to = node(entry);
            Step step{loops_.adjoint[static_cast<std::size_t>(op.code)][which], {}, {}, false};
            step.in[0] = from.lane;
            const std::size_t places[3] = {0, 1, op.arity};
            for (std::size_t k = 0; k < 3; ++k)
                if (op.elementwise.uses[which] >> k & 1u) step.in[k + 1] = lane_of(kept[places[k]]);
            if (to.own) {
                step.out = to.lane;
                step.accumulate = true;
                steps_.push_back(step);
                continue;
            }
            const bool inside = among(members_, entry);
            const bool mine = from.own && !from.lane.whole && which == last;
            if (!to.lane.data && mine && inside) {
                handed_on = true;
                to.lane = from.lane;
                to.own = true;
                if (!op.elementwise.one(which)) {
                    step.out = to.lane;
                    steps_.push_back(step);
                }
                continue;
            }
            if (!to.lane.data && !from.own && inside && op.elementwise.one(which)) {
                to.lane = from.lane;  // read by both, written by neither
                continue;
            }
            if (!to.lane.data && passes && !inside && op.elementwise.one(which)) {
                sweep_.hold(entry, given);
                to.lane = from.lane;
                continue;
            }
            const Lane<T> before = to.lane;
            to.lane = step.out = room(entry);
            to.own = true;
            steps_.push_back(step);
            if (before.data) steps_.push_back({nullptr, {before}, to.lane, true});
        }
        if (from.own && !from.lane.whole && !handed_on) blocks_.release(from.lane.data);
    }

    Sweep& sweep_;
    const Meta meta_;
    const LoopTable<T>& loops_ = kernels().loops<T>();
    std::vector<std::uint32_t> members_;
    std::vector<std::uint32_t> reached_;
    std::vector<Node> nodes_;
    std::vector<Step> steps_;
    std::vector<Value> taken_, replaced_;
    Blocks<T> blocks_;
};

template <class T>
std::size_t Sweep::stretch(std::uint32_t i, const Meta& meta) {
    Stretch<T> own(*this, meta);
    if (!own.find(i)) return 0;
    own.run();
    return own.work();
}

std::size_t Sweep::stretch(std::uint32_t i, const Meta& meta) {
    if (!pending_.empty() || !bundles_.empty()) return 0;
    if (meta.dtype == DType::Float64) return stretch<double>(i, meta);
    if (meta.dtype == DType::Float32) return stretch<float>(i, meta);
    return 0;
}

}  // namespace fastad
