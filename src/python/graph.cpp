// What a graph does with an operation: Python makes a node and a box of it.
#include "python/graph.hpp"

namespace fastad::python {

GraphLevel* GraphLevel::open(bool everything) {
    GraphLevel* level = LevelPool<GraphLevel>::shared().pop();
    if (!level) level = new GraphLevel;
    level->everything_ = everything;
    level->serial = next_serial();
    return level;
}

void GraphLevel::close() noexcept {
    serial = 0;
    LevelPool<GraphLevel>::shared().push(this);
}

Value GraphLevel::record(const Applied& applied, Value ans) {
    const Op& op = applied.op;
    const Value* inner = applied.inner;
    const std::size_t count = applied.count;
    if (detoured()) [[unlikely]]
        check_value(op, inner, count, ans);
    std::vector<std::size_t> argnums;
    for (std::size_t i = 0; i < count; ++i)
        if (applied.own(i)) argnums.push_back(i);
    // Omitted arguments of a structural operation are empty: what follows them goes by keyword.
    std::size_t positional = count;
    if (op.kind() == OpKind::Structural) {
        positional = 0;
        while (positional < count && !inner[positional].empty()) ++positional;
    }
    auto [args, kwargs] = op.kind() == OpKind::Structural
                              ? call_arguments(inner, positional, nullptr)
                              : call_arguments(inner, count, applied.kwnames);
    const std::vector<PyObject*>& names = hosted(op)->parameters;
    for (std::size_t i = positional; i < count; ++i) {
        if (inner[i].empty()) continue;
        if (!kwargs) kwargs = checked(PyDict_New());
        Ref value(to_object(inner[i]));
        if (PyDict_SetItem(kwargs.get(), names[i], value.get()) < 0) throw HostError();
    }
    Ref numbers = checked(PyTuple_New(static_cast<Py_ssize_t>(argnums.size())));
    Ref boxes = checked(PyTuple_New(static_cast<Py_ssize_t>(argnums.size())));
    for (std::size_t i = 0; i < argnums.size(); ++i) {
        PyTuple_SET_ITEM(numbers.get(), static_cast<Py_ssize_t>(i), PyLong_FromSize_t(argnums[i]));
        PyTuple_SET_ITEM(boxes.get(), static_cast<Py_ssize_t>(i),
                         to_object(applied.values[argnums[i]]));
    }
    Ref answer(to_object(ans));
    return take_result(callbacks.record(hosted(op)->primitive, answer.get(), args.get(),
                                        or_none(kwargs), numbers.get(), boxes.get()));
}

GraphLevel* GraphLevel::of(const Traced& traced) noexcept {
    return traced.level && traced.alive() ? dynamic_cast<GraphLevel*>(traced.level) : nullptr;
}

}  // namespace fastad::python
