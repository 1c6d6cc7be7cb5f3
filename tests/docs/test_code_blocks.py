"""Code in the pages: it can be read, imports what there is, and calls commands as they want to be called."""

from __future__ import annotations

import ast
import json
import re
import shlex
from argparse import ArgumentParser

import pytest
import yaml

from tests.docs.pages import ROOT, Block, blocks_in, commands

PYTHON, SHELL = blocks_in("python"), blocks_in("bash", "console")
# A command ends here; what follows is another one's, or the shell's.
_ENDS = ("|", "||", "&&", ";", ">", ">>", "<", "&", "2>")
_PLACEHOLDER = re.compile(r"^(?:<.*>|\$.*|[A-Z][A-Z_]+)$")


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_can_be_read_and_imports_what_there_is(block: Block) -> None:
    tree = ast.parse(block.text)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    module = ast.Module(body=list(imports), type_ignores=[])
    exec(compile(module, str(block), "exec"), {})


def test_json_and_yaml_can_be_read() -> None:
    found = blocks_in("json")
    assert found
    for block in found:
        json.loads(block.text)
    for block in blocks_in("yaml", "yml"):
        assert list(yaml.safe_load_all(block.text)), str(block)


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_json_that_a_shell_hands_over_can_be_read(block: Block) -> None:
    for text in re.findall(r"'(\{\s*\".*?\})'", block.text, re.DOTALL):
        json.loads(text)


def words_after(name: str) -> list[tuple[str, list[str]]]:
    """Return, with where it stands, what is given to a command each time that a page calls it."""
    calls = []
    for block in SHELL:
        for line in commands(block):
            # What another command prints is not known.
            words = shlex.split(re.sub(r"\$\([^)]*\)", "1", line), comments=True)
            while words and re.match(r"^\w+=", words[0]):
                words.pop(0)
            if words[: len(name.split())] != name.split():
                continue
            given = words[len(name.split()) :]
            ends = [place for place, word in enumerate(given) if word in _ENDS or word.startswith(">")]
            given = given[: ends[0]] if ends else given
            calls.append((f"{block}: {line}", ["1" if _PLACEHOLDER.match(word) else word for word in given]))
    return calls


def refused(parser: ArgumentParser, calls: list[tuple[str, list[str]]]) -> list[str]:
    """Return which calls a parser does not take."""
    bad = []
    for where, words in calls:
        try:
            parser.parse_args(words)
        except SystemExit as end:
            # 0: it was asked for help, or for its version.
            if end.code:
                bad.append(where)
    return bad


def ninebits_parser() -> ArgumentParser:
    from airflow_provider_ninebits.cli.tree import add_commands

    parser = ArgumentParser()
    add_commands(parser)
    return parser


def test_ninebits_is_called_as_it_wants_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    calls = words_after("ninebits")
    assert len(calls) > 10
    assert refused(ninebits_parser(), calls) == [], capsys.readouterr().err


def test_the_simulator_is_called_as_it_wants_to_be() -> None:
    from airflow_provider_ninebits.simulator.__main__ import parser

    calls = words_after("python -m airflow_provider_ninebits.simulator")
    assert len(calls) > 2
    assert refused(parser(), calls) == []


def test_airflow_is_called_as_it_wants_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    from airflow.cli.cli_parser import get_parser

    # The package's own commands are there from Airflow 3.2 on only.
    calls = [(where, words) for where, words in words_after("airflow") if words[0] != "ninebits"]
    assert len(calls) > 5
    assert refused(get_parser(), calls) == [], capsys.readouterr().err


def test_make_is_given_targets_that_there_are() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    calls = words_after("make")
    assert calls
    assert [where for where, words in calls if words[0] not in targets] == []


def test_a_command_that_there_is_not_is_seen() -> None:
    calls = [("good", ["messages", "list"]), ("bad", ["messages", "lisst"]), ("help", ["--help"])]
    assert refused(ninebits_parser(), calls) == ["bad"]
