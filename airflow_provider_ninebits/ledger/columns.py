"""Column types and indexes that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, DateTime, Index, Integer, text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

AMOUNT_PLACES = 9
UNITS = 10**AMOUNT_PLACES


def big_key() -> BigInteger:
    """Return a 64-bit key column that SQLite still numbers by itself (it does so for INTEGER only)."""
    return BigInteger().with_variant(Integer(), "sqlite")


def partial_index(name: str, *columns: str, where: str) -> Index:
    """Return an index of the rows for which a condition holds, which both databases understand."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: always aware, always UTC, whichever database keeps it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time: which moment it means depends on the machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment in the ledger needs an offset, got {value!r}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back what was stored, with its offset."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Amount(TypeDecorator[Decimal]):
    """
    An amount of money as a whole number of 10**-9 units.

    SQLite has no decimals (a float would turn 0.1 + 0.2 into 0.30000000000000004), integers add up exactly everywhere.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Scale to units."""
        return None if value is None else amount_units(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Scale back."""
        return read_amount(value)


@lru_cache(maxsize=1024)
def moment_text(value: datetime) -> str:
    """
    Return a moment as SQLite keeps it: in UTC, without an offset.

    To write one takes longer than all the rest of a value's way, and most are written more than once.

    :raises ValueError: for a naive one.
    """
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError(f"a moment in the ledger needs an offset, got {value!r}")
        value = value.astimezone(UTC)
    return value.isoformat(" ", "microseconds")[:-6]


def read_moment(value: datetime | str | None) -> datetime | None:
    """Return a moment as a driver gives it: SQLite's gives text."""
    return None if value is None else known_moment(value)


def known_moment(value: datetime | str) -> datetime:
    """Return a moment that is never null."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value.astimezone(UTC)


def amount_units(value: Decimal) -> int:
    """Return an amount as the ledger keeps it."""
    return int((value * UNITS).to_integral_value())


def read_amount(value: int | None) -> Decimal | None:
    """Return an amount as a driver gives it."""
    return None if value is None else Decimal(value) / UNITS
