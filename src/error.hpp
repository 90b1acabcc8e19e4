// What the core throws.
#pragma once

#include <stdexcept>
#include <string>

namespace fastad {

// Thrown where the host has already recorded an exception of its own.
struct HostError {};

// The same for an exception that a signal brought, Ctrl-C or a timer: no error of what ran.
struct Interrupted : HostError {};

// An error found by the core; the host turns it into the exception class of the same name.
struct Error : std::runtime_error {
    enum class Class { Value, Type, Runtime, FloatingPoint };
    Error(Class error_class, const std::string& text)
        : std::runtime_error(text), kind(error_class) {}
    Class kind;
};

}  // namespace fastad
