"""For every test: how hard Hypothesis looks, and figures on the screen."""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    max_examples=50,
    deadline=None,  # a shared machine is slow at times, and that is no failure
    derandomize="CI" in os.environ,
    # a strategy that is slow to warm up on a busy machine is no failure either
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Figures belong on the screen, with `-s` and without: a limit that holds by a hair is news."""
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call" and report.user_properties
    ]
    if reports:
        terminalreporter.section("figures")
    for report in sorted(reports, key=lambda report: report.nodeid):
        terminalreporter.write_line(report.nodeid)
        for name, value in report.user_properties:
            terminalreporter.write_line(f"  {name}: {value}")
