"""Whatever is typed, a command says what is wrong with it: a traceback is a bug."""

from __future__ import annotations

import io
import os
import shutil
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_ninebits.cli.main import main
from airflow_provider_ninebits.cli.output import LARGEST
from airflow_provider_ninebits.ledger.callbacks import store
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.webhook.arrivals import read_arrivals
from tests.integration.ledger.scenes import ADA, WINDOW, accepted

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ninebits.simulator import RunningSimulator

# As a shell hands it over: any bytes but NUL, UTF-8 or not.
ANYTHING = st.binary(max_size=12).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"0"))) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12
)
NUMBERS = st.integers() | st.integers(-(2**70), 2**70) | st.sampled_from([0, 1, LARGEST, LARGEST + 1]) | st.floats()
GIVEN = ANYTHING | NUMBERS.map(str) | st.sampled_from(["", "a", "9" * 5000, "ref-1", "-1", "--", ADA])
OUTPUT = st.sampled_from([(), ("--output", "json"), ("--output", "yaml"), ("--output", "table")])


def line(
    *words: str | None, options: dict[str, st.SearchStrategy[str] | None] | None = None
) -> st.SearchStrategy[list[str]]:
    """Lines that begin with some words, None for anything, with any of these options; None for those without values."""
    begun = st.tuples(*(GIVEN if word is None else st.just(word) for word in words)).map(list)
    for name, value in (options or {}).items():
        said = st.just([name]) if value is None else value.map(lambda each, name=name: [f"{name}={each}"])
        begun = st.tuples(begun, st.just([]) | said).map(lambda both: both[0] + both[1])
    return st.tuples(begun, OUTPUT).map(lambda both: [*both[0], *both[1]])


LINES = st.one_of(
    line(
        *("messages", "list"), options=dict.fromkeys(("--limit", "--state", "--dag-id", "--ref-id", "--before"), GIVEN)
    ),
    line("messages", "show", None),
    line("messages", "resolve", None, options={"--placed": None, "--not-placed": None, "--ref-id": GIVEN}),
    line("callbacks", "list", options={"--limit": GIVEN, "--state": GIVEN}),
    line("callbacks", "show", None),
    line("callbacks", "rematch"),
    line("alerts", "list", options={"--limit": GIVEN}),
    line(
        "purge",
        options={
            "--older-than-days": GIVEN,
            "--keys-older-than-days": GIVEN,
            **dict.fromkeys(("--mask", "--unsettled", "--dry-run", "--vacuum")),
        },
    ),
    line("outcome", None),
    line("db", "current"),
    line("db", "upgrade"),
    line(
        *("send", "--dry-run", "--media-url=https://media.test/a.mp3"),
        options={
            "--to": GIVEN | st.just(ADA),
            **dict.fromkeys(
                (
                    *("--to-file", "--to-column", "--exclude-file", "--from-number", "--idempotency-key"),
                    *("--max-recipients", "--max-requests-per-second", "--max-parallel-requests"),
                ),
                GIVEN,
            ),
        },
    ),
    st.lists(GIVEN, max_size=4),
)


@pytest.fixture(scope="module")
def throw_away(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger that lines may do anything to."""
    folder = tmp_path_factory.mktemp("lines")
    shutil.copy(migrated_sqlite, folder / "ninebits.db")
    database = Database(f"sqlite:///{folder / 'ninebits.db'}")
    accepted(database, "ref-1", ADA)
    store(database, read_arrivals(b'{"to_number": "2348099999999"}', None, "UTC"), window=WINDOW)
    database.close()
    return folder


@pytest.fixture
def there(throw_away: Path, one_simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(throw_away)
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{throw_away / 'ninebits.db'}")
    monkeypatch.setenv(
        "AIRFLOW_CONN_NINEBITS_DEFAULT",
        f'{{"conn_type": "ninebits", "password": "an-api-key", "host": "{one_simulator.base_url}"}}',
    )


def stream(errors: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=errors)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=400)
@example(["messages", "list", "--limit", "9" * 25])
@example(["alerts", "list", "--limit", "9" * 25])
@example(["callbacks", "show", "-99999999999999999999"])
@example(["callbacks", "show", str(LARGEST + 1)])
@example(["purge", "--older-than-days", "900000"])
@example(["purge", "--older-than-days=--"])
@given(LINES)
def test_it_ends_with_a_status_and_without_a_traceback(there: None, typed: list[str]) -> None:
    # As a process has them: what cannot be encoded is an error on the one, and written otherwise on the other.
    with redirect_stdout(stream("strict")), redirect_stderr(stream("backslashreplace")) as err:
        try:
            status = main(typed)
        except SystemExit as ended:
            status = ended.code
        err.flush()
        said = err.buffer.getvalue().decode()
    assert status in range(5), said
    assert "Traceback" not in said
    assert status in (0, 1) or said
