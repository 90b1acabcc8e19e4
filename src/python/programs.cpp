#include "python/programs.hpp"

#include "kernels/kernels.hpp"

namespace fastad::python {
namespace {

template <class T>
void run_loop(Code code, PyArrayObject* x, PyArrayObject* y, PyArrayObject* out) {
    const auto loop = kernels().loops<T>().value[static_cast<std::size_t>(code)]
                                                [static_cast<std::size_t>(Spread::Neither)];
    loop(static_cast<std::size_t>(PyArray_SIZE(x)), static_cast<const T*>(PyArray_DATA(x)),
         static_cast<const T*>(PyArray_DATA(y)), static_cast<T*>(PyArray_DATA(out)));
}

}  // namespace

PyObject* value_loop(const char* name, PyObject* x, PyObject* y) {
    return guarded([&]() -> PyObject* {
        const Op& op = operation_named(name);
        if (static_cast<std::size_t>(op.code) >= elementwise_operations)
            throw Error(Error::Class::Value, op.name + " is not elementwise");
        const bool single =
            PyArray_Check(x) && PyArray_TYPE(reinterpret_cast<PyArrayObject*>(x)) == NPY_FLOAT32;
        const int type = single ? NPY_FLOAT32 : NPY_FLOAT64;
        Ref first = checked(PyArray_ContiguousFromAny(x, type, 0, 0));
        Ref second = checked(PyArray_ContiguousFromAny(y, type, 0, 0));
        auto* a = reinterpret_cast<PyArrayObject*>(first.get());
        auto* b = reinterpret_cast<PyArrayObject*>(second.get());
        if (PyArray_SIZE(a) != PyArray_SIZE(b))
            throw Error(Error::Class::Value, "operands of different sizes");
        Ref result = checked(PyArray_EMPTY(PyArray_NDIM(a), PyArray_DIMS(a), type, 0));
        auto* out = reinterpret_cast<PyArrayObject*>(result.get());
        if (single)
            run_loop<float>(op.code, a, b, out);
        else
            run_loop<double>(op.code, a, b, out);
        return result.release();
    });
}

}  // namespace fastad::python
