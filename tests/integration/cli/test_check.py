"""``ninebits check`` with a real receiver, a real ledger, and what stands in for 9bits."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from airflow_provider_ninebits.checks import callback_url
from airflow_provider_ninebits.checks.triggerer import TriggerersSeen, judge, look
from airflow_provider_ninebits.ledger.callbacks import store
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.dead_letters import list_callbacks
from airflow_provider_ninebits.ledger.trials import TRIAL_NUMBER
from airflow_provider_ninebits.webhook.arrivals import read_arrivals
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.ledger.scenes import ADA, BEN, WINDOW, accepted, lapse, sending, uncertain
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.cli.conftest import Run

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "a-long-random-one"


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AIRFLOW__NINEBITS__WEBHOOK_PASSWORD", PASSWORD)
    monkeypatch.setattr(callback_url, "ARRIVES_WITHIN_SECONDS", 2.0)
    return PASSWORD


@pytest.fixture
def own_receiver(connected: str, password: str) -> Iterator[str]:
    """A receiver on the same ledger; its base URL."""
    with served(ReceiverSettings(connected, passwords=(password,))) as url:
        wait_for_heartbeat(connected)
        yield url


def wait_for_heartbeat(url: str) -> None:
    from airflow_provider_ninebits.ledger.vitals import receivers

    database = Database(url)
    napping = threading.Event()
    while not receivers(database).rows:
        napping.wait(0.2)
    database.close()


def found(run: Run, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    status, out, _ = run("check", *arguments, "--output", "json")
    shown = json.loads(out)
    assert shown["exit_status"] == status
    return status, {finding["code"]: finding for finding in shown["findings"]}


def left_over(url: str) -> list[Any]:
    database = Database(url)
    try:
        return list_callbacks(database)
    finally:
        database.close()


def test_where_all_is_well_it_finds_no_problem_and_leaves_nothing(own_receiver: str, connected: str, run: Run) -> None:
    status, codes = found(run, "--callback-url", f"{own_receiver}/ninebits/callback")
    assert status == 0
    # The simulator is on this machine; no call has told of the zone; the tests have no Airflow database.
    assert set(codes) <= {"simulated", "timezone_unshown", "airflow_database_unseen", "triggerer_none"}
    assert {"simulated", "timezone_unshown"} <= set(codes)
    assert left_over(connected) == []


def test_credentials_of_the_url_win_and_a_path_of_a_connection_will_do(own_receiver: str, run: Run) -> None:
    url = f"{own_receiver}/ninebits/callback/rings".replace("//", "//ninebits:wrong@")
    status, codes = found(run, "--callback-url", url)
    assert (status, "callback_url_unauthorized" in codes) == (1, True)
    url = url.replace("wrong", PASSWORD)
    assert "callback_url_unauthorized" not in found(run, "--callback-url", url)[1]


def test_a_receiver_with_another_ledger_is_told(connected: str, password: str, run: Run, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    with served(ReceiverSettings(other, passwords=(password,))) as url:
        status, codes = found(run, "--callback-url", f"{url}/ninebits/callback")
    assert status == 1
    assert "callback_url_another_ledger" in codes
    assert "receiver_none_yet" in codes


def test_a_receiver_without_password_and_a_path_that_is_none(connected: str, password: str, run: Run) -> None:
    with served(ReceiverSettings(connected)) as url:
        assert "503" in found(run, "--callback-url", f"{url}/ninebits/callback")[1]["callback_url_unavailable"]["what"]
        assert "404" in found(run, "--callback-url", f"{url}/callback")[1]["callback_url_no_receiver"]["what"]


class Page(BaseHTTPRequestHandler):
    """Something that answers 200 to everything, with a page: Airflow's UI does."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html><html></html>")

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


def test_a_page_that_answers_200_is_no_receiver(connected: str, password: str, run: Run) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        _, codes = found(run, "--callback-url", f"http://127.0.0.1:{server.server_port}/ninebits/callback")
    finally:
        server.shutdown()
        server.server_close()
    assert "a page" in codes["callback_url_no_receiver"]["what"]


@pytest.mark.parametrize(("url", "reason"), [("http://127.0.0.1:9/x", "refuses"), ("http://x.invalid/x", "DNS")])
def test_what_cannot_be_reached_is_told_apart(connected: str, password: str, run: Run, url: str, reason: str) -> None:
    _, codes = found(run, "--callback-url", url.replace("//", f"//ninebits:{PASSWORD}@"))
    assert reason in codes["callback_url_unreachable"]["what"]
    assert PASSWORD not in json.dumps(codes)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_that_is_not_there_is_told_by_the_variable_that_names_it(
    connected: str, password: str, run: Run, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, "/no/such/ca.pem")
    [what] = [
        each["what"]
        for code, each in found(run, "--callback-url", "https://x.invalid/x")[1].items()
        if code == "callback_url_unreachable"
    ]
    assert f"{variable} names /no/such/ca.pem, and nothing is there" in what


def test_to_whom_the_callback_went_is_told_and_a_plain_url_gets_no_password(
    own_receiver: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{own_receiver}/ninebits/callback"
    host = own_receiver.partition("//")[2]
    assert f"a test callback was sent to {host}\n" in run("check", "--callback-url", url)[2]
    # It listens, and it gets nothing: this machine counts as another one here.
    monkeypatch.setattr(callback_url, "THIS_MACHINE", frozenset())
    status, out, err = run("check", "--callback-url", url, "--output", "json")
    codes = {each["code"] for each in json.loads(out)["findings"]}
    assert status == 1
    assert {"callback_url_plain", "callback_url_not_shown_the_password"} <= codes
    assert "was sent to" not in err


def test_a_trial_that_was_left_behind_goes_and_others_stay(own_receiver: str, connected: str, run: Run) -> None:
    database = Database(connected)
    for number in (TRIAL_NUMBER, ADA):
        body = json.dumps({"to_number": number, "ref_id": f"about-{number}"}).encode()
        store(database, read_arrivals(body, None, "UTC"), window=WINDOW)
    with database.writing() as connection:
        from sqlalchemy import update

        from airflow_provider_ninebits.ledger import schema

        old = datetime.now(UTC) - timedelta(hours=1)
        connection.execute(update(schema.callback).values(received_at=old))
    database.close()
    _, codes = found(run, "--callback-url", f"{own_receiver}/ninebits/callback")
    assert "1 of the" in codes["callbacks_unmatched"]["what"]
    assert [row.number for row in left_over(connected)] == [ADA]


def test_a_zone_that_callbacks_contradict_is_named(connected: str, password: str, run: Run) -> None:
    database = Database(connected)
    accepted(database, "ref-1", ADA)
    for second in range(6):
        ended = datetime.now(UTC) + timedelta(hours=1, seconds=-second)
        body = json.dumps({"to_number": ADA, "ref_id": "ref-1", "end_at": f"{ended:%Y-%m-%d %H:%M:%S}"}).encode()
        store(database, read_arrivals(body, None, "UTC"), window=WINDOW)
    database.close()
    status, codes = found(run)
    assert status == 1
    assert "Africa/Lagos" in codes["timezone_contradicted"]["fix"]


def test_connections_are_told_apart(connected: str, password: str, run: Run) -> None:
    assert "key_refused" in found(run, "--conn-id", "ninebits_bad_key")[1]
    status, codes = found(run, "--conn-id", "ninebits_nowhere", "--conn-id", "no_such_connection")
    assert status == 4
    assert "ninebits_unreachable" in codes


def test_a_connection_is_missing_only_where_airflows_database_was_asked(tmp_path: Path, simulator: Any) -> None:
    def codes(**environment: str) -> set[str]:
        done = in_a_process(tmp_path, "--output", "json", **environment)
        return {each["code"] for each in json.loads(done.stdout)["findings"] if each["subject"] == "connection"}

    assert codes() == {"connection_not_looked_up"}
    assert codes(AIRFLOW_CONN_NINEBITS_DEFAULT="{bad") == {"connection_unusable"}
    other = connection_to(simulator.base_url).replace('"ninebits"', '"http"')
    assert codes(AIRFLOW_CONN_NINEBITS_DEFAULT=other) == {"connection_other_type", "simulated"}
    assert not (tmp_path / "airflow.db").exists()
    with_tables_of_airflow(tmp_path / "airflow.db")
    assert codes() == {"connection_missing"}
    assert codes(AIRFLOW_CONN_NINEBITS_DEFAULT="{bad") == {"connection_unusable"}


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"max_parallel_requests": 65}, "max_parallel_requests is 65"),
        ({"calling_hours": "9-5", "timezone": "UTC"}, "calling_hours: '9-5' are no hours"),
        ({"calling_days": "weekdays"}, "calling_days: 'weekdays' is no day"),
        ({"timezone": "Lagos"}, "timezone is 'Lagos'"),
        ({"calling_hours": "09:00-17:00"}, "calling hours have no timezone"),
    ],
)
def test_what_a_connection_says_of_sends_is_read_as_tasks_do(
    connected: str, run: Run, monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any], reason: str
) -> None:
    fields = json.loads(os.environ["AIRFLOW_CONN_NINEBITS_DEFAULT"])
    monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_DEFAULT", json.dumps({**fields, "extra": extra}))
    [what] = [each["what"] for code, each in found(run)[1].items() if code == "connection_unusable"]
    assert what.startswith(f"A connection cannot be used: connection 'ninebits_default': {reason}")


def test_a_connection_that_another_fernet_key_has_locked_is_not_called_absent(tmp_path: Path) -> None:
    from cryptography.fernet import Fernet

    with_tables_of_airflow(tmp_path / "airflow.db")
    locked = Fernet(Fernet.generate_key()).encrypt(b"an-api-key").decode()
    with sqlite3.connect(tmp_path / "airflow.db") as database:
        database.execute(
            "INSERT INTO connection (conn_id, conn_type, password, is_encrypted, is_extra_encrypted) "
            "VALUES ('ninebits_default', 'ninebits', ?, 1, 0)",
            (locked,),
        )
    database.close()
    key = Fernet.generate_key().decode()
    done = in_a_process(tmp_path, "--output", "json", AIRFLOW__CORE__FERNET_KEY=key)
    [finding] = [each for each in json.loads(done.stdout)["findings"] if each["subject"] == "connection"]
    assert "that it can read" in finding["what"]
    assert "FERNET_KEY" in finding["fix"]


def test_send_tells_the_same_and_makes_no_database(tmp_path: Path) -> None:
    def said(**environment: str) -> str:
        given = ("--to", ADA, "--media-url", "https://example.com/a.mp3", "--yes")
        done = in_a_process(tmp_path, *given, command="send", **environment)
        assert done.returncode == 2, done.stdout + done.stderr
        return done.stderr

    assert "there is no connection 'ninebits_default'" in said()
    text = said(AIRFLOW_CONN_NINEBITS_DEFAULT="{s3cret")
    assert "AIRFLOW_CONN_NINEBITS_DEFAULT is set, and is neither JSON nor a URI" in text
    assert "s3cret" not in text
    assert not (tmp_path / "airflow.db").exists()


def test_a_receiver_without_password_is_a_problem_before_a_callback_is_lost(connected: str, run: Run) -> None:
    with served(ReceiverSettings(connected)):
        wait_for_heartbeat(connected)
        status, codes = found(run)
    assert status == 1
    assert "up on this machine" in codes["password_missing_receiver"]["what"]


def test_the_ledger_tells_whether_calls_were_sent_meanwhile(connected: str) -> None:
    from airflow_provider_ninebits.ledger import vitals

    database = Database(connected)
    body = json.dumps({"to_number": TRIAL_NUMBER, "ref_id": "no-one's"}).encode()
    assert not vitals.callbacks(database).accepted_meanwhile
    assert vitals.receivers(database).stored_at is None
    accepted(database, "ref-1", ADA)
    store(database, read_arrivals(body, None, "UTC"), window=WINDOW)
    assert not vitals.callbacks(database).accepted_meanwhile
    accepted(database, "ref-2", ADA)
    store(database, read_arrivals(body, None, "UTC"), window=WINDOW)
    assert vitals.callbacks(database).accepted_meanwhile
    kept = vitals.callbacks(database)
    assert vitals.receivers(database).stored_at == max(row.received_at for row in kept.rows)
    database.close()


def test_a_message_whose_sender_did_not_come_back_waits_for_a_person(connected: str, run: Run) -> None:
    database = Database(connected)
    died = sending(database, ADA)
    assert "messages_uncertain" not in found(run)[1]
    lapse(database, died.message_id)
    uncertain(database, BEN)
    assert found(run)[1]["messages_uncertain"]["what"].startswith("Messages in doubt: 2.")
    database.close()


def test_a_ledger_of_another_version_is_left_as_it_is(connected: str, password: str, run: Run) -> None:
    from sqlalchemy import text

    database = Database(connected)
    with database.writing() as connection:
        connection.execute(text("UPDATE ninebits_version SET version_num = '9999'"))
    database.close()
    status, codes = found(run)
    assert status == 1
    assert "9999" in codes["ledger_newer"]["what"]
    assert "receiver_none_yet" not in codes
    assert Database(connected).version() == "9999"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/no/such/folder/n.db", 2, "ledger_unusable"), ("/proc/n.db", 4, "ledger_not_writable")],
)
def test_a_ledger_that_nothing_could_be_written_to_is_no_note(
    monkeypatch: pytest.MonkeyPatch, run: Run, path: str, status: int, code: str
) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{path}")
    made, codes = found(run)
    assert (made, code in codes, "ledger_absent" in codes) == (status, True, False)


def test_people_get_lines_of_80_columns_and_scripts_yaml(own_receiver: str, run: Run) -> None:
    _, out, _ = run("check")
    assert "callback URL\n  NOTE     No test callback was sent" in out
    assert "\ngood: " in out
    assert max(map(len, out.splitlines())) <= 80
    _, out, _ = run("check", "--output", "yaml")
    assert {"findings", "not_looked_at", "problems", "notes", "exit_status"} == yaml.safe_load(out).keys()


def with_tables_of_airflow(file: Path) -> None:
    from airflow.jobs.job import Job
    from airflow.models.connection import Connection
    from airflow.models.trigger import Trigger
    from sqlalchemy import create_engine

    engine = create_engine(f"sqlite:///{file}")
    for table in (Job.__table__, Trigger.__table__, Connection.__table__):
        table.create(engine)
    engine.dispose()


def in_a_process(
    home: Path, *arguments: str, command: str = "check", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "airflow_provider_ninebits.cli.main", command, *arguments],
        env={**os.environ, "AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT), **environment},
        cwd=home,
        capture_output=True,
        text=True,
    )


def connection_to(url: str) -> str:
    return json.dumps({"conn_type": "ninebits", "password": "an-api-key", "host": url})


def test_exit_statuses_of_a_process(tmp_path: Path, simulator: Any) -> None:
    good = {
        "AIRFLOW_CONN_NINEBITS_DEFAULT": connection_to(simulator.base_url),
        "AIRFLOW__NINEBITS__WEBHOOK_PASSWORD": PASSWORD,
    }
    done = in_a_process(tmp_path, **good)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not looked at, for want of the ledger: receivers" in done.stdout
    # To look is not to make: neither a ledger nor Airflow's database.
    assert not list(tmp_path.glob("*.db"))
    done = in_a_process(tmp_path, **{**good, "AIRFLOW__NINEBITS__WEBHOOK_PASSWORD": ""})
    assert done.returncode == 1, done.stdout
    done = in_a_process(tmp_path, **good, AIRFLOW__NINEBITS__MATCH_WINDOW="soon")
    assert done.returncode == 2, done.stdout
    assert "match_window" in done.stdout
    assert in_a_process(tmp_path, "--callback-url", "nowhere", **good).returncode == 2
    done = in_a_process(tmp_path, **good, AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN="postgresql://x:s3cret@127.0.0.1:9/x")
    assert done.returncode == 4, done.stdout
    assert "refused" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr
    done = in_a_process(tmp_path, **{**good, "AIRFLOW_CONN_NINEBITS_DEFAULT": connection_to("http://127.0.0.1:9")})
    assert done.returncode == 4, done.stdout


def test_airflows_database_tells_of_triggerers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.jobs.job import Job
    from airflow.models.trigger import Trigger
    from sqlalchemy import create_engine, insert

    file = tmp_path / "airflow.db"
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{file}")
    assert look() == TriggerersSeen(unseen="there is no such file here")
    assert not file.exists()
    sqlite3.connect(file).close()
    assert look().unseen == "OperationalError"
    engine = create_engine(f"sqlite:///{file}")
    for table in (Job.__table__, Trigger.__table__):
        table.create(engine)
    now = datetime.now(UTC)
    with engine.begin() as connection:
        for seen_at, state in ((now, "running"), (now - timedelta(hours=1), "running"), (now, "success")):
            values = {"job_type": "TriggererJob", "state": state, "latest_heartbeat": seen_at}
            connection.execute(insert(Job.__table__).values(**values))
        for path in ("airflow_provider_ninebits.triggers.callback.CallbackTrigger", "airflow.x.Other"):
            connection.execute(insert(Trigger.__table__).values(classpath=path, kwargs="", created_date=now))
    engine.dispose()
    seen = look()
    assert seen == TriggerersSeen(up=1, capacity=1000, triggers=2, waits=1)
    assert judge(seen) == []


def test_a_task_is_not_let_into_airflows_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "airflow-db-not-allowed:///")
    assert look().unseen is not None


def test_the_trials_number_is_nobodys() -> None:
    from airflow_provider_ninebits.api.errors import InvalidRecipient
    from airflow_provider_ninebits.api.numbers import read_recipients

    with pytest.raises(InvalidRecipient):
        read_recipients(TRIAL_NUMBER)
