"""What may be shown of a ledger's URL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL, make_url

from airflow_provider_ninebits.ledger.engines import checked_url, masked_url, new_engine
from airflow_provider_ninebits.ledger.errors import LedgerUnusable


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("sqlite:////home/airflow/ninebits.db", "sqlite:////home/airflow/ninebits.db"),
        ("postgresql://u:pw@host:5432/name", "postgresql://u:***@host:5432/name"),
        ("postgresql://host/name?user=u&password=pw", "postgresql://host/name?password=***&user=u"),
        ("postgresql://u:pw@host:port/name", "***"),
        ("postgresql://u:p@w@host/name", "***"),
        ("pw", "***"),
    ],
)
def test_a_masked_url_keeps_what_helps_and_hides_the_password(url: str, masked: str) -> None:
    assert masked_url(url) == masked


@given(password=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), database=st.text("ab?%# /", min_size=1))
def test_no_password_survives_masking(password: str, database: str) -> None:
    secret = f"<<{password}>>"
    url = URL.create("postgresql", "user", secret, "host", database=database).render_as_string(hide_password=False)
    assert make_url(url).password == secret
    assert make_url(masked_url(url)).password == "***"


@pytest.mark.parametrize("query", ["port=many", "host=a&host=b:1&port=3"])
def test_hosts_and_ports_that_cannot_be_read_are_told_without_the_url(query: str) -> None:
    url = checked_url(f"postgresql://user:secret@host/name?{query}")
    with pytest.raises(LedgerUnusable, match="hosts or ports") as refused:
        new_engine(url)
    assert "secret" not in str(refused.value)
    assert "many" not in str(refused.value)
