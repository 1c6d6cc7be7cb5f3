"""What the page shows, to whom, and what it does where it cannot."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import pytest
from sqlalchemy import update

from airflow_provider_ninebits.ledger import calls, dead_letter_pages, schema
from airflow_provider_ninebits.ledger.browsing import Key
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.receivers import TurnedAway, heartbeat, register
from airflow_provider_ninebits.ledger.sends import AskedBy
from airflow_provider_ninebits.page.filters import write_key
from tests.integration.ledger.scenes import lapse, sending
from tests.integration.page.calls_made import HIDDEN, RUN_ID, SHOWN, SILENT, ring, told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx
    from sqlalchemy import Table

    from airflow_provider_ninebits.ledger.database import Database
    from tests.integration.page.conftest import Somebody

PAGES = ("/", "/alerts", "/callbacks", "/statistics")
MASKED = "234802***0001"


def listed(answer: httpx.Response) -> list[str]:
    """Return the ids of the messages on a page."""
    assert answer.status_code == 200, answer.text
    return re.findall(r'href="[^"]*/messages/(\w+)', answer.text)


def link(answer: httpx.Response, words: str) -> str | None:
    """Return where a link leads."""
    found = re.search(rf'href="([^"]*)"[^>]*>{re.escape(words)}<', answer.text)
    return None if found is None else urljoin(str(answer.url), unescape(found.group(1)))


def turned_away(database: Database, counts: TurnedAway, *, started_at: str, last_at: str | None = None) -> None:
    """Have a receiver count what it turned away, just now or at a time before."""
    receiver_id = register(database, "here")
    heartbeat(database, receiver_id, counts)
    times = {"started_at": started_at, "last_unauthorized_at": last_at}
    moments = {name: datetime.fromisoformat(day).replace(tzinfo=UTC) for name, day in times.items() if day}
    with database.writing() as connection:
        receiver = schema.receiver
        connection.execute(update(receiver).where(receiver.c.id == receiver_id).values(moments))


class TestList:
    def test_newest_first_with_the_run_and_the_amount(self, page: httpx.Client, messages: list[str]) -> None:
        answer = page.get("/")
        assert listed(answer) == list(reversed(messages))
        # The path that Airflow stands under is in every link.
        assert f'href="/prefix/dags/reminders/runs/{RUN_ID}/tasks/ring" target="_top"' in answer.text
        assert "30.5" in answer.text
        assert "outside of a task" in answer.text

    @pytest.mark.parametrize(
        ("query", "places"),
        [
            ({"dag_id": "reminders"}, [2]),
            ({"dag_id": "reminders", "run_id": RUN_ID, "task_id": "ring", "map_index": "-1"}, [2]),
            ({"dag_id": "reminders", "run_id": RUN_ID, "map_index": "0"}, []),
            ({"dag_id": "reminders", "task_id": "ring"}, [2]),
            ({"dag_id": "reminders", "task_id": "nobody"}, []),
            ({"state": "answered"}, [2]),
            ({"state": "unanswered"}, [2, 1]),
            ({"state": "pending"}, [0]),
            ({"state": "uncertain"}, []),
            ({"number": f"+{SILENT}"}, [2, 1]),
            ({"number": SILENT, "dag_id": "reminders"}, [2]),
            ({"ref_id": "r-outside"}, [1]),
            ({"ref_id": ["r-outside", "r-shown"]}, [2, 1]),
            ({"ref_id": ["r-outside", "r-shown"], "state": "answered"}, [2]),
            ({"conn_id": "other"}, [0]),
            ({"since": "2020-01-01", "until": "2020-01-02T03:00:00+01:00"}, []),
            ({"since": "2020-01-01", "tz": "Africa/Lagos"}, [2, 1, 0]),
        ],
    )
    def test_filters_of_the_url(
        self,
        page: httpx.Client,
        messages: list[str],
        somebody: Somebody,
        query: dict[str, str | list[str]],
        places: list[int],
    ) -> None:
        somebody.edits = {"ninebits_default", "other"}
        assert listed(page.get("/", params=query)) == [messages[place] for place in places]

    def test_a_message_without_a_ref_id_is_found_by_what_stands_for_it(
        self, page: httpx.Client, messages: list[str]
    ) -> None:
        assert listed(page.get("/", params={"ref_id": f"ledger:{messages[1]}"})) == [messages[1]]

    def test_pages_follow_each_other_by_a_key(
        self, page: httpx.Client, database: Database, messages: list[str]
    ) -> None:
        more = [ring(database, f"r{place}", SHOWN) for place in range(60)]
        first = page.get("/")
        assert listed(first) == list(reversed(more))[:50]
        # What comes meanwhile moves nothing.
        ring(database, "newer", SHOWN)
        following = link(first, "Next page")
        assert following is not None
        second = page.get(following)
        assert listed(second) == [*list(reversed(more))[50:], *reversed(messages)]
        assert link(second, "Next page") is None
        assert "http-equiv" not in second.text

    @pytest.mark.parametrize(
        "query",
        ["state=nope", "number=12x", "since=soon", "map_index=-2", "map_index=x", "tz=Mars", "after=x", "after=MTIz"],
    )
    def test_what_cannot_be_looked_for_is_said_in_words(self, page: httpx.Client, query: str) -> None:
        answer = page.get(f"/?{query}")
        assert answer.status_code == 400
        assert query.partition("=")[0] in answer.text

    @pytest.mark.parametrize("value", ["%00", "x%00y", "9" * 1001], ids=["nul", "nul inside", "long"])
    def test_what_no_text_has_is_refused_and_is_no_outage(self, page: httpx.Client, value: str) -> None:
        for path, names in (
            ("/", ("dag_id", "run_id", "task_id", "number", "ref_id", "conn_id", "state", "since", "tz", "after")),
            ("/statistics", ("dag_id", "conn_id", "days", "until")),
            ("/callbacks", ("fate", "after")),
        ):
            for name in names:
                answer = page.get(f"{path}?{name}={value}")
                assert (name, answer.status_code) == (name, 400)
                assert name in answer.text
        assert page.get(f"/messages/{value}").status_code == 404
        assert page.get(f"/?after={write_key(Key(datetime.now(UTC), 'x' + chr(0)))}").status_code == 400

    def test_it_loads_itself_again_while_calls_are_pending(self, page: httpx.Client) -> None:
        assert '<meta http-equiv="refresh" content="10">' in page.get("/").text
        assert "http-equiv" not in page.get("/?state=answered").text
        assert "http-equiv" not in page.get("/?refresh=off").text

    @pytest.mark.parametrize(
        ("moved", "values", "loads"),
        [
            (schema.message, {}, False),
            (schema.message, {"state": "planned"}, True),
            (schema.message, {"state": "planned", "created_at": timedelta(days=9)}, False),
            (schema.message, {"state": "sending", "lease_expires_at": timedelta(minutes=-5)}, True),
            (schema.message, {"state": "sending", "lease_expires_at": timedelta(minutes=5)}, False),
            (schema.message, {"state": "refused"}, False),
            (schema.message, {"last_callback_at": timedelta(hours=1)}, True),
            (schema.message, {"last_callback_at": timedelta(hours=25)}, False),
            (schema.message, {"last_callback_at": timedelta(0), "answered": 1}, False),
            (schema.request, {"started_at": timedelta(hours=1)}, True),
        ],
    )
    def test_it_loads_itself_again_where_calls_were_asked_for_long_ago_and_ring_now(
        self,
        serve: Callable[[str], httpx.Client],
        database: Database,
        database_url: str,
        moved: Table,
        values: dict[str, Any],
        loads: bool,
    ) -> None:
        message_id = ring(database, "over-a-week-end", SHOWN)
        now = datetime.now(UTC)
        with database.writing() as connection:
            connection.execute(update(schema.message).values(created_at=now - timedelta(days=3)))
            connection.execute(update(schema.request).values(started_at=now - timedelta(days=3)))
            if values:
                moments = {name: now - each if isinstance(each, timedelta) else each for name, each in values.items()}
                connection.execute(update(moved).values(moments))
        page = serve(database_url)
        for path in ("/", f"/messages/{message_id}"):
            assert ("http-equiv" in page.get(path).text) is loads

    def test_a_ledger_without_messages_says_what_to_do_next(
        self, serve: Callable[[str], httpx.Client], database_url: str, somebody: Somebody
    ) -> None:
        page = serve(database_url)
        assert "No voice call yet" in page.get("/").text
        assert "/prefix/connections" in page.get("/").text
        assert "No message fits" in page.get("/?state=failed").text
        assert "Every callback found its recipient" in page.get("/callbacks").text
        assert "No call was asked for" in page.get("/statistics").text
        assert "No alert in the last 7 days" in page.get("/alerts").text
        somebody.reads.clear()
        assert page.get("/").status_code == 403


class TestWhoSeesWhat:
    def test_numbers_are_masked_unless_the_reader_may_edit_the_connection(
        self, page: httpx.Client, messages: list[str], somebody: Somebody
    ) -> None:
        read = page.get(f"/messages/{messages[2]}").text
        assert MASKED in read
        assert "Numbers are masked" in read
        somebody.edits = {"other"}
        assert SHOWN not in page.get(f"/messages/{messages[2]}").text
        somebody.edits = {"ninebits_default"}
        edited = page.get(f"/messages/{messages[2]}").text
        assert edited.count(SHOWN) == 2, "among the calls, and in the callback's body"
        assert MASKED not in edited

    def test_nothing_is_found_by_a_number_for_who_may_not_edit_the_connection(
        self, page: httpx.Client, messages: list[str], somebody: Somebody
    ) -> None:
        for number in (SILENT, HIDDEN, "2348099999999"):
            refused = page.get("/", params={"number": number})
            assert refused.status_code == 403
            assert "may edit the Airflow connection" in refused.text
        somebody.edits = {"ninebits_default"}
        assert listed(page.get("/", params={"number": SILENT})) == [messages[2], messages[1]]
        assert listed(page.get("/", params={"number": HIDDEN})) == []
        assert page.get("/", params={"number": HIDDEN, "conn_id": "other"}).status_code == 403

    def test_messages_of_another_airflow_are_not_there(
        self, page: httpx.Client, database: Database, messages: list[str], somebody: Somebody
    ) -> None:
        theirs = ring(database, "r-theirs", SILENT, asked_by=AskedBy("staging", "reminders", RUN_ID, "ring", -1))
        outside = ring(database, "r-outside-theirs", SILENT, conn_id="theirs", asked_by=AskedBy("staging"))
        ring(database, "r-nightly", SILENT, asked_by=AskedBy("staging", "nightly", RUN_ID, "ring", -1))
        somebody.reads |= {"theirs"}
        somebody.edits = {"ninebits_default", "other", "theirs"}
        somebody.reads_dags |= {"nightly"}
        assert listed(page.get("/")) == list(reversed(messages))
        for query, places in (
            ({"number": SILENT}, [2, 1]),
            ({"ref_id": ["r-theirs", "r-shown", f"ledger:{outside}"]}, [2]),
            ({"dag_id": "reminders", "run_id": RUN_ID}, [2]),
            ({"dag_id": "nightly"}, []),
            ({"conn_id": "theirs"}, []),
            ({"state": "pending"}, [0]),
        ):
            assert listed(page.get("/", params=query)) == [messages[place] for place in places], query
        assert 'value="nightly"' not in page.get("/").text
        for message_id in (theirs, outside):
            assert page.get(f"/messages/{message_id}").status_code == 404
        statistics = page.get("/statistics").text
        assert "<dt>Calls</dt><dd>4</dd>" in statistics
        assert "nightly" not in statistics

    def test_a_number_in_the_url_of_a_recording_is_masked(
        self, page: httpx.Client, database: Database, somebody: Somebody
    ) -> None:
        message_id = ring(database, "r", SILENT, media_url=f"https://media.test/for/{SHOWN}.mp3")
        assert f"https://media.test/for/{MASKED}.mp3" in page.get(f"/messages/{message_id}").text
        somebody.edits = {"ninebits_default"}
        assert f"https://media.test/for/{SHOWN}.mp3" in page.get(f"/messages/{message_id}").text

    def test_no_page_shows_a_whole_number_to_who_may_only_read(self, page: httpx.Client, messages: list[str]) -> None:
        for path in (*PAGES, *(f"/messages/{each}" for each in messages)):
            text = re.sub(r'placeholder="\d+"', "", page.get(path).text)
            assert re.findall(r"(?:234|0)\d{9,}", text) == []

    def test_a_connection_that_he_may_not_read_is_not_there(
        self, page: httpx.Client, messages: list[str], somebody: Somebody
    ) -> None:
        somebody.reads = {"ninebits_default"}
        somebody.edits = {"ninebits_default"}
        assert listed(page.get("/")) == [messages[2], messages[1]]
        for query in (
            {"number": HIDDEN},
            {"ref_id": "r-hidden"},
            {"dag_id": "secrets", "run_id": "r"},
            {"dag_id": "secrets"},
        ):
            assert listed(page.get("/", params=query)) == []
        assert page.get("/?conn_id=other").status_code == 403
        hidden, none = page.get(f"/messages/{messages[0]}"), page.get("/messages/none")
        assert (hidden.status_code, hidden.text) == (none.status_code, none.text)
        assert hidden.status_code == 404
        # Nor are callbacks that may be about it.
        assert "2349099999999" not in page.get("/callbacks").text
        statistics = page.get("/statistics").text
        assert "reminders" in statistics
        assert "secrets</a>" not in statistics
        assert "<dt>Calls</dt><dd>3</dd>" in statistics

    def test_a_dag_that_he_may_not_read_has_no_name(
        self, page: httpx.Client, messages: list[str], somebody: Somebody
    ) -> None:
        somebody.reads_dags = set()
        for path in (*PAGES, f"/messages/{messages[2]}"):
            answer = page.get(path)
            assert answer.status_code == 200
            assert "reminders" not in answer.text
            assert RUN_ID not in answer.text
        assert page.get("/?dag_id=reminders").status_code == 403
        # Nor is it told whether there is such a run or task.
        for name, value in (("run_id", RUN_ID), ("task_id", "ring"), ("map_index", "-1")):
            assert page.get("/", params={name: value}).status_code == 400
            assert page.get("/", params={name: value, "dag_id": "reminders"}).status_code == 403
        assert page.get("/statistics?dag_id=reminders").status_code == 403

    def test_who_may_read_no_connection_sees_nothing(self, page: httpx.Client, somebody: Somebody) -> None:
        somebody.reads = set()
        for path in PAGES:
            answer = page.get(path)
            assert answer.status_code == 403
            assert "may read the Airflow connection" in answer.text

    def test_who_is_not_logged_in_is_led_to_the_login_and_back(self, page: httpx.Client, somebody: Somebody) -> None:
        somebody.logged_in = False
        answer = page.get("/?number=1")
        assert answer.status_code == 302
        assert answer.headers["location"] == (
            "/prefix/api/v2/auth/login?next=%2Fprefix%2Fninebits%2Fcalls%2F%3Fnumber%3D1"
        )
        framed = page.get("/", headers={"Sec-Fetch-Dest": "iframe"})
        assert framed.status_code == 401
        assert "Not logged in" in framed.text


class TestASenderThatDidNotComeBack:
    def test_its_message_is_uncertain_wherever_somebody_looks(
        self, page: httpx.Client, database: Database, messages: list[str]
    ) -> None:
        message_id = sending(database, SHOWN, conn_id="ninebits_default").message_id
        assert '<span class="badge">sending</span>' in page.get("/").text
        assert "resolve" not in page.get(f"/messages/{message_id}").text
        lapse(database, message_id)
        for path in ("/", "/?state=uncertain"):
            text = page.get(path).text
            assert '<span class="badge uncertain">uncertain</span>' in text
            assert ">sending</span>" not in text
        assert listed(page.get("/?state=uncertain")) == [message_id]
        assert listed(page.get("/?state=sending")) == []
        text = page.get(f"/messages/{message_id}").text
        assert f"ninebits messages resolve {message_id} --placed" in text
        assert ">sending</span>" not in text, "nor is its request"


class TestOtherPages:
    def test_callbacks_without_a_recipient(self, page: httpx.Client, somebody: Somebody) -> None:
        assert "234909***9999" in page.get("/callbacks").text
        somebody.edits = {"ninebits_default", "other"}
        assert "2349099999999" in page.get("/callbacks?fate=unmatched").text
        assert "2349099999999" not in page.get("/callbacks?fate=unreadable").text
        assert page.get("/callbacks?fate=nope").status_code == 400

    @pytest.mark.parametrize("counted", [5000, 1])
    def test_callbacks_of_a_connection_without_messages_are_for_who_may_read_it(
        self,
        page: httpx.Client,
        database: Database,
        somebody: Somebody,
        counted: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        with database.reading() as connection:
            now = ledger_now(connection)
        told(database, "r-payroll", "2349011111111", now, conn_path="payroll")
        # Where it is not among those that are counted, it is not shown either.
        told(database, "r-mine", "2349022222222", now, conn_path="ninebits_default")
        monkeypatch.setattr(dead_letter_pages, "COUNTED", counted)
        somebody.edits = {"ninebits_default"}
        text = page.get("/callbacks").text
        assert "2349022222222" in text
        for hidden in ("r-payroll", "2349011111111", "234901***1111"):
            assert hidden not in text
        if counted > 1:
            assert "unmatched <b>1</b>" in text
            assert "234909***9999" not in text, "it may be about payroll"
        somebody.reads.add("payroll")
        text = page.get("/callbacks").text
        assert "234901***1111" in text
        assert "234909***9999" in text
        assert "2349011111111" not in text
        somebody.edits = {"ninebits_default", "other", "payroll"}
        text = page.get("/callbacks").text
        assert "2349011111111" in text
        assert "2349099999999" in text

    def test_statistics_count_what_came_back(self, page: httpx.Client) -> None:
        text = page.get("/statistics").text
        assert re.search(r"<dt>Calls</dt><dd>4</dd>", text)
        assert "1 of 3 answered (33 %)" in text
        assert "Not by when they rang" in text
        assert 'dag_id=reminders">reminders</a>' in text
        assert page.get("/statistics?days=1&tz=Asia/Kathmandu").status_code == 200
        for wrong in ("days=0", "days=x", "since=2020-01-01&until=2019-01-01", "since=2000-01-01"):
            assert page.get(f"/statistics?{wrong}").status_code == 400

    @pytest.mark.parametrize(
        "span", ["until=0001-01-05", "until=9999-12-31T23:59&since=9999-12-01&tz=Asia/Kathmandu", "until=1970-01-01"]
    )
    def test_spans_at_the_ends_of_time_are_answered(self, page: httpx.Client, span: str) -> None:
        answer = page.get(f"/statistics?{span}")
        assert answer.status_code == (200 if "1970" in span else 400)
        assert "Content-Security-Policy" in answer.headers
        assert page.get(f"/?{span}").status_code == answer.status_code

    def test_calls_of_a_message_by_state(self, page: httpx.Client, messages: list[str]) -> None:
        silent = page.get(f"/messages/{messages[2]}?state=unanswered").text
        assert "234802***0002" in silent
        assert MASKED not in silent
        assert page.get(f"/messages/{messages[2]}?state=nope").status_code == 400
        assert page.get(f"/messages/{messages[2]}?after=x").status_code == 400

    def test_a_call_that_came_back_is_never_said_to_have_not(
        self, page: httpx.Client, messages: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(calls, "CALLBACKS", 1)
        text = page.get(f"/messages/{messages[2]}").text
        assert text.count("<details>") == 1
        assert "1 came back, not shown here" in " ".join(text.split())
        assert "no callback yet" not in text

    def test_calls_of_a_refused_message_were_not_rung(self, page: httpx.Client, database: Database) -> None:
        request = sending(database, SHOWN, conn_id="ninebits_default")
        assert "no callback yet" in page.get(f"/messages/{request.message_id}").text
        request.answered("refused")
        text = page.get(f"/messages/{request.message_id}").text
        assert ">not rung<" in text
        assert "pending" not in text
        assert "no callback yet" not in text

    def test_what_was_turned_away_is_shown_loudly_and_no_more_is_claimed_than_is_known(
        self, page: httpx.Client, database: Database
    ) -> None:
        assert 'role="alert"' not in page.get("/").text
        turned_away(database, TurnedAway(unauthorized=9), started_at="2026-01-01", last_at="2026-01-02")
        assert 'role="alert"' not in page.get("/").text
        turned_away(database, TurnedAway(unauthorized=7, oversized=2), started_at="2026-01-03")
        turned_away(database, TurnedAway(unauthorized=1, unavailable=5), started_at="2026-01-04")
        for path in ("/", "/callbacks"):
            text = " ".join(page.get(path).text.split())
            assert re.search(r'role="alert".* 8 since the receivers .* started, the first of them at 2026-01-03', text)
            assert "If it was 9bits, these outcomes are lost" in text
            assert re.search(r"\(413\), the last at .*; 2 since the receivers .*, the first .* at 2026-01-03", text)
            assert re.search(r"\(503\), the last at .*; 5 since the receivers .*, the first .* at 2026-01-04", text)
            assert "In the last day" not in text


class TestSafety:
    def test_every_answer_keeps_others_out(self, page: httpx.Client, messages: list[str]) -> None:
        for path in (*PAGES, f"/messages/{messages[0]}", "/nothing", "/?state=x", "/static/page.css"):
            answer = page.get(path)
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert page.get("/").headers["Cache-Control"] == "no-store"

    def test_pages_bring_no_style_or_script_of_their_own_in_their_text(
        self, page: httpx.Client, messages: list[str]
    ) -> None:
        for path in (*PAGES, f"/messages/{messages[2]}"):
            text = page.get(path).text
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=\"/prefix/ninebits/calls/static/)", text)
            # And nothing comes from elsewhere.
            assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)

    def test_a_mistake_of_the_page_is_said_in_words(
        self, page: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError("234802000000000")

        monkeypatch.setattr(dead_letter_pages, "count_dead_letters", broken)
        answer = page.get("/callbacks")
        assert answer.status_code == 500
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "The page failed" in answer.text
        assert "234802000000000" not in answer.text
        assert "failed at /prefix/ninebits/calls/callbacks" in caplog.text

    def test_what_strangers_wrote_is_text(
        self, page: httpx.Client, database: Database, messages: list[str], somebody: Somebody
    ) -> None:
        from airflow_provider_ninebits.ledger.callbacks import Arrival, store
        from airflow_provider_ninebits.ledger.states import CallbackKind
        from tests.integration.page.calls_made import WINDOW

        evil = "<script>alert(1)</script>"
        store(database, [Arrival(CallbackKind.UNREADABLE, evil.encode(), ref_id=evil, detail=evil)], window=WINDOW)
        somebody.edits = {"ninebits_default", "other"}
        for path in ("/callbacks", f"/?dag_id={evil}", f"/?ref_id=%22{evil}", "/?tz=%3Cscript%3E", f"/?state={evil}"):
            somebody.reads_dags.add(evil)
            assert "<script>" not in page.get(path).text

    def test_only_reading_is_possible(self, page: httpx.Client) -> None:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert page.request(method, "/").status_code == 405
        for path in ("/docs", "/openapi.json", "/static/page.py", "/static/..%2fapp.py"):
            assert page.get(path).status_code == 404

    def test_a_ledger_that_cannot_be_read_is_said_in_words_and_names_no_host(
        self, serve: Callable[[str], httpx.Client], tmp_path: Path
    ) -> None:
        for url in (f"sqlite:///{tmp_path}/no/such/folder.db", "postgresql://u:secret@127.0.0.1:1/x"):
            answer = serve(url).get("/")
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "10"
            assert "cannot be read" in answer.text
            assert "127.0.0.1" not in answer.text
            assert str(tmp_path) not in answer.text
