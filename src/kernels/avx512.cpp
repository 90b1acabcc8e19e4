// Adjoint loops compiled for the avx512 instruction set.
#define FASTAD_KERNELS avx512_kernels
#define FASTAD_KERNELS_NAME "avx512"
#include "kernels/loops.hpp"
