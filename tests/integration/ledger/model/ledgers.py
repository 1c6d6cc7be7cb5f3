"""Fresh ledgers for tests that need many of them."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger.database import Database
from tests.integration.conftest import create_on_server, run_on_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


def fresh_ledgers(
    backend: str, request: pytest.FixtureRequest, folder: Path
) -> Callable[[], AbstractContextManager[Database]]:
    """Return what gives an empty ledger, and takes it away again."""
    if backend == "sqlite":
        template: Path = request.getfixturevalue("migrated_sqlite")

        @contextmanager
        def on_sqlite() -> Iterator[Database]:
            for left in folder.glob("ninebits.db*"):
                left.unlink()
            shutil.copy(template, folder / "ninebits.db")
            database = Database(f"sqlite:///{folder / 'ninebits.db'}")
            yield database
            database.close()

        return on_sqlite
    server = request.getfixturevalue("postgres")
    name: str = request.getfixturevalue("migrated_postgres")

    @contextmanager
    def on_postgres() -> Iterator[Database]:
        url = create_on_server(server, name)
        database = Database(url.render_as_string(hide_password=False))
        yield database
        database.close()
        run_on_server(server, f"DROP DATABASE {url.database} WITH (FORCE)")

    return on_postgres
