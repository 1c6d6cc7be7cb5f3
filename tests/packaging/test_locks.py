"""The lock files: what is installed is what was pinned, from wherever pip is told to look."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
MAKEFILE = (ROOT / "Makefile").read_text()
LOCKS = sorted(REQUIREMENTS.glob("*.txt"))
# SHA-256 of the domains of registries: by their names this file would be one that names them.
REGISTRIES = {
    "3ca29e55be4befa48f875d24c27f9bed32fe06588819ed6264084b6670a1ebb0",
    "8743857e3ea00fd1c64bbc68b8af241954ad2c285e7a60340eec7ea5dcb200db",
    "8b5bb5eb9d758455b8635855cf8aaf05b68775e3f83f0291e800ef338fb9783c",
    "a4aa2ac280bb8d1a0ce7a1be5a7bfb10292b49fe9435ad5cff19f421f3c70e41",
}


def requirements(lock: Path) -> list[str]:
    """A lock's requirements, each with its hashes on one line."""
    return lock.read_text().replace("\\\n", "").strip().splitlines()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_pins_everything_with_hashes_and_says_nothing_of_where_it_is(lock: Path) -> None:
    for requirement in requirements(lock):
        assert re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==\S+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+", requirement)


def registries_named_in(text: bytes) -> set[bytes]:
    """The domains of registries that stand in a text, alone or as the end of a longer name."""
    pairs = set(re.findall(rb"(?<![\w-])(?=([\w-]+\.[a-z]{2,})(?![\w-]))", text.lower()))
    return {pair for pair in pairs if hashlib.sha256(pair).hexdigest() in REGISTRIES}


def test_no_file_names_a_registrys_host() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name.decode() for name in tracked.split(b"\0") if name]
    assert len(files) > 100
    assert [str(file) for file in files if file.is_file() and registries_named_in(file.read_bytes())] == []


@pytest.mark.parametrize(
    "around", ["{}", "https://{}/simple", "files.{}:443", "see {}.", "--index-url=https://a:b@www.{}/"]
)
def test_a_host_that_stands_in_a_text_is_found(monkeypatch: pytest.MonkeyPatch, around: str) -> None:
    monkeypatch.setattr(f"{__name__}.REGISTRIES", {hashlib.sha256(b"registry.test").hexdigest()})
    assert registries_named_in(around.format("Registry.test").encode()) == {b"registry.test"}
    assert registries_named_in(around.format("registry.tests").encode()) == set()


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
