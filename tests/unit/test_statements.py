"""SQL takes its values as bound parameters, and nothing is pasted into a statement."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "airflow_provider_ninebits"
TAKES_SQL = {"text", "exec_driver_sql", "execute", "executemany", "executescript", "literal_column", "TextClause"}
TAKES_SQL |= {"run", "run_for_each"}
# Each is put together from constants of its own module, and has its reason beside it.
CONSTANT_PARTS = {
    "ledger/migrate.py": {"VERSION_TABLE", "LOCK_TIMEOUT_SECONDS"},
    "ledger/staging.py": {"into", "columns", "values", "source", "given_table.name"},
    # Names of tables and columns, which no parameter can be.
    "ledger/known_names.py": {"column"},
    "ledger/receivers.py": {"kind"},
    # The same; and what is made of these above.
    "ledger/event_queue.py": {"_INTO", "_COPIED", "live", "', '.join(RECORD)"},
    "ledger/notices.py": {"MOST_COUNTED", "changed", "told", "paged"},
    "ledger/bulk.py": {
        "table.name",
        "', '.join(names)",
        "', '.join('?' * len(names))",
        "key",
        "changes",
        "given",
        "before",
        "last",
    },
}
STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s")


def pasted(tree: ast.AST) -> list[tuple[int, str]]:
    """Return the line and the name of everything that is pasted into SQL, by f-string, %, + or format()."""
    # Wherever it goes from there.
    found = [
        (part.lineno, ast.unparse(part.value))
        for written in ast.walk(tree)
        if isinstance(written, ast.JoinedStr) and is_statement(written)
        for part in written.values
        if isinstance(part, ast.FormattedValue)
    ]
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not call.args or called(call) not in TAKES_SQL:
            continue
        for part in ast.walk(call.args[0]):
            if isinstance(part, ast.FormattedValue):
                found.append((part.lineno, ast.unparse(part.value)))
            elif isinstance(part, ast.BinOp) and isinstance(part.op, (ast.Add, ast.Mod)):
                found += [
                    (part.lineno, ast.unparse(side))
                    for side in (part.left, part.right)
                    if not isinstance(side, (ast.Constant, ast.JoinedStr, ast.BinOp)) and is_text(part)
                ]
            elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and is_text(part.func.value):
                found.append((part.lineno, ast.unparse(part)))
    return found


def is_statement(written: ast.JoinedStr) -> bool:
    first = written.values[0]
    return isinstance(first, ast.Constant) and STATEMENT.match(str(first.value)) is not None


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_text(part: ast.expr) -> bool:
    if isinstance(part, ast.BinOp):
        return is_text(part.left) or is_text(part.right)
    return isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant) and isinstance(part.value, str))


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_nothing_is_pasted_into_a_statement(file: Path) -> None:
    allowed = CONSTANT_PARTS.get(str(file.relative_to(PACKAGE)), set())
    assert [each for each in pasted(ast.parse(file.read_text())) if each[1] not in allowed] == []


@pytest.mark.parametrize(
    "code",
    [
        "connection.execute(text(f'SELECT {number}'))",
        "connection.exec_driver_sql('SELECT ' + number)",
        "connection.execute('SELECT %s' % number)",
        "text('SELECT {}'.format(number))",
        "text('a' 'b' + number + 'c')",
        "sql = f'UPDATE ninebits_recipient SET number = {number}'",
    ],
)
def test_what_is_pasted_is_found(code: str) -> None:
    assert pasted(ast.parse(code))
