// Assertions and registration for the tests of the core.
#pragma once

#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace fastad::testing {

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Test {
    const char* name;
    void (*body)();
};

inline std::vector<Test>& tests() {
    static std::vector<Test> list;
    return list;
}

struct Registration {
    Registration(const char* name, void (*body)()) { tests().push_back({name, body}); }
};

#define FASTAD_TEST(NAME)                                          \
    static void NAME();                                            \
    static const Registration registration_of_##NAME(#NAME, NAME); \
    static void NAME()

[[noreturn]] inline void fail(const char* file, int line, const std::string& text) {
    throw Failure(std::string(file) + ":" + std::to_string(line) + ": " + text);
}

// Bit for bit, except that all NaNs are one.
inline bool same_number(double a, double b) {
    return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

// A rule on Value takes another way than the loop where a function's slope far out needs a form of
// its own; what cancels there (the slope of tanh through its value) shows in the last digits.
inline bool same_derivative(double a, double b) {
    return same_number(a, b) || std::abs(a - b) <= 1e-14 * std::abs(b);
}

inline bool near(double a, double b, double relative) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    if (a == b) return true;
    return std::abs(a - b) <= relative * std::max(1.0, std::max(std::abs(a), std::abs(b)));
}

#define CHECK(CONDITION)                                                           \
    do {                                                                           \
        if (!(CONDITION)) ::fastad::testing::fail(__FILE__, __LINE__, #CONDITION); \
    } while (false)

// The text is only made on failure.
#define CHECK_TEXT(CONDITION, TEXT)                                    \
    do {                                                               \
        if (!(CONDITION)) {                                            \
            std::ostringstream stream;                                 \
            stream.precision(17);                                      \
            stream << #CONDITION << ": " << TEXT;                      \
            ::fastad::testing::fail(__FILE__, __LINE__, stream.str()); \
        }                                                              \
    } while (false)

#define CHECK_NEAR(A, B, TOLERANCE)                                          \
    do {                                                                     \
        const double checked_a = (A), checked_b = (B);                       \
        CHECK_TEXT(::fastad::testing::near(checked_a, checked_b, TOLERANCE), \
                   #A " is " << checked_a << ", " #B " is " << checked_b);   \
    } while (false)

#define CHECK_THROWS(EXPRESSION, EXCEPTION)                           \
    do {                                                              \
        bool thrown = false;                                          \
        try {                                                         \
            EXPRESSION;                                               \
        } catch (const EXCEPTION&) {                                  \
            thrown = true;                                            \
        }                                                             \
        CHECK_TEXT(thrown, #EXPRESSION " did not throw " #EXCEPTION); \
    } while (false)

}  // namespace fastad::testing
