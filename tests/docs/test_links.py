"""Links lead somewhere: on the site, on GitHub, and from the code to the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import AT_THE_ROOT, PAGES, ROOT, SITE, anchors, links

_ELSEWHERE = ("http://", "https://", "mailto:")
_CODE = [
    *ROOT.glob("airflow_provider_ninebits/**/*.py"),
    *ROOT.glob("tests/**/*.py"),
    *ROOT.glob("scripts/**/*.py"),
    *ROOT.glob("benchmarks/**/*.py"),
    *ROOT.glob("example_dags/*.py"),
    *ROOT.glob(".github/**/*.*"),
    ROOT / "Makefile",
    ROOT / "pyproject.toml",
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_there_are(page: Path) -> None:
    dead = []
    for target in links(page):
        if target.startswith(_ELSEWHERE):
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (anchor and anchor not in anchors(other)):
            dead.append(target)
    assert dead == []


def test_there_are_links_to_check() -> None:
    assert all(links(ROOT / name) for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))
    assert "what-9bits-does-not-document" in anchors(ROOT / "docs" / "going-live.md")


def test_every_page_of_the_site_can_be_reached_from_its_first() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    listed = {
        entry.rpartition("<")[2].rstrip(">")
        for toctree in re.findall(r"```\{toctree\}\n(.*?)```", index, re.DOTALL)
        for entry in toctree.splitlines()
        if entry and not entry.startswith(":")
    }
    assert listed == {page.stem for page in SITE} - {"index"}


def test_the_code_names_pages_that_there_are() -> None:
    named = {
        (path.name, page)
        for path in _CODE
        for page in re.findall(r"\bdocs/[\w/-]+\.(?:md|py|svg|png)\b", path.read_text())
    }
    assert {page for _, page in named} >= {"docs/receiver.md"}
    assert [each for each in sorted(named) if not (ROOT / each[1]).exists()] == []


def test_files_at_the_root_are_linked_to_and_not_named_only() -> None:
    """A path in code markup goes nowhere; these pages are read in a browser."""
    named = {
        (page.name, path)
        for page in AT_THE_ROOT
        for path in re.findall(r"(?<!\[)`(docs/[\w-]+\.md)`(?!\])", page.read_text())
    }
    assert named == set()
