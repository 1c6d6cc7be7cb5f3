"""What the page on troubleshooting quotes is what the package says."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.docs.pages import PACKAGE, Block, blocks_in

VARIES = "…"
_SHORTEST = 6
QUOTES = [block for block in blocks_in("text") if block.page.name == "troubleshooting.md"]


@cache
def said() -> str:
    """Return all texts of the package, one a line, with ``…`` for what is put into them."""
    return "\n".join(
        sorted(
            _one_line(text)
            for path in PACKAGE.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if (text := _text(node))
        )
    )


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else VARIES for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%(?:\(\w+\))?[sdrg]", VARIES, node.value)
    return ""


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def unsaid(quote: str) -> list[str]:
    """
    Return the pieces of a quoted line that are no text of the package.

    A piece is what stands in a sentence between things that vary: a message may be put together from several texts.
    """
    sentences = re.split(r"(?<=\.) ", quote)
    pieces = [piece.strip(" (") for sentence in sentences for piece in sentence.split(VARIES)]
    return [piece for piece in pieces if len(piece) >= _SHORTEST and piece not in said()]


@pytest.mark.parametrize("block", QUOTES, ids=str)
def test_what_is_quoted_is_said(block: Block) -> None:
    for line in block.text.splitlines():
        assert unsaid(line) == []
        assert len(line.replace(VARIES, "").strip()) >= _SHORTEST


def test_there_are_quotes_and_a_wrong_one_is_seen() -> None:
    assert len(QUOTES) > 10
    assert unsaid("It is uncertain whether 9bits placed the calls of message …") == []
    assert unsaid("It is uncertain whether 9bits has placed the calls of message …") != []
    assert unsaid("Nobody was rung again: some of … parts of this send were accepted before.") != []
