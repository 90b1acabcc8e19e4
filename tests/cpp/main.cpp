// Runs the tests and counts what they leave. An argument is a part of the names to run; with '-'
// before it, of those to leave out.
#include <cstdio>
#include <cstring>

#include "check.hpp"
#include "host.hpp"

using namespace fastad;
using namespace fastad::testing;

int main(int count, char** arguments) {
    int passed = 0;
    int failed = 0;
    for (const Test& test : tests()) {
        bool named = false, left_out = false, all = true;
        for (int i = 1; i < count; ++i) {
            if (arguments[i][0] == '-') {
                left_out = left_out || std::strstr(test.name, arguments[i] + 1);
            } else {
                all = false;
                named = named || std::strstr(test.name, arguments[i]);
            }
        }
        if (left_out || !(all || named)) continue;
        std::string problem;
        const long before = live_objects();
        try {
            test.body();
        } catch (const Failure& failure) {
            problem = failure.what();
        } catch (const Error& error) {
            problem = std::string("Error: ") + error.what();
        } catch (const HostError&) {
            problem = "HostError: " + host_message();
        } catch (const std::exception& error) {
            problem = std::string("exception: ") + error.what();
        }
        disarm();
        if (problem.empty() && live_objects() != before)
            problem = std::to_string(live_objects() - before) + " objects were not released";
        if (problem.empty()) {
            ++passed;
            std::printf("ok    %s\n", test.name);
        } else {
            ++failed;
            std::printf("FAIL  %s\n      %s\n", test.name, problem.c_str());
        }
        std::fflush(stdout);
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
