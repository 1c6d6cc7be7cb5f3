"""All checks, in the order in which one needs what another has shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ninebits.checks import (
    callback_url,
    callbacks,
    connection,
    escalation,
    ledger,
    options,
    receivers,
    times,
    triggerer,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ninebits.checks.findings import Finding
    from airflow_provider_ninebits.configuration import Settings
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
    from airflow_provider_ninebits.ledger.database import Database


def examine(hooks: Iterable[NineBitsHook], callback_to: str | None) -> list[Finding]:
    """
    Look at everything, and return what was found.

    :param hooks: for the connections to look at.
    :param callback_to: where to send a test callback; None: nowhere.
    :raises InvalidCallbackURL: for what is no URL.
    """
    from airflow_provider_ninebits.configuration import read_settings

    options_seen = options.look()
    settings = read_settings() if options_seen.invalid is None else None
    target = None if callback_to is None else callback_url.read_target(callback_to, settings)
    triggerers_seen = triggerer.look()
    found = options.judge(options_seen)
    for hook in hooks:
        found += connection.judge(connection.look(hook, database_seen=triggerers_seen.unseen is None))
    return [*found, *_of_the_ledger(settings, target), *triggerer.judge(triggerers_seen)]


def _of_the_ledger(settings: Settings | None, target: callback_url.Target | None) -> list[Finding]:
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.errors import LedgerError, LedgerUnusable

    if settings is None:
        return _of_callback_url(target, None)
    try:
        database = Database(settings.sql_alchemy_conn)
    except LedgerUnusable as error:
        return [ledger.UNUSABLE.found(reason=str(error).rstrip(".")), *_of_callback_url(target, None)]
    try:
        seen = ledger.look(database)
        found = ledger.judge(seen)
        if not seen.usable:
            return [*found, *_of_callback_url(target, None)]
        try:
            # The receivers first: a test callback that is answered 401 is none of 9bits'.
            return [*found, *_of_receivers(database), *_of_callback_url(target, database), *_kept(database, settings)]
        except LedgerError as error:
            # It went away meanwhile.
            reason = str(error).rstrip(".")
            return [*found, ledger.UNREACHABLE.found(url=database.masked_url, reason=reason)]
    finally:
        database.close()


def _of_callback_url(target: callback_url.Target | None, database: Database | None) -> list[Finding]:
    if target is None:
        return [callback_url.NOT_TRIED.found()]
    return callback_url.judge(callback_url.look(target, database))


def _of_receivers(database: Database) -> list[Finding]:
    from airflow_provider_ninebits.ledger import vitals

    return receivers.judge(vitals.receivers(database), plugin_installed=receivers.is_plugin_installed())


def _kept(database: Database, settings: Settings) -> list[Finding]:
    """Judge what the ledger has of callbacks and ladders."""
    from airflow_provider_ninebits.ledger import vitals

    kept = vitals.callbacks(database)
    zone = settings.callback_timezone
    return [
        *callbacks.judge(kept),
        *times.judge(times.samples(kept.calls, zone), zone, times.offsets_on_earth(kept.now)),
        *escalation.judge(vitals.ladders(database, settings.deployment, within=escalation.LATELY)),
    ]
