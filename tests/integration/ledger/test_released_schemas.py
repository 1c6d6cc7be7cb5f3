"""
A ledger of every released version is brought up to date, with all that it held.

The dumps under ``released`` are what those versions made; ``releases.py`` says how they come about.
"""

from __future__ import annotations

import multiprocessing
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, text
from sqlalchemy.engine import make_url

from airflow_provider_ninebits.ledger import migrate, schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, LedgerUnusable
from airflow_provider_ninebits.ledger.migrate import HEAD, current_version
from airflow_provider_ninebits.ledger.outcomes import look, read_outcome
from airflow_provider_ninebits.ledger.receivers import register
from tests.integration.ledger.releases import dump_of, everything, restore, revisions
from tests.integration.ledger.scenes import ADA, BEN, a_plan, plan, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.synchronize import Barrier

    from sqlalchemy.engine import URL, Engine

PROCESSES = 4
NEXT = "9000"
MIGRATIONS = Path(migrate.__file__).with_name("migrations")
# What a later version does: it changes a table that is full, and notes that it did.
NEXT_REVISION = f'''
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{NEXT}", "{HEAD}"


def upgrade():
    op.create_table("ninebits_upgrade", sa.Column("done", sa.Boolean()))
    op.execute("INSERT INTO ninebits_upgrade VALUES (true)")
    op.add_column("ninebits_send", sa.Column("note", sa.Text(), nullable=False, server_default="old"))
    {{last}}
'''


@pytest.fixture(params=revisions())
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def released(revision: str, empty_database_url: str) -> Iterator[Engine]:
    """A ledger as the version with this revision left it."""
    url = make_url(empty_database_url)
    restore(revision, url)
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def upgraded(released: Engine) -> Iterator[Database]:
    database = Database(released.url.render_as_string(hide_password=False))
    yield database
    database.close()


def test_a_dump_holds_something_in_each_column(released: Engine, revision: str) -> None:
    held = everything(released)
    found = MetaData()
    found.reflect(released)
    with released.connect() as connection:
        assert current_version(connection) == revision
    empty = [
        f"{name}.{column.name}"
        for name, table_rows in held.items()
        for column in found.tables[name].columns
        if all(row[column.name] is None for row in table_rows)
    ]
    assert empty == [], "the dump is older than the schema: python -m tests.integration.ledger.releases"


def test_every_row_is_kept(released: Engine, upgraded: Database) -> None:
    before = everything(released)
    with upgraded.reading() as connection:
        assert current_version(connection) == HEAD
    after = everything(released)

    assert before
    for name, old_rows in before.items():
        assert len(after[name]) == len(old_rows), name
        for old, new in zip(old_rows, after[name], strict=True):
            assert {column: new[column] for column in old} == old, name


def test_the_schema_is_what_the_models_say(upgraded: Database) -> None:
    """Fails as well where a revision was changed in place: a ledger that has it already does not hear of that."""
    with upgraded.reading() as connection:
        options = {"version_table": schema.VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata) == []


def test_it_goes_on_where_it_was(upgraded: Database) -> None:
    outcome, _ = read_outcome(upgraded, ["r1"], attempt_window=timedelta())
    assert (outcome.answered, outcome.unanswered, outcome.as_dict()["total_amount"]) == (1, 1, "30")
    assert [part.ref for part in plan(upgraded, a_plan((ADA, BEN), key="settled")).parts] == ["r1"]
    assert [part.ref for part in plan(upgraded, a_plan((ADA,), key="purged")).parts] == ["purged"]
    assert look(upgraded, ["purged"], attempt_window=timedelta()).progress.purged_ref_ids == ("purged",)
    assert [part.state for part in plan(upgraded, a_plan((BEN,), key="planned")).parts] == ["planned"]


@pytest.mark.parametrize("backend_name", ["sqlite", "postgresql"])
def test_each_revision_has_its_dumps(backend_name: str) -> None:
    assert [revision for revision in revisions() if not dump_of(revision, backend_name).is_file()] == []


class TestSeveralProcessesAtOnce:
    def test_on_a_ledger_of_a_released_version(self, released: Engine, upgraded: Database) -> None:
        before = everything(released)
        run_at_once(released.url, come)

        assert len(rows(upgraded, schema.receiver)) == len(before["ninebits_receiver"]) + PROCESSES

    @pytest.mark.parametrize("old", [None, HEAD], ids=["empty", "an older version"])
    def test_on_a_ledger_that_the_next_version_changes(
        self, empty_database_url: str, old: str | None, tmp_path: Path
    ) -> None:
        url = make_url(empty_database_url)
        engine = create_engine(url)
        if old is not None:
            restore(old, url)
        before = everything(engine)
        run_at_once(url, come_with_the_next_version, next_migrations(tmp_path, "pass"))

        after = everything(engine)
        with engine.connect() as connection:
            assert current_version(connection) == NEXT
        engine.dispose()
        assert after["ninebits_upgrade"] == [{"done": True}]
        assert len(after["ninebits_receiver"]) == len(before.get("ninebits_receiver", [])) + PROCESSES
        for name, old_rows in before.items():
            kept = [{column: row[column] for column in old_rows[0]} for row in after[name]]
            assert all(row in kept for row in old_rows), name
        assert {send["note"] for send in after["ninebits_send"]} <= {"old"}


class TestAMigrationThatFails:
    def test_leaves_the_ledger_as_it_was(
        self, released: Engine, upgraded: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        register(upgraded, "a-host")
        before = everything(released)
        later = Database(released.url.render_as_string(hide_password=False))
        with monkeypatch.context() as patch:
            patch.setattr(migrate, "HEAD", NEXT)
            patch.setattr(migrate, "_SCRIPTS", next_migrations(tmp_path, 'op.execute("SELECT 1 FROM nowhere")'))
            with pytest.raises(LedgerUnreachable, match="nowhere"):
                register(later, "a-host")
        later.close()

        assert everything(released) == before
        assert register(upgraded, "a-host")


def test_an_older_version_does_not_write_to_a_newer_ledger(
    released: Engine, upgraded: Database, tmp_path: Path
) -> None:
    run_at_once(released.url, come_with_the_next_version, next_migrations(tmp_path, "pass"))
    before = everything(released)

    with pytest.raises(LedgerUnusable, match=rf"{NEXT}.*it has {HEAD}.*upgrade the package"):
        register(upgraded, "a-host")
    assert everything(released) == before


def next_migrations(folder: Path, last: str) -> str:
    """The migrations with one more."""
    copied = folder / "migrations"
    shutil.copytree(MIGRATIONS, copied)
    (copied / "versions" / "9000_next.py").write_text(NEXT_REVISION.replace("{last}", last))
    return str(copied)


def come(url: str, barrier: Barrier) -> None:
    database = Database(url)
    barrier.wait(timeout=60)
    register(database, "a-host")
    database.close()


def come_with_the_next_version(url: str, barrier: Barrier, migrations: str) -> None:
    migrate.HEAD, migrate._SCRIPTS = NEXT, migrations
    come(url, barrier)


def run_at_once(url: URL, target: object, *arguments: str) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    given = (url.render_as_string(hide_password=False), barrier, *arguments)
    processes = [context.Process(target=target, args=given) for _ in range(PROCESSES)]  # type: ignore[arg-type]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=90)
    assert [process.exitcode for process in processes] == [0] * PROCESSES


def test_the_table_of_versions_holds_one(upgraded: Database) -> None:
    with upgraded.reading() as connection:
        assert connection.execute(text(f"SELECT version_num FROM {schema.VERSION_TABLE}")).scalars().all() == [HEAD]
