"""The ledger: whether it can be reached from here, is at this package's schema, can be written, and has our time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_ninebits.checks.findings import Finding, FindingKind, Level, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ninebits.ledger.database import Database

CLOCK_TOLERANCE_SECONDS = 30.0
_NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre"})
_MOUNTS = Path("/proc/mounts")
_NO_CALL = "Nothing is sent without a ledger, no callback is taken, and no wait ends."

UNREACHABLE = FindingKind(
    "ledger_unreachable",
    "ledger",
    "The ledger at {url} cannot be reached from here: {reason}.",
    _NO_CALL,
    "Start the database, or correct [ninebits] sql_alchemy_conn on this machine; let this machine reach it.",
    weight=Weight.UNREACHABLE,
)
UNUSABLE = FindingKind(
    "ledger_unusable",
    "ledger",
    "The ledger cannot be used: {reason}.",
    _NO_CALL,
    "Mend that, or name another ledger in [ninebits] sql_alchemy_conn.",
    weight=Weight.OPTIONS,
)
ABSENT = FindingKind(
    "ledger_absent",
    "ledger",
    "The ledger at {url} has no tables yet.",
    "They are made at its first use. Where something was sent already, this process has another ledger than that.",
    "`ninebits db upgrade` makes them now. "
    "If there should be some: compare [ninebits] sql_alchemy_conn here and there.",
    Level.NOTE,
)
OLDER = FindingKind(
    "ledger_older",
    "ledger",
    "The ledger's schema is {version}, older than that of this package ({head}).",
    "The first process with this package that uses it brings it up to date; processes with the older package cannot "
    "use it from then on.",
    "Upgrade the package everywhere, then run `ninebits db upgrade`.",
)
NEWER = FindingKind(
    "ledger_newer",
    "ledger",
    "The ledger's schema is {version}, which this package does not know (it has {head}).",
    "Another machine has a newer package. This one must not write to the ledger, and refuses to.",
    "Upgrade airflow-provider-ninebits here to the version of the other machines.",
)
NOT_WRITABLE = FindingKind(
    "ledger_not_writable",
    "ledger",
    "The ledger at {url} takes no write from here: {reason}.",
    "Nothing is sent that was not recorded before, and callbacks are answered 503.",
    "Make room on its disk; let this user write (SQLite: the file and its folder); end what holds its locks.",
    weight=Weight.UNREACHABLE,
)
CLOCK = FindingKind(
    "clock_differs",
    "ledger",
    "This machine's clock is {seconds} s {direction} the ledger's.",
    "Leases and match windows count on the ledger's clock, time-outs and calling hours on this machine's: waits end "
    "too soon or too late, and phones may ring outside of the hours.",
    "Set both clocks by NTP (`timedatectl set-ntp true`).",
)
ON_NETWORK = FindingKind(
    "sqlite_on_network",
    "ledger",
    "The SQLite ledger is on a network file system ({file_system}).",
    "SQLite's locks and its write-ahead log do not work there: the file gets damaged, and calls are placed twice.",
    "Move it to a local disk; for several machines take PostgreSQL ([ninebits] sql_alchemy_conn).",
)
KINDS = (UNREACHABLE, UNUSABLE, ABSENT, OLDER, NEWER, NOT_WRITABLE, CLOCK, ON_NETWORK)


@dataclass(frozen=True)
class LedgerSeen:
    """
    What was seen of the ledger.

    :param url: without its password.
    :param head: the schema's version of this package.
    :param known: the versions that this package can bring up to date.
    :param version: None: no tables.
    :param unreachable: why it cannot be reached; None: it can.
    :param unusable: why trying again would not help either.
    :param not_writable: why it cannot be written; None: it can, or was not tried.
    :param ahead_seconds: how far this machine's clock is ahead of the ledger's.
    :param file_system: of a SQLite file.
    """

    url: str
    head: str
    known: frozenset[str] = frozenset()
    version: str | None = None
    unreachable: str | None = None
    unusable: str | None = None
    not_writable: str | None = None
    ahead_seconds: float = 0.0
    file_system: str | None = None

    @property
    def usable(self) -> bool:
        """Whether the rest can be read from it."""
        return self.version == self.head and self.unreachable is None and self.unusable is None


def look(database: Database) -> LedgerSeen:
    """Look at the ledger. A schema that is not this package's is left as it is."""
    from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, LedgerUnusable
    from airflow_provider_ninebits.ledger.migrate import HEAD

    url = database.masked_url
    file_system = None
    if database.is_sqlite and _MOUNTS.exists():
        file_system = file_system_of(Path(str(database.url.database)).resolve(), _MOUNTS.read_text(errors="replace"))
    try:
        version = database.version()
        if version is None:
            return LedgerSeen(url, HEAD, not_writable=_why_not_made(database), file_system=file_system)
        if version != HEAD:
            return LedgerSeen(url, HEAD, known=_known_versions(), version=version, file_system=file_system)
        ahead = _ahead_seconds(database)
    except LedgerUnreachable as error:
        return LedgerSeen(url, HEAD, unreachable=error.cause, file_system=file_system)
    except LedgerUnusable as error:
        return LedgerSeen(url, HEAD, unusable=str(error), file_system=file_system)
    return LedgerSeen(
        url,
        HEAD,
        version=version,
        not_writable=_why_not_writable(database),
        ahead_seconds=ahead,
        file_system=file_system,
    )


def judge(seen: LedgerSeen) -> list[Finding]:
    """Return what is to be said of the ledger."""
    found = []
    if seen.file_system in _NETWORK_FILE_SYSTEMS or (seen.file_system or "").startswith("fuse."):
        found.append(ON_NETWORK.found(file_system=seen.file_system))
    if seen.unreachable is not None:
        found.append(UNREACHABLE.found(url=seen.url, reason=seen.unreachable.rstrip(".")))
    elif seen.unusable is not None:
        found.append(UNUSABLE.found(reason=seen.unusable.rstrip(".")))
    elif seen.version is None and seen.not_writable is None:
        found.append(ABSENT.found(url=seen.url))
    elif seen.version is not None and seen.version != seen.head:
        kind = OLDER if seen.version in seen.known else NEWER
        found.append(kind.found(version=seen.version, head=seen.head))
    if seen.not_writable is not None:
        found.append(NOT_WRITABLE.found(url=seen.url, reason=seen.not_writable.rstrip(".")))
    if abs(seen.ahead_seconds) > CLOCK_TOLERANCE_SECONDS:
        direction = "ahead of" if seen.ahead_seconds > 0 else "behind"
        found.append(CLOCK.found(seconds=round(abs(seen.ahead_seconds)), direction=direction))
    return found


def file_system_of(path: Path, mounts: str) -> str | None:
    """
    Return the type of the file system that a path is on.

    :param mounts: as ``/proc/mounts`` has them; of two at one place the last counts.
    """
    found, longest = None, -1
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        # Blanks and the like are written as octal there.
        place = Path(fields[1].replace("\\040", " "))
        if path.is_relative_to(place) and len(place.parts) >= longest:
            found, longest = fields[2], len(place.parts)
    return found


def _ahead_seconds(database: Database) -> float:
    from airflow_provider_ninebits.ledger.database import ledger_now

    with database.reading() as connection:
        before = datetime.now(UTC)
        there = ledger_now(connection)
        after = datetime.now(UTC)
    # It was read somewhere in between, so that much is unknown.
    if before <= there <= after:
        return 0.0
    return (before - there).total_seconds() if there < before else (after - there).total_seconds()


def _why_not_writable(database: Database) -> str | None:
    from airflow_provider_ninebits.ledger.receivers import probe_write

    return _why_refused(probe_write, database)


def _why_not_made(database: Database) -> str | None:
    from airflow_provider_ninebits.ledger.making import probe_making

    return _why_refused(probe_making, database)


def _why_refused(probe: Callable[[Database], None], database: Database) -> str | None:
    """Return why the ledger does not take what is tried; None: it does."""
    from airflow_provider_ninebits.ledger.errors import LedgerError, LedgerUnreachable

    try:
        probe(database)
    except LedgerUnreachable as error:
        return error.cause
    except LedgerError as error:
        return str(error)
    return None


def _known_versions() -> frozenset[str]:
    from airflow_provider_ninebits.ledger.migrate import known_versions

    return known_versions()
