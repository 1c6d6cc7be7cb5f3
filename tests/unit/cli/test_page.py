"""The page of the command line tells of every command, and of each option that no other page tells."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.cli.tree import add_commands

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
TOLD_ELSEWHERE = {"check", "purge", "receiver", "simulator", "alerts"}


def leaves(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    below = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if not below:
        yield path, {option for action in parser._actions for option in action.option_strings} - {"-h", "--help"}
    for action in below:
        for name, child in action.choices.items():
            yield from leaves(child, (*path, name))


def commands() -> list[tuple[tuple[str, ...], set[str]]]:
    parser = argparse.ArgumentParser()
    add_commands(parser)
    return list(leaves(parser))


@pytest.mark.parametrize(("path", "options"), commands(), ids=lambda each: " ".join(sorted(each)))
def test_every_command_stands_on_the_page(path: tuple[str, ...], options: set[str]) -> None:
    overview = PAGE.partition("| command |")[2].partition("`--help`")[0]
    [line] = [line for line in overview.splitlines() if f"`ninebits {path[0]}" in line]
    assert all(re.search(rf"\b{name}\b", line) for name in path)
    if path[0] not in TOLD_ELSEWHERE:
        assert {option for option in options if not stands_in(PAGE, option)} == set()


def stands_in(page: str, option: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", page) is not None


def test_a_part_of_an_option_is_none() -> None:
    assert stands_in("use `--to-file FILE`, or `--to NUMBER`", "--to")
    assert not stands_in("use `--to-file FILE`", "--to")
