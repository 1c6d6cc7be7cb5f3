"""What the logs of a whole Airflow do not tell; runs after all other tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]


def test_no_log_shows_a_secret_or_a_whole_number_of_ours(stage: Stage, secrets: tuple[str, ...]) -> None:
    # Alone, this test has something to search all the same.
    stage.run("ring", to=stage.answering(1))
    files = [stage.airflow.home / "standalone.log", *(stage.airflow.home / "logs").rglob("*.log")]
    lines = [line for file in files for line in file.read_text(errors="replace").splitlines()]
    assert any("airflow_provider_ninebits.hooks.sending" in line and "9bits accepted message" in line for line in lines)

    assert [line for line in lines if any(secret in line for secret in secrets)] == []
    # Airflow logs the conf of a run by itself; what this package logs is named after it.
    ours = [line for line in lines if "airflow_provider_ninebits" in line]
    assert [line for line in ours if any(number in line for number in stage.issued)] == []
