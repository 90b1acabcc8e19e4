// What the core asks of its host about memory and time: lifetimes of objects, boxes, the lock.
#pragma once

#include <cstddef>

#include "error.hpp"

namespace fastad {

// Everything about objects is opaque here.
struct Object;
struct Traced;

namespace host {

// Offset of the Traced part inside a box object.
extern const std::ptrdiff_t box_offset;

void retain(Object* object) noexcept;
void release(Object* object) noexcept;
// How many hold it.
long references(const Object* object) noexcept;
Object* new_box(Traced&& traced);

void check_interrupt();  // throws HostError if the user asked to stop
// Around kernels over this many elements, so that other threads run, if they are enough: some
// microseconds, against some tens of nanoseconds to let go of the host's lock and take it back.
class Unlocked {
  public:
    static constexpr std::size_t least = 4096;
    explicit Unlocked(std::size_t elements) noexcept;
    ~Unlocked() noexcept(false);  // a thread may be ended here when the host shuts down
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;
    // Throws Interrupted if the user asked to stop; takes the lock for a moment.
    void check_interrupt();

  private:
    void* state_;
};

}  // namespace host
}  // namespace fastad
