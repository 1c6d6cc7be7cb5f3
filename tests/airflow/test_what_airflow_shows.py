"""What a running Airflow knows of the provider: its connection form, its metadata, its plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow.conftest import API_KEY

if TYPE_CHECKING:
    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]


def asked(stage: Stage, path: str) -> Any:
    answer = stage.airflow.api.get(path, params={"limit": 1000})
    answer.raise_for_status()
    return answer.json()


def test_the_connection_form_asks_for_key_base_url_and_its_options_alone(stage: Stage) -> None:
    (form,) = [each for each in asked(stage, "/ui/connections/hook_meta") if each["connection_type"] == "ninebits"]
    assert form["hook_name"] == "9bits"
    fields = form["standard_fields"]
    assert fields["password"]["title"] == "API key"
    assert fields["url_schema"]["hidden"]
    assert (fields["host"]["title"], fields["host"]["placeholder"]) == ("Base URL", "https://api.9bits.net")
    # The description is the same field of every connection.
    shown = {name for name, behaviour in fields.items() if behaviour is None or not behaviour.get("hidden")}
    assert shown - {"description"} == {"password", "host"}
    assert set(form["extra_fields"]) == {
        *("timeout", "max_parallel_requests"),
        *("calling_hours", "calling_days", "timezone"),
    }
    assert all(field["description"] for field in form["extra_fields"].values())


@pytest.mark.parametrize(
    ("password", "good", "said"),
    [
        (API_KEY, True, "9bits has no request that proves it without ringing"),
        ("bad", False, "it refuses the API key, if it is 9bits"),
        ("", False, "it has no API key"),
    ],
)
def test_the_form_s_test_says_what_the_hook_says(stage: Stage, password: str, good: bool, said: str) -> None:
    body = {
        "connection_id": "from_the_form",
        "conn_type": "ninebits",
        "password": password,
        "host": stage.simulator.base_url,
    }
    answer = stage.airflow.api.post("/api/v2/connections/test", json=body).raise_for_status().json()
    assert answer["status"] is good
    assert said in answer["message"]


def test_the_provider_and_its_plugin_are_listed(stage: Stage) -> None:
    providers = {each["package_name"] for each in asked(stage, "/api/v2/providers")["providers"]}
    assert "airflow-provider-ninebits" in providers
    (plugin,) = [each for each in asked(stage, "/api/v2/plugins")["plugins"] if each["name"] == "ninebits"]
    # The page's comes first: the receiver's fits its addresses too.
    assert [app["url_prefix"] for app in plugin["fastapi_apps"]] == ["/ninebits/calls", "/ninebits"]
    assert [(view["name"], view["href"]) for view in plugin["external_views"]] == [("Voice calls", "ninebits/calls/")]


def test_the_page_is_mounted_before_the_receiver(stage: Stage) -> None:
    for path in ("/ninebits/calls", "/ninebits/calls/"):
        answer = stage.airflow.api.get(path, follow_redirects=True)
        assert (answer.status_code, answer.url.path) == (200, "/ninebits/calls/")
        assert "Voice calls" in answer.text


def test_the_receiver_is_mounted_and_well(stage: Stage) -> None:
    answer = stage.airflow.api.get("/ninebits/health")
    # The UI's page would be a 200 as well.
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
