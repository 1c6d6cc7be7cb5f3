from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.integration.ledger.model.machine import LedgerMachine
from tests.integration.ledger.model.playing import examples

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from airflow_provider_ninebits.ledger.database import Database

EXAMPLES = {"sqlite": 45, "postgresql": 10}


# Making a failure small takes minutes, and must not be cut off.
@pytest.mark.timeout(0)
def test_the_ledger_keeps_its_rules_whatever_happens(
    backend: str, fresh_ledger: Callable[[], AbstractContextManager[Database]]
) -> None:
    run_state_machine_as_test(
        lambda: LedgerMachine(fresh_ledger), settings=examples(EXAMPLES[backend], stateful_step_count=25)
    )
