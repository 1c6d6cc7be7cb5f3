"""What docs/privacy.md says about the ledger."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger import escalations, schema
from tests.integration.ledger.ladder import LADDER
from tests.integration.ledger.purge_scenes import settled
from tests.integration.ledger.scenes import ADA

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database

PAGE = (Path(__file__).parents[3] / "docs" / "privacy.md").read_text()


def test_every_table_is_on_it() -> None:
    named = set(re.findall(r"`(ninebits_\w+)`", PAGE))
    assert named == set(schema.metadata.tables)


def test_its_queries_find_a_person(database: Database) -> None:
    settled(database, "r1", ADA)
    escalations.write(database, LADDER)
    [block] = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    queries = [query.strip().replace("2348020000000", ADA) for query in block.split(";") if query.strip()]
    assert len(queries) == 3
    with database.reading() as connection:
        assert [
            len(connection.exec_driver_sql(query.replace("%", "%%") if not database.is_sqlite else query).all())
            for query in queries
        ] == [1, 1, 1]
