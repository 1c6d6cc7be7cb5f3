"""Calling hours that begin when a test wants them to."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def opening(timezone: str, begins: datetime) -> str:
    """Calling hours that begin at a moment, by a zone's clock, and last half an hour."""
    wall = begins.astimezone(ZoneInfo(timezone))
    return f"{wall:%H:%M:%S}-{wall + timedelta(minutes=30):%H:%M:%S}"
