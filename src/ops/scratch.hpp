// Room for the operands of one application.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace fastad {

constexpr std::size_t inline_values = 4;

// On the stack unless there are many; no more of them are made than asked for.
template <class T>
class Scratch {
  public:
    explicit Scratch(std::size_t count) : count_(count) {
        if (count > inline_values) {
            heap_ = std::make_unique<T[]>(count);
            data_ = heap_.get();
        } else {
            data_ = reinterpret_cast<T*>(room_);
            std::uninitialized_value_construct_n(data_, count);
        }
    }
    // Of these, made where they lie.
    template <class Make>
    Scratch(std::size_t count, const Make& make) : count_(count) {
        static_assert(noexcept(make(count)));  // nothing is left half made
        if (count > inline_values) {
            heap_ = std::make_unique<T[]>(count);
            data_ = heap_.get();
            for (std::size_t i = 0; i < count; ++i) data_[i] = make(i);
        } else {
            data_ = reinterpret_cast<T*>(room_);
            for (std::size_t i = 0; i < count; ++i) new (data_ + i) T(make(i));
        }
    }
    ~Scratch() {
        if (!heap_) std::destroy_n(data_, count_);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    T* data() noexcept { return data_; }
    T& operator[](std::size_t i) noexcept { return data_[i]; }

  private:
    alignas(T) unsigned char room_[inline_values * sizeof(T)];
    std::unique_ptr<T[]> heap_;
    std::size_t count_;
    T* data_;
};

}  // namespace fastad
