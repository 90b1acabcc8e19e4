// Chooses the kernels for this machine.
#include "kernels/kernels.hpp"

#include <atomic>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

namespace fastad {

extern const Kernels baseline_kernels;
#if defined(__x86_64__)
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
#endif

namespace {

#if defined(__x86_64__)
struct Sets {
    bool avx2, avx512;
};

struct Registers {
    unsigned a, b, c, d;
};

Registers cpuid(unsigned leaf) noexcept {
    Registers found{};
#if defined(_MSC_VER)
    int all[4];
    __cpuidex(all, static_cast<int>(leaf), 0);
    found = {static_cast<unsigned>(all[0]), static_cast<unsigned>(all[1]),
             static_cast<unsigned>(all[2]), static_cast<unsigned>(all[3])};
#else
    __get_cpuid_count(leaf, 0, &found.a, &found.b, &found.c, &found.d);
#endif
    return found;
}

// The processor is asked itself. __builtin_cpu_supports asks a library, which clang-cl does not
// link, and which says no to everything in Zig's. Registers count as well: the system must save
// them.
__attribute__((target("xsave"))) Sets instruction_sets() noexcept {
    if (cpuid(0).a < 7) return {false, false};
    constexpr unsigned osxsave = 1u << 27, avx = 1u << 28;
    if ((cpuid(1).c & (osxsave | avx)) != (osxsave | avx)) return {false, false};
    const unsigned long long saved = _xgetbv(0);
    constexpr unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
    const unsigned has = cpuid(7).b;
    return {(saved & 0x6u) == 0x6u && (has & 1u << 5) != 0,
            (saved & 0xE6u) == 0xE6u && (has & avx512) == avx512};
}
#endif

const Kernels* find(const char* name) noexcept {
#if defined(__x86_64__)
    const auto [avx2, avx512] = instruction_sets();
    if (avx512 && (!name || !std::strcmp(name, "avx512"))) return &avx512_kernels;
    if (avx2 && (!name || !std::strcmp(name, "avx2"))) return &avx2_kernels;
#endif
    if (!name || !std::strcmp(name, "baseline")) return &baseline_kernels;
    return nullptr;
}

std::atomic<const Kernels*> chosen{nullptr};

}  // namespace

const Kernels& kernels() noexcept {
    const Kernels* current = chosen.load(std::memory_order_relaxed);
    if (!current) chosen.store(current = find(nullptr), std::memory_order_relaxed);
    return *current;
}

bool use_kernels(const char* instruction_set) noexcept {
    const Kernels* wanted = find(instruction_set);
    if (wanted) chosen.store(wanted, std::memory_order_relaxed);
    return wanted != nullptr;
}

}  // namespace fastad
