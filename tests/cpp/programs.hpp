// Functions recorded on the test host, and their programs against themselves.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "check.hpp"
#include "program/program.hpp"
#include "program/record.hpp"
#include "samples.hpp"
#include "trace.hpp"

namespace fastad::testing {

using program::Program;
using program::Recording;
using Values = std::vector<Value>;
using Recordable = std::function<Values(const Values&)>;

inline std::unique_ptr<Program> record(const Recordable& f, const Values& xs) {
    Recording* recording = Recording::open();
    std::unique_ptr<program::Graph> graph;
    std::string dead;
    {
        Values boxes;
        for (const Value& x : xs) boxes.push_back(recording->input(x));
        const Values outputs = f(boxes);
        graph = recording->finish(outputs);
        dead = recording->dead();
    }
    recording->close();
    CHECK_TEXT(graph, dead);
    auto program = std::make_unique<Program>(std::move(graph));
    program->plan();
    return program;
}

inline Values replay(const Program& program, const Values& xs) {
    Values outputs(program.outputs());
    CHECK(program.run(xs.data(), outputs.data()) == Program::complete);
    return outputs;
}

inline void check_same(const Recordable& f, const Values& recorded,
                       const std::vector<Values>& others, double tolerance = 1e-14) {
    const auto program = record(f, recorded);
    for (const Values& xs : others) {
        const Values got = replay(*program, xs), expected = f(xs);
        CHECK(got.size() == expected.size());
        for (std::size_t k = 0; k < got.size(); ++k) {
            CHECK(got[k].kind() == expected[k].kind());
            CHECK(shape_of(got[k]) == shape_of(expected[k]));
            CHECK(dtype_of(got[k]) == dtype_of(expected[k]));
            const std::vector<double> a = numbers_of(got[k]), b = numbers_of(expected[k]);
            for (std::size_t i = 0; i < a.size(); ++i) CHECK_NEAR(a[i], b[i], tolerance);
        }
    }
}

inline Value drawn(const std::vector<Extent>& shape, Random& random) {
    Extent n = 1;
    for (const Extent length : shape) n *= length;
    std::vector<double> numbers;
    for (Extent i = 0; i < n; ++i) numbers.push_back(random.between(0.2, 1.4));
    return array(shape, numbers);
}

// A value and the gradient for every argument, swept through the recorded level.
inline Recordable with_gradients(const std::function<Value(const Values&)>& f) {
    return [f](const Values& xs) {
        Trace trace;
        Values boxes;
        for (const Value& x : xs) boxes.push_back(trace.box(x));
        const Value y = f(boxes);
        Values results = trace.sweep({y}, {strong(1.0)}, boxes);
        results.insert(results.begin(), Value(y.traced().value));
        return results;
    };
}

}  // namespace fastad::testing
