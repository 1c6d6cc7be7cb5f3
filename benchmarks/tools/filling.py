"""A PostgreSQL ledger that has settled so many calls, filled by the server itself: 10,000,000 in some minutes."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import create_engine, text

from airflow_provider_ninebits.ledger.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

PART = 1000
DAYS = 300
_MS_IN_A_DAY = 86_400_000
_STATEMENTS = Path(__file__).with_suffix(".sql")
_LOWEST = 2340000000000
# Prime, so that whoever goes through it by any stride comes by everybody before anybody comes again.
_PEOPLE = 1_000_003
_STRIDE = 736_877
_TABLES = ("send", "message", "request", "recipient", "callback")


class Shape(NamedTuple):
    """How calls are spread: recipients of a message, messages of a send, and over how many connections those go."""

    part: int = PART
    messages: int = 10
    connections: int = 1

    def steps(self) -> dict[str, int]:
        """Return how many calls each send has, and each message."""
        return {"send": self.part * self.messages, "message": self.part}

    def conn_id_of(self, message: int) -> str:
        """Return the connection that a message went over."""
        place = message % self.connections
        return f"ninebits_{place}" if place else "ninebits_default"


def number_of(person: int) -> str:
    """Return a number that a filled ledger has rung, if it is large enough; neighbours are far apart."""
    return str(_LOWEST + (person * 7919) % _PEOPLE)


def ref_id_of(message: int) -> str:
    """Return the ``ref_id`` of a message of a filled ledger."""
    return f"grown{message:020}"


def fill(url: str, total: int, shape: Shape = Shape()) -> None:  # noqa: B008 (it cannot change)
    """Fill an empty ledger with so many recipients, each with its callback, over the last 300 days, and analyze it."""
    with closing(Database(url)) as ledger, ledger.reading():
        pass
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    given = {"total": total, "days": DAYS, "lowest": _LOWEST, "people": _PEOPLE, "stride": _STRIDE}
    # Written into the text: as parameters they had no type, and made bigints text.
    written = re.sub(
        r":(part|messages|connections)\b",
        lambda name: str(getattr(shape, name[1])),
        _with_ids(_STATEMENTS.read_text().partition("\n\n")[2], total, shape),
    )
    statements = written.split("\n\n")
    with _without_indexes(engine), ThreadPoolExecutor(2) as pool:
        # The largest two come last, and the server has a process for each.
        list(pool.map(lambda statement: _run(engine, statement, given), statements))
    for table in ("request", "recipient", "callback"):
        _run(engine, f"SELECT setval(pg_get_serial_sequence('ninebits_{table}', 'id'), {total + 1})")
    engine.dispose()
    settle(url)


def _with_ids(statements: str, total: int, shape: Shape) -> str:
    """Write out ``:send_id(s)`` and ``:message_id(m)``: as the ledger's ids, they begin with the time."""
    first_ms = round(time.time() * 1000) - DAYS * _MS_IN_A_DAY
    for kind, calls in shape.steps().items():
        at_ms = f"({first_ms} + {DAYS * _MS_IN_A_DAY * calls // total} * \\1)"
        rest = f"translate(left(md5('{kind}' || \\1), 14), '0123456789', 'ghijklmnop')"
        written = f"""to_char({at_ms}, 'FM00000"x"00000"x"00000') || 'r' || {rest}"""
        statements = re.sub(rf":{kind}_id\((\w)\)", written, statements)
    return statements


def settle(url: str) -> None:
    """Leave nothing for the server to do beside: clear, analyze, and write all to the disk."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    _run(engine, "VACUUM (ANALYZE)")
    _run(engine, "CHECKPOINT")
    engine.dispose()


def sizes(url: str) -> dict[str, tuple[int, int]]:
    """Return how many bytes each table has, and how many its indexes."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT substr(relname, 10), pg_table_size(oid), pg_indexes_size(oid) FROM pg_class "
                "WHERE relkind = 'r' AND relname = ANY(:names)"
            ),
            {"names": [f"ninebits_{table}" for table in _TABLES]},
        ).all()
    engine.dispose()
    return {name: (table, indexes) for name, table, indexes in found}


@contextmanager
def _without_indexes(engine: Engine) -> Iterator[None]:
    """Take indexes and constraints away while the block lasts: to build them at the end takes far less time."""
    names = {"names": [f"ninebits_{table}" for table in _TABLES]}
    with engine.connect() as connection:
        constraints = connection.execute(
            text(
                "SELECT conrelid::regclass::text AS of, conname AS name, pg_get_constraintdef(oid) AS says "
                "FROM pg_constraint WHERE contype IN ('p', 'u', 'f') AND "
                "(conrelid::regclass::text = ANY(:names) OR confrelid::regclass::text = ANY(:names)) "
                # Foreign keys go first, and come last.
                "ORDER BY contype <> 'f'"
            ),
            names,
        ).all()
        indexes = connection.execute(
            text(
                "SELECT indexname AS name, indexdef AS says FROM pg_indexes WHERE tablename = ANY(:names) "
                "AND indexname NOT IN (SELECT conname FROM pg_constraint)"
            ),
            names,
        ).all()
    for constraint in constraints:
        _run(engine, f"ALTER TABLE {constraint.of} DROP CONSTRAINT {constraint.name}")
    for index in indexes:
        _run(engine, f"DROP INDEX {index.name}")
    yield
    for index in indexes:
        _run(engine, index.says)
    for constraint in reversed(constraints):
        _run(engine, f"ALTER TABLE {constraint.of} ADD CONSTRAINT {constraint.name} {constraint.says}")


def _run(engine: Engine, statement: str, given: dict[str, Any] | None = None) -> None:
    with engine.connect() as connection:
        connection.execute(text("SET maintenance_work_mem = '1GB'"))
        connection.execute(text(statement), given or {})
