"""The receiver over HTTP, with the requests that schemathesis makes of its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS, load_all_checks

from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.webhook.conftest import CREDENTIALS
from tests.integration.webhook.contract import DOCUMENT
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case

schema = schemathesis.openapi.from_dict(DOCUMENT)
EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    # The receiver is made once for all examples of a test, on purpose.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
    database=None,
)
# That wrong bodies are refused is what its contract does not say: they are kept.
NOT_PROMISED = ("negative_data_rejection", "positive_data_acceptance", "ignored_auth", "missing_required_header")


@pytest.fixture
def receiver(ledger_url: str) -> Iterator[str]:
    with served(ReceiverSettings(ledger_url, passwords=(CREDENTIALS[1],)), store_apart=True) as url:
        yield url


def excluded() -> list[object]:
    load_all_checks()
    return [CHECKS.get_one(name) for name in NOT_PROMISED]


@schema.parametrize()
@EXAMPLES
def test_whoever_knows_the_password_gets_what_the_contract_says(case: Case, receiver: str) -> None:
    answer = case.call(base_url=receiver, auth=CREDENTIALS)
    case.validate_response(answer, excluded_checks=excluded())
    # It tries other methods too.
    wanted = case.method.upper() == case.operation.method.upper()
    assert answer.status_code == (200 if wanted else 405)


@schema.include(method="POST").parametrize()
@EXAMPLES
def test_whoever_does_not_gets_401(case: Case, receiver: str) -> None:
    answer = case.call(base_url=receiver)
    case.validate_response(answer, excluded_checks=excluded())
    assert answer.status_code == (401 if case.method.upper() == "POST" else 405)


def test_the_document_says_what_it_means() -> None:
    # A schema that takes everything would let every answer pass.
    answers = DOCUMENT["paths"]["/ninebits/callback"]["post"]["responses"]
    body = answers["200"]["content"]["application/json"]["schema"]
    jsonschema.validate({}, body)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"echo": 1}, body)
