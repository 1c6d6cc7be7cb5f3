"""Options that pages name are options that there are."""

from __future__ import annotations

import re

from airflow_provider_ninebits.configuration import OPTIONS, SECTION
from tests.docs.pages import PAGES, ROOT

_NAMES = {option.name for option in OPTIONS}
_VARIABLES = {
    name
    for option in OPTIONS
    for name in (
        option.variable,
        *((f"{option.variable}_CMD", f"{option.variable}_SECRET") if option.sensitive else ()),
    )
}
_TEXTS = {path: path.read_text() for path in [*PAGES, *(ROOT / "docs" / "production").iterdir()]}


def test_options_of_this_package_are_those_of_its_configuration() -> None:
    named = {
        (path.name, name) for path, text in _TEXTS.items() for name in re.findall(rf"\[{SECTION}\] ([a-z_]+)", text)
    }
    assert {name for _, name in named} >= {"sql_alchemy_conn", "callback_timezone"}
    assert {each for each in named if each[1] not in _NAMES} == set()


def test_their_variables_are_written_as_airflow_reads_them() -> None:
    named = {
        (path.name, name)
        for path, text in _TEXTS.items()
        for name in re.findall(rf"AIRFLOW__{SECTION.upper()}__[A-Z_]+", text)
    }
    assert {name for _, name in named} >= {"AIRFLOW__NINEBITS__WEBHOOK_PASSWORD"}
    assert {each for each in named if each[1] not in _VARIABLES} == set()


def test_options_of_airflow_are_those_of_the_one_that_is_installed() -> None:
    from airflow.configuration import conf

    described = conf.configuration_description
    unknown = {
        (path.name, section, name)
        for path, text in _TEXTS.items()
        for section, name in re.findall(r"`\[([a-z_]+)\] ([a-z_]+)`", text)
        # Sections of providers that are not installed here, such as Celery's, are not known.
        if section in described and name not in described[section]["options"]
    }
    assert unknown == set()


def test_variables_of_airflow_are_options_of_it() -> None:
    from airflow.configuration import conf

    described = conf.configuration_description
    named = {
        (path.name, *variable)
        for path, text in _TEXTS.items()
        for variable in re.findall(r"\bAIRFLOW__([A-Z_]+?)__([A-Z0-9_]+)\b", text)
    }
    unknown = {
        each
        for each in named
        if (section := each[1].lower()) in described
        and section != SECTION
        and each[2].lower().removesuffix("_cmd").removesuffix("_secret") not in described[section]["options"]
    }
    assert named
    assert unknown == set()
