"""The ledger's first page names each of its rooms."""

from __future__ import annotations

import pkgutil

import pytest

from airflow_provider_ninebits import ledger

TOLD_TOGETHER = ("_table", "_tables")


@pytest.mark.parametrize("room", sorted(found.name for found in pkgutil.iter_modules(ledger.__path__)))
def test_each_room_is_named(room: str) -> None:
    assert f"``{room}``" in str(ledger.__doc__) or room.endswith(TOLD_TOGETHER) or room == "migrations"
