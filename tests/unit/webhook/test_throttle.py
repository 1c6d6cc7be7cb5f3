from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.webhook.throttle import ThrottledLog, ThrottledRecords

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("ninebits.test.throttle")


def test_the_first_of_a_kind_is_logged_at_once(caplog: pytest.LogCaptureFixture) -> None:
    ThrottledLog(log).note(logging.ERROR, "A callback was answered 401", "Compare the passwords.")
    assert caplog.messages == ["A callback was answered 401 (1 times). Compare the passwords."]
    assert caplog.records[0].levelno == logging.ERROR


def test_a_run_of_them_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    throttled = ThrottledLog(log)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(500):
            pool.submit(throttled.note, logging.ERROR, "A callback was answered 401", "")
    assert len(caplog.messages) == 1


def test_another_kind_is_not_held_back(caplog: pytest.LogCaptureFixture) -> None:
    throttled = ThrottledLog(log)
    for kind in ("401", "413", "401", "503"):
        throttled.note(logging.ERROR, kind, "")
    assert [message.split()[0] for message in caplog.messages] == ["401", "413", "503"]


def test_what_was_held_back_is_counted_in_the_next_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("airflow_provider_ninebits.webhook.throttle.time.monotonic", lambda: clock[0])
    throttled = ThrottledLog(log, interval_seconds=60)
    for moment in (1000.0, 1001.0, 1059.9, 1060.0, 1061.0, 1120.0):
        clock[0] = moment
        throttled.note(logging.WARNING, "401", "")
    assert [message.split(".")[0] for message in caplog.messages] == ["401 (1 times)", "401 (3 times)", "401 (2 times)"]


class TestRecordsOfAnothersLogger:
    @pytest.fixture
    def chatty(self) -> Iterator[logging.Logger]:
        logger = logging.getLogger("ninebits.test.chatty")
        throttled = ThrottledRecords(interval_seconds=60)
        logger.addFilter(throttled)
        yield logger
        logger.removeFilter(throttled)

    def test_a_run_of_them_is_logged_once_whatever_their_arguments(
        self, chatty: logging.Logger, caplog: pytest.LogCaptureFixture
    ) -> None:
        for place in range(100):
            chatty.warning("Bad request from %s", place)
        chatty.error("Something else")
        assert caplog.messages == ["Bad request from 0", "Something else"]

    def test_what_is_no_warning_passes(self, chatty: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        for _ in range(2):
            chatty.info("Started")
        assert caplog.messages == ["Started", "Started"]

    def test_what_was_held_back_is_counted(
        self, chatty: logging.Logger, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = [1000.0]
        monkeypatch.setattr("airflow_provider_ninebits.webhook.throttle.time.monotonic", lambda: clock[0])
        for moment in (1000.0, 1001.0, 1002.0, 1060.0):
            clock[0] = moment
            chatty.warning("Bad request from %s", int(moment))
        assert caplog.messages == ["Bad request from 1000", "Bad request from 1060 (3 times)"]
