"""
The way of a send: plan, then for each part claim, POST, record.

Nothing here decides by itself what to do with a part: :func:`~airflow_provider_ninebits.ledger.states.next_step` does.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.backoff import rate_limit_delay_seconds
from airflow_provider_ninebits.api.errors import RateLimited, SendError
from airflow_provider_ninebits.api.messages import VoiceMessage
from airflow_provider_ninebits.api.transport import GateClosed
from airflow_provider_ninebits.exceptions import SendFailed, SendStopped
from airflow_provider_ninebits.hooks.attempts import LEASE_MARGIN_SECONDS, Job, Lease, Tries, answer_of, check_exclusion
from airflow_provider_ninebits.hooks.evidence import silence_proves
from airflow_provider_ninebits.hooks.measuring import Measured
from airflow_provider_ninebits.hooks.opening import PartHours
from airflow_provider_ninebits.hooks.outages import ledger_errors
from airflow_provider_ninebits.hooks.pacing import Pace, nap_through
from airflow_provider_ninebits.hooks.parallel import Halted
from airflow_provider_ninebits.hooks.plans import Planner
from airflow_provider_ninebits.hooks.receipts import SendReceipt
from airflow_provider_ninebits.hooks.recording import record_in_time
from airflow_provider_ninebits.hooks.rounds import Rounds
from airflow_provider_ninebits.hooks.telling import accepted_line, doubt_about, in_doubt, tell_unplaced
from airflow_provider_ninebits.ledger import claims, sends
from airflow_provider_ninebits.ledger.errors import NoSuchMessage
from airflow_provider_ninebits.ledger.recording import Answer
from airflow_provider_ninebits.ledger.states import MessageState, NextStep, PartStanding, RequestState, next_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from airflow_provider_ninebits.api.answers import Receipt
    from airflow_provider_ninebits.api.client import NineBitsClient
    from airflow_provider_ninebits.hooks.hours import CallingHours
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import Part, SendPlan

_LEASE_POLL_SECONDS = 1.0
_LATE_CLAIMS = 5
_NEVER_WRITTEN = "interrupted before it was written"

log = logging.getLogger(__name__)


@dataclass
class Sender:
    """
    Sends plans over one connection.

    :param window: ``[ninebits] match_window``, for the callbacks that waited for an answer.
    :param stopped: asked between two parts: whether to send no more of them.
    :param placed: told the ``ref_id`` of each part, and its place among them, as soon as it is placed; those of earlier
        attempts included.
    :param evidence_timeout: of ``on_uncertain="evidence"``; None: it is something else.
    :param max_requests_per_second: what the account may do; None: as fast as the requests are answered.
    :param max_parallel_requests: how many parts are sent at once, each in a thread of its own.
    :param hours: no request begins outside of these; None: whenever it is.
    """

    database: Database
    client: NineBitsClient
    window: timedelta
    timeout_seconds: float
    stopped: Callable[[], bool] = lambda: False
    placed: Callable[[str, int], None] = lambda ref_id, place: None
    evidence_timeout: timedelta | None = None
    max_requests_per_second: float | None = None
    max_parallel_requests: int = 1
    hours: CallingHours | None = None
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    _pace: Pace = field(init=False)
    _part_hours: PartHours = field(init=False)
    _halted: threading.Event = field(default_factory=threading.Event, init=False)
    _interrupted: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._pace, self._part_hours = Pace(self.max_requests_per_second), PartHours(self.database, self.hours)
        if self.sleep is time.sleep:
            # The same, but that an interruption of the send wakes all of its threads.
            self.sleep = self._interrupted.wait

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
        :raises HoursClosed: for what is left, and is outside of its calling hours.
        """
        with self._errors():
            planned = Planner(self.database, self.stopped, self.sleep, self.clock).record(plan, replan=replan)
            job = Job(plan, media_url, resend, planned.excluded_in_doubt, Measured.of(plan))
            own = self._send_parts(planned.parts, job)
            for place, part in enumerate(planned.siblings, len(own)):
                self.placed(part.ref, place)
        done = [*own, *planned.siblings]
        return SendReceipt(
            ref_ids=[part.ref for part in done],
            recipients=sum(part.recipients for part in own) + planned.left_to_siblings,
            message_ids=[part.message_id for part in done],
            resumed=planned.resumed and planned.all_accepted,
            excluded=planned.excluded,
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with ledger_errors(self.database):
                yield
        except NoSuchMessage as error:
            raise SendFailed(str(error)) from error

    def _send_parts(self, parts: Sequence[Part], job: Job) -> list[Part]:
        self._halted.clear()
        self._interrupted.clear()
        rounds = Rounds(
            lambda part: self._send_part(part, job),
            self._part_hours,
            self.placed,
            self.clock,
            self._interrupt,
            self._halted,
        )
        return rounds.run(parts, self.max_parallel_requests)

    def _interrupt(self) -> None:
        self._interrupted.set()
        self.client.interrupt("the task was interrupted")

    def _send_part(self, part: Part, job: Job) -> Part:
        with self._pace.ticket() as ticket:
            return self._bring_through(part, job, Tries(ticket))

    def _bring_through(self, part: Part, job: Job, tries: Tries) -> Part:
        # As it has just been planned; should somebody have taken it since, it is not to be claimed.
        if part.state is MessageState.PLANNED and (placed := self._send(part, job, tries)):
            return placed
        while True:
            part, now = sends.read_part(self.database, part.message_id)
            if part.state is MessageState.REPLACED:
                raise SendFailed(f"Message {part.message_id} was planned anew by another try of this send; try again.")
            standing, evidence = PartStanding(part.state, part.lease_expires_at), self.evidence_timeout is not None
            step = next_step(standing, now, resend=job.resend, resends_used=tries.resends, evidence=evidence)
            match step:
                case NextStep.RECEIPT:
                    return part
                case NextStep.WAIT:
                    self._nap(part, _LEASE_POLL_SECONDS)
                case NextStep.FAIL:
                    raise in_doubt(self.database, part, tries)
                case NextStep.SEND:
                    if placed := self._send(part, job, tries):
                        return placed
                case NextStep.RESEND | NextStep.EVIDENCE:
                    check_exclusion(self.database, part, job, tries)
                    # Before a wait for evidence, which by the morning may have come by itself.
                    self._part_hours.check_open(part)
                    revision = None
                    if step is NextStep.EVIDENCE and (revision := self._silence_proves(part, now, tries)) is None:
                        continue
                    if placed := self._send(part, job, tries, again=True, revision=revision):
                        return placed

    def _check_stopped(self, part: Part) -> None:
        if self.stopped():
            told = f"The task was stopped before message {part.message_id} (part {part.part + 1}) was sent"
            raise SendStopped(f"{told}; a retry goes on there.")
        if self._halted.is_set():
            raise Halted

    def _nap(self, part: Part, seconds: float) -> None:
        self.sleep(seconds)
        self._check_stopped(part)

    def _silence_proves(self, part: Part, resumed_at: datetime, tries: Tries) -> int | None:
        return silence_proves(
            self.database,
            part.message_id,
            doubt_about(self.database, part, tries),
            resumed_at=resumed_at,
            timeout=self.evidence_timeout or timedelta(),
            window=self.window,
            pause=lambda seconds: self._nap(part, seconds),
        )

    def _send(
        self, part: Part, job: Job, tries: Tries, *, again: bool = False, revision: int | None = None
    ) -> Part | None:
        """Make one request for a part when its turn has come; return the part if that placed it."""
        with self._pace.turn(tries.ticket, lambda seconds: self._nap(part, seconds), self.clock) as begin:
            self._check_stopped(part)
            # Each time, and not before the wait: a long send, or one that is rate limited, may come into the night.
            self._part_hours.check_open(part)
            # Before the claim, so that this clock never says more than the lease in the ledger holds.
            lease = Lease()
            claim = claims.claim(
                self.database,
                part.message_id,
                job.plan,
                owner=self.owner,
                lease_seconds=self.timeout_seconds + LEASE_MARGIN_SECONDS,
                resend=again,
                revision=revision,
            )
            if claim is None:
                self._pace.leave(tries.ticket)
                return None
            request_id, numbers = claim
            try:
                if self._interrupted.is_set():
                    raise Halted
                message = VoiceMessage(to=numbers, media_url=job.media_url, from_number=job.plan.from_number)
                begins = partial(self._begin_write, lease, begin)
                receipt = job.measured.request(part, lease, partial(self.client.send_voice, message, may_write=begins))
            except RateLimited as error:
                # At once: the next one may be about to go.
                limited, times = error, self._pace.limited(tries.ticket)
            except SendError as error:
                self._pace.leave(tries.ticket)
                self._fail(part, request_id, error, tries, lease, again=again)
                return None
            except BaseException:
                # Interrupted (a task time-out, a stop): what was not written by now never is, and the next try may.
                if not lease.written:
                    self._record(part, request_id, Answer(RequestState.REFUSED, detail=_NEVER_WRITTEN))
                raise
            else:
                self._pace.let_through(tries.ticket)
                # Logged before it is committed: should the ledger be lost now, the log still has it.
                log.info("%s", accepted_line(part, job, receipt.ref_id, len(numbers)))
                return self._accept(part, job, request_id, receipt)
        self._wait_out(part, request_id, limited, times, tries)
        return None

    def _accept(self, part: Part, job: Job, request_id: int, receipt: Receipt) -> Part | None:
        """Record a request that was accepted; return the part if that placed it."""
        state = self._record(part, request_id, Answer(RequestState.ACCEPTED, receipt.ref_id, receipt.status))
        job.measured.accepted(part)
        placed = replace(part, ref_ids=(*part.ref_ids, receipt.ref_id))
        return placed if state is MessageState.ACCEPTED else None

    def _begin_write(self, lease: Lease, begin: Callable[[], None]) -> bool:
        if self._interrupted.is_set():
            raise GateClosed(_NEVER_WRITTEN)
        begin()
        return lease.begin_write()

    def _fail(self, part: Part, request_id: int, error: SendError, tries: Tries, lease: Lease, *, again: bool) -> None:
        """Record a request that failed, and count it if the part is still in doubt."""
        tries.late += lease.over
        claim_again = lease.over and tries.late < _LATE_CLAIMS
        state = self._record(part, request_id, answer_of(error, plan_again=claim_again))
        tell_unplaced(part, state, error, tries)
        # Not refused as a whole: this request, or one before it, may have rung.
        tries.resends += again and not claim_again

    def _wait_out(self, part: Part, request_id: int, error: RateLimited, times: int, tries: Tries) -> None:
        """Wait after a 429, with the part planned again meanwhile, and no other one sent."""
        delay_seconds = rate_limit_delay_seconds(times, error.retry_after_seconds, random.random)
        state = self._record(part, request_id, answer_of(error, plan_again=delay_seconds is not None))
        if delay_seconds is None:
            tell_unplaced(part, state, error, tries)
            tries.resends += 1
            self._pace.leave(tries.ticket)
            return
        log.info("9bits is rate limiting; message %s waits %.1f s.", part.message_id, delay_seconds)
        nap_through(delay_seconds, lambda seconds: self._nap(part, seconds))

    def _record(self, part: Part, request_id: int, answer: Answer) -> MessageState:
        return record_in_time(
            self.database,
            *(part.message_id, request_id, answer),
            recipients=part.recipients,
            window=self.window,
            sleep=self.sleep,
            hurried=self._interrupted.is_set,
        )
