"""The wheel in an environment, before any Airflow runs in it."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from local_airflow import end_group, free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.matrix.conftest import Installed

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

IMPORT_ALL = """
import pkgutil, sys, warnings
from importlib import import_module

import airflow.sdk
import airflow_provider_ninebits as package

without = set(sys.argv[2:])
with warnings.catch_warnings():
    # Airflow's are of the first two kinds.
    for category in (DeprecationWarning, FutureWarning, PendingDeprecationWarning):
        warnings.simplefilter(sys.argv[1], category)
    for each in pkgutil.walk_packages(package.__path__, "airflow_provider_ninebits."):
        if not each.name.endswith(".__main__") and ".migrations." not in each.name and each.name not in without:
            import_module(each.name)
"""
SCHEMA = """
import json, pathlib, airflow, jsonschema
from airflow_provider_ninebits import get_provider_info
folder = pathlib.Path(airflow.__file__).parent
jsonschema.validate(get_provider_info(), json.loads((folder / "provider_info.schema.json").read_text()))
"""
PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
print(json.dumps({"errors": bag.import_errors, "warnings": {str(k): v for k, v in bag.captured_warnings.items()}}))
"""
# What 3.3 alone can import; nothing else imports it there.
SINCE_3_3 = "airflow_provider_ninebits.triggers.event_stream"


def closing_line(printed: str) -> str:
    return printed.strip().splitlines()[-1]


def test_it_is_the_airflow_that_is_meant_with_sqlalchemy_2(installed: Installed, tmp_path: Path) -> None:
    asked = (
        "import json, airflow, sqlalchemy, airflow_provider_ninebits as package; "
        "print(json.dumps([airflow.__version__, sqlalchemy.__version__, package.__file__]))"
    )
    airflow, sqlalchemy, file = json.loads(closing_line(installed.run("-c", asked, home=tmp_path)))
    assert airflow == installed.version
    assert sqlalchemy.startswith("2.")
    # Not the checkout.
    assert file.startswith(str(installed.python.parents[1]))


def test_what_is_installed_fits_together(installed: Installed, tmp_path: Path) -> None:
    assert "No broken requirements" in installed.run("-m", "pip", "check", home=tmp_path)


def test_every_module_can_be_imported(installed: Installed, tmp_path: Path) -> None:
    older = [] if installed.is_newest else [SINCE_3_3]
    installed.run("-c", IMPORT_ALL, "error" if installed.is_newest else "default", *older, home=tmp_path)


def test_the_metadata_satisfies_its_schema(installed: Installed, tmp_path: Path) -> None:
    installed.run("-c", SCHEMA, home=tmp_path)


def test_options_have_their_defaults_in_plain_python(installed: Installed, tmp_path: Path) -> None:
    read = (
        "from airflow_provider_ninebits.configuration import read_settings; s = read_settings(); "
        "print(s.match_window_seconds, s.sql_alchemy_conn)"
    )
    match_window, ledger_url = closing_line(installed.run("-c", read, home=tmp_path)).split(" ")[-2:]
    assert (match_window, ledger_url) == ("86400", f"sqlite:///{tmp_path / 'ninebits.db'}")


def test_airflow_has_the_commands_from_3_2_on(installed: Installed, tmp_path: Path) -> None:
    listing = ["-m", "airflow", "ninebits", "messages", "list", "--output", "json"]
    if installed.minor >= (3, 2):
        # The first command in this home: Airflow has something to say, and says it elsewhere.
        assert json.loads(installed.run(*listing, home=tmp_path)) == []
    else:
        assert "ninebits" not in installed.run(*listing, home=tmp_path, status=2)


def test_the_doctor_looks_at_what_is_there(installed: Installed, tmp_path: Path) -> None:
    doors = [["airflow_provider_ninebits.cli.main"], ["airflow", "ninebits"]]
    password = {"AIRFLOW__NINEBITS__WEBHOOK_PASSWORD": "a-long-random-one"}
    for door in doors if installed.minor >= (3, 2) else doors[:1]:
        found = json.loads(installed.run("-m", *door, "check", "--output", "json", home=tmp_path, **password))
        codes = {finding["code"] for finding in found["findings"]}
        assert codes >= {"ledger_absent", "callback_url_not_tried"}
        assert codes & {"connection_missing", "connection_not_looked_up"}


def test_dag_files_are_read_without_errors(installed: Installed, dags_folder: Path, tmp_path: Path) -> None:
    installed.run("-m", "airflow", "db", "migrate", home=tmp_path)
    if installed.version.startswith("3.1."):
        # The same class, where it was then.
        parse = PARSE.replace("airflow.dag_processing.dagbag", "airflow.models.dagbag")
    else:
        parse = PARSE
    # Else Python says nothing of a deprecation.
    printed = installed.run("-c", parse, str(dags_folder), home=tmp_path, PYTHONWARNINGS="default")
    found = json.loads(closing_line(printed))
    assert found["errors"] == {}
    if installed.is_newest:
        # The planted one shows that they would be seen.
        (planted,) = [text for texts in found["warnings"].values() for text in texts]
        assert "planted where a DAG file is read" in planted


def test_the_receiver_serves_alone(installed: Installed, tmp_path: Path) -> None:
    port = free_port()
    environment = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__NINEBITS__WEBHOOK_PASSWORD": "secret",
        "PATH": str(installed.python.parent),
    }
    with (tmp_path / "receiver.log").open("wb") as log:
        receiver = subprocess.Popen(
            [installed.python, "-m", "airflow_provider_ninebits.webhook", "--port", str(port)],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/ninebits", trust_env=False, timeout=30) as client:
            deadline = time.monotonic() + 60
            while True:
                try:
                    if client.get("/health").status_code == 200:
                        break
                except httpx.TransportError:
                    assert receiver.poll() is None, (tmp_path / "receiver.log").read_text()
                assert time.monotonic() < deadline, (tmp_path / "receiver.log").read_text()
                time.sleep(0.3)
            call = {"start_at": "2023-10-24 22:54:06", "to_number": "2348020000000", "call_direction": "outbound"}
            assert client.post("/callback", json=call).status_code == 401
            assert client.post("/callback", json=call, auth=("ninebits", "secret")).status_code == 200
    finally:
        end_group(receiver)
    command = ["-m", "airflow_provider_ninebits.cli.main", "callbacks", "list", "--output", "json"]
    assert '"2348020000000"' in installed.run(*command, home=tmp_path)
