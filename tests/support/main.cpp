// SPDX-License-Identifier: Apache-2.0
// The test program: Catch2 with results as TAP, one line a claim, as they come.
//
// The line that names a claim comes before it runs, so that a guest that dies
// leaves the name of the claim that killed it.
#define CATCH_CONFIG_RUNNER
// children die of signals on purpose; Catch2 would report that as a failure
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

namespace {

class TapReporter : public Catch::StreamingReporterBase<TapReporter> {
public:
    using StreamingReporterBase::StreamingReporterBase;

    static std::string getDescription() { return "TAP, each line as it happens"; }

    void testRunStarting(const Catch::TestRunInfo& info) override {
        StreamingReporterBase::testRunStarting(info);
        const auto& all = Catch::getAllTestCasesSorted(*m_config);
        const auto chosen = Catch::filterTests(all, m_config->testSpec(), *m_config);
        stream << "1.." << chosen.size() << std::endl;
        if (const char* scale = std::getenv("ASHMEM_TEST_SCALE"))
            stream << "# rounds divided by " << scale << std::endl;
    }

    void testCaseStarting(const Catch::TestCaseInfo& info) override {
        StreamingReporterBase::testCaseStarting(info);
        ++number_;
        stream << "# run " << number_ << " - " << info.name << std::endl;
    }

    void assertionStarting(const Catch::AssertionInfo&) override {}

    bool assertionEnded(const Catch::AssertionStats& stats) override {
        if (stats.assertionResult.isOk()) return true;
        const auto& result = stats.assertionResult;
        stream << "#   " << result.getSourceInfo().file << ':' << result.getSourceInfo().line
               << ": " << result.getExpressionInMacro();
        if (result.hasExpandedExpression()) stream << " is " << result.getExpandedExpression();
        if (result.hasMessage()) stream << ": " << result.getMessage();
        stream << '\n';
        for (const auto& message : stats.infoMessages)
            stream << "#   with " << message.message << '\n';
        return true;
    }

    void testCaseEnded(const Catch::TestCaseStats& stats) override {
        stream << (stats.totals.testCases.allOk() ? "ok " : "not ok ") << number_ << " - "
               << stats.testInfo.name << std::endl;
        StreamingReporterBase::testCaseEnded(stats);
    }

    // The closing line is for people; whoever counts, counts the lines above.
    void testRunEnded(const Catch::TestRunStats& stats) override {
        const auto& cases = stats.totals.testCases;
        stream << "# " << cases.passed << " of " << cases.total() << " claims hold" << std::endl;
        StreamingReporterBase::testRunEnded(stats);
    }

private:
    std::size_t number_ = 0;
};

CATCH_REGISTER_REPORTER("tap", TapReporter)

} // namespace

int main(int argc, char* argv[]) {
    Catch::Session session;
    session.configData().reporterName = "tap";
    // a claim that asserts nothing proves nothing
    session.configData().warnings = Catch::WarnAbout::NoAssertions;
    const int ret = session.applyCommandLine(argc, argv);
    return ret ? ret : session.run();
}
