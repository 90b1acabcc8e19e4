#include "program/arena.hpp"

#include <algorithm>
#include <new>

namespace fastad::program {

Arena::Arena(const Plan& plan)
    : bases(plan.buffers.size(), nullptr), objects(plan.objects), slots_(plan.slots, 0.0) {
    std::copy(plan.numbers.begin(), plan.numbers.end(), slots_.begin());
    if (plan.arena) memory_.reset(static_cast<char*>(::operator new(plan.arena, alignment())));
    bases[Address::arena] = memory_.get();
    bases[Address::slots] = reinterpret_cast<char*>(slots_.data());
    std::size_t largest = 0;
    for (const Group& group : plan.groups)
        largest = std::max(largest, group.registers * group.stride() * native_size(group.dtype));
    registers.resize(largest + 64);
}

namespace {

template <class T>
bool all_finite_of(const T* numbers, std::size_t count) noexcept {
    if (count >= 8) return kernels().loops<T>().finite(count, numbers);
    T total = 0;  // zero for each finite number, NaN for the others
    for (std::size_t i = 0; i < count; ++i) total += numbers[i] * T(0);
    return total == T(0);
}

}  // namespace

bool all_finite(const double* numbers, std::size_t count) noexcept {
    return all_finite_of(numbers, count);
}
bool all_finite(const float* numbers, std::size_t count) noexcept {
    return all_finite_of(numbers, count);
}

}  // namespace fastad::program
