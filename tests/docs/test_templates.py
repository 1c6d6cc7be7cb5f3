"""The forms for issues: GitHub shows a form that it cannot read as none, without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

from tests.docs.pages import ROOT

FOLDER = ROOT / ".github" / "ISSUE_TEMPLATE"
FORMS = sorted(path for path in FOLDER.glob("*.yml") if path.name != "config.yml")


def read(path: Path) -> dict[str, Any]:
    form = yaml.safe_load(path.read_text())
    assert isinstance(form, dict)
    return form


def fields(path: Path) -> dict[str, dict[str, Any]]:
    return {field["id"]: field for field in read(path)["body"] if "id" in field}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_github_can_read_the_form(path: Path) -> None:
    form = read(path)
    jsonschema.validate(form, get_builtin_schema("vendor.github-issue-forms"))
    labels = [field["attributes"].get("label", "") for field in form["body"]]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_it_asks_for_versions_and_never_for_keys_or_numbers(path: Path) -> None:
    assert fields(path)["versions"]["validations"] == {"required": True}
    [promise] = fields(path)["masked"]["attributes"]["options"]
    assert promise["required"] is True
    assert all(secret in promise["label"] for secret in ("no API key", "no password", "no whole phone number"))


def test_there_is_a_form_for_each_purpose() -> None:
    assert [path.stem for path in FORMS] == ["bug", "feature", "question"]
    assert {"happened", "reproduce", "versions", "check", "logs"} <= set(fields(FOLDER / "bug.yml"))


def test_weaknesses_are_led_elsewhere() -> None:
    config = read(FOLDER / "config.yml")
    jsonschema.validate(config, get_builtin_schema("vendor.github-issue-config"))
    assert config["blank_issues_enabled"] is False
    assert "Security tab" in config["contact_links"][0]["about"]


def test_a_form_with_a_wrong_field_is_seen() -> None:
    form = read(FOLDER / "question.yml")
    form["body"][0]["type"] = "textaria"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(form, get_builtin_schema("vendor.github-issue-forms"))


def test_a_pull_request_is_asked_what_the_house_rules_ask() -> None:
    template = (ROOT / ".github" / "PULL_REQUEST_TEMPLATE.md").read_text()
    assert [word for word in ("make test", "CHANGELOG.md", "docs/") if word not in template] == []
