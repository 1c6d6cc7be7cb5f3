"""``ninebits send``: it rings real phones, so it asks, says what happened, and can be gone on with."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.ledger.scenes import ADA, BEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ninebits.simulator import RunningSimulator

    Run = Callable[..., tuple[int, str, str]]

MEDIA = "https://media.test/a.mp3"
SEND = ("send", "--media-url", f"{MEDIA}?signature=hidden")
JSON = ("--output", "json")
MANY = [str(2348020000000 + place) for place in range(2500)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    file = tmp_path / "numbers.txt"
    file.write_text("\n".join(MANY))
    return file


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Terminal]:
    """Give the command a terminal, on which somebody types something."""

    def type_on_terminal(words: str) -> Terminal:
        shown = Terminal()
        monkeypatch.setattr(sys, "stdin", Terminal(words))
        monkeypatch.setattr(sys, "stderr", shown)
        return shown

    return type_on_terminal


@pytest.mark.usefixtures("connected")
class TestASend:
    def test_it_rings_and_gives_back_what_leads_to_the_outcome(self, run: Run, simulator: RunningSimulator) -> None:
        status, out, err = run(*SEND, "--to", ADA, "--to", BEN, "--yes", *JSON)
        assert status == 0
        told = json.loads(out)
        [request] = simulator.requests()
        assert told["ref_ids"] == [request["ref_id"]]
        assert (told["recipients"], told["parts"], told["resumed"], told["dry_run"]) == (2, 1, False, False)
        assert simulator.rung() == {ADA: 1, BEN: 1}
        assert ADA not in err

    def test_a_file_goes_in_parts_without_its_excluded_numbers(
        self, run: Run, simulator: RunningSimulator, numbers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "stop.txt").write_text(MANY[0])
        monkeypatch.chdir(tmp_path)
        status, out, _ = run(*SEND, "--to-file", "numbers.txt", "--exclude-file", "stop.txt", "--yes", *JSON)
        told = json.loads(out)
        assert status == 0
        assert (told["recipients"], told["parts"], told["excluded"]) == (2499, 3, 1)
        assert simulator.rung() == dict.fromkeys(MANY[1:], 1)

    def test_a_key_rings_nobody_twice(self, run: Run, simulator: RunningSimulator) -> None:
        first = json.loads(run(*SEND, "--to", ADA, "--yes", *JSON)[1])
        status, out, _ = run(*SEND, "--to", ADA, "--yes", "--idempotency-key", first["idempotency_key"], *JSON)
        again = json.loads(out)
        assert (status, again["ref_ids"], again["resumed"]) == (0, first["ref_ids"], True)
        assert simulator.rung() == {ADA: 1}

    def test_without_a_key_each_is_another_send(self, run: Run, simulator: RunningSimulator) -> None:
        run(*SEND, "--to", ADA, "--yes")
        run(*SEND, "--to", ADA, "--yes")
        assert simulator.rung() == {ADA: 2}

    def test_people_get_a_table(self, run: Run, simulator: RunningSimulator) -> None:
        status, out, _ = run(*SEND, "--to", ADA, "--yes")
        assert status == 0
        assert simulator.requests()[0]["ref_id"] in out
        assert ADA not in out


@pytest.mark.usefixtures("connected")
class TestAsking:
    def test_without_a_terminal_it_wants_to_be_told(self, run: Run, simulator: RunningSimulator) -> None:
        status, out, err = run(*SEND, "--to", ADA)
        assert (status, out) == (2, "")
        assert "--yes" in err
        assert simulator.rung() == {}

    @pytest.mark.parametrize("words", ["n\n", "\n", "", "yesterday\n"])
    def test_whoever_does_not_say_yes_rings_nobody(
        self, run: Run, simulator: RunningSimulator, typed: Callable[[str], Terminal], words: str
    ) -> None:
        shown = typed(words)
        status, out, _ = run(*SEND, "--to", ADA, BEN)
        assert (status, out) == (1, "")
        assert "Ring 2 phones now, over connection 'ninebits_default', and play https://media.test/a.mp3?" in (
            shown.getvalue()
        )
        assert "hidden" not in shown.getvalue()
        assert simulator.rung() == {}

    @pytest.mark.parametrize("words", ["y\n", "YES\n"])
    def test_whoever_says_yes_rings(
        self, run: Run, simulator: RunningSimulator, typed: Callable[[str], Terminal], words: str
    ) -> None:
        shown = typed(words)
        status, out, _ = run(*SEND, "--to", ADA, *JSON)
        assert (status, json.loads(out)["recipients"]) == (0, 1)
        assert simulator.rung() == {ADA: 1}
        assert "1 requests are placed" in shown.getvalue()

    def test_a_file_that_grew_since_somebody_said_yes_rings_nobody(
        self,
        run: Run,
        simulator: RunningSimulator,
        typed: Callable[[str], Terminal],
        numbers: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        numbers.write_text(ADA)
        typed("")

        class Grows(Terminal):
            def readline(self, *_: Any) -> str:
                numbers.write_text(f"{ADA}\n{BEN}\n")
                return "y\n"

        monkeypatch.setattr(sys, "stdin", Grows())
        assert run(*SEND, "--to-file", str(numbers))[0] == 2
        assert simulator.rung() == {}

    def test_a_dry_run_counts_and_needs_neither_yes_nor_a_connection(
        self, run: Run, simulator: RunningSimulator, numbers: Path
    ) -> None:
        status, out, _ = run(*SEND, "--to-file", str(numbers), "--dry-run", "--conn-id", "nowhere_at_all", *JSON)
        assert status == 0
        assert json.loads(out) == {"dry_run": True, "recipients": 2500, "parts": 3, "excluded": 0}
        assert simulator.requests() == []


@pytest.mark.usefixtures("connected")
class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("--to", "234"), "number"),
            (("--to-file", "nowhere.txt"), "nowhere.txt"),
            (("--to", ADA, "--conn-id", "nowhere_at_all"), "AIRFLOW_CONN_NOWHERE_AT_ALL"),
            (("--to", ADA, "--max-requests-per-second", "-1"), "max_requests_per_second"),
            (("--to", ADA, BEN, "--max-recipients", "1"), "max_recipients"),
        ],
    )
    def test_what_cannot_be_sent_is_wrong_usage(
        self, run: Run, simulator: RunningSimulator, arguments: tuple[str, ...], told: str
    ) -> None:
        status, out, err = run(*SEND, *arguments, "--yes", *JSON)
        assert (status, out) == (2, "")
        assert told in err
        assert simulator.requests() == []

    def test_9bits_that_cannot_be_reached(self, run: Run) -> None:
        status, out, err = run(*SEND, "--to", ADA, "--conn-id", "ninebits_nowhere", "--yes", *JSON)
        assert (status, out) == (4, "")
        assert "127.0.0.1:9" in err

    def test_a_refusal(self, run: Run) -> None:
        status, out, err = run(*SEND, "--to", ADA, "--conn-id", "ninebits_bad_key", "--yes", *JSON)
        assert (status, out) == (1, "")
        assert "401" in err

    def test_doubt_tells_how_to_end_it(self, run: Run, simulator: RunningSimulator) -> None:
        simulator.script({"faults": [{"kind": "drop", "placed": True}]})
        status, out, err = run(*SEND, "--to", ADA, "--yes", *JSON)
        assert (status, out) == (1, "")
        assert "ninebits messages resolve" in err

    def test_what_was_placed_before_it_is_told_and_the_key_goes_on_there(
        self, run: Run, simulator: RunningSimulator, numbers: Path
    ) -> None:
        simulator.script({"faults": [{"kind": "delay", "seconds": 0}, {"kind": "status", "status": 401}]})
        status, _, err = run(*SEND, "--to-file", str(numbers), "--idempotency-key", "spring", "--yes")
        [first] = [each for each in simulator.requests() if each["ref_id"]]
        assert status == 1
        assert f"placed before that: ref_id {first['ref_id']}\n" in err
        status, out, _ = run(*SEND, "--to-file", str(numbers), "--idempotency-key", "spring", "--yes", *JSON)
        assert status == 0
        assert json.loads(out)["ref_ids"][0] == first["ref_id"]
        assert simulator.rung() == dict.fromkeys(MANY, 1)

    def test_a_ledger_that_cannot_be_reached(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", "postgresql://user:secret@127.0.0.1:9/ledger")
        status, out, err = run(*SEND, "--to", ADA, "--yes", *JSON)
        assert (status, out) == (4, "")
        assert "secret" not in err


def test_numbers_and_a_file_exclude_each_other(run: Run) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(*SEND, "--to", ADA, "--to-file", "numbers.txt")
