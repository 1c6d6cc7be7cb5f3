"""The operator that rings one contact after the other until somebody answers."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ninebits.airflow_stats import record
from airflow_provider_ninebits.exceptions import MessageUncertain, NobodyAnswered, SendFailed, SendStopped
from airflow_provider_ninebits.hooks.contacts import MOST_STEPS, read_contacts, read_rounds
from airflow_provider_ninebits.hooks.log_lines import log_line, outcome_line
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.hooks.patience import patient
from airflow_provider_ninebits.hooks.waiting import backstop, read_duration, read_event
from airflow_provider_ninebits.metrics import ESCALATION_STEPS
from airflow_provider_ninebits.operators.deferring import is_deferrable
from airflow_provider_ninebits.operators.links import LadderCallsLink, show_links
from airflow_provider_ninebits.operators.work import Work, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_provider_ninebits.ledger.keys import TaskPlace
    from airflow_provider_ninebits.ledger.ladders import Climbed, Tried
    from airflow_provider_ninebits.ledger.outcome import Outcome

POLL_SECONDS = 2.0
# What 9bits refuses for the account is refused for the next contact as well.
_OF_THE_ACCOUNT = (401, 402, 403, 405, 429)


@dataclass
class Ladder:
    """
    A ladder in one attempt at its task.

    :param contacts: as they are now: templates may have been rendered otherwise before.
    :param first_key: the idempotency key of its first step, where somebody else has begun with that.
    :param passed: the last step that 9bits has refused in this process; -1: none.
    """

    hook: NineBitsHook
    context: Context
    work: Work
    contacts: list[tuple[str, ...]]
    rounds: int
    ring_for: timedelta
    first_key: str | None = None
    passed: int = -1
    refusal: SendFailed | None = None

    @property
    def keys(self) -> list[str]:
        """The idempotency key of each step that it may have, however long its list was when that was rung."""
        from airflow_provider_ninebits.ledger.keys import task_key

        own = [task_key(self.work.place, self.work.generation, step) for step in range(MOST_STEPS)]
        return own if self.first_key is None else [self.first_key, *own[1:]]

    def climbed(self) -> Climbed:
        """Return how far it is."""
        from airflow_provider_ninebits.ledger.ladders import read_climbed

        def read() -> Climbed:
            with self.hook.ledger_errors():
                return read_climbed(self.hook.database, self.keys, attempt_window=self.hook.attempt_window(None))

        return patient(read, self.hook.settings.outage_tolerance_seconds)

    def outcome(self, climbed: Climbed) -> Outcome:
        """Return what became of all who were rung."""
        return patient(lambda: self.hook.read_outcome(climbed.refs), self.hook.settings.outage_tolerance_seconds)

    def turns(self, step: int) -> list[tuple[str, ...]]:
        """Return who is rung in a step and those after it, as the contacts are now."""
        from airflow_provider_ninebits.ledger.ladders import read_tried, still_to_ring

        def read() -> list[Tried | None]:
            with self.hook.ledger_errors():
                return read_tried(self.hook.database, self.keys[: step + 1])

        tried = patient(read, self.hook.settings.outage_tolerance_seconds)
        half, before = (tried[step], tried[:step]) if step < MOST_STEPS else (None, tried)
        if half is not None and half.numbers is not None and half.may_have_rung:
            # A worker died while it rang this one, whoever has the hour by now.
            return [half.numbers, *still_to_ring(self.contacts, self.rounds, tried)]
        return still_to_ring(self.contacts, self.rounds, before)[: MOST_STEPS - step]


class EscalateVoiceOperator(BaseOperator):
    """
    Rings the first contact; nobody answered in time: the next one; until somebody does.

    It returns who answered: ``{"answered_by": "2348020000000", "answered_at": "...", "calls": 3, "ref_ids": [...]}``,
    where ``calls`` counts the phones that were rung, and fails, without retry, when nobody did. Whoever was rung before
    counts whenever they answer. A retry, and a worker or a triggerer that was restarted, goes on where the ladder
    stands: nobody is rung out of turn. Where it is unknown whether a contact was rung, they are rung again.

    :param contacts: in their order; each is a number, a list of numbers that are rung at once, or a template of
        either. Templates are rendered whenever the task goes on, so one may say who is on call at that hour: the first
        who was rung least of the list as it is then is next, until each was rung ``rounds`` times.
    :param media_url: where 9bits fetches the audio; templated.
    :param ring_for: how long to wait for an answer of each before the next one is rung; as soon as it is recorded that
        nobody answered, the next one is rung. A wait that is deferred takes 7 s at least.
    :param rounds: how often to begin anew with the first contact.
    :param from_number: the caller ID; None: 9bits picks one of the account's; templated.
    :param ninebits_conn_id: the connection; templated.
    :param deferrable: whether waits leave the worker; None: ``[operators] default_deferrable``.
    """

    template_fields: Sequence[str] = ("contacts", "media_url", "from_number", "ninebits_conn_id")
    operator_extra_links = (LadderCallsLink(),)
    ui_color = "#f6d8c8"

    def __init__(
        self,
        *,
        contacts: str | Sequence[str | Sequence[str]],
        media_url: str,
        ring_for: timedelta = timedelta(minutes=2),
        rounds: int = 2,
        from_number: str | None = None,
        ninebits_conn_id: str = NineBitsHook.default_conn_name,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.contacts = contacts
        self.media_url = media_url
        self.ring_for = ring_for
        self.rounds = rounds
        self.from_number = from_number
        self.ninebits_conn_id = ninebits_conn_id
        self.deferrable = deferrable
        self._stopped = False

    def execute(self, context: Context) -> dict[str, Any]:
        """Ring, from where the ladder stands."""
        show_links(self, context)
        self._prepare()
        with closing(NineBitsHook(self.ninebits_conn_id)) as hook:
            place = place_of(hook, context["ti"])
            # A contact that cannot be rung shows before anybody is.
            contacts, rounds, ring_for = self._steps()
            self._plan(hook, place, contacts[0], key=None)
            work = Work.begin(hook, place, context["ti"], time.time())
            ladder = Ladder(hook, context, work, contacts, rounds, ring_for)
            self._adopt(ladder)
            return self._climb(ladder)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None, **resumed: Any) -> dict[str, Any]:
        """Go on after a wait: the ledger says where."""
        read_event(event)
        self._prepare()
        with closing(NineBitsHook(self.ninebits_conn_id)) as hook:
            ladder = Ladder(hook, context, Work.resumed(resumed), [], 0, timedelta())
            self._adopt(ladder)
            climbed = ladder.climbed()
            if any(rung.answered for rung in climbed.rungs):
                # Whatever the contacts have become meanwhile.
                return self._answered(ladder, climbed)
            ladder.contacts, ladder.rounds, ladder.ring_for = self._steps()
            return self._climb(ladder)

    def on_kill(self) -> None:
        """Ring nobody more from here."""
        self._stopped = True

    def _prepare(self) -> None:
        """Read what is known only when the task runs."""

    def _adopt(self, ladder: Ladder) -> None:
        """Say who has begun with a ladder, where it was somebody else."""

    def _steps(self) -> tuple[list[tuple[str, ...]], int, timedelta]:
        """
        Return the contacts, how often all of them are rung, and how long each rings.

        :raises InvalidArgument: for what cannot be rung, or waited for.
        """
        contacts = read_contacts(self.contacts)
        return contacts, read_rounds(self.rounds, len(contacts)), read_duration("ring_for", self.ring_for)

    def _climb(self, ladder: Ladder) -> dict[str, Any]:
        from airflow_provider_ninebits.ledger.ladders import Move, next_move

        while True:
            climbed = ladder.climbed()
            move, step, until = next_move(climbed, ring_for=ladder.ring_for, passed=ladder.passed)
            match move:
                case Move.ANSWERED:
                    return self._answered(ladder, climbed)
                case Move.RING if turns := ladder.turns(step):
                    self._ring(ladder, step, turns)
                    self._push(ladder)
                case Move.RING:
                    self._give_up(ladder, climbed)
                case Move.WAIT if until is not None:
                    self._wait(ladder, climbed, (until - climbed.now).total_seconds())

    def _plan(self, hook: NineBitsHook, place: TaskPlace, numbers: Sequence[str], key: str | None) -> Any:
        from airflow_provider_ninebits.ledger.sends import AskedBy

        # As if it was not mapped: whom another instance has rung is not left out of this ladder.
        asked_by = AskedBy(**{**asdict(place), "map_index": None})
        return hook.plan(numbers, self.media_url, self.from_number, key=key, asked_by=asked_by)

    def _ring(self, ladder: Ladder, step: int, turns: list[tuple[str, ...]]) -> None:
        numbers, steps = turns[0], step + len(turns)
        plan = self._plan(ladder.hook, ladder.work.place, numbers, key=ladder.keys[step])
        # 0: one of before a change of the list, of whom it is unknown whether they were rung.
        contact = ladder.contacts.index(numbers) + 1 if numbers in ladder.contacts else 0
        sentence = f"Ringing contact {contact}, call {step + 1} of {steps}."
        self.log.info("%s", log_line(sentence, "rung", contact=contact, call=step + 1, of=steps))
        try:
            ladder.hook.send_plan(
                plan, self.media_url, on_uncertain="resend", replan=True, stopped=lambda: self._stopped
            )
            record(ESCALATION_STEPS, 1, {"result": "rung"})
        except MessageUncertain as error:
            record(ESCALATION_STEPS, 1, {"result": "uncertain"})
            self.log.error("Contact %d may have been rung, so the wait goes on: %s", contact, error)
        except SendStopped:
            raise
        except SendFailed as error:
            if error.status is None or error.status in _OF_THE_ACCOUNT or not 400 <= error.status < 500:
                raise
            record(ESCALATION_STEPS, 1, {"result": "refused"})
            self.log.error("Contact %d cannot be rung, so the next one is: %s", contact, error)
            ladder.passed, ladder.refusal = step, error

    def _push(self, ladder: Ladder) -> None:
        ladder.context["ti"].xcom_push(key="ref_id", value=ladder.climbed().refs)

    def _wait(self, ladder: Ladder, climbed: Climbed, seconds: float) -> None:
        if not is_deferrable(self.deferrable):
            if self._stopped:
                raise SendStopped("The task was stopped while a contact was rung; a retry goes on there.")
            time.sleep(max(min(POLL_SECONDS, seconds), 0.1))
            return
        from airflow_provider_ninebits.triggers.callback import CallbackTrigger

        now = time.time()
        self.defer(
            trigger=CallbackTrigger(
                ref_ids=climbed.refs,
                wait_for="any",
                settling=list(climbed.rungs[-1].refs),
                first_look_at=now,
                deadline=now + seconds,
            ),
            method_name="execute_complete",
            kwargs=ladder.work.as_kwargs(),
            timeout=timedelta(seconds=seconds) + backstop(ladder.hook),
        )

    def _answered(self, ladder: Ladder, climbed: Climbed) -> dict[str, Any]:
        from airflow_provider_ninebits.ledger.states import RecipientState

        outcome = ladder.outcome(climbed)
        answered = [call for call in outcome.calls if call.state is RecipientState.ANSWERED]
        # Without a time where 9bits gave none.
        first = min(answered, key=lambda call: (call.answered_at is None, call.answered_at or climbed.now))
        ladder.work.finish(ladder.hook)
        self.log.info("%s", outcome_line("Somebody answered", "escalation_answered", outcome))
        return {
            "answered_by": first.to_number,
            "answered_at": first.as_dict()["answered_at"],
            "calls": outcome.recipients,
            "ref_ids": climbed.refs,
        }

    def _give_up(self, ladder: Ladder, climbed: Climbed) -> None:
        refs = climbed.refs
        if not refs and ladder.refusal is not None:
            raise ladder.refusal
        outcome = ladder.outcome(climbed)
        self.log.info("%s", outcome_line("Nobody answered", "escalation_unanswered", outcome))
        ladder.context["ti"].xcom_push(key="outcome", value=outcome.as_dict())
        ladder.work.finish(ladder.hook)
        raise NobodyAnswered(outcome.as_dict())
