// Adjoint loops compiled for the avx2 instruction set.
#define FASTAD_KERNELS avx2_kernels
#define FASTAD_KERNELS_NAME "avx2"
#include "kernels/loops.hpp"
