// How many contexts have modes on.
#include "modes.hpp"

namespace fastad {

std::atomic<int> detours{0};
std::atomic<int> Modes::entered_{0};

void Modes::entered(unsigned modes) noexcept {
    ++entered_;
    if (modes & debugging) ++detours;
}

void Modes::left(unsigned modes) noexcept {
    --entered_;
    if (modes & debugging) --detours;
}

}  // namespace fastad
