#include "program/grouping.hpp"

#include <algorithm>
#include <numeric>

#include "host/programs.hpp"

namespace fastad::program {

namespace {

// Elements of a block, roughly.
constexpr std::size_t block_target = 512;
constexpr std::size_t most_block = 1024;
// Below it, starting the loops costs more than the nearer cache saves.
constexpr std::size_t least_block = 192;
// What registers of a block may take of the first-level cache, of 32 kB in most machines.
constexpr std::size_t register_bytes = 28 * 1024;
// Elements of a part, roughly, and the work, in elements times instructions, from which a group is
// cut in parts: some 100 us.
constexpr std::size_t part_target = 16384;
constexpr std::size_t parted_work = 400000;
// Bytes that a group leaves for others to read while the second-level cache holds them; of arrays
// that are many in it.
constexpr std::size_t wave_bytes = 256 * 1024;
constexpr std::size_t wave_arrays = 8;

}  // namespace

Layout layout_of(const std::vector<Extent>& strides, const Extent* shape, std::size_t item) {
    Extent expected = static_cast<Extent>(item);
    std::size_t inner = 1;
    std::size_t axis = strides.size();
    for (; axis > 0; --axis) {
        if (shape[axis - 1] == 1) continue;
        if (strides[axis - 1] != expected) break;
        expected *= shape[axis - 1];
        inner *= static_cast<std::size_t>(shape[axis - 1]);
    }
    if (axis == 0) return {true, 0};
    for (std::size_t a = 0; a < axis; ++a)
        if (shape[a] != 1 && strides[a] != 0) return {};
    return {false, inner};
}

Grouping::Grouping(Scheduler& scheduler, Id seed)
    : s_(scheduler), graph_(scheduler.graph_), plan_(scheduler.plan_), seed_(seed) {}

void Grouping::run() {
    const bool reduces = s_.ways_[seed_] == Way::Reduce;
    if (reduces)
        s_.reduction(seed_, group_.dtype);
    else
        s_.block_dtype(seed_, group_.dtype);
    shape_ = graph_.meta_of(reduces ? graph_.operands_of(graph_.nodes[seed_])[0] : seed_);
    group_.size = shape_.size();
    group_.rank = static_cast<std::uint32_t>(shape_.rank);
    group_.shape = s_.add_extents(shape_.shape, shape_.rank);
    choose();
    choose_block();
    group_.first = static_cast<std::uint32_t>(plan_.instructions.size());
    emit();
    group_.count = static_cast<std::uint32_t>(plan_.instructions.size()) - group_.first;
    shrink_block();
    settle();
    choose_parts();
    if (group_.count) {  // else later groups compute all of it again
        plan_.work += group_.size * group_.count;
        keep();
    }
    for (const Id id : members_)
        if (s_.ways_[id] == Way::Reduce) s_.done(id);
    s_.flush_guards();
}

// The group, unless there is one like it already, and the step that runs it.
void Grouping::keep() {
    group_.addresses = static_cast<std::uint32_t>(addresses_.size());
    const Instruction* own = plan_.instructions.data() + group_.first;
    std::uint64_t hash = group_.size;
    const auto take = [&hash](std::uint64_t part) {
        hash = (hash ^ part) * 0x100000001B3u + (hash >> 29);
    };
    take(group_.count);
    take(group_.shape);
    take(static_cast<std::uint64_t>(group_.dtype));
    for (std::uint32_t i = 0; i < group_.count; ++i) {
        take(static_cast<std::uint64_t>(own[i].code) << 8 |
             static_cast<std::uint64_t>(own[i].kind));
        for (const Ref& ref : {own[i].x, own[i].y, own[i].out})
            take(static_cast<std::uint64_t>(ref.kind) << 32 | ref.index);
    }
    auto& known = s_.known_groups_;
    std::uint32_t index = no_id;
    for (auto [at, end] = known.equal_range(hash); at != end && index == no_id; ++at) {
        Group other = plan_.groups[at->second];
        const Instruction* first = plan_.instructions.data() + other.first;
        other.first = group_.first;
        if (other == group_ && std::equal(own, own + group_.count, first)) index = at->second;
    }
    if (index == no_id) {
        index = static_cast<std::uint32_t>(plan_.groups.size());
        plan_.groups.push_back(group_);
        known.emplace(hash, index);
    } else {
        plan_.instructions.resize(group_.first);
    }
    const auto first = static_cast<std::uint32_t>(plan_.addresses.size());
    plan_.addresses.insert(plan_.addresses.end(), addresses_.begin(), addresses_.end());
    s_.step(Step::Kind::Group, index, first);
}

Ref Grouping::bind(Ref::Kind kind, const Address& address) {
    const auto [at, added] =
        address_numbers_.try_emplace(address.bits(), static_cast<std::uint32_t>(addresses_.size()));
    if (added) addresses_.push_back(address);
    return {kind, at->second};
}

Ref Grouping::memory(const Where& where) { return bind(Ref::Kind::Memory, s_.address(where)); }

Ref Grouping::number(std::uint32_t slot) {
    Where where;
    where.kind = Where::Kind::Slot;
    where.index = slot;
    return bind(Ref::Kind::Slot, s_.address(where));
}

std::uint32_t Grouping::reducing(const Reducing& wanted) {
    std::vector<Reducing>& all = plan_.reducing;
    constexpr std::size_t near = 64;
    for (std::size_t i = all.size(); i-- > 0 && all.size() - i <= near;)
        if (all[i] == wanted) return static_cast<std::uint32_t>(i);
    all.push_back(wanted);
    return static_cast<std::uint32_t>(all.size() - 1);
}

// ---- which nodes

bool Grouping::fits(Id id) const {
    DType own;
    return s_.ways_[id] == Way::Block && s_.wave_[id] >= s_.wave_[seed_] &&
           s_.block_dtype(id, own) && own == group_.dtype && same_shape(graph_.meta_of(id), shape_);
}

// Whether a value is read by what can be no member.
bool Grouping::leaves(Id id) const {
    if (s_.is_output_[id]) return true;
    const auto readers = s_.consumers(id);
    return std::any_of(readers.begin(), readers.end(), [this](Id reader) {
        return s_.ways_[reader] != Way::Block || !same_shape(graph_.meta_of(reader), shape_);
    });
}

bool Grouping::reduces_member(Id id) const {
    DType own;
    if (s_.ways_[id] != Way::Reduce || !s_.reduction(id, own) || own != group_.dtype) return false;
    const Node& node = graph_.nodes[id];
    const Id* operands = graph_.operands_of(node);
    return same_shape(graph_.meta_of(operands[0]), shape_) &&
           std::any_of(operands, operands + node.count,
                       [this](Id operand) { return position_.count(operand) > 0; });
}

void Grouping::take(Id id) {
    position_.emplace(id, members_.size());
    members_.push_back(id);
    s_.leave(id);
    // What reads a reduction's result cannot be in the group that makes it.
    if (s_.ways_[id] != Way::Reduce) s_.done(id);
}

void Grouping::choose() {
    if (s_.ways_[seed_] == Way::Reduce) return take(seed_);
    const std::size_t bytes = shape_.size() * native_size(group_.dtype);
    std::size_t left = bytes * wave_arrays <= wave_bytes ? wave_bytes : 0;
    const bool bounded = left > 0;
    bool full = false;
    while (members_.size() < Scheduler::most_members) {
        auto next = std::find_if(s_.blocks_ready_.begin(), s_.blocks_ready_.end(),
                                 [this](Id id) { return fits(id); });
        full = bounded && left < bytes && next != s_.blocks_ready_.end();
        if (next != s_.blocks_ready_.end() && !full) {
            const Id id = *next;
            take(id);
            if (bounded && leaves(id)) left -= bytes;
            continue;
        }
        // Reductions of what the group computes, where it has nothing else; their results are for
        // later steps.
        next = std::find_if(s_.others_ready_.begin(), s_.others_ready_.end(),
                            [this](Id id) { return reduces_member(id); });
        if (next == s_.others_ready_.end()) break;
        take(*next);
    }
    if (full) s_.next_wave();
}

// ---- how they are cut

// Blocks are to be whole periods, as far as that goes.
void Grouping::consider(std::size_t period) {
    const std::size_t common = std::lcm(unit_, std::max<std::size_t>(period, 1));
    if (common <= most_block) unit_ = common;
}

void Grouping::consider_layout(Id id) {
    if (id == no_id || position_.count(id) || s_.scalar_operand(id) ||
        (group_.dtype == DType::Float64 && s_.spread_number(id) != no_id))
        return;
    if (!is_constant(id) && s_.recomputed_[id]) {
        const Node& node = graph_.nodes[id];
        for (std::uint32_t k = 0; k < node.count; ++k) consider_layout(graph_.operands_of(node)[k]);
        return;
    }
    consider(
        layout_of(s_.spread_strides(id, shape_), shape_.shape, native_size(group_.dtype)).period);
}

// Whole rows, and whole periods of what is broadcast along the first axes.
void Grouping::choose_block() {
    if (shape_.rank > 1) consider(static_cast<std::size_t>(shape_.shape[shape_.rank - 1]));
    for (const Id id : members_) {
        const Node& node = graph_.nodes[id];
        const bool one = s_.ways_[id] == Way::Reduce || node.op->program == InProgram::Cast;
        for (std::uint32_t k = 0; k < (one ? 1 : node.count); ++k)
            consider_layout(graph_.operands_of(node)[k]);
        if (s_.ways_[id] == Way::Reduce && s_.reduction_axes(id) == Scheduler::Axes::Leading)
            consider(graph_.meta_of(id).size());
    }
    group_.block = std::max<std::size_t>(1, block_target / unit_) * unit_;
}

// So that the registers stay in the nearest cache, as far as that goes.
void Grouping::shrink_block() {
    const std::size_t bytes = group_.registers * native_size(group_.dtype);
    while (bytes * group_.block > register_bytes && group_.block / 2 >= least_block &&
           group_.block / 2 % unit_ == 0 && group_.block % 2 == 0)
        group_.block /= 2;
    group_.block = std::min(group_.block, std::max<std::size_t>(group_.size, 1));
}

// Where registers lie, now that the block is known, and which instructions need no look at what
// their operands are.
void Grouping::settle() {
    const std::size_t stride = group_.stride() * native_size(group_.dtype);
    for (std::uint32_t i = 0; i < group_.count; ++i) {
        Instruction& own = plan_.instructions[group_.first + i];
        for (Ref* ref : {&own.x, &own.y, &own.z, &own.w, &own.out})
            if (ref->kind == Ref::Kind::Register)
                *ref = {Ref::Kind::Register, ref->index * stride / line_bytes};
        const bool number = own.x.kind == Ref::Kind::Slot || own.y.kind == Ref::Kind::Slot;
        if (own.kind == Instruction::Kind::Value && own.spread == Spread::Neither && !number)
            own.kind = Instruction::Kind::Plain;
    }
}

void Grouping::choose_parts() {
    group_.part = std::max<std::size_t>(group_.size, 1);
    if (group_.size * group_.count < parted_work) return;
    std::size_t rows = 1;
    for (std::uint32_t i = 0; i < group_.count; ++i) {
        const Instruction& instruction = plan_.instructions[group_.first + i];
        if (instruction.kind < Instruction::Kind::Rows) continue;
        const std::size_t length = plan_.reducing[instruction.extra].length;
        const bool whole = instruction.kind == Instruction::Kind::Rows && length == group_.size;
        if (whole) continue;
        // Each part has room for all results of these.
        if (length > part_target) return;
        if (instruction.kind != Instruction::Kind::Axes) rows = std::lcm(rows, length);
        if (rows > part_target) return;
    }
    // Whole blocks, or at least whole periods of what is loaded once.
    std::size_t unit = std::lcm(group_.block, rows);
    if (unit > 2 * part_target) unit = std::lcm(unit_, rows);
    if (unit > 2 * part_target) return;
    group_.part = (part_target + unit - 1) / unit * unit;
}

}  // namespace fastad::program
