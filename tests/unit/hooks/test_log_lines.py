from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.hooks.log_lines import log_line

_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')


def read(line: str) -> dict[str, str]:
    """What the page on logs says of how a machine reads a line."""
    pairs = _PAIR.findall("event=" + line.rpartition(" event=")[2])
    return {key: json.loads(value) if value.startswith('"') else value for key, value in pairs}


def test_a_line_is_a_sentence_and_its_pairs() -> None:
    assert (
        log_line("9bits accepted message 1f:", "send_accepted", message="1f", recipients=2, status=None)
        == "9bits accepted message 1f: event=send_accepted message=1f recipients=2"
    )


def test_a_value_with_blanks_is_quoted() -> None:
    assert log_line("Held back.", "alert_held_back", alert='etl "a=b"') == (
        'Held back. event=alert_held_back alert="etl \\"a\\u003db\\""'
    )


@given(sentence=st.text(), alert=st.text(), conn_id=st.text(), count=st.integers() | st.booleans())
def test_whatever_is_in_it_a_machine_reads_what_was_told(
    sentence: str, alert: str, conn_id: str, count: int | bool
) -> None:
    line = log_line(f"{sentence} event=send_accepted a=b", "rung", alert=alert, conn_id=conn_id, count=count)
    assert read(line) == {"event": "rung", "alert": alert, "conn_id": conn_id, "count": str(count).lower()}
    assert "\n" not in line.removeprefix(sentence)
