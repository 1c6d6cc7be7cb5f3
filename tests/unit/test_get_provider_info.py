from __future__ import annotations

import importlib
import json
import logging
from pathlib import Path
from typing import Any

import airflow
import pytest
from airflow.providers.common.compat.sdk import BaseNotifier
from jsonschema import Draft7Validator

import airflow_provider_ninebits
from airflow_provider_ninebits.configuration import OPTIONS
from airflow_provider_ninebits.get_provider_info import get_provider_info


@pytest.fixture(scope="module")
def info() -> dict[str, Any]:
    return get_provider_info()


def test_it_satisfies_the_schema_of_the_installed_airflow(info) -> None:
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(info)] == []


def test_the_package_hands_out_the_same(info) -> None:
    assert airflow_provider_ninebits.get_provider_info() == info


def test_every_module_and_class_that_it_names_exists(info) -> None:
    for kind in ("hooks", "operators", "sensors", "triggers"):
        for integration in info[kind]:
            assert integration["integration-name"] == info["integrations"][0]["integration-name"]
            for module in integration["python-modules"]:
                importlib.import_module(module)
    for path in info["notifications"]:
        module, _, name = path.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), name), BaseNotifier)
    (connection,) = info["connection-types"]
    module, _, name = connection["hook-class-name"].rpartition(".")
    assert getattr(importlib.import_module(module), name).conn_type == connection["connection-type"] == "ninebits"


def test_options_come_with_their_defaults_and_the_secrets_are_marked(info) -> None:
    options = info["config"]["ninebits"]["options"]
    assert {name: option["default"] for name, option in options.items()} == {
        option.name: option.default or None for option in OPTIONS
    }
    assert {name for name, option in options.items() if option["sensitive"]} == {
        "sql_alchemy_conn",
        "webhook_password",
    }


def test_the_connection_form_is_key_url_and_our_extras_with_help_and_nothing_else(caplog) -> None:
    from airflow.providers_manager import ProvidersManager

    with caplog.at_level(logging.WARNING):
        manager = ProvidersManager()
        forms = {form.connection_type: form for form in manager.iter_connection_type_hook_ui_metadata()}
        widgets = manager._connection_form_widgets_from_metadata
    ours = [record.getMessage() for record in caplog.records if "ninebits" in record.getMessage()]
    assert ours == []

    form = forms["ninebits"]
    assert form.hook_name == "9bits"
    assert set(form.field_behaviour["hidden_fields"]) == {"schema", "login", "port", "extra"}
    assert form.field_behaviour["relabeling"] == {"password": "API key", "host": "Base URL"}
    assert form.field_behaviour["placeholders"]["host"] == "https://api.9bits.net"
    assert "settings > security" in form.field_behaviour["placeholders"]["password"]

    fields = {name: widget for name, widget in widgets.items() if name.startswith("extra__ninebits__")}
    assert [name.removeprefix("extra__ninebits__") for name in fields] == [
        *("timeout", "max_parallel_requests"),
        *("calling_hours", "calling_days", "timezone"),
    ]
    timeout = fields["extra__ninebits__timeout"].field
    assert timeout["value"] == 30
    assert timeout["schema"]["title"] == "Timeout (seconds)"
    assert "whole request" in timeout["description"]
