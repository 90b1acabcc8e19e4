// The arguments of a call, brought to what an operation takes.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "python/primitive.hpp"

namespace fastad::python {

// The arguments as a tuple and a dict. False with an error set.
bool as_call(PyObject* const* args, Py_ssize_t positional, PyObject* kwnames, Ref& given,
             Ref& named);
// Arguments in the order of the parameters, on the stack unless there are many; omitted ones null.
class Bound {
  public:
    Bound() = default;
    Bound(const Bound&) = delete;
    Bound& operator=(const Bound&) = delete;
    void assign(std::size_t count) {
        if (count > few) {
            heap_ = std::make_unique<PyObject*[]>(count);
            data_ = heap_.get();
        }
        std::fill_n(data_, count, nullptr);
        size_ = count;
    }
    void drop_omitted() noexcept {
        while (size_ > 0 && !data_[size_ - 1]) --size_;
    }
    std::size_t size() const noexcept { return size_; }
    PyObject** data() noexcept { return data_; }
    PyObject*& operator[](std::size_t i) noexcept { return data_[i]; }
    PyObject** begin() noexcept { return data_; }
    PyObject** end() noexcept { return data_ + size_; }

  private:
    static constexpr std::size_t few = 8;
    PyObject* room_[few];
    std::unique_ptr<PyObject*[]> heap_;
    PyObject** data_ = room_;
    std::size_t size_ = 0;
};

// The arguments in the order of the parameters; omitted ones null. False where the block does not
// take them so.
bool bind_arguments(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                    PyObject* kwnames, Bound& bound);
// The arguments that no level traces, as they are at this moment.
void settle_static(const Op& op, Bound& bound, std::vector<Ref>& kept);

}  // namespace fastad::python
