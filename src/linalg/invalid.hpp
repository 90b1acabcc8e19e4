// The invalid flag of floating-point arithmetic, by which loops of linear algebra tell a failure.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace fastad {

#if defined(__x86_64__) || defined(_M_X64)
inline bool invalid_raised() noexcept { return (_mm_getcsr() & 1u) != 0; }
inline void clear_all_flags() noexcept { _mm_setcsr(_mm_getcsr() & ~0x3Fu); }
inline void raise_invalid() noexcept { _mm_setcsr(_mm_getcsr() | 1u); }
#else
inline bool invalid_raised() noexcept { return std::fetestexcept(FE_INVALID) != 0; }
inline void clear_all_flags() noexcept { std::feclearexcept(FE_ALL_EXCEPT); }
inline void raise_invalid() noexcept { std::feraiseexcept(FE_INVALID); }
#endif

}  // namespace fastad
