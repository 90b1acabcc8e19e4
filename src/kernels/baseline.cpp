// Adjoint loops compiled for the baseline instruction set.
#define FASTAD_KERNELS baseline_kernels
#define FASTAD_KERNELS_NAME "baseline"
#include "kernels/loops.hpp"
