// Slots: places that executed code reads, compared with what they held; the check of a replay.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>
#include <vector>

#include "lock.hpp"

namespace fastad::python {

// How a slot finds what it compares.
enum class SlotKind : std::uint8_t {
    Cell,        // the content of a closure cell
    Entry,       // one key of a dict, or of a class's own dict; it may be absent
    Keys,        // a dict's keys in order, and some of its values
    Items,       // the elements of a list
    Type,        // an object's class
    Mro,         // a class's bases
    Code,        // a function's code
    Defaults,    // a function's defaults
    KwDefaults,  // a function's keyword defaults
    Member,      // a member that __slots__ made; it may be absent
    Space,       // the dict that holds an object's attributes, which can be exchanged
    Array,       // an ndarray's data, shape and dtype
    Call,        // the tuple that a function gives
};

// The slots borrow every object: whoever owns the table keeps them alive.
struct Slot {
    SlotKind kind;
    bool ignored = false;
    PyObject* holder = nullptr;
    PyObject* key = nullptr;
    PyObject* expected = nullptr;  // null: absent
    Py_ssize_t at = -1;  // of an Entry: where PyDict_Next finds the key, as long as it stands there
    // Of an array: a copy of small contents, a checksum of large ones, and the layout.
    std::vector<char> bytes;
    std::uint64_t sums[2] = {0, 0};
    std::vector<Py_ssize_t> layout;
};

class SlotTable {
  public:
    // True while every slot holds what it held. It may run Python code (Call) and leaves no
    // exception behind but one that is no Exception, such as KeyboardInterrupt. A number, a string
    // or a tuple of these that was replaced by an equal one of the same type counts as the same.
    bool unchanged();
    // The same for one slot.
    bool holds(std::size_t i);
    // Whether Python code runs for that.
    bool asks() const noexcept { return asks_; }
    std::size_t size() const noexcept { return slots_.size(); }

    // Appends a slot and returns its number; what it expects is what is there now. -1: an exception
    // is set. The table's owner receives in `expected` a new reference (or null) to keep.
    Py_ssize_t add(SlotKind kind, PyObject* holder, PyObject* key, PyObject** expected);
    // Expects from now on what is there now.
    bool refresh(std::size_t i, PyObject** expected);
    // What is there now: a new reference; null without an exception if absent.
    PyObject* current(std::size_t i);
    void ignore(std::size_t i, bool ignored) noexcept {
        slots_[i].ignored = ignored;
        arranged_ = false;
    }
    void expect(std::size_t i, PyObject* expected) noexcept {
        slots_[i].expected = expected;
        arranged_ = false;
    }
    // The contents that an Array slot expects, in the order of memory, or in C's if that has gaps;
    // null for large arrays, of which no copy is kept.
    const std::vector<char>* contents(std::size_t i) const;
    // Elements of Keys and Items that hold this object are not compared.
    static PyObject* any() noexcept;

  private:
    // Most slots are a word in memory that holds an object. They are compared first, side by side;
    // then those of each dict, all of them only if the dict was written to since they last held.
    struct Word {
        PyObject* const* place;
        PyObject* expected;
        std::size_t slot;
    };
    struct Dict {
        PyObject* dict;
        std::uint64_t version;   // 0: not known
        std::size_t first, end;  // in order_
    };
    void arrange();
    bool holds_now(std::size_t i);

    std::vector<Slot> slots_;
    Mutex mutex_;
    bool arranged_ = false;
    bool asks_ = false;
    std::vector<Word> words_;
    std::vector<Dict> dicts_;
    std::vector<std::size_t> order_;  // the slots that are no words: those of dicts, then others
};

// The table of an object of the class Slots; null if it is none.
SlotTable* slots_of(PyObject* object);
void set_slots_access(SlotTable* (*access)(PyObject*)) noexcept;

// Two sums that depend on every bit of an array's contents and its place. False: they could not be
// looked at; no exception is set.
bool checksum(PyObject* array, std::uint64_t* sums);

// True if both are numbers, strings, bytes, NumPy scalars or tuples of these, of the same types and
// with the same bits.
bool same_constant(PyObject* a, PyObject* b);

}  // namespace fastad::python
