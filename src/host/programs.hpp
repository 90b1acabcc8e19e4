// What programs ask of the host, beside the other headers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "host/arrays.hpp"

namespace fastad {
struct Op;
}

namespace fastad::host {

// The number in a plain number, a NumPy scalar or an array of one element; false if there is none,
// or if a double does not hold it.
bool number_of(const Value& raw, double& number) noexcept;
// Whether two constants of recordings are interchangeable: the same object, or equal in type and
// content.
bool same_constant(const Value& a, const Value& b);
// A copy of an array or a list with all in it, or of a tuple, dict with such in it; empty for what
// cannot change.
Value deep_copy(const Value& raw);
// Sums over the contents of a large array that depend on each bit; false for others.
using Sums = std::array<std::uint64_t, 2>;
bool sums_of(const Value& raw, Sums& sums);
// In a few words, for a printed program.
std::string constant_text(const Value& raw);
// What a registered operation lives as long as.
Value owner_of(const Op& op) noexcept;
// What a function of the host's says when it is called with a text; empty for None.
std::string answer_in_words(const Value& question, const Op& op, const Value* operands,
                            std::size_t count);
// Whether a box can hold it.
bool traceable(const Value& raw);
// The constant as a result: a copy of an array, anything else as it is.
Value fresh(const Value& raw);
// Whether a complex scalar has an infinite part, or one that is no number; false for others.
bool is_infinite_complex(const Value& raw) noexcept;
// While it lives and is switched on, the host's functions raise an error where they would warn.
class Strict {
  public:
    explicit Strict(bool on);
    ~Strict();
    Strict(const Strict&) = delete;
    Strict& operator=(const Strict&) = delete;

  private:
    Object* token_ = nullptr;
};
// A NumPy scalar of float32, float64 or bool.
Value make_scalar(DType dtype, double number);
// A position or slice list of plain integers: an index of one element. False for others.
bool element_index(const Value& index, const Extent* shape, int rank, Extent* position);
// The bytes from the first to the last that an array shows; of all else there are none.
struct Bytes {
    const char* first = nullptr;
    const char* end = nullptr;
    bool meets(const Bytes& other) const noexcept { return first < other.end && other.first < end; }
};
Bytes bytes_of(const Value& raw) noexcept;
// Where the elements of an array begin.
char* data_of(const Value& array) noexcept;
// The elements of an array that may be written, C-contiguous, of this dtype and shape; else null.
char* writable(const Value& raw, const Meta& meta) noexcept;
// Whether these references to an array, so many, are all to it and to its memory: nobody else can
// write there. False where the host does not know.
bool held_alone(const Value& array, std::size_t references) noexcept;
// Whether the second array is a view of the first.
bool shares_memory(const Value& whole, const Value& part);
std::vector<double> numbers_of(const Value& raw);  // in C order
// An inner loop of the host's for one operation on contiguous operands, or null: f(places, n,
// strides, data), as NumPy's ufuncs have them.
struct InnerLoop {
    void (*run)(char** places, const Extent* n, const Extent* strides, void* data) = nullptr;
    void* data = nullptr;

    bool operator==(const InnerLoop&) const = default;
};
InnerLoop inner_loop(const Op& op, DType dtype) noexcept;
// The same of complex operands, for a result of this type: for any strides.
InnerLoop complex_loop(const Op& op, std::size_t operands, DType result) noexcept;
// Real and imaginary part of a complex or real number; false for anything else.
bool complex_parts(const Value& raw, double* parts) noexcept;
// Whether it is a complex number of the host's language, and not of its arrays.
bool is_plain_complex(const Value& raw) noexcept;
// Such a number, of what lies in an array without axes.
Value to_plain_complex(const Value& array);

}  // namespace fastad::host
