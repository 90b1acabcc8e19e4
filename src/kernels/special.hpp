// Special functions of float64 that SciPy lacks, for many elements: what derivatives of its own
// are.
#pragma once

#include <cstddef>

namespace fastad {

struct SpecialFunction {
    static constexpr int most_arguments = 4;
    const char* name;
    int arguments;
    void (*run)(std::size_t n, const double* const* in, double* out);
};

constexpr std::size_t special_function_count = 4;
extern const SpecialFunction special_functions[special_function_count];

}  // namespace fastad
