#include "python/special.hpp"

#include <algorithm>

#include "kernels/special.hpp"

namespace fastad::python {

namespace {

// In blocks, where operands do not lie close.
void loop(char** places, const npy_intp* count, const npy_intp* strides, void* data) {
    constexpr std::size_t block = 256;
    const auto& own = *static_cast<const SpecialFunction*>(data);
    const auto n = static_cast<std::size_t>(*count);
    double copies[SpecialFunction::most_arguments + 1][block];
    const double* in[SpecialFunction::most_arguments];
    for (std::size_t start = 0; start < n; start += block) {
        const std::size_t size = std::min(block, n - start);
        auto at = [&](int k, std::size_t i) {
            return reinterpret_cast<double*>(places[k] +
                                             static_cast<npy_intp>(start + i) * strides[k]);
        };
        for (int k = 0; k < own.arguments; ++k) {
            in[k] = at(k, 0);
            if (strides[k] == sizeof(double)) continue;
            for (std::size_t i = 0; i < size; ++i) copies[k][i] = *at(k, i);
            in[k] = copies[k];
        }
        own.run(size, in, copies[own.arguments]);
        for (std::size_t i = 0; i < size; ++i) *at(own.arguments, i) = copies[own.arguments][i];
    }
}

}  // namespace

PyObject* special_ufuncs() {
    return guarded([]() -> PyObject* {
        static PyUFuncGenericFunction loops[] = {loop};
        static char types[SpecialFunction::most_arguments + 1];
        static void* data[special_function_count];
        std::fill(std::begin(types), std::end(types), static_cast<char>(NPY_DOUBLE));
        Ref result = checked(PyDict_New());
        for (std::size_t i = 0; i < special_function_count; ++i) {
            const SpecialFunction& own = special_functions[i];
            data[i] = const_cast<SpecialFunction*>(&own);
            Ref made = checked(PyUFunc_FromFuncAndData(loops, &data[i], types, 1, own.arguments, 1,
                                                       PyUFunc_None, own.name, "", 0));
            if (PyDict_SetItemString(result.get(), own.name, made.get()) < 0) throw HostError();
        }
        return result.release();
    });
}

}  // namespace fastad::python
