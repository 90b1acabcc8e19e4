// The one question about a value that every record asks.
#pragma once

#include "host/arrays.hpp"

namespace fastad::host {

// Dtype and shape of a value without boxes; borrowed from it. Of what describe() says the part that
// is read most.
Meta space_of(const Value& raw) noexcept;

}  // namespace fastad::host
