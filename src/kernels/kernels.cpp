// Chooses the kernels for this machine.
#include "kernels/kernels.hpp"

#include <atomic>
#include <cstring>

#if defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
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

#if defined(_MSC_VER)
// The library that answers __builtin_cpu_supports is not linked there. Registers count as well:
// the system must save them.
__attribute__((target("xsave"))) Sets instruction_sets() noexcept {
    int basic[4], extended[4];
    __cpuid(basic, 1);
    constexpr int osxsave = 1 << 27, avx = 1 << 28;
    if ((basic[2] & (osxsave | avx)) != (osxsave | avx)) return {false, false};
    const unsigned long long saved = _xgetbv(0);
    __cpuidex(extended, 7, 0);
    constexpr unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
    const auto has = static_cast<unsigned>(extended[1]);
    return {(saved & 0x6u) == 0x6u && (has & 1u << 5) != 0,
            (saved & 0xE6u) == 0xE6u && (has & avx512) == avx512};
}
#else
Sets instruction_sets() noexcept {
    __builtin_cpu_init();
    return {__builtin_cpu_supports("avx2") != 0,
            __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")};
}
#endif
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
