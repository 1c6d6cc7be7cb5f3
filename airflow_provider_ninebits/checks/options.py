"""The ``[ninebits]`` options: those that cannot be used, and those that contradict each other."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_ninebits.checks.findings import Finding, FindingKind, Level, Weight

SHORTEST_PASSWORD = 12
# What documentation and people write where a password is to stand.
_PLACEHOLDERS = frozenset(
    {"password", "secret", "changeme", "change-me", "new-secret", "old-secret", "ninebits", "admin", "test", "example"}
)
# The only one since Airflow 3.0.
_ON_ONE_MACHINE = "LocalExecutor"

INVALID = FindingKind(
    "option_invalid",
    "options",
    "{reason}.",
    "Every process that reads it stops there: nothing is sent, and callbacks are answered 503.",
    "Correct it in airflow.cfg or in the environment, wherever this machine has it from.",
    weight=Weight.OPTIONS,
)
SQLITE_APART = FindingKind(
    "sqlite_with_many_machines",
    "options",
    "The ledger is a SQLite file, and [core] executor is {executor}, whose tasks may run on other machines.",
    "Each machine would have a ledger of its own: waits never end, and retries ring people again.",
    "Set [ninebits] sql_alchemy_conn to a PostgreSQL database on all machines (extra `postgres` of this package).",
)
NO_PASSWORD = FindingKind(
    "password_missing",
    "options",
    "[ninebits] webhook_password is empty on this machine.",
    "A receiver with these options answers 503 to every callback.",
    "Set AIRFLOW__NINEBITS__WEBHOOK_PASSWORD where the receiver runs, and enter the URL with it in the 9bits "
    "dashboard.",
)
RECEIVER_WITHOUT = FindingKind(
    "password_missing_receiver",
    "options",
    "[ninebits] webhook_password is empty on this machine, and {shown}.",
    "A receiver without it answers 503 to every callback: no wait ends, and after an hour the callbacks are lost.",
    "Set AIRFLOW__NINEBITS__WEBHOOK_PASSWORD where the receiver runs, restart it, and enter the URL with the password "
    "in the 9bits dashboard. If it has one already, its log says why else it answers 503; run this check with its "
    "environment.",
)
PASSWORD_ELSEWHERE = FindingKind(
    "password_elsewhere",
    "options",
    "[ninebits] webhook_password is empty on this machine, and a receiver is up.",
    "Only receivers need it. Whether the one that is up has it is not seen from here without a test callback.",
    "Nothing, if the receiver runs on another machine; here it would answer 503 to every callback.",
    Level.NOTE,
)
UNAUTHENTICATED = FindingKind(
    "callbacks_unauthenticated",
    "options",
    "[ninebits] webhook_allow_unauthenticated is True.",
    "Anybody who can reach the receiver can say that a call was answered.",
    "Set a webhook_password, put it into the callback URL, then set this to False.",
    Level.NOTE,
)
CONTRADICTORY = FindingKind(
    "password_and_unauthenticated",
    "options",
    "There is a [ninebits] webhook_password, and webhook_allow_unauthenticated is True.",
    "The password protects nothing: whoever shows none is let in.",
    "Set webhook_allow_unauthenticated to False as soon as the URL in the 9bits dashboard has the password.",
)
WEAK_PASSWORD = FindingKind(
    "password_weak",
    "options",
    "Password {place} of [ninebits] webhook_password is a placeholder, or has fewer than {shortest} characters.",
    "Whoever guesses it can say that calls were answered.",
    "Take a long random one: `python -c 'import secrets; print(secrets.token_urlsafe(24))'`.",
    Level.NOTE,
)
EMPTY_ENTRY = FindingKind(
    "password_empty_entry",
    "options",
    "[ninebits] webhook_password has an entry with nothing in it.",
    "It is left out. Perhaps a password has a comma, which separates two of them, or a variable in it was empty.",
    "Take away the superfluous comma; a password must have none.",
    Level.NOTE,
)
WINDOWS = FindingKind(
    "windows_contradict",
    "options",
    "[ninebits] match_window ({match} s) is shorter than attempt_window ({attempt} s).",
    "A wait hopes for another attempt when its callback would find nobody any more.",
    "Make match_window larger than attempt_window; the default of a day does for most.",
)
KINDS = (
    *(INVALID, SQLITE_APART, NO_PASSWORD, RECEIVER_WITHOUT, PASSWORD_ELSEWHERE, UNAUTHENTICATED),
    *(CONTRADICTORY, WEAK_PASSWORD, EMPTY_ENTRY, WINDOWS),
)


@dataclass(frozen=True)
class OptionsSeen:
    """
    The options as they are here.

    :param invalid: why they cannot be used; None: they can. Nothing else is known then.
    :param password_entries: as written, without the blanks around them.
    :param executors: the class names of all of ``[core] executor``.
    """

    invalid: str | None = None
    is_sqlite: bool = False
    executors: tuple[str, ...] = ()
    password_entries: tuple[str, ...] = field(default=(), repr=False)
    allow_unauthenticated: bool = False
    match_window_seconds: int = 86400
    attempt_window_seconds: int = 0


def look() -> OptionsSeen:
    """Read the options."""
    from airflow.configuration import conf
    from sqlalchemy.engine import make_url

    from airflow_provider_ninebits.configuration import SECTION, WEBHOOK_PASSWORD, InvalidOption, read_settings

    try:
        settings = read_settings()
    except InvalidOption as error:
        return OptionsSeen(invalid=str(error))
    written = str(conf.get(SECTION, WEBHOOK_PASSWORD.name, fallback="") or "").strip()
    return OptionsSeen(
        is_sqlite=make_url(settings.sql_alchemy_conn).get_backend_name() == "sqlite",
        executors=executor_names(conf.get("core", "executor", fallback="LocalExecutor")),
        password_entries=tuple(entry.strip() for entry in written.split(",")) if written else (),
        allow_unauthenticated=settings.webhook_allow_unauthenticated,
        match_window_seconds=settings.match_window_seconds,
        attempt_window_seconds=settings.attempt_window_seconds,
    )


def executor_names(written: str) -> tuple[str, ...]:
    """
    Return the class names in ``[core] executor``: a name or a class path, several, with aliases, and for teams.

    ``LocalExecutor,my.module.Remote:remote;team_a=CeleryExecutor``
    """
    names = []
    for team in written.split(";"):
        for entry in team.rpartition("=")[2].split(","):
            alias, _, path = entry.strip().rpartition(":")
            # `alias:my.module.Class` and `my.module.Class:alias` both are written.
            path = alias if alias and "." in alias and "." not in path else path
            if name := path.rpartition(".")[2]:
                names.append(name)
    return tuple(names)


def judge(seen: OptionsSeen, *, receiver_up: bool, without_password: str | None = None) -> list[Finding]:
    """
    Return what is to be said of the options.

    :param receiver_up: whether the ledger knows of a receiver that is up.
    :param without_password: what shows that one that is up has no password either; None: nothing.
    """
    if seen.invalid is not None:
        return [INVALID.found(reason=seen.invalid.rstrip("."))]
    found = []
    apart = [name for name in seen.executors if name != _ON_ONE_MACHINE]
    if seen.is_sqlite and apart:
        found.append(SQLITE_APART.found(executor=", ".join(apart)))
    passwords = [entry for entry in seen.password_entries if entry]
    if seen.allow_unauthenticated:
        found.append((CONTRADICTORY if passwords else UNAUTHENTICATED).found())
    elif not passwords and without_password is not None:
        found.append(RECEIVER_WITHOUT.found(shown=without_password))
    elif not passwords:
        found.append((PASSWORD_ELSEWHERE if receiver_up else NO_PASSWORD).found())
    if "" in seen.password_entries:
        found.append(EMPTY_ENTRY.found())
    for place, password in enumerate(passwords, start=1):
        if len(password) < SHORTEST_PASSWORD or password.lower() in _PLACEHOLDERS:
            found.append(WEAK_PASSWORD.found(place=place, shortest=SHORTEST_PASSWORD))
    if seen.match_window_seconds < seen.attempt_window_seconds:
        found.append(WINDOWS.found(match=seen.match_window_seconds, attempt=seen.attempt_window_seconds))
    return found
