"""
Look for known advisories about what the lock pins, without a network.

    python scripts/audit.py FOLDER [LOCK]

FOLDER is a checkout of the PyPA advisory database (https://github.com/pypa/advisory-database). Exit status: 0 none, 1
some, 2 the folder is none such, or older than may be relied on.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCK = Path(__file__).resolve().parent.parent / "requirements" / "dev.txt"
OLDEST_USEFUL = timedelta(days=30)
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Print the advisories that concern what is pinned."""
    folder = Path(arguments[0]) / "vulns"
    lock = Path(arguments[1]) if len(arguments) > 1 else LOCK
    advisories = [
        yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
        for name in {canonicalize_name(name) for name, _ in pins(lock)}
        for file in sorted((folder / name).glob("*.yaml"))
    ]
    newest = max((moment(each) for each in advisories), default=None)
    if newest is None:
        print(f"{folder} holds no advisory about anything in {lock}: is it the PyPA advisory database?")
        return 2
    found = [
        (name, version, each) for name, version in pins(lock) for each in advisories if concerns(each, name, version)
    ]
    for name, version, each in found:
        print(f"{name} {version}: {each['id']} {' '.join(each.get('aliases', []))} {summary(each)}")
    print(f"{len(pins(lock))} packages, {len(advisories)} advisories about them, the newest of {newest:%Y-%m-%d}")
    if found:
        return 1
    if datetime.now(UTC) - newest > OLDEST_USEFUL:
        print("None was found, which says little: the advisories are old. Update the checkout.")
        return 2
    return 0


def pins(lock: Path) -> list[tuple[str, str]]:
    """Return name and version of each package in a lock."""
    return [(canonicalize_name(name), version) for name, version in _PIN.findall(lock.read_text())]


def concerns(advisory: dict[str, Any], name: str, version: str) -> bool:
    """Return whether an advisory that was not withdrawn is about this version of this package."""
    if "withdrawn" in advisory:
        return False
    for affected in advisory.get("affected", ()):
        if canonicalize_name(affected["package"]["name"]) != name:
            continue
        if version in affected.get("versions", ()) or any(
            lies_in(Version(version), events) for events in ecosystem_events(affected)
        ):
            return True
    return False


def ecosystem_events(affected: dict[str, Any]) -> Iterator[list[dict[str, str]]]:
    """Give the lists of versions at which a package became affected, and was mended."""
    for each in affected.get("ranges", ()):
        if each["type"] == "ECOSYSTEM":
            yield each["events"]


def lies_in(version: Version, events: list[dict[str, str]]) -> bool:
    """Return whether a version comes after an introduction and before its end (OSV: evaluation of ranges)."""
    inside = False
    for event in sorted(events, key=lambda event: Version(next(iter(event.values())))):
        kind, bound = next(iter(event.items()))
        if kind == "introduced" and version >= Version(bound):
            inside = True
        elif (kind == "fixed" and version >= Version(bound)) or (kind == "last_affected" and version > Version(bound)):
            inside = False
    return inside


def moment(advisory: dict[str, Any]) -> datetime:
    """Return when an advisory was changed last."""
    changed = advisory["modified"]
    found = changed if isinstance(changed, datetime) else datetime.fromisoformat(changed.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def summary(advisory: dict[str, Any]) -> str:
    """Return the beginning of what it says."""
    return " ".join(str(advisory.get("summary") or advisory.get("details", "")).split())[:120]


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
