// Chooses the kernels for this machine.
#include "kernels/kernels.hpp"

#include <atomic>
#include <cstring>

namespace fastad {

extern const Kernels baseline_kernels;
#if defined(__x86_64__)
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
#endif

namespace {

const Kernels* find(const char* name) noexcept {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
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
