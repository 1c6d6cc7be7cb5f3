"""The command line: ``ninebits``."""

from __future__ import annotations
