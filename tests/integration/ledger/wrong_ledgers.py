"""Ledgers that cannot be used, one for each way in which somebody may get it wrong."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from sqlalchemy import create_engine, text

from airflow_provider_ninebits.ledger import schema
from tests.integration.conftest import create_on_server, run_on_server

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

PASSWORD = "open-sesame"


@dataclass(frozen=True)
class Place:
    """Where they are made: a server, a database with the schema on it, a folder, and a file with the schema."""

    server: URL
    template: str
    folder: Path
    file: Path


@dataclass(frozen=True)
class WrongLedger:
    """
    One of them.

    :param kind: ``option``: it is no URL of a ledger. ``unusable``: somebody has to mend it. ``unreachable``: try
        again.
    :param words: what has to stand in the error, whoever tells it.
    """

    make: Callable[[Place], str]
    kind: Literal["option", "unusable", "unreachable"]
    words: str


def _fixed(url: str) -> Callable[[Place], str]:
    return lambda _: url


def _user(place: Place, *, hba: bool) -> str:
    """A user who needs a password, or one who owns nothing."""
    name = f"user_{uuid4().hex}"
    run_on_server(place.server, f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    if hba:
        rules = Path(str(place.server.query["host"])) / "pg_hba.conf"
        rules.write_text(f"local all {name} scram-sha-256\n{rules.read_text()}")
        run_on_server(place.server, "SELECT pg_reload_conf()")
    return name


def _wrong_password(place: Place) -> str:
    url = place.server.set(username=_user(place, hba=True), password=f"not-{PASSWORD}")
    return url.render_as_string(hide_password=False)


def _no_rights(place: Place) -> str:
    url = create_on_server(place.server, None).set(username=_user(place, hba=False), password=PASSWORD)
    return url.render_as_string(hide_password=False)


def _closed_port(_: Place) -> str:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return f"postgresql://ninebits:{PASSWORD}@127.0.0.1:{taken.getsockname()[1]}/ninebits"


def _no_database(place: Place) -> str:
    return place.server.set(database="nowhere", password=PASSWORD).render_as_string(hide_password=False)


def _newer(place: Place) -> str:
    url = create_on_server(place.server, place.template).set(password=PASSWORD)
    _make_newer(url)
    return url.render_as_string(hide_password=False)


def _newer_file(place: Place) -> str:
    file = place.folder / "newer.db"
    shutil.copy(place.file, file)
    _make_newer(f"sqlite:///{file}")
    return f"sqlite:///{file}"


def _make_newer(url: str | URL) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
    engine.dispose()


def _no_sqlite(place: Place) -> str:
    file = place.folder / "ninebits.db"
    file.write_bytes(b"this is no database at all, and long enough to be read as a header of one" * 20)
    return f"sqlite:///{file}"


def _no_folder(place: Place) -> str:
    return f"sqlite:///{place.folder / 'nowhere' / 'ninebits.db'}"


# Shown by the URL alone, before anything is opened.
WRONG_BY_URL = {
    "no URL": WrongLedger(_fixed(f"ninebits:{PASSWORD}@db/ninebits"), "option", "is no database URL"),
    "a port that is none": WrongLedger(
        _fixed(f"postgresql://ninebits:{PASSWORD}@db:5432x/n"), "option", "is no database URL"
    ),
    "an @ in the password": WrongLedger(
        _fixed(f"postgresql://ninebits:p@{PASSWORD}@127.0.0.1/ninebits"), "unusable", "write it as %40"
    ),
    "MySQL": WrongLedger(_fixed(f"mysql://ninebits:{PASSWORD}@db/ninebits"), "option", "mysql"),
    "SQLite in memory": WrongLedger(_fixed("sqlite://"), "unusable", "in memory"),
    "SQLite in memory, named": WrongLedger(_fixed("sqlite:///file:n?mode=memory&uri=true"), "unusable", "in memory"),
    "a driver that waits otherwise": WrongLedger(_fixed("sqlite+aiosqlite:////tmp/n.db"), "unusable", "aiosqlite"),
}
# Shown by the first use.
WRONG_BY_USE = {
    "an option of libpq that is none": WrongLedger(
        _fixed(f"postgresql://ninebits:{PASSWORD}@127.0.0.1/n?colour=blue"), "unusable", "colour"
    ),
    "a folder that is not there": WrongLedger(_no_folder, "unusable", "nowhere, does not exist"),
    "a file that is none": WrongLedger(_no_sqlite, "unreachable", "file is not a database"),
    "a port where nobody listens": WrongLedger(_closed_port, "unreachable", "Connection refused"),
    "a wrong password": WrongLedger(_wrong_password, "unreachable", "password authentication failed"),
    "a database that is not there": WrongLedger(_no_database, "unreachable", 'database "nowhere" does not exist'),
    "a user who may not create tables": WrongLedger(_no_rights, "unusable", "GRANT CREATE ON SCHEMA public"),
    "a newer schema": WrongLedger(_newer, "unusable", "at version 9999"),
    "a newer schema in a file": WrongLedger(_newer_file, "unusable", "at version 9999"),
}
WRONG_LEDGERS = WRONG_BY_URL | WRONG_BY_USE
