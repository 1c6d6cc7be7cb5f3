"""``python -m benchmarks [NAME ...]``: what is measured is printed, and kept for the docs."""

from __future__ import annotations

import re
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from rich.console import Console

from benchmarks.tools import beside
from benchmarks.tools.machine import machine_and_versions
from benchmarks.tools.results import Results

BENCHMARKS = sorted({file.stem for file in Path(__file__).parent.glob("*.py")} - {"__init__", "__main__"})
BESIDE = ("mounted", "latency")
"""Which run another Airflow beside; the Makefile makes its environment for them."""
PAGES = Path(__file__).parent.parent / "docs" / "measured"


def main(names: list[str]) -> int:
    """Run the benchmarks that are named, or all there are."""
    if unknown := sorted(set(names) - set(BENCHMARKS)):
        sys.stderr.write(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}.\n")
        return 2
    # However narrow the terminal is: a cut figure is none.
    console = Console(width=170)
    chosen = names or BENCHMARKS
    console.print(f"{machine_and_versions()}\n{_how_long(chosen)}")
    for name in chosen:
        began = time.monotonic()
        found = import_module(f"benchmarks.{name}").measure()
        minutes = (time.monotonic() - began) / 60
        for results in found:
            console.print(results.shown())
        console.print(f"{name} took {minutes:.0f} min")
        _keep(name, found, minutes)
    return 0


def _how_long(names: list[str]) -> str:
    """Say how long it will take, by what each took when its page was measured."""
    took = {name: _minutes_before(name) for name in names}
    known = [minutes for minutes in took.values() if minutes is not None]
    each = ", ".join(f"{name} {'?' if minutes is None else minutes}" for name, minutes in took.items())
    more = "" if len(known) == len(took) else ", and what nobody has timed yet"
    return f"Minutes when last measured, on the machine of its page: {each}; in all {sum(known)}{more}."


def _minutes_before(name: str) -> int | None:
    page = PAGES / f"{name}.md"
    found = re.search(r"in (\d+) min by `make bench", page.read_text()) if page.exists() else None
    return None if found is None else int(found.group(1))


def _keep(name: str, found: list[Results], minutes: float) -> None:
    PAGES.mkdir(exist_ok=True)
    machine = " ".join(machine_and_versions(beside.PYTHON if name in BESIDE else None).splitlines())
    by = f"in {max(round(minutes), 1)} min by `make bench {name}`"
    tables = "\n".join(results.as_markdown() for results in found)
    (PAGES / f"{name}.md").write_text(f"{tables}\nMeasured on {datetime.now(UTC):%Y-%m-%d} {by}: {machine}.\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
