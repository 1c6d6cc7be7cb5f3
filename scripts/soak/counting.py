"""What was played against what the ledger holds. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.api.numbers import mask_number

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 5


@dataclass(frozen=True)
class CallSeen:
    """
    One attempt to call one number, as both sides know it.

    :param ref_id: of the send that it belongs to, whether or not its callback says so.
    :param named: the ``ref_id`` in its callback.
    """

    ref_id: str | None
    number: str
    named: str | None
    started_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    total_duration: int | None
    call_duration: int | None
    total_amount: Decimal | None

    def __str__(self) -> str:
        return f"{mask_number(self.number)} of {self.ref_id}, started {self.started_at}, answered {self.answered_at}"


@dataclass(frozen=True)
class RecipientSeen:
    """What became of one number of one send."""

    ref_id: str | None
    number: str
    state: str
    attempts: int
    total_amount: Decimal | None

    def __str__(self) -> str:
        return f"{mask_number(self.number)} of {self.ref_id}: {self.state} after {self.attempts} calls"


@dataclass
class Account:
    """
    One side of the comparison.

    :param calls: each with how often it was brought: the least and the most that is possible.
    :param unmatched: those that the ledger has, and has found no recipient for, with how often they came.
    :param answers: the ``ref_id`` of the API answers that came to the callback URL.
    """

    calls: dict[CallSeen, tuple[int, int]] = field(default_factory=dict)
    unmatched: dict[CallSeen, int] = field(default_factory=dict)
    recipients: Counter[RecipientSeen] = field(default_factory=Counter)
    answers: Counter[str | None] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)


@dataclass
class Played:
    """
    What the simulator played, page by page.

    :param receivers: to how many of them a proxy may bring one try: the next one gets what another was killed over.
    """

    receivers: int = 1
    account: Account = field(default_factory=Account)
    posts: int = 0
    _of: dict[tuple[str, str], list[CallSeen]] = field(default_factory=lambda: defaultdict(list))

    def add(self, calls: Iterable[dict[str, Any]]) -> None:
        """Add calls as ``GET /simulator/calls`` shows them."""
        for shown in calls:
            call = _call_played(shown)
            tries = shown["callback"]["tries"]
            taken = sum(each["status"] is not None and 200 <= each["status"] < 300 for each in tries)
            if shown["callback"]["state"] != "delivered":
                self.account.troubles.append(f"{call}: the callback is {shown['callback']['state']}")
            if call in self.account.calls:
                self.account.troubles.append(f"{call}: played twice, so that nothing tells the two apart")
            # What was answered 2xx is there; what was answered otherwise, or not at all, may be.
            self.account.calls[call] = (taken, len(tries) * self.receivers)
            self.posts += len(tries)
            self._of[call.ref_id or "", call.number].append(call)

    def close(self, ref_ids: Iterable[str]) -> Account:
        """Return it all, with what became of each number and the answers to the sends."""
        for (ref_id, number), calls in self._of.items():
            answered = any(call.answered_at is not None for call in calls)
            amount = sum((call.total_amount or Decimal(0) for call in calls), Decimal(0))
            self.account.recipients[
                RecipientSeen(ref_id, number, "answered" if answered else "unanswered", len(calls), amount)
            ] += 1
        self.account.answers.update(ref_ids)
        return self.account


def differences(played: Account, kept: Account) -> list[str]:
    """Return what the ledger does not have as it was played, in words; nothing: it is the same to the last one."""
    found = [*played.troubles, *kept.troubles, *_matched_late(played, kept)]
    found += _unlike("callback", Counter(played.calls.keys()), Counter(kept.calls.keys()))
    found += _unlike("recipient", played.recipients, kept.recipients)
    found += _unlike("API answer", played.answers, kept.answers)
    for call in played.calls.keys() & kept.calls.keys():
        least, most = played.calls[call]
        times = kept.calls[call][0]
        if not least <= times <= most:
            found.append(f"{call}: counted {times} times, brought {least} to {most} times")
    return found


def _matched_late(played: Account, kept: Account) -> list[str]:
    """
    Enter the calls that are rightly unmatched where they belong, and return the others in words.

    Without a ``ref_id`` a call may belong to nobody who has answered already (rule 3 of matching). So the unanswered
    first call of somebody stays unmatched, if it comes after the answered second one.
    """
    found = []
    answered = {(each.ref_id, each.number): each for each in played.recipients if each.state == "answered"}
    nameless = {replace(call, ref_id=None): call for call in played.calls if call.named is None}
    known = {(each.ref_id, each.number): each for each in kept.recipients}
    for stored, times in kept.unmatched.items():
        call = nameless.get(stored)
        recipient = None if call is None else answered.get((call.ref_id, call.number))
        if call is None or recipient is None or call.answered_at is not None:
            found.append(f"{stored}: unmatched")
            continue
        kept.calls[call] = (times, times)
        if before := known.get((call.ref_id, call.number)):
            kept.recipients[before] -= 1
            kept.recipients[replace(before, attempts=before.attempts + 1)] += 1
    return found


def _unlike(what: str, played: Counter[Any], kept: Counter[Any]) -> list[str]:
    missing, surplus = played - kept, kept - played
    return [
        f"{count} {what}s {how}, {each}" if count > 1 else f"{what} {how}: {each}"
        for how, side in (("is missing in the ledger", missing), ("was never played", surplus))
        for each, count in side.items()
    ]


def summed_up(found: list[str]) -> str:
    """Return the first few of some differences, and how many there are."""
    lines = [f"  {each}" for each in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"  and {len(found) - _SHOWN} more")
    return "\n".join(lines)


def _call_played(shown: dict[str, Any]) -> CallSeen:
    body = shown["callback"]["body"] or {}
    return CallSeen(
        ref_id=shown["ref_id"],
        number=shown["number"],
        named=body.get("ref_id"),
        started_at=_moment(body.get("start_at")),
        answered_at=_moment(body.get("answer_at")),
        ended_at=_moment(body.get("end_at")),
        total_duration=body.get("total_duration"),
        call_duration=body.get("call_duration"),
        total_amount=None if body.get("total_amount") is None else Decimal(body["total_amount"]),
    )


def _moment(stamp: str | None) -> datetime | None:
    # An unanswered call has no answer, or one of zeros.
    return (
        None
        if not stamp or stamp.startswith("0000")
        else datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    )
