from __future__ import annotations

import ast
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from airflow_provider_ninebits.imports_ahead import IMPORTED_BY_DAG_FILES, ImportsAhead
from airflow_provider_ninebits.plugin import NineBitsPlugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EXAMPLE_DAGS = Path(__file__).parents[2] / "example_dags"


@pytest.fixture(autouse=True)
def ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path}/ninebits.db")


def api_server() -> TestClient:
    """Mount what the plugin has as Airflow does; entering it runs the lifespans that Airflow would run."""
    mounts = NineBitsPlugin().fastapi_apps
    assert all(isinstance(mount["app"], FastAPI) for mount in mounts), "Airflow runs the lifespan of no other"

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for mount in mounts:
                await stack.enter_async_context(mount["app"].router.lifespan_context(mount["app"]))
            yield

    server = FastAPI(lifespan=lifespan)
    for mount in mounts:
        server.mount(mount["url_prefix"], mount["app"])
    return TestClient(server)


def test_the_apps_are_built_once_for_each_plugin() -> None:
    plugin = NineBitsPlugin()
    assert plugin.fastapi_apps is plugin.fastapi_apps
    assert "fastapi_apps" not in vars(NineBitsPlugin())


def test_the_receiver_is_mounted_under_ninebits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__WEBHOOK_PASSWORD", "secret")
    with api_server() as client:
        assert client.get("/ninebits/health").status_code == 200
        assert client.post("/ninebits/callback", json={}).status_code == 401
        assert client.post("/ninebits/callback", json={}, auth=("ninebits", "secret")).status_code == 200
        assert client.post("/ninebits/callback/a_conn/", json={}, auth=("ninebits", "secret")).status_code == 200


def test_the_page_is_reached_and_asks_who_is_there() -> None:
    with api_server() as client:
        for path in ("/ninebits/calls?state=pending", "/ninebits/calls/?state=pending"):
            answer = client.get(path, follow_redirects=False)
            while answer.status_code == 307:
                answer = client.get(answer.headers["location"], follow_redirects=False)
            assert answer.status_code == 302
            assert answer.headers["location"] == ("/api/v2/auth/login?next=%2Fninebits%2Fcalls%2F%3Fstate%3Dpending")
        assert client.get("/ninebits/calls/static/page.css").headers["content-type"].startswith("text/css")
        assert client.get("/ninebits/calls/openapi.json").status_code == 404


def test_a_page_that_cannot_be_built_does_not_stop_the_api_server(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "airflow_provider_ninebits.page.app", None)
    monkeypatch.setenv("AIRFLOW__NINEBITS__WEBHOOK_PASSWORD", "secret")
    with api_server() as client:
        for path in ("", "messages/x", "static/page.css"):
            answer = client.get(f"/ninebits/calls/{path}")
            assert answer.status_code == 503
            assert answer.headers["content-type"].startswith("text/html")
            assert "could not be built" in answer.text
        assert client.post("/ninebits/callback", json={}, auth=("ninebits", "secret")).status_code == 200
    assert "the page 'Voice calls' is not there" in caplog.text


def test_the_view_is_found_under_whatever_prefix_airflow_stands() -> None:
    (view,) = NineBitsPlugin().external_views
    assert (view["name"], view["url_route"], view["destination"]) == ("Voice calls", "voice-calls", "nav")
    # Airflow's page has a base: an address that begins with a slash would leave its prefix.
    assert view["href"] == "ninebits/calls/"


def test_no_interactive_documentation_is_shown() -> None:
    with api_server() as client:
        for path in ("docs", "redoc", "openapi.json"):
            assert client.get(f"/ninebits/{path}").status_code == 404


def test_with_a_broken_option_the_api_server_starts_and_callbacks_are_kept_by_9bits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__CALLBACK_TIMEZONE", "Mars/Olympus")
    with api_server() as client:
        for answer in (client.post("/ninebits/callback", json={}), client.get("/ninebits/health")):
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "30"
            assert "Mars" not in answer.text
    assert "[ninebits] callback_timezone" in caplog.text


def test_a_receiver_that_cannot_be_built_does_not_stop_the_api_server(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "airflow_provider_ninebits.webhook.app", None)
    with api_server() as client:
        assert client.post("/ninebits/callback", json={}).status_code == 503
    assert "could not be built" in caplog.text


class TestImportsAheadOfDagFiles:
    @pytest.fixture
    def imported(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        modules: list[str] = []
        monkeypatch.setattr("airflow_provider_ninebits.imports_ahead.import_module", modules.append)
        return modules

    def test_the_dag_processors_children_have_it_all(self, imported: list[str]) -> None:
        from airflow.jobs.job import Job
        from airflow.listeners.listener import get_listener_manager

        (ours,) = NineBitsPlugin().listeners
        manager = get_listener_manager()
        before = manager.pm.get_plugins()
        for each in before:
            manager.pm.unregister(each)
        try:
            manager.add_listener(ours)
            Job()
        finally:
            manager.pm.unregister(ours)
            for each in before:
                manager.pm.register(each)
        assert imported == list(IMPORTED_BY_DAG_FILES)

    def test_a_tasks_process_pays_nothing_for_it(self, imported: list[str]) -> None:
        from airflow.sdk.execution_time.task_runner import TaskRunnerMarker

        (ours,) = NineBitsPlugin().listeners
        assert isinstance(ours, ImportsAhead)
        ours.on_starting(component=TaskRunnerMarker())
        assert imported == []

    def test_it_names_all_that_the_example_dags_import(self) -> None:
        trees = [ast.parse(file.read_text()) for file in EXAMPLE_DAGS.glob("*.py")]
        found = {
            node.module
            for tree in trees
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("airflow_provider_ninebits.")
        }
        assert found
        assert found <= set(IMPORTED_BY_DAG_FILES)

    @pytest.mark.parametrize("module", IMPORTED_BY_DAG_FILES)
    def test_what_it_names_is_there(self, module: str) -> None:
        assert import_module(module)
