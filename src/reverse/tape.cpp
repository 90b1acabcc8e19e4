// Storage of the tape, the pool of levels, and the printed tape.
#include "reverse/tape.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace fastad {

namespace {

constexpr std::size_t most_rank = 64;

// An idle tape keeps up to this many entries (1.5 MB) for the next trace.
constexpr std::uint32_t idle_entries = 1u << 16;

// Long lists go back to the pool, whose idle memory is bounded; of the next trace they are taken to
// be as long again.
template <class List>
void clear(List& list, std::size_t& length) noexcept {
    length = list.size();
    if (list.capacity() * sizeof(list[0]) > (1u << 20))
        List().swap(list);
    else
        list.clear();
}

constexpr std::size_t least_length = 256;
constexpr std::size_t most_expected = std::size_t{64} << 20;  // bytes

// As long as before, in steps of two, so that it is a block that the pool has.
std::size_t expected(std::size_t length, std::size_t item) noexcept {
    return std::bit_ceil(std::clamp(length, least_length, most_expected / item));
}

// Lists that grew anew in each trace would copy all that they hold again and again, and the C
// library would sort out its free chunks, of which the trace before left many, at each request.
template <class List>
void make_room(List& list, std::size_t more, std::size_t length) {
    const std::size_t wanted = list.size() + more;
    if (wanted <= list.capacity()) [[likely]]
        return;
    list.reserve(
        std::max({std::bit_ceil(wanted), 2 * list.capacity(), expected(length, sizeof(list[0]))}));
}

// A block of the pool's in place of another one, of which `used` bytes are taken over.
void* regrown(void* before, std::size_t bytes_before, std::size_t used, std::size_t bytes) {
    buffer::Allocator<char> pool;
    void* memory = pool.allocate(bytes);
    if (before) {
        std::memcpy(memory, before, used);
        pool.deallocate(static_cast<char*>(before), bytes_before);
    }
    return memory;
}

}  // namespace

std::string shape_text(const Meta& meta) {
    std::string text = "(";
    for (int axis = 0; axis < meta.rank; ++axis) {
        if (axis) text += ", ";
        text += std::to_string(meta.shape[axis]);
    }
    return text + (meta.rank == 1 ? ",)" : ")");
}

Tape* Tape::open() {
    Tape* tape = LevelPool<Tape>::shared().pop();
    if (!tape) tape = new Tape;
    tape->trace_ = tape->serial = next_serial();
    tape->consumed_ = false;
    return tape;
}

void Tape::close() noexcept {
    if (closed()) return;
    serial = trace_ = 0;
    if (sweeps_ > 0)
        closing_ = true;
    else
        finish();
}

void Tape::begin_sweep(bool consume) {
    if (consumed_)
        throw Error(Error::Class::Runtime,
                    "this tape was swept with consume=True and cannot be swept again");
    consumed_ = consume;
}

void Tape::finish() noexcept {
    // Releasing values may run code of the host that opens tapes, so this one is not idle until the
    // end.
    List<Value> kept;
    kept.swap(kept_);
    before_.kept = kept.size();
    before_.entries = size_;
    for (Value& value : kept) value = Value();
    kept.clear();
    if (kept.capacity() <= (1u << 16)) kept_.swap(kept);
    prints_.clear();
    if (capacity_ > idle_entries) {
        buffer::Allocator<Entry>().deallocate(entries_, capacity_);
        buffer::Allocator<std::uint8_t>().deallocate(codes_, capacity_);
        entries_ = nullptr;
        codes_ = nullptr;
        capacity_ = 0;
    }
    const std::unique_ptr<Audit> audit = std::move(audit_);
    if (!losses_.empty()) std::vector<std::pair<std::string, Place>>().swap(losses_);
    size_ = 0;
    clear(records_, before_.records);
    clear(operands_, before_.operands);
    clear(extents_, before_.extents);
    LevelPool<Tape>::shared().push(this);
}

void Tape::grow() {
    if (capacity_ >= Entry::limit / 2)
        throw Error(Error::Class::Runtime,
                    "the tape is full: more than two thousand million operations");
    const std::uint32_t wanted =
        capacity_ ? capacity_ * 2
                  : static_cast<std::uint32_t>(expected(before_.entries, sizeof(Entry)));
    // Both or none: what one of them lies in is known by the capacity.
    auto* codes = buffer::Allocator<std::uint8_t>().allocate(wanted);
    try {
        entries_ = static_cast<Entry*>(regrown(entries_, capacity_ * sizeof(Entry),
                                               size_ * sizeof(Entry), wanted * sizeof(Entry)));
    } catch (const std::bad_alloc&) {
        buffer::Allocator<std::uint8_t>().deallocate(codes, wanted);
        throw;
    }
    if (codes_) {
        std::memcpy(codes, codes_, size_);
        buffer::Allocator<std::uint8_t>().deallocate(codes_, capacity_);
    }
    codes_ = codes;
    capacity_ = wanted;
}

void Tape::set_meta(Record& record, const Meta& meta) {
    record.dtype = cotangent_dtype(meta.dtype);
    record.array = meta.array;
    record.rank = static_cast<std::uint8_t>(meta.rank);
    record.first_extent = static_cast<std::uint32_t>(extents_.size());
    make_room(extents_, static_cast<std::size_t>(meta.rank), before_.extents);
    for (int axis = 0; axis < meta.rank; ++axis) extents_.push_back(meta.shape[axis]);
}

Value Tape::input(Value value) {
    const Lock lock(mutex_);
    const Meta meta = meta_of(value);
    const std::uint32_t index =
        !meta.array && meta.dtype == DType::Float64 ? push_number_input() : push_array_input(meta);
    return box(serial, std::move(value), index);
}

std::uint32_t Tape::push_array_input(const Meta& meta) {
    Record record;
    set_meta(record, meta);
    const auto number = static_cast<std::uint32_t>(records_.size());
    records_.push_back(record);
    return push({Entry::record, number, 0.0, 0.0});
}

std::uint32_t Tape::push_record(const Op& op, const std::uint32_t* operands, std::size_t count,
                                Value* kept, const Meta& meta) {
    if (kept_.size() + count + 1 > Entry::limit || extents_.size() + most_rank > Entry::limit)
        throw Error(Error::Class::Runtime, "the tape is full: too many kept operands");
    Record record;
    record.op = &op;
    record.kind = op.kind();
    record.count = static_cast<std::uint32_t>(count);
    record.first_operand = static_cast<std::uint32_t>(operands_.size());
    record.first_kept = static_cast<std::uint32_t>(kept_.size());
    set_meta(record, meta);
    make_room(operands_, count, before_.operands);
    make_room(kept_, count + 1, before_.kept);
    make_room(records_, 1, before_.records);
    operands_.insert(operands_.end(), operands, operands + count);
    for (std::size_t i = 0; i <= count; ++i) kept_.push_back(std::move(kept[i]));
    const auto number = static_cast<std::uint32_t>(records_.size());
    records_.push_back(record);
    return push({Entry::record, number, 0.0, 0.0});
}

Meta Tape::meta(std::uint32_t index) const noexcept {
    Meta meta;
    const Entry& entry = entries_[index];
    if (entry.x == Entry::record) {
        const Record& record = records_[entry.y];
        meta.dtype = record.dtype;
        meta.array = record.array;
        meta.rank = record.rank;
        meta.shape = extents_.data() + record.first_extent;
    }
    return meta;
}

void Tape::lost(const char* how) {
    const Lock lock(mutex_);
    if (losses_.size() < most_losses) losses_.emplace_back(how, host::here());
}

std::string Tape::losses() const {
    std::string all;
    for (const auto& [how, place] : losses_)
        all += (all.empty() ? "" : "; ") + how + " at " + text(place);
    return all;
}

std::size_t Tape::bytes() const noexcept {
    return size_ * (sizeof(Entry) + 1) + records_.size() * sizeof(Record) +
           operands_.size() * sizeof(std::uint32_t) + kept_.size() * sizeof(Value) +
           extents_.size() * sizeof(Extent) + prints_.bytes();
}

Tape::Description Tape::describe(std::uint32_t index) const {
    const Entry& entry = entries_[index];
    Description text;
    if (entry.x == Entry::input || (entry.x == Entry::record && !records_[entry.y].op)) {
        text.name = "input";
        return text;
    }
    if (entry.x == Entry::element) {
        text.name = "element";
        text.operands = {entry.y};
        return text;
    }
    if (entry.x != Entry::record) {
        const Op& op = operation(scalar_code(index));
        text.name = op.name;
        text.operands = {entry.x};
        if (op.arity == 2) text.operands.push_back(entry.y);
        text.formula = op.formula();
        return text;
    }
    const Record& record = records_[entry.y];
    text.name = record.op->name;
    text.formula = record.op->formula();
    text.operands.assign(operands(record), operands(record) + record.count);
    for (std::size_t k = 0; k <= record.count; ++k) {
        const Value& value = kept_[record.first_kept + k];
        if (value.empty()) continue;
        text.kept += text.kept.empty() ? "" : ", ";
        text.kept += k == record.count ? "ans" : "operand " + std::to_string(k);
        const Value& raw = innermost(value);
        if (!raw.is_object()) continue;
        const View view = host::describe(raw);
        if (!view.array) continue;
        const std::size_t size = view.size * item_size(view.dtype);
        text.bytes += size;
        text.kept += " (" + std::to_string(size) + " bytes)";
    }
    return text;
}

std::string Tape::print() const {
    constexpr std::uint32_t most_lines = 10000;
    std::string text = "tape " + std::to_string(trace_) + ": " + std::to_string(size_) +
                       " entries, " + std::to_string(bytes()) + " bytes\n";
    if (consumed_) return text + "swept with consume=True: what it kept is gone\n";
    std::size_t held = 0;
    for (std::uint32_t i = 0; i < size_; ++i) {
        const Entry& entry = entries_[i];
        std::string line = "%" + std::to_string(i) + " = ";
        const Description own = describe(i);
        held += own.bytes;
        line += own.name;
        if (entry.x == Entry::element) {
            std::int64_t offset;
            std::memcpy(&offset, &entry.dx, sizeof offset);
            line += "(%" + std::to_string(entry.y) + ", " + std::to_string(offset) +
                    ")  float64 scalar";
        } else if (entry.x == Entry::record) {
            if (records_[entry.y].op) {
                line += "(";
                for (std::size_t k = 0; k < own.operands.size(); ++k) {
                    if (k) line += ", ";
                    line += own.operands[k] == Entry::none ? "const"
                                                           : "%" + std::to_string(own.operands[k]);
                }
                line += ")";
            }
            const Meta space = meta(i);
            line += std::string("  ") + dtype_name(space.dtype) + " " +
                    (space.array ? shape_text(space) : "scalar");
            if (!own.kept.empty()) line += "  keeps " + own.kept;
        } else {
            line += "  float64 scalar";
            auto term = [](std::uint32_t operand, double partial) {
                char number[32];
                std::snprintf(number, sizeof number, "%.17g", partial);
                return std::string(number) + " * %" + std::to_string(operand);
            };
            std::string map;
            if (entry.x != Entry::input && entry.x != Entry::none) map = term(entry.x, entry.dx);
            if (entry.x != Entry::input && entry.y != Entry::none)
                map += (map.empty() ? "" : " + ") + term(entry.y, entry.dy);
            if (entry.x != Entry::input) line += "  d = " + map;
        }
        text += line + "\n";
        if (i == most_lines && size_ > most_lines + 1) {
            text += "... " + std::to_string(size_ - most_lines - 1) + " more\n";
            break;
        }
    }
    return text + "kept buffers: " + std::to_string(held) + " bytes\n";
}

}  // namespace fastad
