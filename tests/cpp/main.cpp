// Runs every registered test (or those whose names contain an argument) and counts what they leave.
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
        bool wanted = count == 1;
        for (int i = 1; i < count; ++i) wanted = wanted || std::strstr(test.name, arguments[i]);
        if (!wanted) continue;
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
