"""
Ids of sends and messages: what is planned a millisecond later has a larger one.

A number may have been in thousands of messages, and a callback can only come from one that was requested lately. Nearly
all requests are made soon after their message was planned, so that the id tells which can be left out without a look at
each. A request that was made later says so (``late``), and is looked for by that.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, cast, extract, func, literal_column

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

LATE_AFTER = timedelta(days=8)
"""
A request that is made so long after its message was planned is late. Longer than a week, for which calling days may
hold thousands of them up: while there are late ones, each group of callbacks looks through them, and its numbers' past.
"""
_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Decimal: PostgreSQL compares by the rules of the database's language, and in Danish `aa` is one letter and comes last.
# In three groups, and letters behind them: else it looked like a phone number, to people and to what masks those. The
# year 9999 fits.
_GROUP, _TIME_DIGITS = 5, 15
_AS_POSTGRESQL_WRITES_IT = """'FM00000"x"00000"x"00000'"""
_RANDOM_BYTES = 7
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def new_id(planned_at: datetime) -> str:
    """Return an id for what is planned at a moment: its milliseconds, and 56 random bits, 32 characters in all."""
    return id_of(planned_at, secrets.token_hex(_RANDOM_BYTES))


def id_of(planned_at: datetime, rest: str) -> str:
    """Return the id for what is planned at a moment; ``rest``: the 14 hexadecimal digits that tell it apart."""
    return f"{_time_digits(planned_at)}r{rest.translate(_LETTERS)}"


def lowest_id(requested_at: datetime) -> str:
    """Return what no id is less than of a message for which a request at that moment would not be late."""
    return _time_digits(requested_at - LATE_AFTER) if requested_at - _EPOCH > LATE_AFTER else _time_digits(_EPOCH)


def lowest_id_at(requested_at: ColumnElement[datetime]) -> ColumnElement[str]:
    """Do as :func:`lowest_id` does where the moment is PostgreSQL's to know."""
    late_after: ColumnElement[int] = literal_column(str(LATE_AFTER // _MS))
    milliseconds = cast(func.floor(extract("epoch", requested_at) * literal_column("1000")), BigInteger) - late_after
    at_least_none = func.greatest(milliseconds, literal_column("0"))
    return func.to_char(at_least_none, literal_column(_AS_POSTGRESQL_WRITES_IT))


def _time_digits(moment: datetime) -> str:
    digits = f"{(moment - _EPOCH) // _MS:0{_TIME_DIGITS}}"
    return "x".join(digits[start : start + _GROUP] for start in range(0, _TIME_DIGITS, _GROUP))
