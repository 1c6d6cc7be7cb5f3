"""Which URLs can be a ledger, and the engines that are made of them."""

from __future__ import annotations

import math
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, NoSuchModuleError

from airflow_provider_ninebits.ledger.errors import LedgerUnusable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

LOCK_TIMEOUT_SECONDS = 30
"""How long a lock is waited for, SQLite's write lock too."""
STATEMENT_TIMEOUT_SECONDS = 60
CONNECT_TIMEOUT_SECONDS = 10
PATIENT_SECONDS = STATEMENT_TIMEOUT_SECONDS + CONNECT_TIMEOUT_SECONDS
"""How long a task's thread waits for a connection that the others use: longer than a statement of theirs may take."""
LISTENER_NAME = "airflow-provider-ninebits-listener"
"""What the connections that listen for notices are called in ``pg_stat_activity``."""

# Beside one receiver's writer, heartbeat and health probe, or one task, most of them stay closed. No overflow, which is
# opened anew for each use: who sends in many threads at once waits instead, and a task long enough (PATIENT_SECONDS).
_POOL_SIZE = 10
# The last that was used is used again (`pool_use_lifo`): it is alive, and has what it read and planned at hand.
_POOL_OVERFLOW = 0
_TRUSTED_SECONDS = 0.1
"""How long an idle connection is taken for alive without asking."""

MARK = "ninebits.direct"
_POSTGRES_OPTIONS = {
    "statement_timeout": STATEMENT_TIMEOUT_SECONDS * 1000,
    "lock_timeout": LOCK_TIMEOUT_SECONDS * 1000,
    # A process that is suspended in the middle of a transaction holds nobody up for longer.
    "idle_in_transaction_session_timeout": STATEMENT_TIMEOUT_SECONDS * 1000,
    # A plan that was made when a table was empty reads all of it, and is kept until somebody analyzes the table.
    "plan_cache_mode": "force_custom_plan",
    # What a statement seems to cost by a plan that is kept says little: to compile it took longer than it takes.
    "jit": "off",
    # Asked for after connecting: whether the others have come through.
    MARK: "on",
}
_POSTGRES_CONNECTION = {
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    # What is asked often is prepared by `pipeline`. At a rollback psycopg would have all forgotten that is prepared,
    # if anything was by itself.
    "prepare_threshold": None,
    "application_name": "airflow-provider-ninebits",
    # Without these a server that vanished without a word is waited for for hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": STATEMENT_TIMEOUT_SECONDS * 1000,
}
_WAL_SWITCH_TRIES = 50


def checked_url(url: str) -> URL:
    """
    Return the URL of a ledger, with the driver that it is used with.

    :raises LedgerUnusable: for a URL that cannot be one; its text has no part of the URL that may be a password.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        # `from None`: the parser's own message may quote the URL.
        raise LedgerUnusable(
            "[ninebits] sql_alchemy_conn is no database URL; give sqlite:////path or postgresql://..."
        ) from None
    if "@" in (parsed.host or ""):
        # What stands before the last @ is a part of the password, so nothing of the URL is told.
        raise LedgerUnusable(
            "[ninebits] sql_alchemy_conn has an @ in its user or password: write it as %40, and a / as %2F, a : as %3A"
        )
    if backend == "postgresql":
        # psycopg 3 is what the extra installs; a bare postgresql:// would ask for psycopg2.
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise LedgerUnusable(
            f"[ninebits] sql_alchemy_conn asks for {parsed.drivername!r}; the ledger can be SQLite "
            "(sqlite:////path) or PostgreSQL (postgresql://...)"
        )
    if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
        raise LedgerUnusable(
            "[ninebits] sql_alchemy_conn is SQLite in memory, which every process would have for itself, or a "
            "file: URI; give the path of a file"
        )
    if not Path(parsed.database).is_absolute():
        raise LedgerUnusable(
            f"[ninebits] sql_alchemy_conn is the relative path {parsed.database!r}, another file in each folder that a "
            "process is started in; give the whole path, with four slashes: sqlite:////path/ninebits.db"
        )
    return parsed


def masked(url: URL) -> str:
    """Return a URL that may be logged; libpq takes ``?password=`` and ``?sslpassword=`` as well."""
    secrets = {name: "***" for name in url.query if "password" in name.lower()}
    return url.update_query_dict(secrets).render_as_string().replace("=%2A%2A%2A", "=***")


def masked_url(url: str) -> str:
    """
    Return a database URL that may be logged and shown, whatever is written there.

    :param url: a SQLAlchemy URL
    :return: the same with ``***`` for its password, in the authority or in the query; what is no URL is
        masked whole, since the password may be anywhere in it
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return "***"
    # An @ that is not escaped: a part of the password is taken for the host.
    return "***" if "@" in (parsed.host or "") else masked(parsed)


def new_engine(url: URL, pool_timeout_seconds: float | None = None) -> Engine:
    """
    Return an engine for a checked URL. Nothing is opened yet.

    :param pool_timeout_seconds: how long a thread waits for one of its connections; None: as for a new one.
    :raises LedgerUnusable: where its driver or its folder is missing.
    """
    if pool_timeout_seconds is None:
        pool_timeout_seconds = CONNECT_TIMEOUT_SECONDS
    make = _sqlite_engine if url.get_backend_name() == "sqlite" else _postgres_engine
    return make(url, pool_timeout_seconds)


def checked_folder(url: URL) -> Path:
    """
    Return the folder of a SQLite ledger.

    :raises LedgerUnusable: where it is not there, or this user may not look into it.
    """
    folder = Path(str(url.database)).parent
    try:
        is_there = folder.is_dir()
    except OSError as error:
        raise LedgerUnusable(
            f"the folder of the ledger, {folder}, cannot be looked into ({error.strerror}); let this user do so, or "
            "set [ninebits] sql_alchemy_conn"
        ) from error
    if not is_there:
        raise LedgerUnusable(
            f"the folder of the ledger, {folder}, does not exist; create it, or set [ninebits] sql_alchemy_conn"
        )
    return folder


def _sqlite_engine(url: URL, pool_timeout_seconds: float) -> Engine:
    checked_folder(url)
    engine = create_engine(
        url,
        # Numbers and bodies are among them, and errors and SQLAlchemy's own log would tell them.
        hide_parameters=True,
        pool_size=_POOL_SIZE,
        max_overflow=_POOL_OVERFLOW,
        pool_timeout=max(pool_timeout_seconds, LOCK_TIMEOUT_SECONDS),
        pool_use_lifo=True,
        connect_args={"timeout": LOCK_TIMEOUT_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        # The driver's own BEGIN comes late, before the first write only: by then what was read may be outdated.
        connection.isolation_level = None
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        # When so many pages have changed, who commits writes them into the file: one group of callbacks waits for it.
        # Callbacks change many pages a little, and each is written once, however often it changed. By default they are
        # a thousand; these are 80 MB. Receivers do it in pauses too: `Database.write_back`.
        connection.execute("PRAGMA wal_autocheckpoint=20000")
        connection.execute("PRAGMA foreign_keys=ON")
        # What is deleted is overwritten: a purge is there to make phone numbers go.
        connection.execute("PRAGMA secure_delete=ON")

    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not honour the busy time-out while it changes the journal mode, and several processes may come first.
    for attempt in range(_WAL_SWITCH_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == _WAL_SWITCH_TRIES - 1:
                raise
            time.sleep(0.1)


def _postgres_engine(url: URL, pool_timeout_seconds: float) -> Engine:
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_size=_POOL_SIZE,
            max_overflow=_POOL_OVERFLOW,
            pool_timeout=pool_timeout_seconds,
            pool_use_lifo=True,
            connect_args=_connect_args(url),
        )
    except (ImportError, NoSuchModuleError) as error:
        raise LedgerUnusable(
            "a PostgreSQL ledger needs psycopg 3: pip install 'airflow-provider-ninebits[postgres]'"
        ) from error
    except ArgumentError:
        # `from None`, as above.
        raise LedgerUnusable(
            "[ninebits] sql_alchemy_conn has hosts or ports after its ? that cannot be read; give "
            "?host=HOST:PORT&host=HOST:PORT, each port a number"
        ) from None

    @event.listens_for(engine, "connect")
    def _check(connection: Any, _record: Any) -> None:
        _check_settings_came_through(connection)

    @event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _check_alive(connection: Any, record: Any, _proxy: Any) -> None:
        # A connection that died while it was idle is noticed before a statement is lost with it. Not `pool_pre_ping`,
        # which asks the server each time, and takes as long as the statements of a group of callbacks.
        if time.monotonic() - record.info.get("idle_since", math.inf) > _TRUSTED_SECONDS:
            _ping(engine, connection)

    return engine


def _ping(engine: Engine, connection: Any) -> None:
    """
    Ask whether a connection's server is there.

    :raises DisconnectionError: where it is not; the pool makes another connection then.
    """
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise DisconnectionError from error


def _check_settings_came_through(connection: Any) -> None:
    """
    Make sure that the server has heard of the settings that a connection was opened with.

    A pooler that gives each transaction another connection drops them. Two sends behind it would read each other's
    temporary tables, and ring each other's numbers.

    :raises LedgerUnusable: where it has not.
    """
    (mark,) = connection.execute("SELECT current_setting(%s, true)", [MARK]).fetchone()
    connection.rollback()
    if mark != "on":
        raise LedgerUnusable(
            "the settings of a connection to the ledger do not reach its server, so a pooler stands in between: give "
            "[ninebits] sql_alchemy_conn a URL that leads to PostgreSQL itself"
        )


def listening_arguments(url: URL) -> dict[str, Any]:
    """Return what psycopg connects with to listen for notices: as an engine's connections, under a name of its own."""
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

    dialect: Any = PGDialect_psycopg
    _, arguments = dialect().create_connect_args(url)
    return {**arguments, **_connect_args(url, application_name=LISTENER_NAME)}


def _connect_args(url: URL, **own: Any) -> dict[str, Any]:
    """Return our settings of a connection, less what the URL says itself: SQLAlchemy would let ours win."""
    ours: dict[str, Any] = {**_POSTGRES_CONNECTION, **own}
    arguments = {name: value for name, value in ours.items() if name not in url.query}
    options = " ".join(f"-c {name}={value}" for name, value in _POSTGRES_OPTIONS.items())
    theirs = url.query.get("options", "")
    # Of two settings of one name the last counts.
    return {**arguments, "options": f"{options} {theirs if isinstance(theirs, str) else ' '.join(theirs)}".strip()}
