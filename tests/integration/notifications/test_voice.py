"""The notifier on a real ledger and a simulated 9bits: who is rung, what is logged, and that nothing is raised."""

from __future__ import annotations

import logging
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.alerts import list_alerts
from airflow_provider_ninebits.notifications.ringing import Ringing
from tests.integration.ledger.purge_scenes import let_pass
from tests.integration.ledger.scenes import row, rows
from tests.integration.notifications.notifying import ADA, MEDIA, bounded, context, hanging_server, notifier

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

BEN = "2348020000002"
VOICE = "airflow_provider_ninebits.notifications.voice"


@pytest.fixture
def ledger(sqlite_ledger: Database) -> Database:
    return sqlite_ledger


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, VOICE)
    return caplog


def lines(told: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """What the notifier itself has logged."""
    return [(record.levelno, record.getMessage()) for record in told.records if record.name == VOICE]


class TestACall:
    def test_it_rings_and_says_whom_for_what(
        self, ledger: Database, simulator: RunningSimulator, told: pytest.LogCaptureFixture
    ) -> None:
        notifier(from_number="07080670000")(context())
        assert simulator.rung() == {ADA: 1}
        [request] = simulator.requests()
        assert request["media_url"] == MEDIA
        assert row(ledger, schema.message)["from_number"] == "07080670000"
        [(level, text)] = lines(told)
        assert level == logging.INFO
        assert "9bits rings 234802***0001 for alert 'etl manual__1': ref_id=" in text
        assert ADA not in told.text

    def test_who_asked_is_in_the_ledger(self, ledger: Database, simulator: RunningSimulator) -> None:
        notifier()(context())
        send = row(ledger, schema.send)
        place = [send[name] for name in ("dag_id", "run_id", "task_id", "map_index")]
        assert place == ["etl", "manual__1", "load", None]

    def test_every_field_is_a_template(self, ledger: Database, simulator: RunningSimulator) -> None:
        notifier(
            to=["{{ people[0] }}", "{{ people[1] }}"],
            media_url="https://media.test/{{ ti.task_id }}.mp3",
            ninebits_conn_id="ninebits_{{ place }}",
            dedup_key="{{ ti.dag_id }} of the night",
            cooldown="{{ 60 * 5 }}",
            from_number="{{ caller }}",
            notify_timeout="{{ 10 + 5 }}",
        )({**context(), "people": [ADA, BEN], "place": "elsewhere", "caller": "07080670000"})
        assert simulator.rung() == {ADA: 1, BEN: 1}
        [request] = simulator.requests()
        assert request["media_url"] == "https://media.test/load.mp3"
        sent = row(ledger, schema.message)
        assert (sent["conn_id"], sent["from_number"]) == ("ninebits_elsewhere", "07080670000")
        assert row(ledger, schema.alert)["dedup_key"] == "etl of the night"
        let_pass(ledger, timedelta(minutes=5))
        notifier(dedup_key="etl of the night", cooldown=300)(context())
        assert simulator.rung() == {ADA: 2, BEN: 1}

    def test_many_may_come_as_a_template_of_a_list(self, ledger: Database, simulator: RunningSimulator) -> None:
        notifier(to="{{ people }}")({**context(), "people": [ADA, BEN]})
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_native_rendering_of_the_dag_is_kept(self, ledger: Database, simulator: RunningSimulator) -> None:
        dag = DAG("native", schedule=None, render_template_as_native_obj=True)
        notifier(to="{{ person }}")({**context(), "dag": dag, "person": ADA})
        assert simulator.rung() == {ADA: 1}

    def test_the_same_notifier_rings_for_the_next_run_too(self, ledger: Database, simulator: RunningSimulator) -> None:
        # The DAG processor calls one notifier for all runs that have failed.
        one = notifier(to="{{ person }}")
        one({**context(run_id="first"), "person": ADA})
        one({**context(run_id="second"), "person": BEN})
        assert simulator.rung() == {ADA: 1, BEN: 1}
        assert one.to == "{{ person }}"


class TestContexts:
    @pytest.mark.parametrize(
        "given",
        [
            pytest.param({}, id="empty"),
            pytest.param(None, id="none"),
            pytest.param({"dag": None}, id="no DAG"),
            pytest.param({"dag": None, "ti": None, "dag_run": None, "run_id": None, "task": None}, id="all none"),
        ],
    )
    def test_what_is_missing_is_unknown(
        self, ledger: Database, simulator: RunningSimulator, given: Any, told: pytest.LogCaptureFixture
    ) -> None:
        notifier()(given)
        assert simulator.rung() == {ADA: 1}
        found = row(ledger, schema.alert)
        assert (found["dag_id"], found["run_id"], found["task_id"]) == (None, None, None)
        assert "for alert 'unknown unknown'" in told.text

    def test_nothing_at_all(self, ledger: Database, simulator: RunningSimulator) -> None:
        notifier()()
        assert simulator.rung() == {ADA: 1}

    def test_the_four_arguments_of_a_missed_sla(self, ledger: Database, simulator: RunningSimulator) -> None:
        notifier()(DAG("etl", schedule=None), "load", "", [])
        assert simulator.rung() == {ADA: 1}
        assert row(ledger, schema.alert)["dag_id"] == "etl"

    def test_what_nobody_knows_holds_back_nothing_else_that_nobody_knows(
        self, ledger: Database, simulator: RunningSimulator
    ) -> None:
        for to in (ADA, BEN, ADA):
            notifier(to)({})
        assert simulator.rung() == {ADA: 1, BEN: 1}


class TestAStorm:
    def test_what_comes_after_the_call_is_held_back_counted_and_said(
        self, ledger: Database, simulator: RunningSimulator, told: pytest.LogCaptureFixture
    ) -> None:
        notifier()(context("first"))
        let_pass(ledger, timedelta(minutes=3))
        notifier(to=BEN, media_url="https://media.test/other.mp3")(context("second"))
        notifier()(context("third"))
        assert simulator.rung() == {ADA: 1}
        assert lines(told)[-1] == (
            logging.INFO,
            "Held back: the call for alert 'etl manual__1' rang 3 min ago, and the cooldown is 15 min; "
            '2 held back since. event=alert_held_back alert="etl manual__1" held_back=2',
        )
        [shown] = list_alerts(ledger)
        assert (shown.rings, shown.held_back, shown.task_id, shown.held_back_task_id) == (1, 2, "first", "third")

    def test_after_the_cooldown_it_rings_again(self, ledger: Database, simulator: RunningSimulator) -> None:
        notifier(cooldown=timedelta(minutes=5))(context())
        let_pass(ledger, timedelta(minutes=5))
        notifier(cooldown=timedelta(minutes=5))(context())
        assert simulator.rung() == {ADA: 2}

    def test_without_a_cooldown_each_rings(self, ledger: Database, simulator: RunningSimulator) -> None:
        for _ in range(3):
            notifier(cooldown=0)(context())
        assert simulator.rung() == {ADA: 3}

    def test_other_runs_and_other_keys_ring(self, ledger: Database, simulator: RunningSimulator) -> None:
        notifier()(context(run_id="one"))
        notifier()(context(run_id="two"))
        notifier(dedup_key="a key")(context(run_id="one"))
        notifier(dedup_key="a key")(context(run_id="two"))
        assert simulator.rung() == {ADA: 3}

    def test_a_deployment_of_the_same_ledger_rings_for_itself(
        self, ledger: Database, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notifier()(context())
        monkeypatch.setenv("AIRFLOW__NINEBITS__DEPLOYMENT", "another")
        notifier()(context())
        assert simulator.rung() == {ADA: 2}

    def test_a_number_in_a_key_is_not_kept(self, ledger: Database, simulator: RunningSimulator) -> None:
        notifier(dedup_key=f"for {ADA}")(context())
        assert row(ledger, schema.alert)["dedup_key"] == "for 234802***0001"


class TestTrouble:
    def test_what_9bits_refuses_lets_the_next_one_ring(
        self, ledger: Database, simulator: RunningSimulator, told: pytest.LogCaptureFixture
    ) -> None:
        simulator.script({"faults": [{"kind": "status", "status": 400}]})
        notifier()(context("first"))
        [(level, text)] = lines(told)
        assert level == logging.ERROR
        assert "The alert rang nobody: 9bits placed no call for message" in text
        # At once, and not only when the claim of the first would have lapsed.
        assert row(ledger, schema.alert)["owner"] is None
        notifier()(context("second"))
        assert simulator.rung() == {ADA: 1}
        assert row(ledger, schema.alert)["task_id"] == "second"

    def test_an_unclear_answer_is_sent_again(
        self, ledger: Database, simulator: RunningSimulator, told: pytest.LogCaptureFixture
    ) -> None:
        simulator.script({"faults": [{"kind": "status", "status": 500, "placed": True}]})
        notifier()(context())
        assert simulator.rung() == {ADA: 2}
        assert [level for level, _ in lines(told)] == [logging.INFO]

    def test_what_stays_unclear_is_said_and_sent_again_by_the_next_once_its_claim_is_over(
        self, ledger: Database, simulator: RunningSimulator, told: pytest.LogCaptureFixture
    ) -> None:
        simulator.script({"faults": [{"kind": "status", "status": 500, "times": 3}]})
        notifier()(context())
        [(level, text)] = lines(told)
        assert level == logging.ERROR
        assert "It is unknown whether the alert rang" in text
        assert "clear the task" not in text
        assert row(ledger, schema.message)["id"] in text
        assert simulator.rung() == {}
        let_pass(ledger, timedelta(seconds=20))
        notifier()(context())
        assert simulator.rung() == {ADA: 1}

    @pytest.mark.parametrize(
        ("stops_after", "fault", "is_let_go"),
        [
            pytest.param(0, None, True, id="nothing was sent"),
            pytest.param(1, {"kind": "status", "status": 500, "placed": True}, False, id="a request is unanswered"),
        ],
    )
    def test_stopped_in_doubt_it_does_not_let_the_others_ring_at_once(
        self,
        ledger: Database,
        simulator: RunningSimulator,
        told: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        stops_after: int,
        fault: Any,
        is_let_go: bool,
    ) -> None:
        simulator.script({"faults": [fault] if fault else []})
        monkeypatch.setattr(Ringing, "_is_over", lambda _: len(simulator.requests()) >= stops_after)
        notifier()(context())
        assert "not known to have rung, its time (notify_timeout) was over" in told.text
        assert len(simulator.requests()) == stops_after
        assert (row(ledger, schema.alert)["owner"] is None) is is_let_go

    @pytest.mark.parametrize(
        ("conn_id", "said"),
        [
            ("ninebits_nowhere", "refused the connection"),
            ("ninebits_bad_key", "401"),
            ("ninebits_missing", "'ninebits_missing' cannot be read here"),
        ],
    )
    def test_a_connection_that_leads_nowhere(
        self, ledger: Database, simulator: RunningSimulator, told: pytest.LogCaptureFixture, conn_id: str, said: str
    ) -> None:
        notifier(ninebits_conn_id=conn_id)(context())
        [(level, text)] = lines(told)
        assert level == logging.ERROR
        assert "The alert rang nobody" in text
        assert said in text
        # Nobody is held back for it.
        notifier()(context())
        assert simulator.rung() == {ADA: 1}

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"to": "{{ nothing.here }}"}, "to cannot be rendered: UndefinedError"),
            ({"media_url": "{{ nothing.here }}"}, "media_url cannot be rendered: UndefinedError"),
            ({"to": "{{ unknown }}"}, "to is ''"),
            ({"to": "0802"}, "to: the number, 0***"),
            ({"media_url": "failed.mp3"}, "media_url"),
            ({"to": "{% broken"}, "to cannot be rendered: TemplateSyntaxError"),
        ],
    )
    def test_without_a_number_or_a_recording_nobody_is_rung(
        self,
        ledger: Database,
        simulator: RunningSimulator,
        told: pytest.LogCaptureFixture,
        arguments: dict[str, Any],
        said: str,
    ) -> None:
        notifier(**arguments)(context())
        [(level, text)] = lines(told)
        assert level == logging.ERROR
        assert said in text
        assert simulator.requests() == []
        assert rows(ledger, schema.alert) == []

    @pytest.mark.parametrize(
        "arguments",
        [
            {"dedup_key": "{{ nothing.here }}"},
            {"dedup_key": "{{ unknown }}"},
            {"cooldown": "{{ nothing.here }}"},
            {"cooldown": "a while"},
            {"cooldown": -1},
            {"from_number": "{{ nothing.here }}"},
            {"notify_timeout": "{{ nothing.here }}"},
            {"notify_timeout": 0},
        ],
    )
    def test_what_it_can_do_without_is_said_and_left_out(
        self,
        ledger: Database,
        simulator: RunningSimulator,
        told: pytest.LogCaptureFixture,
        arguments: dict[str, Any],
    ) -> None:
        notifier(**arguments)(context())
        assert simulator.rung() == {ADA: 1}
        assert next(iter(arguments)) in told.text
        assert row(ledger, schema.alert)["dedup_key"] == "etl manual__1"
        notifier()(context())
        assert simulator.rung() == {ADA: 1}

    def test_a_ledger_that_is_down(
        self,
        simulator: RunningSimulator,
        connection: None,
        told: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Any,
    ) -> None:
        monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path}/no/folder/ninebits.db")
        notifier(notify_timeout=4)(context())
        [(level, text)] = lines(told)
        assert level == logging.ERROR
        assert "not known to have rung, since the ledger says who rings, and failed" in text
        assert "sql_alchemy_conn" in text
        assert simulator.requests() == []

    def test_an_option_that_is_wrong(
        self, ledger: Database, told: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__NINEBITS__CALLBACK_TIMEZONE", "Mars/Olympus")
        notifier()(context())
        assert "[ninebits] callback_timezone" in told.text

    def test_a_context_whose_fields_fail(self, ledger: Database, simulator: RunningSimulator) -> None:
        class Broken:
            def __getattr__(self, name: str) -> Any:
                raise RuntimeError(name)

        notifier()({"ti": Broken(), "dag": SimpleNamespace(dag_id="etl"), "run_id": "manual__1"})
        assert simulator.rung() == {ADA: 1}
        assert row(ledger, schema.alert)["dag_id"] == "etl"

    def test_a_server_that_hangs_is_waited_for_no_longer_than_notify_timeout(
        self, ledger: Database, told: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with hanging_server() as port:
            monkeypatch.setenv(
                "AIRFLOW_CONN_NINEBITS_HANGS",
                f'{{"conn_type": "ninebits", "password": "key", "host": "http://127.0.0.1:{port}"}}',
            )
            with bounded():
                notifier(ninebits_conn_id="ninebits_hangs", notify_timeout=3)(context())
        assert [level for level, _ in lines(told)] == [logging.ERROR]
        assert "unknown" in told.text or "notify_timeout" in told.text
        # What was written may have rung: so the ledger says.
        assert row(ledger, schema.message)["state"] in ("uncertain", "sending")

    def test_a_ledger_that_hangs_is_waited_for_no_longer_than_notify_timeout(
        self,
        simulator: RunningSimulator,
        connection: None,
        told: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        with hanging_server() as port:
            url = f"postgresql+psycopg://ninebits:secret@127.0.0.1:{port}/ninebits"
            monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", url)
            with bounded():
                notifier(notify_timeout=2)(context())
        [(level, text)] = lines(told)
        assert level == logging.ERROR
        assert "still asking the ledger whether to ring" in text
        assert "2 s (notify_timeout)" in text
        assert simulator.requests() == []
