"""``python -m benchmarks [NAME ...]``: what is measured is printed, and kept for the docs."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from rich.console import Console

from benchmarks.tools.machine import machine_and_versions
from benchmarks.tools.results import Results

BENCHMARKS = sorted({file.stem for file in Path(__file__).parent.glob("*.py")} - {"__init__", "__main__"})
PAGES = Path(__file__).parent.parent / "docs" / "measured"


def main(names: list[str]) -> int:
    """Run the benchmarks that are named, or all there are."""
    if unknown := sorted(set(names) - set(BENCHMARKS)):
        sys.stderr.write(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}.\n")
        return 2
    # However narrow the terminal is: a cut figure is none.
    console = Console(width=140)
    machine = machine_and_versions()
    console.print(machine)
    for name in names or BENCHMARKS:
        found = import_module(f"benchmarks.{name}").measure()
        for results in found:
            console.print(results.shown())
        _keep(name, machine, found)
    return 0


def _keep(name: str, machine: str, found: list[Results]) -> None:
    PAGES.mkdir(exist_ok=True)
    measured = f"Measured on {datetime.now(UTC):%Y-%m-%d} by `make bench {name}`: {' '.join(machine.splitlines())}."
    tables = "\n".join(results.as_markdown() for results in found)
    (PAGES / f"{name}.md").write_text(f"{tables}\n{measured}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
