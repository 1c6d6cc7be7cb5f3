"""What a DAG file can reach of the API loads neither requests nor phonenumbers."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["errors", "numbers", "rendered", "messages", "answers", "backoff", "masking", "callbacks", "call_fields"]
)
def test_a_module_is_light(module: str) -> None:
    statements = (
        f"import sys, airflow_provider_ninebits.api.{module}\n"
        "print(sorted({'airflow', 'phonenumbers', 'requests', 'urllib3'} & set(sys.modules)))"
    )
    process = subprocess.run([sys.executable, "-c", statements], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"
