"""
The way of a send: plan, then for each part claim, POST, record.

Nothing here decides by itself what to do with a part: :func:`~airflow_provider_ninebits.ledger.states.next_step` does.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.backoff import rate_limit_delay_seconds
from airflow_provider_ninebits.api.errors import RateLimited, SendError
from airflow_provider_ninebits.api.messages import VoiceMessage
from airflow_provider_ninebits.exceptions import MessageUncertain, SendFailed, SendStopped
from airflow_provider_ninebits.hooks.attempts import LEASE_MARGIN_SECONDS, Lease, Tries, answer_of, refusal
from airflow_provider_ninebits.hooks.evidence import silence_proves
from airflow_provider_ninebits.hooks.outages import unavailable
from airflow_provider_ninebits.hooks.pacing import pace_delay_seconds
from airflow_provider_ninebits.hooks.plans import Planner
from airflow_provider_ninebits.hooks.progress import Progress
from airflow_provider_ninebits.hooks.receipts import SendReceipt
from airflow_provider_ninebits.ledger import sends
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, LedgerUnusable, NoSuchMessage
from airflow_provider_ninebits.ledger.recording import Answer, record_answer
from airflow_provider_ninebits.ledger.rematching import rematch
from airflow_provider_ninebits.ledger.states import MessageState, NextStep, PartStanding, RequestState, next_step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from airflow_provider_ninebits.api.client import NineBitsClient
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import Part, SendPlan

_LEASE_POLL_SECONDS = 1.0
_LONGEST_NAP_SECONDS = 1.0
_RECORD_TRIES = 6
_LATE_CLAIMS = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Job:
    """What one call has to send; ``excluded_in_doubt``: parts that may not be sent again, by their message's id."""

    plan: SendPlan
    media_url: str
    resend: bool
    excluded_in_doubt: frozenset[str]


@dataclass
class Sender:
    """
    Sends plans over one connection.

    :param window: ``[ninebits] match_window``, for the callbacks that waited for an answer.
    :param stopped: asked between two parts: whether to send no more of them.
    :param placed: told the ``ref_id`` of each part as soon as it is placed, those of earlier attempts included.
    :param evidence_timeout: of ``on_uncertain="evidence"``; None: it is something else.
    :param max_requests_per_second: what the account may do; None: as fast as the requests are answered.
    """

    database: Database
    client: NineBitsClient
    window: timedelta
    timeout_seconds: float
    stopped: Callable[[], bool] = lambda: False
    placed: Callable[[str], None] = lambda ref_id: None
    evidence_timeout: timedelta | None = None
    max_requests_per_second: float | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    _last_began: float | None = field(default=None, init=False)

    def send(self, plan: SendPlan, *, media_url: str, resend: bool, replan: bool) -> SendReceipt:
        """
        Send what of a plan was not sent before.

        :param media_url: the whole URL, signature included; the plan has it without.
        :param resend: whether ``on_uncertain="resend"``.
        :param replan: whether a difference to what the ledger has is planned anew, instead of refused.
        :raises KeyReused: for a key that stands for another send; nothing was sent.
        :raises SendFailed: nothing was placed for the part that it names; parts before it were.
        :raises MessageUncertain: phones of the part that it names may have rung.
        :raises LedgerUnavailable: the ledger did not take what had to be recorded first; nothing more was sent.
        """
        try:
            planned = Planner(self.database, self.stopped, self.sleep, self.clock).record(plan, replan=replan)
            untouched = all(part.state is MessageState.ACCEPTED for part in planned.parts)
            if planned.resumed and planned.parts and untouched:
                log.warning(
                    "Nobody was rung again: all %d parts of this send were accepted before. "
                    "To ring again on purpose, clear the task after it has ended, or use another idempotency key.",
                    len(planned.parts),
                )
            own = self._send_parts(planned.parts, _Job(plan, media_url, resend, planned.excluded_in_doubt))
            for part in planned.siblings:
                self.placed(part.ref)
        except NoSuchMessage as error:
            raise SendFailed(str(error)) from error
        except (LedgerUnreachable, LedgerUnusable) as error:
            raise unavailable(error, self.database.masked_url) from error
        done = [*own, *planned.siblings]
        return SendReceipt(
            ref_ids=[part.ref for part in done],
            recipients=sum(part.recipients for part in own) + planned.left_to_siblings,
            message_ids=[part.message_id for part in done],
            resumed=planned.resumed and untouched,
            excluded=planned.excluded,
        )

    def _send_parts(self, parts: Sequence[Part], job: _Job) -> list[Part]:
        progress = Progress(parts, self.clock)
        done = []
        for part in parts:
            done.append(self._send_part(part, job))
            self.placed(done[-1].ref)
            progress.add(part, sent=part.state is not MessageState.ACCEPTED)
        return done

    def _send_part(self, part: Part, job: _Job) -> Part:
        tries = Tries()
        while True:
            part, now = sends.read_part(self.database, part.message_id)
            if part.state is MessageState.REPLACED:
                raise SendFailed(f"Message {part.message_id} was planned anew by another try of this send; try again.")
            standing = PartStanding(part.state, part.lease_expires_at)
            evidence = self.evidence_timeout is not None
            step = next_step(standing, now, resend=job.resend, resends_used=tries.resends, evidence=evidence)
            match step:
                case NextStep.RECEIPT:
                    return part
                case NextStep.WAIT:
                    self._check_stopped(part)
                    self.sleep(_LEASE_POLL_SECONDS)
                case NextStep.FAIL:
                    raise MessageUncertain([part.message_id], self._doubt(part, tries))
                case NextStep.SEND:
                    self._wait_for_turn(part)
                    self._claim_and_post(part, job, tries, again=False)
                case NextStep.RESEND | NextStep.EVIDENCE:
                    self._check_exclusion(part, job, tries)
                    revision = None
                    if step is NextStep.EVIDENCE and (revision := self._silence_proves(part, now, tries)) is None:
                        continue
                    self._wait_for_turn(part)
                    self._claim_and_post(part, job, tries, again=True, revision=revision)

    def _check_exclusion(self, part: Part, job: _Job, tries: Tries) -> None:
        if part.message_id in job.excluded_in_doubt:
            doubt = f"{self._doubt(part, tries)}, and some of them are excluded now, so it is not sent again"
            raise MessageUncertain([part.message_id], doubt)

    def _check_stopped(self, part: Part) -> None:
        if self.stopped():
            raise SendStopped(
                f"The task was stopped before message {part.message_id} (part {part.part + 1}) was sent; "
                "a retry goes on there."
            )

    def _wait_for_turn(self, part: Part) -> None:
        self._check_stopped(part)
        while delay_seconds := pace_delay_seconds(self._last_began, self.clock(), self.max_requests_per_second):
            # In short naps: a task that is told to stop does not sit out a slow rate.
            self.sleep(min(delay_seconds, _LONGEST_NAP_SECONDS))
            self._check_stopped(part)

    def _silence_proves(self, part: Part, resumed_at: datetime, tries: Tries) -> int | None:
        def pause(seconds: float) -> None:
            self._check_stopped(part)
            self.sleep(seconds)

        return silence_proves(
            self.database,
            part.message_id,
            self._doubt(part, tries),
            resumed_at=resumed_at,
            timeout=self.evidence_timeout or timedelta(),
            window=self.window,
            pause=pause,
        )

    def _doubt(self, part: Part, tries: Tries) -> str:
        again = f", nor to {tries.resends} more" if tries.resends else ""
        cause = sends.last_detail(self.database, part.message_id) or "its sender did not come back"
        return f"no clear answer came to the request for its {part.recipients} recipients{again} ({cause})"

    def _claim_and_post(self, part: Part, job: _Job, tries: Tries, *, again: bool, revision: int | None = None) -> None:
        """Make one request for a part, unless somebody else claimed it, and count what became of it."""
        numbers = sends.numbers_of(self.database, part.message_id)
        # Before the claim, so that this clock never says more than the lease in the ledger holds.
        lease = Lease()
        request_id = sends.claim(
            self.database,
            part.message_id,
            job.plan,
            owner=self.owner,
            lease_seconds=self.timeout_seconds + LEASE_MARGIN_SECONDS,
            resend=again,
            revision=revision,
        )
        if request_id is None:
            return
        try:
            message = VoiceMessage(to=numbers, media_url=job.media_url, from_number=job.plan.from_number)
            receipt = self.client.send_voice(message, may_write=lambda: self._begin_write(lease))
        except RateLimited as error:
            self._wait_out(part, request_id, error, tries)
            return
        except SendError as error:
            tries.late += lease.over
            claim_again = lease.over and tries.late < _LATE_CLAIMS
            state = self._record(part, request_id, answer_of(error, plan_again=claim_again))
            if state is MessageState.REFUSED:
                raise SendFailed(refusal(part, error), error.status) from error
            # Not refused as a whole: this request, or one before it, may have rung.
            log.error("Message %s is %s: %s", part.message_id, state, error)
            tries.resends += again and not claim_again
            return
        except BaseException:
            # Interrupted (a task time-out, a stop): what was not written by now never is, and the next try may send it.
            if not lease.written:
                self._record(part, request_id, Answer(RequestState.REFUSED, detail="interrupted before it was written"))
            raise
        # Logged before it is committed: should the ledger be lost now, the log still has it.
        log.info("9bits accepted message %s: ref_id=%s recipients=%d", part.message_id, receipt.ref_id, len(numbers))
        self._record(part, request_id, Answer(RequestState.ACCEPTED, receipt.ref_id, receipt.status))

    def _begin_write(self, lease: Lease) -> bool:
        # Here, and not before the claim, which may take long: the account's rate is one of requests.
        self._last_began = self.clock()
        return lease.begin_write()

    def _wait_out(self, part: Part, request_id: int, error: RateLimited, tries: Tries) -> None:
        """Wait after a 429, with the part planned again meanwhile."""
        tries.rate_limited += 1
        delay_seconds = rate_limit_delay_seconds(tries.rate_limited, error.retry_after_seconds, random.random)
        state = self._record(part, request_id, answer_of(error, plan_again=delay_seconds is not None))
        if delay_seconds is None:
            if state is MessageState.REFUSED:
                raise SendFailed(refusal(part, error), error.status) from error
            tries.resends += 1
            return
        log.info("9bits is rate limiting; message %s waits %.1f s.", part.message_id, delay_seconds)
        self.sleep(delay_seconds)

    def _record(self, part: Part, request_id: int, answer: Answer) -> MessageState:
        for attempt in range(1, _RECORD_TRIES + 1):
            try:
                recorded = record_answer(self.database, request_id, answer)
                break
            except LedgerUnreachable as error:
                if attempt == _RECORD_TRIES:
                    raise
                log.warning("The answer to message %s is not recorded yet: %s", part.message_id, error)
                self.sleep(2.0 ** (attempt - 1))
        rematch(self.database, window=self.window, ref_ids=recorded.ref_ids, message_ids=recorded.message_ids)
        return recorded.state


def placed_refs(database: Database, plan: SendPlan) -> list[str]:
    """Return what is known of the parts that were placed, for a send that did not come to its end."""
    if plan.idempotency_key is None:
        return []
    with database.reading() as connection:
        send_id = sends.find_send(connection, plan.idempotency_key)
        parts = [] if send_id is None else sends.read_parts(connection, send_id)
    return [part.ref for part in parts if part.state is MessageState.ACCEPTED]
