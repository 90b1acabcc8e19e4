// The floating-point environment, as it was: branch-free code raises flags that mean nothing.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace fastad::program {

class KeepFlags {
  public:
#if defined(__x86_64__) || defined(_M_X64)
    KeepFlags() noexcept : state_(_mm_getcsr()) {}
    ~KeepFlags() {
        if (_mm_getcsr() != state_) _mm_setcsr(state_);  // to write them takes longer than to look
    }

  private:
    unsigned int state_;
#else
    KeepFlags() noexcept { std::fegetexceptflag(&state_, FE_ALL_EXCEPT); }
    ~KeepFlags() { std::fesetexceptflag(&state_, FE_ALL_EXCEPT); }

  private:
    std::fexcept_t state_;
#endif
  public:
    KeepFlags(const KeepFlags&) = delete;
    KeepFlags& operator=(const KeepFlags&) = delete;
};

}  // namespace fastad::program
