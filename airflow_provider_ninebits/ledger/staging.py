"""
The numbers that a send is given, before the ledger knows of them.

They are read as a stream into a temporary table of one connection: checked, counted and made unique there, whether
they are one or a million. What is in it belongs to nobody else, costs no write lock while a slow file is read, and is
gone with the connection, so that a number that cannot be sent, or a process that dies, leaves no trace.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import Column, Integer, MetaData, String, Table, Text, delete, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.columns import big_key
from airflow_provider_ninebits.ledger.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import SendPlan

BATCH = 1000
# PostgreSQL knows nothing of a temporary table until it is told to look: it would sort all of it for each part.
_WORTH_ANALYZING = 10_000

_temporary = MetaData()
given_table = Table(
    "ninebits_given",
    _temporary,
    Column("place", big_key(), primary_key=True),
    Column("number", String(32), nullable=False, unique=True),
    Column("zones", Text, nullable=True),
    prefixes=["TEMPORARY"],
)
excluded_table = Table(
    "ninebits_excluded",
    _temporary,
    Column("place", Integer, primary_key=True),
    Column("number", String(32), nullable=False, unique=True),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True)
class Given:
    """
    What a send is given, in the temporary table of a connection.

    :param recipients: how many numbers are to be rung, each counted once, without those excluded.
    :param excluded: how many of the numbers that were given are excluded.
    :param excludes: whether any number is excluded, given or not.
    :param by_zones: whether no part has numbers of different time zones.
    """

    connection: Connection
    recipients: int
    excluded: int
    excludes: bool
    by_zones: bool = False

    def check_somebody(self) -> None:
        """
        Make sure that there is somebody to ring.

        :raises PlanRefused: where there is nobody.
        """
        if self.recipients:
            return
        if self.excluded:
            raise PlanRefused(
                f"all {self.excluded} numbers that were given are excluded, so nobody would be rung; skip the task "
                "instead"
            )
        raise PlanRefused("there is no number in what was given, so nobody would be rung; skip the task instead")

    def parts(self, size: int, *, besides: str | None) -> Iterator[tuple[str | None, list[str]]]:
        """
        Give the numbers in parts of this size, and a smaller last one, in the order in which they came.

        Each part comes with its zones: all of its numbers have the same ones. Where they do not matter it is None.

        :param besides: a send whose own numbers are left out.
        """
        for zones in self._counts() if self.by_zones else (None,):
            waiting: list[str] = []
            for page in self._pages(zones):
                waiting += page if besides is None else _missing(self.connection, besides, page)
                while len(waiting) >= size:
                    yield zones, waiting[:size]
                    del waiting[:size]
            if waiting:
                yield zones, waiting

    def count_parts(self, size: int) -> int:
        """Return how many parts of this size they make."""
        counts = self._counts().values() if self.by_zones else (self.recipients,)
        return sum(-(-count // size) for count in counts)

    def _counts(self) -> dict[str, int]:
        """Return how many numbers there are with the same zones, by the zones, in the order in which these came."""
        given = given_table.c
        rows = self.connection.execute(
            select(given.zones, func.count()).group_by(given.zones).order_by(func.min(given.place))
        )
        return {zones: count for zones, count in rows.all() if zones is not None}

    def _pages(self, zones: str | None) -> Iterator[list[str]]:
        # Page by page, and not joined with the ledger's numbers: PostgreSQL would sort or hash all of them each time.
        given, place = given_table.c, 0
        wanted = select(given.place, given.number).order_by(given.place).limit(BATCH)
        if zones is not None:
            wanted = wanted.where(given.zones == zones)
        while rows := self.connection.execute(wanted.where(given.place > place)).all():
            place = rows[-1].place
            yield [row.number for row in rows]


@contextmanager
def staged(database: Database, plan: SendPlan) -> Iterator[Given]:
    """
    Read the numbers of a plan to their end, and hold them while the block lasts.

    :raises PlanRefused: for more of them than ``max_recipients``.
    :raises LedgerUnreachable: when the ledger's database does not answer.
    """
    with database.reading() as connection:
        try:
            if database.is_sqlite:
                # In a file whatever the library was built for: a million numbers do not belong into memory.
                connection.exec_driver_sql("PRAGMA temp_store=FILE")
            _temporary.create_all(connection, checkfirst=False)
            connection.commit()
            yield _read(connection, plan)
        finally:
            # The connection goes back to the pool, where the next send expects nothing in it.
            with suppress(SQLAlchemyError):
                connection.rollback()
                _temporary.drop_all(connection, checkfirst=False)
                connection.commit()


def insert_numbers(connection: Connection, into: str, fixed: Mapping[str, object], numbers: Iterable[str]) -> int:
    """
    Insert numbers in one statement, whichever driver: executemany would be a thousand of them.

    :param into: the table, with what its unique constraint refuses left out.
    :param fixed: columns that are the same in each row.
    :return: how many were not there yet.
    """
    source = (
        "SELECT value FROM json_each(:numbers) ORDER BY key"
        if connection.dialect.name == "sqlite"
        else "SELECT value FROM jsonb_array_elements_text(CAST(:numbers AS jsonb))"
        " WITH ORDINALITY AS n(value, place) ORDER BY place"
    )
    columns = "".join(f"{name}, " for name in fixed)
    values = "".join(f":{name}, " for name in fixed)
    return connection.execute(
        text(
            f"INSERT INTO {into} ({columns}number) "  # noqa: S608 (names of this package's own, values are bound)
            f"SELECT {values}listed.value FROM ({source}) AS listed WHERE true ON CONFLICT DO NOTHING"
        ),
        {**fixed, "numbers": json.dumps(list(numbers))},
    ).rowcount


def _read(connection: Connection, plan: SendPlan) -> Given:
    may_be_excluded = sum(_fill(connection, excluded_table, plan.excluded))
    found = 0
    for more in _fill(connection, given_table, plan.numbers, plan.zones_of):
        found += more
        # As early as it is sure: nobody waits for the end of a file that is too long.
        _check_size(found - may_be_excluded, plan.max_recipients)
    excluded = _leave_out(connection) if may_be_excluded else 0
    _check_size(found - excluded, plan.max_recipients)
    if plan.zones_of is not None:
        # Else each of the zones would be looked for in all of the table, in a transaction that keeps others waiting.
        connection.execute(text("CREATE INDEX ninebits_given_zones ON ninebits_given (zones, place)"))
        connection.commit()
    if found > _WORTH_ANALYZING and connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE {given_table.name}"))
        connection.commit()
    return Given(
        connection,
        recipients=found - excluded,
        excluded=excluded,
        excludes=may_be_excluded > 0,
        by_zones=plan.zones_of is not None,
    )


def _fill(
    connection: Connection, table: Table, numbers: Iterable[str], zones_of: Callable[[str], str] | None = None
) -> Iterator[int]:
    rest = iter(numbers)
    while some := list(islice(rest, BATCH)):
        if zones_of is None:
            inserted = insert_numbers(connection, table.name, {}, some)
        else:
            by_zones = _by_zones(some, zones_of)
            inserted = sum(insert_numbers(connection, table.name, {"zones": each}, by_zones[each]) for each in by_zones)
        # Not one long transaction: it would keep PostgreSQL from cleaning up while a slow file is read.
        connection.commit()
        yield inserted


def _by_zones(numbers: list[str], zones_of: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number in numbers:
        found.setdefault(zones_of(number), []).append(number)
    return found


def _missing(connection: Connection, send_id: str, numbers: list[str]) -> list[str]:
    recipient = schema.recipient.c
    there = set(
        connection.execute(
            select(recipient.number).where(recipient.send_id == send_id, recipient.number.in_(numbers))
        ).scalars()
    )
    return [number for number in numbers if number not in there]


def _leave_out(connection: Connection) -> int:
    left_out = connection.execute(
        delete(given_table).where(given_table.c.number.in_(select(excluded_table.c.number)))
    ).rowcount
    connection.commit()
    return left_out


def _check_size(recipients: int, max_recipients: int | None) -> None:
    if max_recipients is not None and recipients > max_recipients:
        raise PlanRefused(
            f"there are more than max_recipients={max_recipients} numbers to ring, so nobody was rung; "
            "raise it if they are all meant"
        )
