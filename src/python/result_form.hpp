// How the leaves of a replay are put together: containers that Python's own calls make.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <array>
#include <cstdint>
#include <vector>

#include "program/program.hpp"
#include "python/hosted.hpp"

namespace fastad::python {

class ResultForm {
  public:
    ResultForm() = default;
    ~ResultForm();
    ResultForm(const ResultForm&) = delete;
    ResultForm& operator=(const ResultForm&) = delete;

    // Of a description: an int for a leaf, ("constant", value), ("list", parts), ("tuple", parts),
    // ("dict", keys, parts). False: an exception is set.
    bool read(PyObject* description);
    void arrange();  // once it is read
    std::size_t leaves() const noexcept { return leaves_; }
    // What stands at the leaves of a value of this form, borrowed; false for a value of another.
    bool take(PyObject* value, std::vector<PyObject*>& leaves) const;
    // Takes the references in `outputs`.
    PyObject* build(std::vector<PyObject*>& outputs) const;

    // Whether an array stands at each of these leaves and nothing is left to be built: then what
    // they stand in is the result.
    bool is_whole(const std::vector<PyObject*>& places) const noexcept;

    // Whether all of it is numbers, in lists and tuples.
    bool holds_numbers() const noexcept { return holds_numbers_; }
    // The results of a run of as many numbers.
    PyObject* build(const program::NumbersRun& run) const;
    // The same in the objects of an earlier result that only its holder, who asks, holds any more;
    // false where somebody else has one of them, or it is no such result: then some numbers in it
    // may be new, which nobody can see but the one who asks.
    bool refill(PyObject* whole, const program::NumbersRun& run) const noexcept;
    // Where each number is written.
    struct NumberPlaces {
        std::vector<double*>& places;
        std::vector<Ref>* held;  // null, or what keeps the arrays
    };
    // Where `out`, of this form, takes each number: arrays of no dimensions, or one array for lists
    // of numbers, of their lengths. False where writing takes more than that.
    bool take_numbers(PyObject* out, NumberPlaces into) const;

  private:
    enum class Kind : std::uint8_t { Leaf, Constant, List, Tuple, Dict };
    struct Part {
        Kind kind;
        Py_ssize_t count;
        PyObject* object;      // owned: a constant, or the keys of a dict
        bool numbers = false;  // all that it holds are leaves
        std::size_t end = 0;   // the part after all that it holds
        // The shape of an array with the same numbers; empty: there is none.
        std::vector<Py_ssize_t> shape;
    };
    void measure(std::size_t part);
    bool take_numbers_of(PyObject* value, std::size_t& part, NumberPlaces& into) const;
    bool read_parts(PyObject* parts);
    bool take_part(PyObject* value, std::size_t& part, std::vector<PyObject*>& leaves) const;
    PyObject* make(std::size_t& part, std::size_t& leaf, std::vector<PyObject*>& outputs) const;
    PyObject* make(std::size_t& part, std::size_t& leaf, const program::NumbersRun& run) const;
    bool refill_part(PyObject* value, std::size_t& part, std::size_t& leaf,
                     const program::NumbersRun& run) const noexcept;

    std::vector<Part> parts_;
    std::size_t leaves_ = 0;
    bool flat_ = false;  // a tuple of leaves
    bool holds_numbers_ = false;
    bool constants_ = false;
};

// The last results of numbers that a function gave. Where nobody holds one any more it is filled
// with the numbers of the next: objects are made and given back in more time than most functions
// of numbers take. There are two, since a loop has one result while it makes the next.
class LastResults {
  public:
    static constexpr std::size_t most_numbers = 512;  // more are not kept for this

    // The result of a run in objects of an earlier one, a new reference; null where these do not
    // do. Nothing is made or released, so that no other code runs.
    PyObject* refilled(const ResultForm& form, const program::NumbersRun& run) noexcept;
    // Keeps a result that was made instead. Gives what is held no more, or null: to be released
    // once nothing that other code could change is looked at.
    PyObject* keep(PyObject* made) noexcept;
    int visit(visitproc visit, void* arg) const;
    void clear();

  private:
    std::array<PyObject*, 2> kept_{};
    unsigned oldest_ = 0;
};

// Whether a reference count tells who holds an object, and objects may be filled anew: nobody else
// runs meanwhile, and tuples do not keep their hash.
#if defined(PYPY_VERSION) || defined(Py_GIL_DISABLED) || PY_VERSION_HEX >= 0x030E0000
inline constexpr bool refills = false;
#else
inline constexpr bool refills = true;
#endif

// The object that holds a form of this description.
PyObject* make_result_form(PyObject* description);
const ResultForm* result_form_of(PyObject* object) noexcept;  // null if it is none

}  // namespace fastad::python
