"""Writes ``options.md`` from the options that the code reads: ``python docs/options_page.py [--print]``."""

from __future__ import annotations

import sys
from pathlib import Path

from airflow_provider_ninebits.configuration import OPTIONS, SECTION, Option

PAGE = Path(__file__).with_name("options.md")

HEAD = f"""\
<!-- Written by docs/options_page.py from the package's configuration.py: change it there. -->

# Options

Section `[{SECTION}]` of `airflow.cfg`, or environment variables: `match_window` there is
`AIRFLOW__NINEBITS__MATCH_WINDOW` here. The two sensitive ones may come from a command or from a secrets backend
as well: `webhook_password_cmd`, `webhook_password_secret` (`AIRFLOW__NINEBITS__WEBHOOK_PASSWORD_CMD` and so on).

Every process that uses the ledger needs the same `sql_alchemy_conn` and `deployment`: the receiver, the workers, the
triggerers, the DAG processor and the API server. A value that cannot be used is an error that names the option; the
mounted receiver then answers 503 until it is mended and the API server restarted.

Airflow replaces `$NAME` in values by environment variables: a password with a `$` does not arrive as it was written.
In a URL, write it as `%24` in an environment variable, and as `%%24` in `airflow.cfg`, where `%` is doubled.
The first `airflow` command in a new home writes today's defaults into its `airflow.cfg`: there, a default that a later
version changes is not seen.
"""


def section(option: Option) -> str:
    """Return what the page says about one option."""
    facts = [
        ("Type", option.kind),
        ("Default", f"`{option.default}`" if option.default else "none"),
        ("Environment", f"`{option.variable}`"),
    ]
    if option.sensitive:
        facts.append(("Sensitive", f"also `{option.variable}_CMD` and `{option.variable}_SECRET`"))
    if option.example:
        facts.append(("Example", f"`{option.example}`"))
    lines = "\n".join(f"- {name}: {value}" for name, value in facts)
    return f"## `{option.name}`\n\n{option.summary}\n\n{lines}\n"


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *map(section, OPTIONS)])


if __name__ == "__main__":
    if "--print" in sys.argv:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page())
