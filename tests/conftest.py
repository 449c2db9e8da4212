"""What every test may use, and what is told at the end."""

from collections import Counter

import hypothesis
import pytest

hypothesis.settings.register_profile("tests", deadline=None)  # what a machine takes is nobody's fault
hypothesis.settings.load_profile("tests")

pytest_plugins = [
    "parts.tom_fixtures",
    "parts.kafka_fixtures",
    "parts.django_fixtures",
    "parts.ledgers",
    "parts.hermes_service",
]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that mostly wait where two processes begin: they wait while the others compute, not at the end."""
    waiting = [item for item in items if item.get_closest_marker("waits")]
    others = [item for item in items if not item.get_closest_marker("waits")]
    half = len(others) // 2
    items[:] = [*waiting[::2], *others[:half], *waiting[1::2], *others[half:]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped and why, a line a reason."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] += 1
    if reasons:
        terminalreporter.section("not tested here")
        for reason, count in reasons.most_common():
            terminalreporter.write_line(f"{count} tests: {reason}")
