// SPDX-License-Identifier: Apache-2.0
// The test program: Catch2 with results as TAP, one line a claim, as they come.
//
// A test's name is printed before it runs, so that a guest that dies leaves the name of
// the test that killed it.
#define CATCH_CONFIG_RUNNER
// children die of signals on purpose; Catch2 would report that as a failure
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <vector>

#if CATCH_VERSION_MAJOR >= 3
#include <pthread.h>

#include <catch2/internal/catch_test_case_registry_impl.hpp>
#endif

namespace {

// What differs between the generations of Catch2.
#if CATCH_VERSION_MAJOR >= 3
class Reporter : public Catch::StreamingReporterBase {
public:
    using Reported = void;
    using StreamingReporterBase::StreamingReporterBase;

protected:
    std::ostream& stream = m_stream;
    static const Catch::TestCaseInfo& info_of(const Catch::TestCaseStats& stats) {
        return *stats.testInfo;
    }
};

void choose_reporter(Catch::Session& session) {
    session.configData().reporterSpecifications.emplace_back(
        "claims", Catch::Optional<std::string>(), Catch::Optional<Catch::ColourMode>(),
        std::map<std::string, std::string>());
}

// Catch2's handlers cannot be compiled out here; a child resets them.
void prepare_children() {
    pthread_atfork(nullptr, nullptr, [] {
        for (const int fatal : {SIGINT, SIGILL, SIGFPE, SIGSEGV, SIGTERM, SIGABRT})
            std::signal(fatal, SIG_DFL);
    });
}

// The option that lists names had one name, and is two options now.
std::vector<const char*> arguments(int argc, char* argv[]) {
    std::vector<const char*> all;
    for (int i = 0; i < argc; ++i) {
        if (argv[i] == std::string_view("--list-test-names-only"))
            all.insert(all.end(), {"--list-tests", "--verbosity", "quiet"});
        else
            all.push_back(argv[i]);
    }
    return all;
}
#else
class Reporter : public Catch::StreamingReporterBase<Reporter> {
public:
    using Reported = bool;
    using StreamingReporterBase::StreamingReporterBase;

protected:
    static const Catch::TestCaseInfo& info_of(const Catch::TestCaseStats& stats) {
        return stats.testInfo;
    }
};

void choose_reporter(Catch::Session& session) {
    session.configData().reporterName = "claims";
}

void prepare_children() {}

std::vector<const char*> arguments(int argc, char* argv[]) {
    return {argv, argv + argc};
}
#endif

class TapReporter : public Reporter {
public:
    using Reporter::Reporter;

    static std::string getDescription() { return "TAP, each line as it happens"; }

    void testRunStarting(const Catch::TestRunInfo& info) override {
        Reporter::testRunStarting(info);
        const auto& all = Catch::getAllTestCasesSorted(*m_config);
        const auto chosen = Catch::filterTests(all, m_config->testSpec(), *m_config);
        stream << "1.." << chosen.size() << std::endl;
        if (const char* scale = std::getenv("ASHMEM_TEST_SCALE"))
            stream << "# rounds divided by " << scale << std::endl;
    }

    void testCaseStarting(const Catch::TestCaseInfo& info) override {
        Reporter::testCaseStarting(info);
        ++number_;
        stream << "# run " << number_ << " - " << info.name << std::endl;
    }

    void assertionStarting(const Catch::AssertionInfo&) override {}

    Reported assertionEnded(const Catch::AssertionStats& stats) override {
        if (stats.assertionResult.isOk()) return Reported(true);
        const auto& result = stats.assertionResult;
        stream << "#   " << result.getSourceInfo().file << ':' << result.getSourceInfo().line
               << ": " << result.getExpressionInMacro();
        if (result.hasExpandedExpression()) stream << " is " << result.getExpandedExpression();
        if (result.hasMessage()) stream << ": " << result.getMessage();
        stream << '\n';
        for (const auto& message : stats.infoMessages)
            stream << "#   with " << message.message << '\n';
        return Reported(true);
    }

    void testCaseEnded(const Catch::TestCaseStats& stats) override {
        stream << (stats.totals.testCases.allOk() ? "ok " : "not ok ") << number_ << " - "
               << info_of(stats).name << std::endl;
        Reporter::testCaseEnded(stats);
    }

    // The last line is for people; programs count the lines above.
    void testRunEnded(const Catch::TestRunStats& stats) override {
        const auto& cases = stats.totals.testCases;
        stream << "# " << cases.passed << " of " << cases.total() << " claims hold" << std::endl;
        Reporter::testRunEnded(stats);
    }

private:
    std::size_t number_ = 0;
};

CATCH_REGISTER_REPORTER("claims", TapReporter)

} // namespace

int main(int argc, char* argv[]) {
    Catch::Session session;
    choose_reporter(session);
    prepare_children();
    // a test without an assertion proves nothing
    session.configData().warnings = Catch::WarnAbout::NoAssertions;
    const auto all = arguments(argc, argv);
    const int ret = session.applyCommandLine(static_cast<int>(all.size()), all.data());
    return ret ? ret : session.run();
}
