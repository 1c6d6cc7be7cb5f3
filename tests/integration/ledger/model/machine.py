"""Sends, answers, callbacks, people and time, in any order, played to the real ledger and to the reference."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from airflow_provider_ninebits.api.answers import Receipt
from airflow_provider_ninebits.api.errors import RateLimited, SendRefused, SendUncertain
from airflow_provider_ninebits.exceptions import MessageUncertain, SendFailed
from airflow_provider_ninebits.hooks.sending import LEASE_MARGIN_SECONDS
from airflow_provider_ninebits.ledger.callbacks import store
from airflow_provider_ninebits.ledger.errors import SendBusy
from airflow_provider_ninebits.ledger.recording import Answer, record_answer
from airflow_provider_ninebits.ledger.rematching import sweep
from airflow_provider_ninebits.ledger.resolving import resolve
from airflow_provider_ninebits.ledger.sends import find_send
from airflow_provider_ninebits.ledger.states import RequestState
from airflow_provider_ninebits.webhook.arrivals import read_arrivals
from tests.integration.ledger.model import laws
from tests.integration.ledger.model.clock import LedgerClock
from tests.integration.ledger.model.played_send import TIMEOUT_SECONDS, Ended, Killed, PlayedSend, Posting, Sleeping
from tests.integration.ledger.model.reference import Callback, Message, Reference
from tests.integration.ledger.scenes import ADA, BEN, CAI, a_plan, plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import SendPlan

WINDOW = timedelta(hours=2)
LEASE = timedelta(seconds=TIMEOUT_SECONDS + LEASE_MARGIN_SECONDS)
MOST_SENDS = 5
ALL_REFS = tuple(f"r{number}" for number in range(8))

# Few, so that sends, callbacks, answers and people meet.
numbers = st.sampled_from((ADA, ADA, ADA, BEN, CAI))
conns = st.sampled_from(("one", "one", "one", "two"))
paths = st.sampled_from((*[None] * 8, "one", "one", "two", "nobody"))
refs = st.sampled_from(ALL_REFS[:4])
parts = st.lists(numbers, min_size=1, max_size=3, unique=True).flatmap(
    lambda some: st.integers(1, len(some)).map(lambda at: tuple(p for p in (tuple(some[:at]), tuple(some[at:])) if p))
)
outcomes = st.sampled_from(("accepted", "accepted", "refused", "uncertain", "limited"))
picks = st.integers(0, 99)

call_bodies = st.fixed_dictionaries(
    {
        "to_number": numbers,
        "ref_id": st.none() | refs,
        # Seconds before now; the last two are no believable time.
        "start": st.sampled_from((None, None, 0, 0, 1, 5, 30, 90, 4000, -3600, "0000-00-00 00:00:00")),
        "answered": st.booleans(),
        "total_amount": st.sampled_from((None, "30", 12.5, "0.10")),
        "call_direction": st.sampled_from((*["outbound", None] * 4, "inbound")),
    }
)
answer_bodies = st.fixed_dictionaries(
    {"ref_id": st.none() | refs, "status_code": st.sampled_from((200, 400, 500)), "message": st.just("said 9bits")}
)


class LedgerMachine(RuleBasedStateMachine):
    """
    :param fresh_ledger: gives an empty ledger for each run.
    """

    def __init__(self, fresh_ledger: Callable[[], AbstractContextManager[Database]]) -> None:
        super().__init__()
        self.clock = LedgerClock()
        self._contexts = (fresh_ledger(), self.clock.in_use())
        self.database = self._contexts[0].__enter__()
        self._contexts[1].__enter__()
        laws.want_all_events(self.database)
        self.model = Reference(WINDOW)
        self.model.time_is(self.clock.now)
        self.sends: list[PlayedSend] = []
        self.plans: list[SendPlan] = []
        self.bodies: list[tuple[bytes, str | None, Callback]] = []
        self.before = laws.Rows.of(self.database)
        self.may_fall = False
        self.under_way: dict[PlayedSend, int] = {}
        self.accepted_once: set[str] = set()

    def teardown(self) -> None:
        for send in self.sends:
            send.kill()
        for context in reversed(self._contexts):
            context.__exit__(None, None, None)

    # -- sends -------------------------------------------------------------------------------------------------------

    @initialize(parts=parts, conn=conns)
    def begins_with_a_send(self, parts: tuple[tuple[str, ...], ...], conn: str) -> None:
        self.send(parts, conn, False)

    @precondition(lambda self: len(self.plans) < MOST_SENDS)
    @rule(parts=parts, conn=conns, resend=st.booleans())
    def send(self, parts: tuple[tuple[str, ...], ...], conn: str, resend: bool) -> None:
        self._tick()
        planned = a_plan(*parts, key=f"send {len(self.plans)}", conn_id=conn)
        # In parts of a number or two: the sender, which comes upon it, would make them of a thousand.
        plan(self.database, planned)
        self.plans.append(planned)
        self._begin(planned, resend)

    @precondition(lambda self: len(self.sends) < 3 * MOST_SENDS)
    @rule(which=picks, resend=st.booleans())
    def try_again(self, which: int, resend: bool) -> None:
        """The task's next try, or another process that believes it is the task."""
        self._tick()
        self._begin(self.plans[which % len(self.plans)], resend)

    @precondition(lambda self: self._held(Posting))
    @rule(which=picks, outcome=outcomes, ref=refs)
    def answer(self, which: int, outcome: str, ref: str) -> None:
        """9bits answers, now or long after everybody has given the request up."""
        self._tick()
        send = self._pick(Posting, which)
        request_id = self.under_way[send]
        ref = self._own_ref(ref)
        said: Receipt | BaseException
        if outcome == "accepted":
            said = Receipt(ref_id=ref, status=200)
        elif outcome == "refused":
            said = SendRefused("refused", 400)
        elif outcome == "uncertain":
            said = SendUncertain("no answer")
        else:
            said = RateLimited("too many", 429, 1.0)
        limited = outcome == "limited"
        self.model.answered(
            request_id,
            "refused" if limited else outcome,  # type: ignore[arg-type]
            ref if outcome == "accepted" else None,
            plan_again=limited,
        )
        self.may_fall = True
        send.go_on(said)
        self._follow(send, limited_first=limited)

    @precondition(lambda self: self._held(Posting) and not self._too_old_for_the_sweep())
    @rule(which=picks, outcome=st.sampled_from(("accepted", "refused", "uncertain")), ref=refs)
    def answer_and_die(self, which: int, outcome: str, ref: str) -> None:
        """The sender is killed between recording the answer and matching what waited for it: the sweep does that."""
        self._tick()
        send = self._pick(Posting, which)
        request_id = self.under_way[send]
        named = self._own_ref(ref) if outcome == "accepted" else None
        record_answer(self.database, request_id, Answer(RequestState(outcome), named))
        self.model.answered(request_id, outcome, named)  # type: ignore[arg-type]
        self.may_fall = True
        send.kill()
        sweep(self.database, window=WINDOW)

    @precondition(lambda self: self._held(Posting))
    @rule(which=picks)
    def die(self, which: int) -> None:
        self._tick()
        self._pick(Posting, which).kill()

    @precondition(lambda self: self._held(Sleeping))
    @rule(which=picks)
    def wake(self, which: int) -> None:
        self._tick()
        send = self._pick(Sleeping, which)
        send.go_on()
        self._follow(send)

    # -- callbacks ---------------------------------------------------------------------------------------------------

    @rule(bodies=st.lists(call_bodies, min_size=1, max_size=3), path=paths)
    def calls_come(self, bodies: list[dict[str, Any]], path: str | None) -> None:
        self._tick()
        self._come([self._call(body, path) for body in bodies])

    @rule(body=answer_bodies, path=paths)
    def an_answer_comes(self, body: dict[str, Any], path: str | None) -> None:
        self._tick()
        self._come([self._api_answer(body, path)])

    @rule(call=call_bodies, body=answer_bodies, path=paths)
    def both_come(self, call: dict[str, Any], body: dict[str, Any], path: str | None) -> None:
        self._tick()
        self._come([self._api_answer(body, path), self._call(call, path)])

    @precondition(lambda self: self.bodies)
    @rule(which=picks)
    def a_callback_comes_again(self, which: int) -> None:
        self._tick()
        body, path, callback = self.bodies[which % len(self.bodies)]
        if callback.is_never_a_repeat:
            return
        store(self.database, read_arrivals(body, path, "UTC"), window=WINDOW)
        again = laws.Rows.of(self.database)
        assert again.without_repeats() == self.before.without_repeats(), "a repeat changed something"
        self.model.came([_copy(callback)])

    # -- people and time ---------------------------------------------------------------------------------------------

    @precondition(lambda self: any(message.requests for message in self.model.messages.values()))
    @rule(which=picks, placed=st.booleans(), ref=st.none() | refs)
    def resolve(self, which: int, placed: bool, ref: str | None) -> None:
        self._tick()
        messages = [message for message in self.model.messages.values() if message.requests]
        message = messages[which % len(messages)]
        ref = ref if placed else None
        if message.leased(self.clock.now):
            try:
                resolve(self.database, message.id, placed=placed, ref_id=ref, window=WINDOW)
            except SendBusy:
                return
            raise AssertionError("a message was resolved while its sender is at work")
        self.may_fall = True
        if ref is not None and not self._can_be_named(message, ref):
            try:
                resolve(self.database, message.id, placed=placed, ref_id=ref, window=WINDOW)
            except ValueError:
                return
            raise AssertionError(f"{ref} was taken for {message}")
        resolve(self.database, message.id, placed=placed, ref_id=ref, window=WINDOW)
        self.model.resolved(message.id, placed=placed, ref=ref)

    @rule(by=st.sampled_from((1, 1, 26, 61, 600, 3 * 3600, 9 * 24 * 3600)))
    def time_passes(self, by: int) -> None:
        # The sweep comes each minute: leases that end are seen before what waits for them is too old for it.
        for seconds in (min(by, 26), by - min(by, 26)):
            self.clock.advance(timedelta(seconds=seconds))
            self.model.time_is(self.clock.now)
            sweep(self.database, window=WINDOW)

    # -- after every step --------------------------------------------------------------------------------------------

    @invariant()
    def the_ledger_is_what_the_reference_says(self) -> None:
        after = laws.Rows.of(self.database)
        laws.check(after, WINDOW)
        if self.may_fall:
            laws.nothing_vanished(self.before, after)
        else:
            laws.only_rose(self.before, after)
        self.before, self.may_fall = after, False
        self.accepted_once |= {row["id"] for row in after.messages.values() if row["state"] == "accepted"}
        stored, expected = self._as_stored(after), self._as_expected()
        for what in expected:
            assert stored[what] == expected[what], f"{what}: stored {stored[what]}, by the rules {expected[what]}"

    @invariant()
    def nothing_is_left_that_could_be_matched(self) -> None:
        assert sweep(self.database, window=WINDOW) == 0

    def _as_stored(self, ledger: laws.Rows) -> dict[str, Any]:
        def whose(row: dict[str, Any]) -> object:
            if row["kind"] == "answer":
                return row["request_id"]
            recipient = ledger.recipients.get(row["recipient_id"])
            return recipient and (recipient["message_id"], row["request_id"], row["ambiguous"])

        return {
            "messages": {row["id"]: row["state"] for row in ledger.messages.values()},
            "requests": {row["id"]: (row["state"], row["ref_id"]) for row in ledger.requests.values()},
            "recipients": {
                (row["message_id"], row["number"]): (row["state"], row["attempts"], row["total_amount"])
                for row in ledger.recipients.values()
            },
            "callbacks": [(row["number"], row["ref_id"], row["repeats"], whose(row)) for row in ledger.callbacks],
        }

    def _as_expected(self) -> dict[str, Any]:
        def whose(callback: Callback) -> object:
            if callback.kind == "answer":
                return callback.request and callback.request.id
            return callback.message and (
                callback.message.id,
                callback.request and callback.request.id,
                callback.ambiguous,
            )

        messages = self.model.messages.values()
        return {
            "messages": {message.id: message.state for message in messages},
            "requests": {request.id: (request.state, request.ref) for request in self.model.requests.values()},
            "recipients": {
                (message.id, number): self.model.recipient(message, number)
                for message in messages
                for number in message.numbers
            },
            "callbacks": [(c.number, c.ref, c.repeats, whose(c)) for c in self.model.callbacks],
        }

    # -- helpers -----------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        self.clock.advance(timedelta(milliseconds=1))
        self.model.now = self.clock.now

    def _too_old_for_the_sweep(self) -> bool:
        """Whether something unmatched is older than the window: only who records an answer still tries that."""
        return any(not each.matched and each.arrived < self.clock.now - WINDOW for each in self.model.callbacks)

    def _held(self, how: type) -> list[PlayedSend]:
        return [send for send in self.sends if isinstance(send.standing, how)]

    def _pick(self, how: type, which: int) -> PlayedSend:
        held = self._held(how)
        return held[which % len(held)]

    def _begin(self, planned: SendPlan, resend: bool) -> None:
        send = PlayedSend(self.database, planned, window=WINDOW, resend=resend)
        self.sends.append(send)
        send.begin()
        self._follow(send)

    def _follow(self, send: PlayedSend, *, limited_first: bool = False) -> None:
        """Tell the reference what the sender did, and see that it was allowed to."""
        ledger = laws.Rows.of(self.database)
        for row in sorted(ledger.messages.values(), key=lambda row: row["part"]):
            if row["id"] not in self.model.messages:
                mine = sorted(
                    (each["id"], each["number"])
                    for each in ledger.recipients.values()
                    if each["message_id"] == row["id"]
                )
                self.model.planned(row["id"], tuple(number for _, number in mine))
        new = [request for request in ledger.requests.values() if request["id"] not in self.model.requests]
        if isinstance(send.standing, Posting):
            [request] = new
            message = self.model.messages[request["message_id"]]
            assert self.model.may_claim(message.id, resend=send.resend), f"{message} was claimed once more"
            assert send.standing.message.to == message.numbers
            self.model.claimed(message.id, request["id"], request["conn_id"], LEASE)
            self.under_way[send] = request["id"]
            return
        assert not new, "a request that nobody made"
        mine = self._messages_of(send.plan, ledger)
        if isinstance(send.standing, Sleeping):
            assert limited_first or any(message.leased(self.clock.now) for message in mine), "it waits for nobody"
        elif isinstance(send.standing, Ended):
            self._ended(send.standing, mine)

    def _messages_of(self, planned: SendPlan, ledger: laws.Rows) -> list[Message]:
        assert planned.idempotency_key is not None
        with self.database.reading() as connection:
            send_id = find_send(connection, planned.idempotency_key)
        return [self.model.messages[row["id"]] for row in ledger.messages.values() if row["send_id"] == send_id]

    def _ended(self, end: Ended, mine: list[Message]) -> None:
        states = [message.state for message in mine]
        if end.receipt is not None:
            # Of a part that it found accepted by evidence, the answer may have said otherwise since.
            never = [
                message for message in mine if message.id not in self.accepted_once and message.state != "accepted"
            ]
            assert not never, f"a receipt for {never}"
        elif isinstance(end.error, MessageUncertain):
            assert "uncertain" in states or "sending" in states
        elif isinstance(end.error, SendFailed):
            assert "refused" in states
        elif not isinstance(end.error, Killed):
            raise AssertionError("the sender failed") from end.error

    def _own_ref(self, wanted: str) -> str:
        """A ref_id that 9bits has not given to another request yet."""
        given = {request.ref for request in self.model.requests.values() if request.word == "answer"}
        free = [ref for ref in (wanted, *ALL_REFS) if ref not in given]
        return free[0] if free else f"r{len(given)}"

    def _can_be_named(self, message: Message, ref: str) -> bool:
        if any(r.ref == ref for m in self.model.messages.values() for r in m.requests if m is not message):
            return False
        if any(request.ref == ref for request in message.requests):
            return True
        return any(request.nameless for request in message.requests)

    def _call(self, body: dict[str, Any], path: str | None) -> tuple[bytes, str | None, Callback]:
        start, answered = body["start"], body["answered"]
        began = None
        if isinstance(start, int):
            began = (self.clock.now - timedelta(seconds=start)).replace(microsecond=0)
        # Somebody who answered at no believable start did so now.
        picked_up = ((began or self.clock.now) + timedelta(seconds=2)).replace(microsecond=0) if answered else None
        body = {name: value for name, value in body.items() if name not in ("start", "answered") and value is not None}
        if start is not None:
            body["start_at"] = start if began is None else _stamp(began)
        if picked_up:
            body["answer_at"] = _stamp(picked_up)
        amount = None if "total_amount" not in body else Decimal(str(body["total_amount"]))
        inbound = body.get("call_direction") == "inbound"
        ref = body.get("ref_id")
        fields = ("call", path, body["to_number"], ref, inbound, began, picked_up, amount)
        callback = Callback("call", path, ref, body["to_number"], inbound, began, picked_up, amount, fields=fields)
        return json.dumps(body).encode(), path, callback

    def _api_answer(self, body: dict[str, Any], path: str | None) -> tuple[bytes, str | None, Callback]:
        fields = ("answer", path, body["ref_id"], body["status_code"], body["message"])
        callback = Callback("answer", path, body["ref_id"], status=body["status_code"], fields=fields)
        return json.dumps(body).encode(), path, callback

    def _come(self, group: list[tuple[bytes, str | None, Callback]]) -> None:
        for body, path, _ in group:
            note(f"{path}: {body.decode()}")
        self.bodies += group
        arrivals = [arrival for body, path, _ in group for arrival in read_arrivals(body, path, "UTC")]
        store(self.database, arrivals, window=WINDOW)
        self.model.came([callback for _, _, callback in group])


def _copy(callback: Callback) -> Callback:
    return Callback(
        callback.kind,
        callback.path,
        callback.ref,
        callback.number,
        callback.inbound,
        callback.start,
        callback.answered,
        callback.amount,
        callback.status,
        callback.fields,
    )


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
