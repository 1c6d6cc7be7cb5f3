"""What a receiver counts: by the real one, mounted or alone, with a collector that it exports to."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from airflow_provider_ninebits.webhook.counts import Counts
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from airflow_provider_ninebits.webhook.upkeep import Upkeep
from tests.integration.ledger.scenes import ADA, BEN, CAI, WINDOW, a_call, accepted, arrive, begun
from tests.integration.otlp import Counted, Series, collecting, series
from tests.integration.webhook.serving import receiver_process, served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ninebits.ledger.database import Database

TOO_LARGE = b"x" * (1024 * 1024 + 1)


def callback(number: str, *, answered: bool = True, **more: str) -> dict[str, str]:
    call = {"start_at": "2023-10-24 22:54:06", "answer_at": "2023-10-24 22:54:16" if answered else "", **more}
    return {"to_number": number, "call_direction": "outbound", **call}


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def post_everything(url: str, number: str) -> None:
    with httpx.Client(base_url=url, auth=("ninebits", "secret"), trust_env=False, timeout=30) as sender:
        for body in (
            callback(number, answered=False, end_at="2023-10-24 22:54:30"),
            callback(number),
            callback(number),  # again
            callback("2348099999999"),  # whose number nobody rang
            callback(number, call_direction="inbound"),
            {"status_code": 200, "message": "fine", "ref_id": "nobodys"},
            "not a call",
        ):
            assert sender.post("/ninebits/callback", json=body).status_code == 200
        assert sender.post("/ninebits/callback", json={}, auth=("ninebits", "wrong")).status_code == 401
        assert sender.post("/ninebits/callback", content=TOO_LARGE).status_code == 413


def callbacks(outcome: str, match: str) -> Series:
    return series("callbacks", outcome=outcome, match=match)


EVERYTHING = {
    callbacks("unanswered", "matched"): 1,
    callbacks("answered", "matched"): 1,
    callbacks("answered", "repeat"): 1,
    callbacks("answered", "unmatched"): 1,
    callbacks("answered", "inbound"): 1,
    callbacks("answer", "unmatched"): 1,
    callbacks("unreadable", "unreadable"): 1,
    series("turned_away", status="401"): 1,
    series("turned_away", status="413"): 1,
    # Nothing, so that the first one is a rise.
    series("turned_away", status="503"): 0,
    # Once, though two callbacks of the message came.
    series("send_to_callback", conn_id="ninebits"): 1,
}


def test_a_receiver_counts_what_comes_and_what_it_turns_away(ledger_url: str, ledger: Database) -> None:
    accepted(ledger, "a-ref", ADA)
    counted = Counted()
    with served(ReceiverSettings(ledger_url, passwords=("secret",)), record=counted.record) as url:
        post_everything(url, ADA)
    # What was turned away last is told at the end.
    assert counted.totals() == EVERYTHING
    [(least, most)] = counted.milliseconds("send_to_callback")
    assert 0 <= least == most < 60_000


def test_the_receiver_that_is_alone_exports_to_what_the_environment_names(
    tmp_path: Path, ledger_url: str, ledger: Database
) -> None:
    accepted(ledger, "a-ref", ADA)
    with collecting() as sink:
        options = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_METRIC_EXPORT_INTERVAL": "500"}
        home = tmp_path / "home"
        home.mkdir()
        with receiver_process(home, ledger_url, options=options) as running:
            post_everything(running.url, ADA)
            eventually(lambda: callbacks("unreadable", "unreadable") in sink.totals())
        # The rest at its end.
        assert sink.totals() == EVERYTHING
        assert sink.services() == {"ninebits-receiver"}


def test_a_collector_that_is_not_there_keeps_no_callback_out(tmp_path: Path, ledger_url: str) -> None:
    options = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    home = tmp_path / "home"
    home.mkdir()
    with receiver_process(home, ledger_url, options=options) as running:
        for number in (ADA, BEN, CAI):
            answer = httpx.post(
                f"{running.url}/ninebits/callback", json=callback(number), auth=("ninebits", "secret"), trust_env=False
            )
            assert answer.status_code == 200
            time.sleep(0.3)


def test_how_many_callbacks_are_nobodys_is_told_with_the_sweep(
    ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ninebits.webhook.upkeep.SWEEP_SECONDS", 0.02)
    counted = Counted()
    accepted(ledger, "a-ref", BEN)
    arrive(ledger, a_call(ADA, ref_id="another"), a_call(BEN), a_call(CAI, ref_id="a-third"))
    upkeep = Upkeep(ledger, window=WINDOW, registered=lambda _: None, counts=Counts(counted.record))
    upkeep.start()
    try:
        eventually(lambda: counted.totals().get(series("unmatched")) == 2)
    finally:
        upkeep.stop()


def test_a_group_tells_how_long_each_message_of_it_waited(database: Database) -> None:
    earlier = accepted(database, "a-ref", ADA, CAI)
    begun(database, earlier, timedelta(seconds=100))
    accepted(database, "b-ref", BEN, conn_id="another")
    (first, waited), (second, soon) = arrive(database, a_call(ADA), a_call(BEN), a_call(CAI)).first_callbacks
    assert (first, second) == ("ninebits", "another")
    assert 100 <= waited < 160
    assert 0 <= soon < 60
    # Something was heard of both.
    assert arrive(database, a_call(ADA), a_call(BEN)).first_callbacks == ()
