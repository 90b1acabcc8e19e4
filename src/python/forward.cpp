// Forward values on unboxed operands: by kind of operation.
#include "python/forward.hpp"
#include "python/observer.hpp"

#include "python/formulas.hpp"
#include "python/loops.hpp"
#include "python/routines.hpp"

namespace fastad::python {

PyObject* initialise_forward(PyObject* numpy) {
    enter_loops();
    enter_structural();
    enter_views();
    Ref add(PyObject_GetAttrString(numpy, "add"));
    return add ? initialise_structural(add.get()) : nullptr;
}

void connect(Op& op, PyObject* function) {
    auto* own = new Hosted;
    own->function = Py_NewRef(function);
    op.host = reinterpret_cast<Object*>(own);
    const bool computes = op.own == OpKind::Elementwise || op.own == OpKind::Structural;
    if (computes && PyObject_TypeCheck(function, &PyUFunc_Type)) {
        const auto* ufunc = reinterpret_cast<PyUFuncObject*>(function);
        const int operands = ufunc->nin + ufunc->nout;
        const bool taken = op.own == OpKind::Structural || ufunc->nin == static_cast<int>(op.arity);
        if (ufunc->nout == 1 && taken)
            for (int i = 0; i < ufunc->ntypes; ++i) {
                const char* types = ufunc->types + operands * i;
                auto all = [types, operands](char type) {
                    for (int k = 0; k < operands; ++k)
                        if (types[k] != type) return false;
                    return true;
                };
                void* data = ufunc->data ? (void*)ufunc->data[i] : nullptr;
                if (all(NPY_FLOAT64) && !own->loop64) {
                    own->loop64 = ufunc->functions[i];
                    own->data64 = data;
                } else if (all(NPY_FLOAT32) && !own->loop32) {
                    own->loop32 = ufunc->functions[i];
                    own->data32 = data;
                }
            }
    }
    if (op.own == OpKind::Structural && !op.forward) op.forward = call_structural;
    for (const Parameter& parameter : op.structural.parameters)
        own->parameters.push_back(PyUnicode_InternFromString(parameter.name));
    for (std::size_t i = 0; i < own->parameters.size(); ++i)
        if (PyUnicode_CompareWithASCIIString(own->parameters[i], "out") == 0) own->out = i;
}

Value call(PyObject* function, const Value* values, std::size_t count, PyObject* kwnames) {
    constexpr std::size_t most = 16;
    PyObject* stack[most + 1];
    std::vector<PyObject*> heap;
    PyObject** args = stack + 1;
    if (count > most) {
        heap.resize(count + 1);
        args = heap.data() + 1;
    }
    for (std::size_t i = 0; i < count; ++i) args[i] = to_object(values[i]);
    const std::size_t named = kwnames ? static_cast<std::size_t>(PyTuple_GET_SIZE(kwnames)) : 0;
    const Observer::Hosting hosting;
    PyObject* result = PyObject_Vectorcall(
        function, args, (count - named) | PY_VECTORCALL_ARGUMENTS_OFFSET, kwnames);
    for (std::size_t i = 0; i < count; ++i) Py_DECREF(args[i]);
    return take_result(result);
}

Value forward(const Op& op, const Value* values, std::size_t count, PyObject* kwnames, Form form) {
    if (!kwnames) {
        if (op.kind() == OpKind::Elementwise) {
            Value result = forward_elementwise(op, values, count, form);
            // np.sin(1.0) is a numpy.float64, unlike -1.0, which stays a Python float.
            if (form == Form::Function && result.kind() == Kind::Weak)
                return Value::strong(result.number());
            return result;
        }
        if (op.kind() == OpKind::Structural) return op.forward(op, values, count);
        if (hosted(op)->routines) {
            Value result = run_routine(op, values, count);
            if (!result.empty()) return result;
        }
        if (hosted(op)->formulas) {
            Value result = value_by_formula(op, values, count);
            if (!result.empty()) return result;
        }
    }
    const bool zero = op.own == OpKind::Zero || op.own == OpKind::Test;
    const bool ufunc = zero && !kwnames && !op.registered();
    Value result =
        ufunc ? call_ufunc(op, values, count) : call(hosted(op)->function, values, count, kwnames);
    if (converts_results && result.is_object())
        return take_result(callbacks.convert(py(result.object())));
    if (form == Form::Operator) return of_operator(std::move(result), values, count);
    return result;
}

}  // namespace fastad::python
