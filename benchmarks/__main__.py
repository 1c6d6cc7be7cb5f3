"""``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from rich.console import Console

from benchmarks.machine import machine_and_versions

NO_BENCHMARKS = {"__init__", "__main__", "machine"}


def main(names: list[str]) -> int:
    """Run the benchmarks that are named, or all there are."""
    known = sorted({file.stem for file in Path(__file__).parent.glob("*.py")} - NO_BENCHMARKS)
    if unknown := sorted(set(names) - set(known)):
        sys.stderr.write(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(known)}.\n")
        return 2
    Console().print(machine_and_versions())
    for name in names or known:
        import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
