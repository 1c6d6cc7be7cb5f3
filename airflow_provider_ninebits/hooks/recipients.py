"""Whom a send rings, read from what a task is given: numbers, or a path to them."""

from __future__ import annotations

import csv
import os
from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from airflow_provider_ninebits.api.rendered import NOTHING
from airflow_provider_ninebits.exceptions import InvalidArgument, SendFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

_LONGEST_LINE = 10_000


def read_to(to: object, to_path: object, to_column: object) -> Iterable[str]:
    """
    Return the numbers of the arguments ``to``, ``to_path`` and ``to_column``, canonical.

    Those of ``to`` are checked now. Those at a path are read and checked one after the other, whenever the result is
    iterated over, and are never all in memory; there may be repeats.

    :return: none at all for an empty list, which a new send is refused for.
    :raises InvalidArgument: for what cannot be sent; what is at a path says so while it is read.
    """
    if to is None and to_path is None:
        raise InvalidArgument("to is None, and so is to_path: give one of them; did an upstream task push nothing?")
    if to is not None and to_path is not None:
        raise InvalidArgument("to and to_path are both given; give one of them")
    column = _read_column(to_column)
    if to_path is not None:
        return NumbersAtPath("to_path", read_path(to_path, "to_path"), column)
    if column is not None:
        raise InvalidArgument("to_column names a column of the CSV at to_path; it says nothing of to")
    if _is_nobody(to):
        # Nobody is left, where a retry asks a query anew for whom the first try did not reach: the plan tells.
        return ()
    return _read_numbers(to, "to")


def read_exclude(exclude: object, to_column: object) -> Iterable[str]:
    """
    Return the numbers of the argument ``exclude``: some, or a path to them; None, and an empty list, are nobody.

    A text that is neither a number nor a list is a path. What is there has one number a line, or, where its first
    line has the column ``to_column``, is a CSV.

    :raises InvalidArgument: for what cannot be read: nobody is rung because an exclusion was not understood.
    """
    from airflow_provider_ninebits.api.numbers import canonical_number

    if exclude is None or _is_nobody(exclude):
        return ()
    if isinstance(exclude, os.PathLike) or _is_object_storage_path(exclude):
        return NumbersAtPath("exclude", exclude, _read_column(to_column), column_may_lack=True)
    if isinstance(exclude, str):
        text = exclude.strip()
        if text.lower() in NOTHING:
            raise InvalidArgument(
                f"exclude is {text!r}; did the upstream task that it comes from push nothing? Give [] for nobody"
            )
        if text[0] not in "[({" and canonical_number(text) is None:
            return NumbersAtPath("exclude", text, _read_column(to_column), column_may_lack=True)
    return _read_numbers(exclude, "exclude")


def read_max_recipients(max_recipients: object) -> int | None:
    """
    Return the most recipients that a send may have.

    :raises InvalidArgument: for what is no whole number above 0.
    """
    if max_recipients is None:
        return None
    if isinstance(max_recipients, bool) or not isinstance(max_recipients, int) or max_recipients < 1:
        raise InvalidArgument(f"max_recipients is {max_recipients!r}; give a whole number, 1 or more, or None")
    return max_recipients


def read_path(path: object, argument: str) -> object:
    """
    Return a path as it was given.

    :raises InvalidArgument: for what is none: None, a number, a list.
    """
    from airflow_provider_ninebits.api.numbers import canonical_number

    if isinstance(path, os.PathLike) or _is_object_storage_path(path):
        return path
    if not isinstance(path, str) or path.strip().lower() in NOTHING:
        shown = ascii(path) if isinstance(path, str) else f"a {type(path).__name__}"
        raise InvalidArgument(f"{argument} is {shown}; did the upstream task that it comes from push nothing?")
    if path.strip()[0] in "[({" or canonical_number(path) is not None:
        raise InvalidArgument(f"{argument} is no path; numbers are given as to")
    return path.strip()


@dataclass(frozen=True)
class NumbersAtPath:
    """
    The numbers in a file, wherever Airflow's ObjectStoragePath finds it: one a line, or a column of a CSV.

    UTF-8, with or without a byte order mark; packed files (``.gz``, ``.bz2``, ``.xz``, ``.zip``) are unpacked while
    they are read. Blank lines are skipped.

    :param argument: what the errors call it.
    :param column: the name of the column in the CSV's first line; None: one number a line.
    :param column_may_lack: where the first line has no such column, there is one number a line.
    """

    argument: str
    path: object
    column: str | None = None
    column_may_lack: bool = False

    def __iter__(self) -> Iterator[str]:
        """
        Read the file, from its beginning.

        :raises InvalidArgument: for what is no number, with its line, masked; for a column that is not there.
        :raises SendFailed: where the file cannot be read: this try rang nobody, and a retry reads it again.
        """
        from airflow_provider_ninebits.api.errors import InvalidMessage
        from airflow_provider_ninebits.api.numbers import read_recipient

        try:
            with self._open() as file:
                for line, value in self._values(file):
                    yield read_recipient(value, f"{self.shown}: line {line}")
        except InvalidMessage as error:
            hint = "" if self.column else ". For a CSV, give to_column"
            raise InvalidArgument(f"{error}{hint}") from error
        except UnicodeDecodeError as error:
            raise InvalidArgument(f"{self.shown} is no text in UTF-8; save it as such") from error
        except (InvalidArgument, SendFailed):
            raise
        except Exception as error:
            # Object stores have their own errors. What is not there now may be, or may let us in, at the next try.
            raise SendFailed(
                f"{self.shown} cannot be read ({type(error).__name__}), so this try rang nobody; "
                "check that it is there, whole, and that this worker may read it"
            ) from error

    @property
    def shown(self) -> str:
        """Argument and path as they may stand in an error: no credentials, no query string, which may be signed."""
        parts = urlsplit(str(self.path))
        bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        return f"{self.argument} {bare}"

    def _open(self) -> TextIO:
        # Inside: only who reads a file needs it, and nobody where a DAG file is parsed.
        from airflow.sdk import ObjectStoragePath

        try:
            path = ObjectStoragePath(self.path)  # type: ignore[arg-type]
            return path.open("r", encoding="utf-8-sig", compression="infer")  # type: ignore[no-any-return]
        except (ValueError, ImportError) as error:
            raise InvalidArgument(
                f"{self.shown} is of a storage that Airflow does not know here; install its provider "
                "(apache-airflow-providers-amazon for s3://, say)"
            ) from error

    def _values(self, file: TextIO) -> Iterator[tuple[int, str]]:
        lines = _lines(file, self.shown)
        first = next(lines, "")
        lines = chain([first], lines)
        if self.column is not None and not (self.column_may_lack and self.column not in _header(first)):
            yield from self._column_values(self.column, csv.reader(lines, strict=True))
            return
        for place, line in enumerate(lines, start=1):
            if line.strip():
                yield place, line

    def _column_values(self, column: str, rows: Any) -> Iterator[tuple[int, str]]:
        from airflow_provider_ninebits.api.masking import masked_numbers

        try:
            header = [name.strip() for name in next(rows)]
            if header.count(column) != 1:
                found = ascii(masked_numbers(", ".join(header))[:200])
                raise InvalidArgument(
                    f"{self.shown} has no column {column!r}, or more than one; the names in its first line are {found}"
                )
            index = header.index(column)
            for row in rows:
                if row and len(row) <= index:
                    raise InvalidArgument(f"{self.shown}: line {rows.line_num} ends before the column {column!r}")
                if row:
                    yield rows.line_num, row[index]
        except csv.Error as error:
            # Strict: a quote that is not closed would hide all the numbers up to the next one.
            raise InvalidArgument(f"{self.shown}: line {rows.line_num} is no CSV: {error}") from error


def _read_numbers(value: object, argument: str) -> tuple[str, ...]:
    from airflow_provider_ninebits.api.errors import InvalidMessage
    from airflow_provider_ninebits.api.numbers import read_recipients

    try:
        return tuple(read_recipients(value, argument))
    except InvalidMessage as error:
        raise InvalidArgument(str(error)) from error


def _is_nobody(numbers: object) -> bool:
    if isinstance(numbers, str):
        return numbers.strip() in ("[]", "()")
    return isinstance(numbers, Collection) and not numbers


def _read_column(to_column: object) -> str | None:
    if to_column is None:
        return None
    if not isinstance(to_column, str) or to_column.strip().lower() in NOTHING:
        raise InvalidArgument(f"to_column is {to_column!r}; give the name of a column, or leave it out")
    return to_column.strip()


def _is_object_storage_path(value: object) -> bool:
    # It is no os.PathLike where it leads to another machine. Asked by what it can do: importing it costs.
    return not isinstance(value, str) and hasattr(value, "open") and hasattr(value, "joinpath")


def _header(line: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line]))]


def _lines(file: TextIO, where: str) -> Iterator[str]:
    """Give the lines, never more than one in memory, however long a file without line ends is."""
    read_line = file.readline
    while line := read_line(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE and not line.endswith("\n"):
            raise InvalidArgument(f"{where} has a line of {_LONGEST_LINE} characters or more; is it a list of numbers?")
        yield line
