"""The wheel, alone in a clean environment beside apache-airflow, is all that a user gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def run(*command: str | Path, home: Path | None = None) -> str:
    """Run it far from the checkout, so that nothing is found there by accident."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if home is not None:
        environment["AIRFLOW_HOME"] = str(home)
    process = subprocess.run(
        [*map(str, command)], cwd="/", env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with this one's libraries, without the checkout, and with the wheel."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(folder, symlinks=True)
    library = next(folder.glob("lib/python*/site-packages"))
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "ninebits" not in entry.name and entry.suffix != ".pth":
            (library / entry.name).symlink_to(entry)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "--no-index", "--no-deps", "--quiet", wheel)
    return python


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("airflow-home")


def airflow(clean: Path, home: Path, *command: str) -> list[dict[str, str]]:
    rows = run(clean, "-m", "airflow", *command, "--output", "json", home=home)
    # Airflow logs to the same stream before it.
    return json.loads(rows[rows.index("[{") :])


def test_the_wheel_holds_the_package_with_its_migrations_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    checkout = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "airflow_provider_ninebits").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    metadata = {name for name in names if name.startswith("airflow_provider_ninebits-0.1.0.dist-info/")}
    assert set(names) - metadata == checkout
    assert {Path(name).name for name in metadata} == {"METADATA", "WHEEL", "entry_points.txt", "LICENSE", "RECORD"}
    assert "airflow_provider_ninebits/py.typed" in names
    assert any(name.startswith("airflow_provider_ninebits/ledger/migrations/versions/0001_") for name in names)


def test_every_dependency_that_it_declares_is_there_in_a_version_that_it_takes(clean: Path) -> None:
    process = subprocess.run([clean, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert [line for line in process.stdout.splitlines() if "ninebits" in line] == []


def test_the_package_comes_from_the_wheel(clean: Path) -> None:
    where = run(clean, "-c", "import airflow_provider_ninebits as package; print(package.__file__)")
    assert Path(where.strip()).is_relative_to(clean.parents[1])


def test_the_version_of_the_code_is_that_of_the_distribution(clean: Path) -> None:
    run(
        clean,
        "-c",
        "import importlib.metadata as metadata, airflow_provider_ninebits as package\n"
        "assert package.__version__ == metadata.version('airflow-provider-ninebits')",
    )


def test_airflow_lists_the_provider(clean: Path, home: Path) -> None:
    (provider,) = [
        row for row in airflow(clean, home, "providers", "list") if row["package_name"] == "airflow-provider-ninebits"
    ]
    assert provider["version"] == "0.1.0"


def test_airflow_lists_the_connection_type(clean: Path, home: Path) -> None:
    (hook,) = [row for row in airflow(clean, home, "providers", "hooks") if row["connection_type"] == "ninebits"]
    assert hook["class"] == "airflow_provider_ninebits.hooks.ninebits.NineBitsHook"
    assert hook["package_name"] == "airflow-provider-ninebits"


def test_airflow_lists_the_plugin_with_its_app(clean: Path, home: Path) -> None:
    (plugin,) = [row for row in airflow(clean, home, "plugins") if row["name"] == "ninebits"]
    assert "airflow-provider-ninebits==0.1.0" in plugin["source"]
    assert "/ninebits" in str(plugin["fastapi_apps"])


def test_airflow_reads_an_option_with_its_default(clean: Path, home: Path) -> None:
    value = run(clean, "-m", "airflow", "config", "get-value", "ninebits", "match_window", home=home)
    assert value.splitlines()[-1] == "86400"


def test_the_metadata_satisfies_the_schema_of_the_airflow_beside_it(clean: Path) -> None:
    run(
        clean,
        "-c",
        "import json, pathlib, airflow, jsonschema\n"
        "from importlib.metadata import distribution\n"
        "(entry,) = [e for e in distribution('airflow-provider-ninebits').entry_points"
        " if e.group == 'apache_airflow_provider']\n"
        "schema = pathlib.Path(airflow.__file__).with_name('provider_info.schema.json')\n"
        "jsonschema.validate(entry.load()(), json.loads(schema.read_text()))",
    )
