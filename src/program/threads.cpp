#include "program/threads.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#if !defined(_WIN32)
#include <pthread.h>
#include <signal.h>
#endif

namespace fastad::program {

namespace {

constexpr std::size_t most_threads = 256;

std::size_t threads_of_environment() noexcept {
    const char* text = std::getenv("FASTAD_NUM_THREADS");
    const long count = text ? std::strtol(text, nullptr, 10) : 1;
    return static_cast<std::size_t>(std::clamp(count, 1L, static_cast<long>(most_threads)));
}

std::atomic<std::size_t>& wanted() noexcept {
    static std::atomic<std::size_t> count{threads_of_environment()};
    return count;
}

using Work = std::function<void(std::size_t, char*)>;

// Parts of one call of share(), which threads take one by one.
struct Job {
    const Work& work;
    const std::size_t parts, bytes;
    std::atomic<std::size_t> next{0};
    std::mutex failing;
    std::exception_ptr error;

    void take(char* memory) noexcept {
        for (std::size_t part; (part = next.fetch_add(1)) < parts;) {
            try {
                work(part, memory);
            } catch (...) {
                const std::lock_guard<std::mutex> guard(failing);
                if (!error) error = std::current_exception();
                next.store(parts);
            }
        }
    }
};

// Blocks between jobs: spinning threads would take the time of those that the host runs.
class Pool {
  public:
    // False if another thread has the pool.
    bool run(Job& job, std::size_t helpers, char* own) {
        const std::unique_lock<std::mutex> alone(busy_, std::try_to_lock);
        if (!alone) return false;
        std::unique_lock<std::mutex> lock(mutex_);
        while (count_ < helpers && start()) ++count_;
        job_ = &job;
        vacant_ = std::min(helpers, count_);
        const std::size_t called = vacant_;
        lock.unlock();
        for (std::size_t i = 0; i < called; ++i) wake_.notify_one();
        job.take(own);
        lock.lock();
        vacant_ = 0;  // whoever has not woken up yet need not
        job_ = nullptr;
        idle_.wait(lock, [this] { return working_ == 0; });
        return true;
    }

    static Pool& shared() {
        Pool* pool = current().load(std::memory_order_acquire);
        if (pool) return *pool;
        static std::mutex making;
        const std::lock_guard<std::mutex> guard(making);
        if (!(pool = current().load(std::memory_order_acquire))) {
            pool = new Pool;  // leaked: its threads wait in it to the end of the process
            current().store(pool, std::memory_order_release);
#if !defined(_WIN32)
            // A fork has none of the threads, and perhaps a lock that nobody will open.
            static const int registered = pthread_atfork(nullptr, nullptr, [] {
                if (current().load()) current().store(new Pool);
            });
            static_cast<void>(registered);
#endif
        }
        return *pool;
    }

  private:
    static std::atomic<Pool*>& current() noexcept {
        static std::atomic<Pool*> pool{nullptr};
        return pool;
    }

    bool start() noexcept {
#if !defined(_WIN32)
        // Signals are for the threads of the host.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
#endif
        bool started = true;
        try {
            std::thread([this] { serve(); }).detach();
        } catch (...) {
            started = false;
        }
#if !defined(_WIN32)
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
#endif
        return started;
    }

    void serve() noexcept {
        std::vector<char> memory;
        std::unique_lock<std::mutex> lock(mutex_);
        while (true) {
            wake_.wait(lock, [this] { return vacant_ > 0; });
            --vacant_;
            ++working_;
            Job& job = *job_;
            lock.unlock();
            bool room = true;
            try {
                if (memory.size() < job.bytes) memory.resize(job.bytes);
            } catch (...) {
                room = false;  // the others do its part
            }
            if (room) job.take(memory.data());
            lock.lock();
            if (--working_ == 0) idle_.notify_one();
        }
    }

    std::mutex busy_, mutex_;
    std::condition_variable wake_, idle_;
    Job* job_ = nullptr;
    std::size_t count_ = 0, vacant_ = 0, working_ = 0;
};

}  // namespace

std::size_t threads() noexcept { return wanted().load(std::memory_order_relaxed); }

void set_threads(std::size_t count) noexcept {
    wanted().store(std::clamp(count, std::size_t{1}, most_threads), std::memory_order_relaxed);
}

void share(std::size_t parts, std::size_t bytes, char* own, const Work& work) {
    Job job{work, parts, bytes, {}, {}, {}};
    const std::size_t helpers = std::min(threads(), parts) - 1;
    if (helpers == 0 || !Pool::shared().run(job, helpers, own)) job.take(own);
    if (job.error) std::rethrow_exception(job.error);
}

}  // namespace fastad::program
