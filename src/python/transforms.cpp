#include "python/transforms.hpp"

#include <cmath>
#include <cstring>
#include <string>

#include "python/loops.hpp"

namespace fastad::python {

namespace {

struct Transform {
    PyUFuncGenericFunction loop;
    void* data;
    double (*factor)(double points);
    bool by_result;  // whether the points are those of the result
};

void run_transform(char** places, const Extent* lengths, const Extent* strides, void* data) {
    const auto& own = *static_cast<const Transform*>(data);
    const Extent from = lengths[1], to = lengths[2] > 0 ? lengths[2] : from;
    double factor = own.factor(static_cast<double>(own.by_result ? to : from));
    char* operands[3] = {places[0], reinterpret_cast<char*>(&factor), places[1]};
    const npy_intp dimensions[3] = {lengths[0], from, to};
    const npy_intp steps[5] = {strides[0], 0, strides[1], strides[2], strides[3]};
    own.loop(operands, dimensions, steps, own.data);
}

double one(double) { return 1.0; }
double by_length(double points) { return 1.0 / points; }
double by_root(double points) { return 1.0 / std::sqrt(points); }

Extent half(Extent points) { return points / 2 + 1; }
Extent even(Extent frequencies) { return 2 * (frequencies - 1); }
Extent odd(Extent frequencies) { return 2 * frequencies - 1; }

DType dtype_of(char type) {
    return type == NPY_DOUBLE    ? DType::Float64
           : type == NPY_CDOUBLE ? DType::Complex128
                                 : DType::Other;
}

}  // namespace

bool transform_routine(PyObject* source, Routine& routine) {
    PyObject* object;
    const char *factor, *points;
    if (!PyArg_ParseTuple(source, "Oss", &object, &factor, &points)) throw HostError();
    if (!PyObject_TypeCheck(object, &PyUFunc_Type)) return false;
    const auto* ufunc = reinterpret_cast<PyUFuncObject*>(object);
    if (!ufunc->core_enabled || ufunc->nin != 2 || ufunc->nout != 1 ||
        ufunc->core_num_dims[0] != 1 || ufunc->core_num_dims[1] != 0 ||
        ufunc->core_num_dims[2] != 1)
        return false;
    const std::string scaled = factor, length = points;
    for (int i = 0; i < ufunc->ntypes; ++i) {
        const char* types = ufunc->types + 3 * i;
        const DType from = dtype_of(types[0]), to = dtype_of(types[2]);
        if (from == DType::Other || to == DType::Other || types[1] != NPY_DOUBLE) continue;
        routine = {};
        routine.arguments = routine.results = 1;
        routine.operands[0] = {from, 1, {0}};
        routine.operands[1] = {to, 1, {0}};
        routine.names = 1;
        if (length != "same") {
            routine.operands[1].axes[0] = 1;
            routine.names = 2;
            routine.derived = length == "half" ? half : length == "even" ? even : odd;
        }
        routine.run = run_transform;
        // Routines live as long as the process.
        routine.data = new Transform{ufunc->functions[i], ufunc->data ? ufunc->data[i] : nullptr,
                                     scaled == "one"      ? one
                                     : scaled == "length" ? by_length
                                                          : by_root,
                                     length == "even" || length == "odd"};
        return true;
    }
    return false;
}

}  // namespace fastad::python
