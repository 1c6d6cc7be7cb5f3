"""
The schema's versions: brought up to date by whichever process comes first, several at once included.

Looking costs one small query; Alembic, which is slow to import, is loaded only where there is something to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from airflow_provider_ninebits.ledger.engines import LOCK_TIMEOUT_SECONDS
from airflow_provider_ninebits.ledger.errors import LedgerUnusable
from airflow_provider_ninebits.ledger.schema import VERSION_TABLE

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection, Engine

HEAD = "0001"
_SCRIPTS = "airflow_provider_ninebits.ledger:migrations"
_UPGRADE_LOCK = 0x39B175_0001


def current_version(connection: Connection) -> str | None:
    """Return the schema's version, or None for an empty database."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608 (a constant)


def upgrade_if_needed(engine: Engine) -> None:
    """
    Bring the ledger's schema to the version of this code.

    :raises LedgerUnusable: when the schema is newer than this code: an older provider must not write to it.
    """
    with engine.connect() as connection:
        if current_version(connection) == HEAD:
            return
    with engine.connect() as connection:
        _lock_schema(connection)
        version = current_version(connection)
        if version != HEAD:
            _upgrade(connection, version)
        connection.commit()


def _lock_schema(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    # Another process may be bringing it up to date: that may take longer than a lock is waited for otherwise.
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
    # From here on it is us: a migration takes as long as it takes, but does not queue for ever behind a table's users,
    # who would all queue behind it.
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))


def _upgrade(connection: Connection, version: str | None) -> None:
    from alembic import command

    config = _config()
    if version is not None and version not in known_versions():
        raise LedgerUnusable(
            f"the ledger's schema is at version {version}, which this airflow-provider-ninebits does not know "
            f"(it has {HEAD}): upgrade the package here to the version that the other machines run"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def known_versions() -> frozenset[str]:
    """Return the versions that this code can bring up to date, its own included."""
    from alembic.script import ScriptDirectory

    return frozenset(revision.revision for revision in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _SCRIPTS)
    return config
