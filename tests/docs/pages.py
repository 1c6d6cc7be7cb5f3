"""The pages, and what stands in them: blocks of code, links, headings."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "airflow_provider_ninebits"
SITE = sorted(page for page in (ROOT / "docs").glob("*.md"))
AT_THE_ROOT = sorted(ROOT.glob("*.md"))
PAGES = [*AT_THE_ROOT, *SITE]

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>[\w{}:-]*)")
_LINK = re.compile(r"(?<!\\)\]\((?P<target>[^)\s]+)\)")
_LABEL = re.compile(r"^\((?P<label>[\w-]+)\)=$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} +(?P<text>.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block, with the line that its code begins in."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@cache
def blocks() -> tuple[Block, ...]:
    """Return the fenced blocks of all pages."""
    return tuple(block for page in PAGES for block in _blocks_of(page))


def blocks_in(*languages: str) -> list[Block]:
    """Return the blocks of some languages."""
    return [block for block in blocks() if block.language in languages]


def _blocks_of(page: Path) -> Iterator[Block]:
    opened, language, begin, lines = "", "", 0, list[str]()
    for number, line in enumerate(page.read_text().splitlines(), start=1):
        if opened:
            if line.strip() == opened:
                yield Block(page, begin, language, "\n".join(lines) + "\n")
                opened = ""
            else:
                lines.append(line)
        elif fence := _FENCE.match(line):
            opened, language, begin, lines = fence["fence"], fence["language"], number + 1, []
    assert not opened, f"{page}:{begin}: the block does not end"


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    kept, opened = [], ""
    for line in page.read_text().splitlines():
        if opened:
            opened = "" if line.strip() == opened else opened
        elif fence := _FENCE.match(line):
            opened = fence["fence"]
        else:
            kept.append(line)
    return "\n".join(kept)


def links(page: Path) -> list[str]:
    """Return where a page's links lead to."""
    return [link["target"] for link in _LINK.finditer(re.sub(r"`[^`\n]*`", "``", prose(page)))]


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return what can be linked to in a page: its headings, as GitHub and Sphinx name them, and its labels."""
    text = prose(page)
    slugs = [
        re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading["text"]).lower()).replace(" ", "-")
        for heading in _HEADING.finditer(text)
    ]
    return frozenset(slugs) | {label["label"] for label in _LABEL.finditer(text)}


def commands(block: Block) -> Iterator[str]:
    """Return the commands of a block of shell, those after ``$`` in a console; one may go over several lines."""
    lines = block.text.splitlines()
    if block.language == "console":
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    command = ""
    for line in lines:
        command += line.removesuffix("\\") if line.endswith("\\") else f"{line}\n"
        try:
            words = shlex.split(command, comments=True)
        except ValueError:
            continue  # a quote that ends in a later line
        if not line.endswith("\\"):
            if words:
                yield command.strip()
            command = ""
    assert not command, f"{block}: {command} does not end"
