"""What is seen, and what is said of it: each kind of finding comes where it should, and not where all is well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ninebits.api.client import Probe
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
from airflow_provider_ninebits.checks.callback_url import Target, TrialSeen
from airflow_provider_ninebits.checks.catalogue import KINDS
from airflow_provider_ninebits.checks.connection import ConnectionSeen
from airflow_provider_ninebits.checks.findings import Finding, FindingKind, Level, Weight, exit_status
from airflow_provider_ninebits.checks.ledger import LedgerSeen
from airflow_provider_ninebits.checks.options import OptionsSeen
from airflow_provider_ninebits.checks.triggerer import TriggerersSeen
from airflow_provider_ninebits.ledger.vitals import CallbackRow, CallbackRows, LadderRows, ReceiverRow, ReceiverRows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGO = NOW - timedelta(hours=2)
LONG_AGO = NOW - timedelta(days=30)
GOOD_OPTIONS = OptionsSeen(password_entries=("a-long-random-one",))
LEDGER = LedgerSeen("sqlite:////ninebits.db", head="0002", known=frozenset({"0001", "0002"}), version="0002")
UP = ReceiverRow("web-1", started_at=LONG_AGO, heartbeat_at=NOW - timedelta(seconds=4), stopped=False)
ENDED = replace(UP, stopped=True, heartbeat_at=AGO, unauthorized=2, last_unauthorized_at=AGO)
NEW = replace(UP, started_at=AGO + timedelta(minutes=5))
TAKEN = TrialSeen("https://calls.example.com/ninebits/callback", 120, status=200, from_receiver=True, arrived=True)
TRIGGERERS = TriggerersSeen(up=2, capacity=1000, triggers=1000, waits=900)


def of_options(*, up: bool = False, without_password: str | None = None, **seen: Any) -> list[Finding]:
    return options.judge(replace(GOOD_OPTIONS, **seen), receiver_up=up, without_password=without_password)


def of_connection(**seen: Any) -> list[Finding]:
    return connection.judge(ConnectionSeen("rings", **{"base_url": "https://api.9bits.net", **seen}))


def of_ledger(**seen: Any) -> list[Finding]:
    return ledger.judge(replace(LEDGER, **seen))


def of_trial(**seen: Any) -> list[Finding]:
    return callback_url.judge(replace(TAKEN, **seen))


def of_receivers(
    *rows: ReceiverRow, sent: bool = True, plugin: bool = True, stored: datetime | None = None
) -> list[Finding]:
    return receivers.judge(ReceiverRows(NOW, rows, sent, stored), plugin_installed=plugin)


def of_callbacks(*rows: tuple[datetime, str], uncertain: int = 0, meanwhile: bool = True) -> list[Finding]:
    seen = tuple(CallbackRow(at, "call", state) for at, state in rows)
    return callbacks.judge(CallbackRows(NOW, seen, (), uncertain, meanwhile))


def of_ladders(**seen: Any) -> list[Finding]:
    return escalation.judge(LadderRows(**{"now": NOW, "seen_at": NOW, "begun": 3, "left": 0, **seen}))


def of_triggerers(**seen: Any) -> list[Finding]:
    return triggerer.judge(replace(TRIGGERERS, **seen))


def met(status: int) -> Probe:
    return Probe(True, status, "what it said")


GOOD: Sequence[Callable[[], list[Finding]]] = (
    of_options,
    lambda: of_options(up=True, without_password="one is up"),
    # A window of the same length is no contradiction.
    lambda: of_options(match_window_seconds=60, attempt_window_seconds=60),
    lambda: of_options(is_sqlite=True, executors=("LocalExecutor",)),
    lambda: of_options(executors=("CeleryExecutor",)),
    of_ledger,
    lambda: of_ledger(file_system="ext4", ahead_seconds=-30),
    of_trial,
    # 9bits would send it again, and it is there.
    lambda: of_trial(status=None, unreachable="no answer within 15 s"),
    lambda: of_trial(url="http://127.0.0.1:8080/ninebits/callback"),
    lambda: of_receivers(UP, plugin=False),
    lambda: of_receivers(UP, replace(UP, heartbeat_at=LONG_AGO)),
    lambda: of_receivers(replace(UP, unauthorized=9, last_unauthorized_at=LONG_AGO)),
    of_callbacks,
    lambda: of_callbacks((AGO, "matched"), (LONG_AGO, "unreadable"), (AGO, "inbound")),
    # Its answer may be recorded any moment.
    lambda: of_callbacks((NOW, "unmatched")),
    of_ladders,
    lambda: of_ladders(seen_at=None, begun=0),
    of_triggerers,
)

BAD: Sequence[tuple[Callable[[], list[Finding]], FindingKind]] = (
    (lambda: of_options(invalid="match_window is 'x'"), options.INVALID),
    (lambda: of_options(is_sqlite=True, executors=("LocalExecutor", "CeleryExecutor")), options.SQLITE_APART),
    (lambda: of_options(is_sqlite=True, executors=("KubernetesExecutor",)), options.SQLITE_APART),
    (lambda: of_options(password_entries=()), options.NO_PASSWORD),
    (lambda: of_options(password_entries=(), up=True), options.PASSWORD_ELSEWHERE),
    (lambda: of_options(password_entries=(), up=True, without_password="one is up"), options.RECEIVER_WITHOUT),
    (lambda: of_options(password_entries=(), allow_unauthenticated=True), options.UNAUTHENTICATED),
    (
        lambda: of_options(password_entries=(), allow_unauthenticated=True, without_password="one is up"),
        options.UNAUTHENTICATED,
    ),
    (lambda: of_options(allow_unauthenticated=True), options.CONTRADICTORY),
    (lambda: of_options(password_entries=("a-long-random-one", "short")), options.WEAK_PASSWORD),
    (lambda: of_options(password_entries=("a-long-random-one", "")), options.EMPTY_ENTRY),
    (lambda: of_options(match_window_seconds=59, attempt_window_seconds=60), options.WINDOWS),
    (lambda: of_connection(missing=True), connection.MISSING),
    (lambda: of_connection(missing=True, database_seen=False), connection.NOT_LOOKED_UP),
    (lambda: of_connection(unusable="connection 'rings' has no API key"), connection.UNUSABLE),
    (lambda: of_connection(probe=Probe(False, None, "9bits was not reached.")), connection.UNREACHABLE),
    (lambda: of_connection(probe=Probe(False, 407, "the proxy wants a password")), connection.UNREACHABLE),
    (lambda: of_connection(probe=met(401)), connection.KEY_REFUSED),
    (lambda: of_connection(probe=met(200), base_url="https://proxy.example.com"), connection.NOT_NINEBITS),
    (lambda: of_connection(probe=met(200)), connection.UNEXPECTED),
    (lambda: of_connection(probe=met(500)), connection.FAILING),
    (lambda: of_connection(probe=met(503), base_url="https://proxy.example.com"), connection.FAILING),
    (lambda: of_connection(probe=met(429)), connection.BUSY),
    (lambda: of_connection(probe=met(405)), connection.KEY_UNPROVED),
    (lambda: of_connection(probe=met(405), base_url="http://localhost:9009"), connection.SIMULATED),
    (lambda: of_ledger(version=None, unreachable="connection refused"), ledger.UNREACHABLE),
    (lambda: of_ledger(version=None, unusable="a pooler stands in between"), ledger.UNUSABLE),
    (lambda: of_ledger(version=None), ledger.ABSENT),
    (lambda: of_ledger(version=None, not_writable="its folder takes no new file"), ledger.NOT_WRITABLE),
    (lambda: of_ledger(version="0001"), ledger.OLDER),
    (lambda: of_ledger(version="0003"), ledger.NEWER),
    (lambda: of_ledger(not_writable="the disk is full"), ledger.NOT_WRITABLE),
    (lambda: of_ledger(ahead_seconds=31), ledger.CLOCK),
    (lambda: of_ledger(ahead_seconds=-31), ledger.CLOCK),
    (lambda: of_ledger(file_system="nfs4"), ledger.ON_NETWORK),
    (lambda: [callback_url.NOT_TRIED.found()], callback_url.NOT_TRIED),
    (lambda: of_trial(status=None, unreachable="no name", arrived=False), callback_url.UNREACHABLE),
    (lambda: of_trial(status=401, arrived=False), callback_url.UNAUTHORIZED),
    (lambda: of_trial(status=404, from_receiver=False, arrived=False), callback_url.NO_RECEIVER),
    # A receiver's own 404, for a path that is none of its.
    (lambda: of_trial(status=404, arrived=False), callback_url.NO_RECEIVER),
    (lambda: of_trial(status=301, from_receiver=False, arrived=False), callback_url.NO_RECEIVER),
    (lambda: of_trial(status=200, from_receiver=False, arrived=False), callback_url.NO_RECEIVER),
    (lambda: of_trial(status=200, from_receiver=False, arrived=None), callback_url.NO_RECEIVER),
    (lambda: of_trial(status=413, arrived=False), callback_url.TOO_LARGE),
    (lambda: of_trial(status=503, arrived=False), callback_url.UNAVAILABLE),
    (lambda: of_trial(status=429, arrived=False), callback_url.UNAVAILABLE),
    (lambda: of_trial(arrived=False), callback_url.ANOTHER_LEDGER),
    (lambda: of_trial(arrived=None), callback_url.NOT_LOOKED_FOR),
    (lambda: of_trial(url="http://calls.example.com/ninebits/callback"), callback_url.PLAIN),
    (
        lambda: callback_url.judge_withheld(Target("http://calls.example.com/", withheld=True))[1:],
        callback_url.WITHHELD,
    ),
    (lambda: of_receivers(sent=False), receivers.NONE_YET),
    (lambda: of_receivers(), receivers.NEVER),
    (lambda: of_receivers(replace(UP, heartbeat_at=NOW - timedelta(seconds=16))), receivers.SILENT),
    (lambda: of_receivers(replace(UP, stopped=True)), receivers.STOPPED),
    (lambda: of_receivers(UP, replace(UP, unauthorized=2, last_unauthorized_at=AGO)), receivers.UNAUTHORIZED),
    (lambda: of_receivers(NEW, ENDED, stored=NOW), receivers.WERE_UNAUTHORIZED),
    # Nothing has shown that the password is right now: the new one took none, or it is still up and turns them away.
    (lambda: of_receivers(NEW, ENDED, stored=LONG_AGO), receivers.UNAUTHORIZED),
    (lambda: of_receivers(UP, ENDED, stored=NOW), receivers.UNAUTHORIZED),
    (lambda: of_receivers(NEW, replace(ENDED, stopped=False, heartbeat_at=NOW), stored=NOW), receivers.UNAUTHORIZED),
    (lambda: of_receivers(replace(UP, oversized=2, last_oversized_at=AGO)), receivers.OVERSIZED),
    (lambda: of_receivers(replace(UP, unavailable=2, last_unavailable_at=AGO)), receivers.UNAVAILABLE),
    (lambda: of_callbacks((AGO, "unmatched"), (AGO, "matched")), callbacks.UNMATCHED),
    (lambda: of_callbacks(*[(AGO, "unmatched")] * 4), callbacks.UNMATCHED),
    (lambda: of_callbacks(*[(AGO, "unmatched")] * 5), callbacks.NONE_MATCHED),
    (lambda: of_callbacks(*[(AGO, "unmatched")] * 5, meanwhile=False), callbacks.UNMATCHED),
    (lambda: of_callbacks((AGO, "unreadable")), callbacks.UNREADABLE),
    (lambda: of_callbacks(uncertain=1), callbacks.UNCERTAIN),
    (lambda: of_ladders(seen_at=None), escalation.UNWATCHED),
    (lambda: of_ladders(seen_at=AGO), escalation.UNWATCHED),
    (lambda: of_ladders(left=1), escalation.LEFT),
    (lambda: of_ladders(seen_at=AGO, begun=0), escalation.WATCH_ENDED),
    (lambda: of_triggerers(unseen="OperationalError"), triggerer.UNSEEN),
    (lambda: of_triggerers(up=0), triggerer.NONE_WAITED_FOR),
    (lambda: of_triggerers(up=0, waits=0), triggerer.NONE),
    (lambda: of_triggerers(triggers=2001), triggerer.FULL),
    (lambda: of_triggerers(triggers=1001), triggerer.NEARLY_FULL),
)


@pytest.mark.parametrize("judged", GOOD)
def test_what_is_well_is_not_talked_about(judged: Callable[[], list[Finding]]) -> None:
    assert judged() == []


@pytest.mark.parametrize(("judged", "kind"), BAD, ids=[kind.code for _, kind in BAD])
def test_what_is_not_well_is_told_with_its_reason_and_its_fix(
    judged: Callable[[], list[Finding]], kind: FindingKind
) -> None:
    [finding] = judged()
    assert finding.code == kind.code
    # What is to be filled in is.
    assert not any("{" in text or " None" in text for text in (finding.what, finding.why, finding.fix))


def test_until_when_a_401_shows_is_said() -> None:
    [finding] = of_receivers(replace(UP, unauthorized=2, last_unauthorized_at=AGO))
    assert "the last at 2026-03-01 10:00:00+00:00" in finding.what
    assert "24 hours after the last 401, until 2026-03-02 10:00:00+00:00" in finding.fix


def test_an_api_server_without_the_plugin_is_named_where_no_receiver_is_up() -> None:
    assert [each.code for each in of_receivers(plugin=False)] == ["receiver_never", "plugin_missing"]


@pytest.mark.parametrize(
    ("row", "stored", "shown"),
    [
        (replace(UP, last_unavailable_at=AGO), None, "the receiver on web-1 answered 503"),
        (replace(UP, last_unavailable_at=AGO), LONG_AGO, "the receiver on web-1 answered 503"),
        # It took callbacks after that, so it was the ledger.
        (replace(UP, last_unavailable_at=AGO), NOW, None),
        (replace(UP, last_unavailable_at=LONG_AGO), None, None),
        (replace(UP, last_unavailable_at=AGO, stopped=True), None, None),
        (UP, None, None),
        (replace(UP, host="here"), None, "a receiver is up on this machine"),
        (replace(UP, host="here", heartbeat_at=AGO), None, None),
    ],
)
def test_a_receiver_without_password_is_known_by_its_answers_or_its_machine(
    row: ReceiverRow, stored: datetime | None, shown: str | None
) -> None:
    said = receivers.without_password(ReceiverRows(NOW, (row,), True, stored), "here")
    assert (said or "").startswith(shown or "")
    assert (said is None) == (shown is None)


def test_what_a_connection_is_comes_with_what_answers_there() -> None:
    plain = of_connection(probe=met(405), base_url="http://proxy.example.com")
    assert [each.code for each in plain] == ["connection_plain", "key_unproved"]
    other = of_connection(probe=met(405), conn_type="http")
    assert [(each.code, each.level) for each in other] == [("connection_other_type", "note"), ("key_unproved", "note")]
    assert "'http'" in other[0].what


def test_a_failure_of_9bits_is_no_mistake_in_the_connection() -> None:
    assert exit_status(of_connection(probe=met(500))) == 4
    assert exit_status(of_connection(probe=met(429))) == 0
    assert not any("host" in each.fix for status in (200, 429, 500) for each in of_connection(probe=met(status)))


def test_a_key_that_is_refused_elsewhere_may_be_a_wrong_host() -> None:
    [finding] = of_connection(probe=met(401), base_url="https://intranet.example.com")
    assert finding.what == "Connection 'rings': what it said"
    assert "at intranet.example.com: correct the connection's host" in finding.fix


def test_every_kind_can_come() -> None:
    tried = (
        {kind.code for _, kind in BAD}
        | {"plugin_missing", "connection_plain", "connection_other_type"}
        | {each.code for each in times.KINDS}
    )
    assert tried == {kind.code for kind in KINDS}
    assert len(KINDS) == len(tried)


def test_the_exit_status_is_the_heaviest_one() -> None:
    note, problem = of_triggerers(up=0, waits=0), of_ledger(version="0003")
    wrong, away = of_options(invalid="x"), of_connection(probe=Probe(False, None, "no"))
    assert exit_status([]) == exit_status(note) == 0
    assert exit_status(note + problem) == 1
    assert exit_status(problem + wrong) == 2
    assert exit_status(away + wrong + problem) == 4


def test_notes_never_weigh_anything() -> None:
    for kind in KINDS:
        assert kind.level is Level.PROBLEM or kind.weight is Weight.PROBLEM


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("LocalExecutor", ("LocalExecutor",)),
        ("LocalExecutor,CeleryExecutor", ("LocalExecutor", "CeleryExecutor")),
        ("airflow.providers.celery.executors.celery_executor.CeleryExecutor", ("CeleryExecutor",)),
        ("LocalExecutor, my.module.Remote:remote", ("LocalExecutor", "Remote")),
        ("remote:my.module.Remote", ("Remote",)),
        ("LocalExecutor;team_a=CeleryExecutor", ("LocalExecutor", "CeleryExecutor")),
        ("", ()),
    ],
)
def test_executors_are_read_however_they_are_written(written: str, names: tuple[str, ...]) -> None:
    assert options.executor_names(written) == names
