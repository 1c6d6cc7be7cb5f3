"""The page of ``ninebits check`` has every finding."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_says_what_the_code_does() -> None:
    """Run ``python docs/check_page.py`` where this fails."""
    page = subprocess.run(
        [sys.executable, "docs/check_page.py", "--print"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert page.stdout == (ROOT / "docs" / "check.md").read_text()
