"""Writes ``check.md`` from the findings that the code can make: ``python docs/check_page.py [--print]``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from airflow_provider_ninebits.checks.catalogue import KINDS, SUBJECTS
from airflow_provider_ninebits.checks.findings import FindingKind

PAGE = Path(__file__).with_name("check.md")

HEAD = """\
<!-- Written by docs/check_page.py from the package's room checks: change it there. -->

# What is wrong

A wait does not end, and nothing says why: the task is green until its time-out, and the callback that should have woken
it was turned away by a proxy, or is in another ledger. `ninebits check` looks at all that has to fit together, and says
of each thing that does not what it is, why it matters and how to mend it. It rings nobody.

```bash
ninebits check --callback-url 'https://ninebits:PASSWORD@calls.example.com/ninebits/callback'
```

```text
callback URL
  PROBLEM  calls.example.com took the test callback, and it did not come into
           this ledger within 10 s.
      why: The receiver writes into another ledger than the one that tasks look
           into from here: no wait ends.
      fix: Give the receiver and this machine the same [ninebits]
           sql_alchemy_conn, and restart the receiver.

good: options, connection, ledger, receivers, callbacks, escalation
1 problem, 0 notes
```

Run it where tasks run, with their environment: what is right on one machine may be wrong on the next. Airflow's own
database need not be reachable; what is only known there is a note then.

| option | |
| --- | --- |
| `--conn-id ID` | a connection to look at; may be given several times. `ninebits_default` if none is |
| `--callback-url URL` | send a test callback there, as the 9bits dashboard has the URL. Without user and password in it those of the options are sent, the first of several passwords, but not over http to another machine. To which host it went is told on stderr |
| `--output` | `table` for people, `json` or `yaml` for scripts: `findings` with `code`, `subject`, `level`, `what`, `why` and `fix`; `not_looked_at`; `problems`, `notes`, `exit_status`. The codes stay what they are |

| exit status | |
| --- | --- |
| 0 | nothing was found, or notes alone |
| 1 | a problem was found |
| 2 | an option cannot be used, or the command was given wrongly |
| 4 | the ledger or 9bits cannot be reached, or 9bits fails. What else was found is printed all the same |

A *problem* is something that does not work. A *note* is to be known: mostly that something cannot be looked at from here.

## What it does

- 9bits is asked for something that places no call. That proves that it can be reached, not the key.
- The schema of the ledger is read and left as it is: whatever its version, nothing is upgraded. One row is written and
  deleted, since a full disk can be read. Where there is no ledger yet, it is tried whether one could be made, and
  nothing of that stays.
- The test callback is a call to a number under country code 999, which is nobody's: it can match nobody. It is taken out
  of the ledger again, so that it is no callback that settled nobody. With a wrong password it counts as one that was
  answered 401.
- Of callbacks the newest 1000 are looked at. Which zone 9bits' times are in is told by at least five calls that ended
  some moments before their callback came, in one zone and the same. Times that lie more than 15 hours from the arrival
  say nothing about the zone. Calls that came up to an hour late, on one day or two, are most likely 9bits' retries after
  an outage of the receiver: that is a note, and `callback_timezone` may be right.
- A connection that Airflow cannot read is looked for in the environment only: Airflow itself says that there is none.

## All findings
"""  # noqa: E501 (rows of tables are not broken)


def section(subject: str) -> str:
    """Return what the page says about one subject."""
    rows = "\n".join(_row(kind) for kind in KINDS if kind.subject == subject)
    title = subject[0].upper() + subject[1:] if subject != "callback_timezone" else f"`{subject}`"
    return f"### {title}\n\n| code | | what | why it matters | fix |\n| --- | --- | --- | --- | --- |\n{rows}\n"


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *map(section, SUBJECTS)])


def _row(kind: FindingKind) -> str:
    return f"| `{kind.code}` | {kind.level} | {_shown(kind.what)} | {_shown(kind.why)} | {_shown(kind.fix)} |"


def _shown(text: str) -> str:
    """Return a text with what is filled in set apart."""
    parts = text.split("`")
    # What is code already has no marks inside.
    parts[::2] = [re.sub(r"\{(\w+)(?:!r)?\}", r"*\1*", part) for part in parts[::2]]
    return re.sub(r"\{(\w+)(?:!r)?\}", r"\1", "`".join(parts)).replace("|", "\\|")


if __name__ == "__main__":
    if "--print" in sys.argv:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page())
