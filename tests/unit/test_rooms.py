"""A package's first page names each of its rooms, and none that is not there."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module

import pytest

import airflow_provider_ninebits

PACKAGES = sorted(found.name for found in pkgutil.iter_modules(airflow_provider_ninebits.__path__) if found.ispkg)
TOLD_TOGETHER = ("_table", "_tables")
FOLDERS = {"migrations", "templates", "static"}


def rooms_of(package: str) -> set[str]:
    path = import_module(f"airflow_provider_ninebits.{package}").__path__
    return {found.name for found in pkgutil.iter_modules(path) if found.name != "__main__"}


def table_of(package: str) -> str:
    """What stands in the docstring's table, or nothing."""
    doc = import_module(f"airflow_provider_ninebits.{package}").__doc__ or ""
    parts = re.split(r"^=+ +=+$", doc, flags=re.MULTILINE)
    return parts[1] if len(parts) == 3 else ""


@pytest.mark.parametrize(
    ("package", "room"), [(package, room) for package in PACKAGES for room in sorted(rooms_of(package))]
)
def test_each_room_is_named(package: str, room: str) -> None:
    assert f"``{room}``" in table_of(package) or room.endswith(TOLD_TOGETHER) or room == "migrations"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_room_is_named_that_is_not_there(package: str) -> None:
    beginnings = re.findall(r"(?:^|; )((?:``\w+``(?:, )?)+)", table_of(package), flags=re.MULTILINE)
    named = {name for together in beginnings for name in re.findall(r"\w+", together)}
    assert named <= rooms_of(package) | FOLDERS
