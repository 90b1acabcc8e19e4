// Steps that call routines of linear algebra on planned memory.
#pragma once

#include "program/plan.hpp"

namespace fastad::program {

class Arena;

// False where the routine failed: what the user's function does then is for itself to say. With the
// host's lock held, it is let go for a long one.
bool run_routine(const Plan& plan, const RoutineCall& call, Arena& arena, bool locked);

}  // namespace fastad::program
