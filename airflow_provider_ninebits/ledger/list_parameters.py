"""
A list as one bound parameter, and as one value of a row.

``IN`` binds each value by itself: a statement for each length, which no database prepares, and of which SQLite takes no
more than 32,766. And to make a row of each of a thousand texts takes longer than to find them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Boolean, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, SelectBase
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.sql.selectable import TableValuedAlias
    from sqlalchemy.types import TypeEngine


class TextList(TypeDecorator["Iterable[str]"]):
    """Any number of texts: an array, or JSON where there are no arrays."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Say what the driver is given."""
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> list[str] | str | None:
        """Make it what the database takes."""
        texts = list(value or ())
        return texts if dialect.name == "postgresql" else json.dumps(texts)


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True
    name = "among"

    def self_group(self, against: object = None) -> _Among:
        """Stay as it is: SQLAlchemy would write ``(...) = 1`` on SQLite, which no index is used for."""
        return self


def among(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Return the condition that a column has one of the texts that are given under a name when it is executed."""
    return _Among(column, bindparam(name, type_=TextList()))


class _Each(FunctionElement[str]):
    type = Text()
    inherit_cache = True
    name = "each"


def each_of(name: str) -> TableValuedAlias:
    """Return the texts that are given under a name as the rows of a table of PostgreSQL's; its column is ``value``."""
    return _Each(bindparam(name, type_=TextList())).table_valued("value", name=f"each_of_{name}")


class _AmongFound(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True
    name = "among_found"

    def self_group(self, against: object = None) -> _AmongFound:
        """Stay as it is, as above."""
        return self


def among_found(column: ColumnElement[str], texts: SelectBase) -> ColumnElement[bool]:
    """
    Return the condition that a column has one of the texts that another question finds, which is asked first.

    With ``IN`` PostgreSQL may go the other way round: it looked for each of some rows, which it took for one, among all
    that the question finds.
    """
    return _AmongFound(column, texts.scalar_subquery())


class _Joined(FunctionElement[str]):
    type = Text()
    inherit_cache = True
    name = "joined"


def joined(column: ColumnElement[str]) -> ColumnElement[str]:
    """Return all texts of a column, in the order of the rows, as one; None of them may hold a comma."""
    return _Joined(column)


@compiles(_Joined, "postgresql")
def _string_agg(element: _Joined, compiler: SQLCompiler, **named: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **named)}, ',')"


@compiles(_Joined, "sqlite")
def _group_concat(element: _Joined, compiler: SQLCompiler, **named: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **named)}, ',')"


@compiles(_Among, "postgresql")
def _any_of_array(element: _Among, compiler: SQLCompiler, **named: Any) -> str:
    column, texts = (compiler.process(each, **named) for each in element.clauses)
    return f"{column} = ANY ({texts})"


@compiles(_Among, "sqlite")
def _in_json(element: _Among, compiler: SQLCompiler, **named: Any) -> str:
    column, texts = (compiler.process(each, **named) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({texts}))"  # noqa: S608 (the text is bound)


@compiles(_Each, "postgresql")
def _rows_of_array(element: _Each, compiler: SQLCompiler, **named: Any) -> str:
    return f"(SELECT unnest({compiler.process(element.clauses, **named)}) AS value)"


@compiles(_AmongFound, "postgresql")
def _any_of_found(element: _AmongFound, compiler: SQLCompiler, **named: Any) -> str:
    column, found = (compiler.process(each, **named) for each in element.clauses)
    return f"{column} = ANY (ARRAY{found})"


@compiles(_AmongFound, "sqlite")
def _in_found(element: _AmongFound, compiler: SQLCompiler, **named: Any) -> str:
    column, found = (compiler.process(each, **named) for each in element.clauses)
    return f"{column} IN {found}"
