"""
Every ``[ninebits]`` option: its name, default and meaning, and the only place that reads them.

The provider metadata and the reader use the same constants, so a default cannot say one thing in Airflow's
documentation and another in a plain Python process. Airflow is imported inside functions: it asks for the
metadata before its own configuration is ready.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from airflow.configuration import AirflowConfigParser

SECTION: Final = "ninebits"
LEDGER_FILE: Final = "ninebits.db"
LEDGER_DATABASES: Final = ("postgresql", "sqlite")
LONGEST_WINDOW_SECONDS: Final = 10 * 365 * 86400

# What Airflow's own `getboolean` takes, so that a value means the same wherever it is written.
_TRUE: Final = frozenset({"t", "true", "1"})
_FALSE: Final = frozenset({"f", "false", "0"})


class InvalidOption(ValueError):
    """
    An option holds what cannot be used. Nothing was sent, and nothing was taken.

    It is a ``ValueError`` and no AirflowException: a mistake of whoever runs Airflow must not turn into a
    skipped task (``soft_fail``).

    :param option: the option that is wrong
    :param problem: what is wrong with its value, without a secret in it
    """

    def __init__(self, option: Option, problem: str) -> None:
        super().__init__(option, problem)
        self.option = option
        self.problem = problem

    def __str__(self) -> str:
        return f"[{SECTION}] {self.option.name} (environment: {self.option.variable}) {self.problem}"


@dataclass(frozen=True)
class Option:
    """One option of the section ``[ninebits]``, as users write it down."""

    name: str
    kind: Literal["string", "boolean", "integer"]
    default: str
    """As it would stand in airflow.cfg; empty means that there is none."""
    summary: str
    sensitive: bool = False
    example: str | None = None

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"AIRFLOW__{SECTION.upper()}__{self.name.upper()}"

    def provider_info(self) -> dict[str, str | bool | None]:
        """
        Return the option as Airflow's provider metadata describes one.

        :return: the schema's ``option``; ``sensitive`` brings ``_cmd`` and ``_secret`` with it
        """
        return {
            "description": self.summary,
            "version_added": "0.1.0",
            "type": self.kind,
            "example": self.example,
            "default": self.default or None,
            "sensitive": self.sensitive,
        }


SQL_ALCHEMY_CONN: Final = Option(
    "sql_alchemy_conn",
    "string",
    "",
    "The ledger: what was sent and what came back. Left empty it is the SQLite file ninebits.db in Airflow's "
    "home, which is right for one machine. With more machines: a PostgreSQL URL that the receiver, the "
    "workers, the triggerers, the DAG processor and the API server can reach. Never Airflow's own tables: "
    "tasks are not let in there.",
    sensitive=True,
    example="postgresql+psycopg://ninebits:secret@db.example.com/ninebits",
)
DEPLOYMENT: Final = Option(
    "deployment",
    "string",
    "default",
    "Names this Airflow where several share one ledger. It is part of what tells one task's calls from "
    "another's: change it only while no send is under way.",
    example="production",
)
WEBHOOK_USERNAME: Final = Option(
    "webhook_username",
    "string",
    "ninebits",
    "The user name in the callback URL that the 9bits dashboard holds (basic authentication).",
)
WEBHOOK_PASSWORD: Final = Option(
    "webhook_password",
    "string",
    "",
    "The password in the callback URL. Several, separated by commas, are all taken: add the new one, change "
    "the URL in the dashboard, then take the old one away. Without any the receiver answers 503 and logs "
    "this option's name.",
    sensitive=True,
    example="new-secret,old-secret",
)
WEBHOOK_ALLOW_UNAUTHENTICATED: Final = Option(
    "webhook_allow_unauthenticated",
    "boolean",
    "False",
    "Take callbacks without a password. Anybody who can reach the receiver can then say that a call was answered.",
)
CALLBACK_TIMEZONE: Final = Option(
    "callback_timezone",
    "string",
    "UTC",
    "The time zone of the timestamps in 9bits' callbacks, which carry none (9bits does not document it), as "
    "a name of the tz database.",
    example="Africa/Lagos",
)
MATCH_WINDOW: Final = Option(
    "match_window",
    "integer",
    "86400",
    "Seconds after a request in which a callback without a ref_id may belong to it.",
)
ATTEMPT_WINDOW: Final = Option(
    "attempt_window",
    "integer",
    "0",
    "Seconds to wait for another attempt before an unanswered recipient counts as settled.",
)
OUTAGE_TOLERANCE: Final = Option(
    "outage_tolerance",
    "integer",
    "300",
    "Seconds for which a wait bears that the ledger cannot be read: while its database restarts or fails over, say. "
    "Only after that the task fails. 0: it fails at once.",
    example="900",
)

OPTIONS: Final = (
    *(SQL_ALCHEMY_CONN, DEPLOYMENT, WEBHOOK_USERNAME, WEBHOOK_PASSWORD, WEBHOOK_ALLOW_UNAUTHENTICATED),
    *(CALLBACK_TIMEZONE, MATCH_WINDOW, ATTEMPT_WINDOW, OUTAGE_TOLERANCE),
)


@dataclass(frozen=True)
class Settings:
    """
    The options, read and checked. Its ``repr`` leaves the secrets out, since settings end up in logs and tracebacks.

    :param sql_alchemy_conn: the ledger's URL, with its password
    :param deployment: names this Airflow within the ledger
    :param webhook_username: the user of the callback URL
    :param webhook_passwords: the passwords that are taken, the first one listed first; may be none
    :param webhook_allow_unauthenticated: whether callbacks need no password
    :param callback_timezone: a name of the tz database that exists here
    :param match_window_seconds: how long after a request a callback without ``ref_id`` may belong to it
    :param attempt_window_seconds: how long an unanswered recipient may still get another attempt
    :param outage_tolerance_seconds: how long a wait bears that the ledger cannot be read
    """

    sql_alchemy_conn: str = field(repr=False)
    deployment: str
    webhook_username: str
    webhook_passwords: tuple[str, ...] = field(repr=False)
    webhook_allow_unauthenticated: bool
    callback_timezone: str
    match_window_seconds: int
    attempt_window_seconds: int
    outage_tolerance_seconds: int


def read_settings() -> Settings:
    """
    Read every ``[ninebits]`` option from Airflow's configuration.

    Nothing is kept: whoever needs the settings of a whole process keeps them itself.

    :return: the options, checked
    :raises InvalidOption: where a value cannot be used; it names the option and its environment variable
    """
    from airflow.configuration import conf

    return Settings(
        sql_alchemy_conn=_ledger_url(_text(conf, SQL_ALCHEMY_CONN)),
        deployment=_text(conf, DEPLOYMENT),
        webhook_username=_username(_text(conf, WEBHOOK_USERNAME)),
        webhook_passwords=_passwords(_text(conf, WEBHOOK_PASSWORD)),
        webhook_allow_unauthenticated=_boolean(conf, WEBHOOK_ALLOW_UNAUTHENTICATED),
        callback_timezone=_timezone(_text(conf, CALLBACK_TIMEZONE)),
        match_window_seconds=_seconds(conf, MATCH_WINDOW),
        attempt_window_seconds=_seconds(conf, ATTEMPT_WINDOW),
        outage_tolerance_seconds=_seconds(conf, OUTAGE_TOLERANCE),
    )


def _text(conf: AirflowConfigParser, option: Option) -> str:
    # The fallback is for plain Python on Airflow 3.1, which has not read the provider's defaults there. An
    # option that was set to nothing counts as not set.
    try:
        written = conf.get(SECTION, option.name, fallback=option.default)
    except Exception:  # a command or a secrets backend, which raise whatever they like; their text may hold the secret
        raise InvalidOption(option, "cannot be read: its command (_cmd) or secrets backend (_secret) fails") from None
    return str(written or "").strip() or option.default


def _boolean(conf: AirflowConfigParser, option: Option) -> bool:
    value = _text(conf, option)
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise InvalidOption(option, f"is {value!r}; write True or False")


def _seconds(conf: AirflowConfigParser, option: Option) -> int:
    value = _text(conf, option)
    try:
        seconds = int(value)
    except ValueError:
        raise InvalidOption(option, f"is {value!r}; write a whole number of seconds") from None
    if not 0 <= seconds <= LONGEST_WINDOW_SECONDS:
        raise InvalidOption(option, f"is {value!r}; write 0 to {LONGEST_WINDOW_SECONDS} (ten years) seconds")
    return seconds


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones ("Africa")
        raise InvalidOption(
            CALLBACK_TIMEZONE,
            f"is {name!r}, which no time zone is called; write one like Africa/Lagos or UTC",
        ) from None
    return name


def _username(name: str) -> str:
    if ":" in name:
        raise InvalidOption(WEBHOOK_USERNAME, "has a colon, which basic authentication takes for its end; leave it out")
    return name


def _passwords(value: str) -> tuple[str, ...]:
    return tuple(password for part in value.split(",") if (password := part.strip()))


def _ledger_url(url: str) -> str:
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if not url:
        from airflow.configuration import AIRFLOW_HOME

        # Built, not pasted: a home with a `?` or `%` in its name would end the path there.
        return URL.create(
            "sqlite", database=os.path.join(os.path.abspath(AIRFLOW_HOME), LEDGER_FILE)
        ).render_as_string()
    try:
        database = make_url(url).get_backend_name()
    except (ArgumentError, ValueError):
        # `from None`: the parser's own message quotes the URL with its password.
        raise InvalidOption(
            SQL_ALCHEMY_CONN,
            "is no database URL; write one like postgresql+psycopg://user:password@host/name",
        ) from None
    if database not in LEDGER_DATABASES:
        raise InvalidOption(
            SQL_ALCHEMY_CONN,
            f"names a {database} database; the ledger runs on {' and '.join(LEDGER_DATABASES)}",
        )
    return url
