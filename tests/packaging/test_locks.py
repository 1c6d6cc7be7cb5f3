"""The lock files: what is installed is what was pinned, from wherever pip is told to look."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
MAKEFILE = (ROOT / "Makefile").read_text()
LOCKS = sorted(REQUIREMENTS.glob("*.txt"))


def requirements(lock: Path) -> list[str]:
    """A lock's requirements, each with its hashes on one line."""
    return lock.read_text().replace("\\\n", "").strip().splitlines()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_pins_everything_with_hashes_and_says_nothing_of_where_it_is(lock: Path) -> None:
    for requirement in requirements(lock):
        assert re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==\S+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+", requirement)


def test_no_file_names_a_registrys_host() -> None:
    # Put together here, since this file is one of them.
    hosts = [".".join(each).encode() for each in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name.decode() for name in tracked.split(b"\0") if name]
    assert len(files) > 100
    assert [str(file) for file in files if file.is_file() and any(host in file.read_bytes() for host in hosts)] == []


def test_make_lock_compiles_each_of_them() -> None:
    compiled = set(re.findall(r"^\t\$\(call compiled,([\w.-]+),", MAKEFILE, re.MULTILINE))
    assert compiled == {lock.stem for lock in LOCKS} == {each.stem for each in REQUIREMENTS.glob("*.in")}


def test_each_version_of_the_matrix_has_a_lock_with_that_airflow() -> None:
    (versions,) = re.findall(r"^VERSIONS := (.+)$", MAKEFILE, re.MULTILINE)
    assert {f"matrix-{version}" for version in versions.split()} == {
        lock.stem for lock in LOCKS if lock.stem.startswith("matrix-")
    }
    for version in versions.split():
        lock = requirements(REQUIREMENTS / f"matrix-{version}.txt")
        assert [each.split(" ")[0] for each in lock if each.startswith("apache-airflow==")] == [
            f"apache-airflow=={version}"
        ]


def test_ci_tries_the_lowest_and_the_highest_of_the_matrix() -> None:
    (versions,) = re.findall(r"^VERSIONS := (.+)$", MAKEFILE, re.MULTILINE)
    tried = re.findall(r'make test-matrix VERSIONS="?([\d.]+)', (ROOT / ".ci" / "run").read_text())
    assert tried == [versions.split()[0], versions.split()[-1]]
