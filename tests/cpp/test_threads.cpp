// Threads with tapes of their own, and levels numbered across all of them.
#include <atomic>
#include <cmath>
#include <mutex>
#include <set>
#include <thread>

#include "check.hpp"
#include "trace.hpp"

namespace fastad::testing {
namespace {

constexpr int workers = 8;

// Runs the body in each worker; the first failure is thrown in the caller's thread.
void in_threads(const std::function<void(int)>& body) {
    std::mutex mutex;
    std::string problem;
    std::atomic<int> waiting{workers};
    std::vector<std::thread> threads;
    for (int i = 0; i < workers; ++i)
        threads.emplace_back([&, i] {
            waiting.fetch_sub(1);
            while (waiting.load() > 0) std::this_thread::yield();  // all begin at once
            try {
                body(i);
            } catch (const std::exception& error) {
                const std::lock_guard<std::mutex> guard(mutex);
                problem = error.what();
            } catch (const HostError&) {
                const std::lock_guard<std::mutex> guard(mutex);
                problem = "HostError: " + host_message();
            }
        });
    for (std::thread& thread : threads) thread.join();
    if (!problem.empty()) throw Failure(problem);
}

}  // namespace

FASTAD_TEST(threads_with_tapes_of_their_own) {
    in_threads([](int worker) {
        const double a = 0.1 * (worker + 1);
        for (int repeat = 0; repeat < 100; ++repeat) {
            auto f = [&](const Value& x) {
                return sum(apply(Code::sin, x * weak(a)) * x) + item(x, 0) * item(x, 1);
            };
            const double p = 0.5, q = -1.25;
            const Value g = gradient(f, array({p, q}));
            CHECK_NEAR(numbers_of(g)[0], std::sin(a * p) + a * p * std::cos(a * p) + q, 1e-14);
            const Value h =
                gradient([&](const Value& x) { return sum(gradient(f, x)); }, array({p, q}));
            CHECK_NEAR(numbers_of(h)[0],
                       2.0 * a * std::cos(a * p) - a * a * p * std::sin(a * p) + 1.0, 1e-13);
            auto number = [&](const Value& x) { return apply(Code::exp, x * weak(a)) * x; };
            const Value t =
                derivative([&](const Value& x) { return gradient(number, x); }, weak(p), weak(1.0));
            CHECK_NEAR(number_of(t), (2.0 * a + a * a * p) * std::exp(a * p), 1e-13);
        }
    });
}

FASTAD_TEST(levels_are_numbered_across_threads) {
    std::mutex mutex;
    std::set<std::uint64_t> seen;
    in_threads([&](int) {
        std::vector<std::uint64_t> own;
        for (int i = 0; i < 200; ++i) {
            Trace outer;
            Trace inner;
            CHECK(inner.tape().serial > outer.tape().serial);
            CHECK(own.empty() || outer.tape().serial > own.back());
            own.push_back(outer.tape().serial);
            own.push_back(inner.tape().serial);
        }
        const std::lock_guard<std::mutex> guard(mutex);
        seen.insert(own.begin(), own.end());
    });
    CHECK(seen.size() == 2u * 200u * workers);  // no number twice
}

FASTAD_TEST(worker_threads_close_over_an_outer_box) {
    // Every worker opens levels above the outer one; afterwards the outer level joins their
    // results. They take turns, since one tape has one writer.
    auto f = [](const Value& x) {
        std::vector<Value> parts(workers);
        std::mutex turn;
        in_threads([&](int worker) {
            const std::lock_guard<std::mutex> guard(turn);
            parts[static_cast<std::size_t>(worker)] = gradient(
                [&](const Value& y) { return x * x * y * y; }, weak(static_cast<double>(worker)));
        });
        Value total = weak(0.0);
        for (const Value& part : parts) total = total + part;  // 2 x^2 * (0 + 1 + ... + 7)
        return total;
    };
    CHECK(number_of(gradient(f, weak(1.5))) == 4.0 * 1.5 * 28.0);
}

FASTAD_TEST(a_raising_thread_leaves_others_alone) {
    in_threads([](int worker) {
        for (int repeat = 0; repeat < 50; ++repeat) {
            auto f = [](const Value& x) { return sum(apply(Code::exp, x * x)); };
            if (worker % 2) {
                fail_at(1 + repeat % 10);
                bool thrown = false;
                try {
                    gradient(f, array({0.5}));
                } catch (const HostError&) {
                    thrown = true;
                }
                disarm();
                CHECK(thrown);
            } else {
                CHECK_NEAR(number_of(gradient(f, array({0.5}))), std::exp(0.25), 1e-14);
            }
        }
    });
}

}  // namespace fastad::testing
