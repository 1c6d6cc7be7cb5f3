"""Fresh ledgers, and how many examples are played."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.ledger.model.ledgers import fresh_ledgers

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from airflow_provider_ninebits.ledger.database import Database


@pytest.fixture
def fresh_ledger(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[], AbstractContextManager[Database]]:
    """Gives an empty ledger as often as it is asked."""
    return fresh_ledgers(backend, request, tmp_path)
