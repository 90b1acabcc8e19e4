// The tape: flat arrays of small records, already in order; two lanes, one sequence of entries.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "level.hpp"
#include "memory/buffer.hpp"
#include "reverse/audit.hpp"
#include "reverse/prints.hpp"

namespace fastad {

// One entry, 24 bytes. In the scalar lane: the operands' entries and the numeric partials. Three
// values of x are marks: the entry then stands for a record of the array lane (y is its number),
// for one element x[i] of the array at entry y (dx holds the offset), or for a number that is an
// input.
struct Entry {
    static constexpr std::uint32_t none = 0xFFFFFFFFu;
    static constexpr std::uint32_t record = 0xFFFFFFFEu;
    static constexpr std::uint32_t element = 0xFFFFFFFDu;
    static constexpr std::uint32_t input = 0xFFFFFFFCu;
    static constexpr std::uint32_t limit = 0xFFFFFFF0u;

    std::uint32_t x;
    std::uint32_t y;
    double dx;
    double dy;
};
static_assert(sizeof(Entry) == 24);
static_assert(elementwise_operations <= 256, "a scalar entry's code is one byte");

// One operation of the array lane. Operands are entries (Entry::none for constants); kept values
// lie in the tape's list, one place for each operand and a last one for ans, empty where no rule
// reads them.
struct Record {
    const Op* op = nullptr;  // null: an input
    std::uint32_t first_operand = 0;
    std::uint32_t first_kept = 0;
    std::uint32_t count = 0;
    DType dtype = DType::Float64;
    bool array = false;
    std::uint8_t rank = 0;
    OpKind kind = OpKind::Elementwise;  // when it was recorded: rules may be replaced later
    // Who sees its result: only the tape and boxes; those who see its first operand, which it is a
    // view of; somebody else, perhaps; somebody whom it was given to as a plain array.
    enum class Sight : std::uint8_t { Hidden, View, Open, Given };
    Sight sight = Sight::Open;
    std::uint32_t first_extent = 0;
};

class Tape final : public Level {
  public:
    // True while it is swept, for the serial that its boxes carry: they stand for their values
    // then.
    bool constant(std::uint64_t box_serial) const noexcept override {
        return outlived || (sweeps_ > 0 && box_serial == trace_);
    }
    Value record(const Applied& applied, Value ans) override;
    bool sees(const Op& op) override;
    bool read(const Traced& box, Read why) override;
    // An input: a number of the scalar lane, or an array.
    Value input(Value value);
    // Storage comes from a pool and returns to it with close(), which also ends the level.
    static Tape* open();
    void close() noexcept;
    // Ends recording: its boxes become invalid, as after close(), but it can still be swept.
    void stop() noexcept { serial = paused_serial_ = 0; }
    // The serial that its boxes carry, also when recording has stopped; 0 once closed.
    std::uint64_t trace() const noexcept { return trace_; }
    bool closed() const noexcept { return trace_ == 0; }
    // Marks the tape as used up; throws if it is already.
    void begin_sweep(bool consume);

    // While one of these lives, its boxes are as after stop(): a rule that met a box of the very
    // tape that is swept would record onto it under the sweep's feet.
    class Paused {
      public:
        explicit Paused(Tape& tape) noexcept : tape_(tape) {
            if (tape_.sweeps_++ == 0) {
                tape_.closing_ = false;
                tape_.paused_serial_ = tape_.serial;
                tape_.serial = 0;
            }
        }
        ~Paused() {
            if (--tape_.sweeps_ > 0) return;
            if (tape_.closing_)
                tape_.finish();
            else if (!tape_.closed())
                tape_.serial = tape_.paused_serial_;
        }
        Paused(const Paused&) = delete;
        Paused& operator=(const Paused&) = delete;

      private:
        Tape& tape_;
    };

    std::uint32_t push_number_input() { return push({Entry::input, Entry::none, 0.0, 0.0}); }
    std::uint32_t push_array_input(const Meta& meta);
    std::uint32_t push_scalar(Code code, std::uint32_t x, double dx, std::uint32_t y, double dy) {
        const Lock lock(mutex_);
        const std::uint32_t index = push({x, y, dx, dy});
        codes_[index] = static_cast<std::uint8_t>(code);
        return index;
    }
    std::uint32_t push_element(std::uint32_t parent, std::int64_t offset) {
        double bits;
        std::memcpy(&bits, &offset, sizeof bits);
        const Lock lock(mutex_);
        return push({Entry::element, parent, bits, 0.0});
    }
    // kept has count + 1 values, which are moved from.
    std::uint32_t push_record(const Op& op, const std::uint32_t* operands, std::size_t count,
                              Value* kept, const Meta& meta);

    // The plain value of this box is given away: from here on it may be changed.
    void give(const Traced& box);
    // Throws if what the rule of this record reads is not what it was when it was recorded.
    // The cursor is the sweep's: at first prints().
    void verify(const Record& record, Prints::Cursor& cursor, bool consume) {
        prints_.verify(*record.op, kept_.data(), record.first_kept,
                       record.first_kept + record.count, cursor, consume);
    }
    Prints::Cursor prints() const noexcept { return prints_.begin(); }

    // Whether the rule of this record reads the value of an operand, or (behind them) the result.
    bool reads(const Record& record, std::size_t which) const;
    std::uint32_t size() const noexcept { return size_; }
    const Entry& entry(std::uint32_t i) const noexcept { return entries_[i]; }
    Code scalar_code(std::uint32_t i) const noexcept { return static_cast<Code>(codes_[i]); }
    const Record& record(const Entry& entry) const noexcept { return records_[entry.y]; }
    const std::uint32_t* operands(const Record& record) const noexcept {
        return operands_.data() + record.first_operand;
    }
    Value* kept(const Record& record) noexcept { return kept_.data() + record.first_kept; }
    Meta meta(std::uint32_t index) const noexcept;
    bool is_array_entry(std::uint32_t index) const noexcept {
        return entries_[index].x == Entry::record;
    }

    bool is_input(std::uint32_t index) const noexcept {
        const Entry& own = entries_[index];
        return own.x == Entry::input || (own.x == Entry::record && !records_[own.y].op);
    }

    std::size_t bytes() const noexcept;
    std::string print() const;
    // One entry in words: its operation, the entries it was applied to, what its rule keeps.
    struct Description {
        std::string name;
        std::vector<std::uint32_t> operands;  // Entry::none: a constant
        std::string kept;
        std::size_t bytes = 0;
        std::string formula;
    };
    Description describe(std::uint32_t index) const;

    // Under a debug mode only: null otherwise, until note() makes it.
    const Audit* audit() const noexcept { return audit_.get(); }
    Audit& audited() {
        if (!audit_) audit_ = std::make_unique<Audit>();
        return *audit_;
    }
    // A traced value was given away as a plain one: the first places of it, for the warning that
    // the output does not depend on the input.
    void lost(const char* how);
    std::string losses() const;

  private:
    Tape() noexcept : Level(this) {}
    Value push_operation(const Applied& applied, const std::uint32_t* operands, Value ans);
    Value push_audited(const Applied& applied, const std::uint32_t* operands, Value ans);
    Value push_tuple(const Applied& applied, const std::uint32_t* operands, const Value& ans);
    std::uint32_t push_foreign(const Applied& applied, const std::uint32_t* operands,
                               const Value& ans, bool several);
    std::uint32_t push(const Entry& entry) {
        if (size_ == capacity_) [[unlikely]]
            grow();
        entries_[size_] = entry;
        return size_++;
    }
    void grow();
    void finish() noexcept;
    void set_meta(Record& record, const Meta& meta);
    bool suits(const Applied& applied, const std::uint32_t* operands, const Value& ans,
               std::uint32_t& wanted) const;
    std::uint32_t shown(std::uint32_t number) const noexcept;
    bool hidden(std::uint32_t operand) const noexcept;
    void take_prints(std::uint32_t index);
    void take_prints(std::uint32_t index, std::uint8_t reads);

    std::uint64_t trace_ = 0;
    std::uint64_t paused_serial_ = 0;
    int sweeps_ = 0;         // going on now
    bool closing_ = false;   // closed in the middle of a sweep, which still reads it
    bool consumed_ = false;  // a consuming sweep has dropped what the rules need
    Entry* entries_ = nullptr;
    std::uint8_t* codes_ = nullptr;  // of scalar entries, for the printed tape
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;
    template <class T>
    using List = std::vector<T, buffer::Allocator<T>>;
    List<Record> records_;
    List<std::uint32_t> operands_;
    List<Value> kept_;
    List<Extent> extents_;
    Prints prints_;
    // How long the lists were when the trace before ended.
    struct {
        std::size_t entries = 0, records = 0, operands = 0, kept = 0, extents = 0;
    } before_;
    std::unique_ptr<Audit> audit_;
    static constexpr std::size_t most_losses = 4;
    std::vector<std::pair<std::string, Place>> losses_;
};

}  // namespace fastad
