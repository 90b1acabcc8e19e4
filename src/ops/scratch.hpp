// Room for the operands of one application.
#pragma once

#include <cstddef>
#include <vector>

namespace fastad {

constexpr std::size_t inline_values = 4;

// On the stack unless there are many.
template <class T>
class Scratch {
  public:
    explicit Scratch(std::size_t count) {
        if (count > inline_values) {
            heap_.resize(count);
            data_ = heap_.data();
        } else {
            data_ = stack_;
        }
    }
    T* data() noexcept { return data_; }
    T& operator[](std::size_t i) noexcept { return data_[i]; }

  private:
    T stack_[inline_values]{};
    std::vector<T> heap_;
    T* data_;
};

}  // namespace fastad
