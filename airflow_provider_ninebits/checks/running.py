"""All checks, in the order in which one needs what another has shown."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
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
    from collections.abc import Callable, Iterable

    from airflow_provider_ninebits.checks.callback_url import Target
    from airflow_provider_ninebits.checks.findings import Finding
    from airflow_provider_ninebits.configuration import Settings
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
    from airflow_provider_ninebits.ledger.database import Database

_IN_THE_LEDGER = tuple(kind.subject for kind in (receivers.NEVER, callbacks.UNMATCHED, times.UNSHOWN, escalation.LEFT))


@dataclass
class Examined:
    """
    What was found.

    :param receiver_up: whether the ledger knows of a receiver that is up.
    :param without_password: what shows that one has no password, if these options have none; None: nothing.
    :param callback_sent_to: the host that a test callback was sent to; None: none was.
    :param not_looked_at: the subjects that could not be looked at.
    """

    findings: list[Finding] = field(default_factory=list)
    receiver_up: bool = False
    without_password: str | None = None
    callback_sent_to: str | None = None
    not_looked_at: tuple[str, ...] = ()


def examine(conn_ids: Iterable[str], callback_to: str | None, hook_of: Callable[[str, bool], NineBitsHook]) -> Examined:
    """
    Look at everything, and return what was found.

    :param conn_ids: the connections to look at.
    :param callback_to: where to send a test callback; None: nowhere.
    :param hook_of: makes the hook of a connection, told whether Airflow's own database can be asked for it.
    :raises InvalidCallbackURL: for what is no URL.
    """
    from airflow_provider_ninebits.configuration import read_settings

    options_seen = options.look()
    settings = read_settings() if options_seen.invalid is None else None
    target = None if callback_to is None else callback_url.read_target(callback_to, settings)
    triggerers_seen = triggerer.look()
    database_seen = triggerers_seen.unseen is None
    examined = _ledger(settings, target)
    examined.callback_sent_to = target.host if target is not None and not target.withheld else None
    examined.findings += options.judge(
        options_seen, receiver_up=examined.receiver_up, without_password=examined.without_password
    )
    for conn_id in conn_ids:
        seen = connection.look(hook_of(conn_id, database_seen), database_seen=database_seen)
        examined.findings += connection.judge(seen)
    examined.findings += triggerer.judge(triggerers_seen)
    return examined


def _ledger(settings: Settings | None, target: Target | None) -> Examined:
    """Examine the ledger and what it has, and the callback URL."""
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.errors import LedgerUnusable

    if settings is None:
        return Examined(_of_callback_url(target, None), not_looked_at=(ledger.UNREACHABLE.subject, *_IN_THE_LEDGER))
    try:
        database = Database(settings.sql_alchemy_conn)
    except LedgerUnusable as error:
        found = [ledger.UNUSABLE.found(reason=str(error).rstrip(".")), *_of_callback_url(target, None)]
        return Examined(found, not_looked_at=_IN_THE_LEDGER)
    try:
        seen = ledger.look(database)
        if not seen.usable:
            found = [*ledger.judge(seen), *_of_callback_url(target, None)]
            return Examined(found, not_looked_at=_IN_THE_LEDGER)
        examined = Examined(ledger.judge(seen))
        _look_into(database, settings, target, examined)
        return examined
    finally:
        database.close()


def _look_into(database: Database, settings: Settings, target: Target | None, examined: Examined) -> None:
    """Examine what the ledger has; it may go away meanwhile."""
    from airflow_provider_ninebits.ledger import vitals
    from airflow_provider_ninebits.ledger.errors import LedgerError

    zone = settings.callback_timezone
    try:
        # The receivers first: a test callback that is answered 401 is none of 9bits'.
        up = vitals.receivers(database)
        examined.receiver_up = receivers.any_up(up)
        examined.without_password = receivers.without_password(up, socket.gethostname())
        examined.findings += receivers.judge(up, plugin_installed=receivers.is_plugin_installed())
        examined.findings += _of_callback_url(target, database)
        kept = vitals.callbacks(database)
        examined.findings += callbacks.judge(kept)
        examined.findings += times.judge(times.samples(kept.calls, zone), zone, times.zones_on_earth(kept.now))
        ladders = vitals.ladders(database, settings.deployment, within=escalation.LATELY)
        examined.findings += escalation.judge(ladders)
    except LedgerError as error:
        examined.findings.append(ledger.UNREACHABLE.found(url=database.masked_url, reason=str(error).rstrip(".")))


def _of_callback_url(target: Target | None, database: Database | None) -> list[Finding]:
    if target is None:
        return [callback_url.NOT_TRIED.found()]
    if target.withheld:
        return callback_url.judge_withheld(target)
    return callback_url.judge(callback_url.look(target, database))
