"""``make audit``: what the lock pins, against a checkout of advisories."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "audit.py"


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "lock.txt"
    file.write_text("Holey_Package==1.5 \\\n    --hash=sha256:00\nsound==2.0 ; python_version > '3'\n")
    return file


def advise(folder: Path, *, modified: str, more: str = "", package: str = "holey-package", fixed: str = "2.0") -> None:
    place = folder / "vulns" / package
    place.mkdir(parents=True, exist_ok=True)
    (place / f"PYSEC-1-{len(list(place.iterdir()))}.yaml").write_text(
        f"id: PYSEC-1\nmodified: {modified}\naliases: [CVE-1]\ndetails: |\n  It is\n  bad.\n{more}"
        f"affected:\n- package: {{name: Holey.Package, ecosystem: PyPI}}\n  ranges:\n  - type: ECOSYSTEM\n"
        f"    events: [{{introduced: '1.0'}}, {{fixed: '{fixed}'}}]\n"
    )


def today() -> str:
    return datetime.now(UTC).isoformat()


def test_an_advisory_about_a_pinned_version_is_found(
    audit: ModuleType, lock: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    advise(tmp_path, modified=today())
    assert audit.main([str(tmp_path), str(lock)]) == 1
    assert "holey-package 1.5: PYSEC-1 CVE-1 It is bad." in capsys.readouterr().out


@pytest.mark.parametrize(("fixed", "more"), [("1.5", ""), ("1.2", ""), ("2.0", "withdrawn: 2026-01-01T00:00:00Z\n")])
def test_one_about_other_versions_or_withdrawn_is_not(
    audit: ModuleType, lock: Path, tmp_path: Path, fixed: str, more: str
) -> None:
    advise(tmp_path, modified=today(), fixed=fixed, more=more)
    assert audit.main([str(tmp_path), str(lock)]) == 0


def test_old_advisories_and_no_advisories_prove_nothing(audit: ModuleType, lock: Path, tmp_path: Path) -> None:
    assert audit.main([str(tmp_path), str(lock)]) == 2
    advise(tmp_path, modified="'2020-01-01T00:00:00Z'", fixed="1.2")
    assert audit.main([str(tmp_path), str(lock)]) == 2


@pytest.mark.parametrize(
    ("version", "inside"), [("0.9", False), ("1.0", True), ("1.9", True), ("2.0", False), ("3.0", True), ("3.1", False)]
)
def test_what_a_range_says(audit: ModuleType, version: str, inside: bool) -> None:
    events = [{"introduced": "1.0"}, {"fixed": "2.0"}, {"introduced": "3.0"}, {"last_affected": "3.0"}]
    assert audit.lies_in(audit.Version(version), events) is inside


def test_the_lock_itself_can_be_read(audit: ModuleType) -> None:
    assert len(audit.pins(audit.LOCK)) > 100
