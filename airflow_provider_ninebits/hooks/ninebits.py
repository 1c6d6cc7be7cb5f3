"""The hook: an Airflow connection to 9bits, and the ledger of everything that was sent over it."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_ninebits.api.defaults import CONN_ID
from airflow_provider_ninebits.configuration import read_settings
from airflow_provider_ninebits.exceptions import InvalidArgument, UnknownRefId
from airflow_provider_ninebits.get_provider_info import CONNECTION_TYPE, HOOK_NAME
from airflow_provider_ninebits.hooks.arguments import read_key, read_ref_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from airflow.providers.common.compat.sdk import Connection
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_ninebits.api.client import NineBitsClient
    from airflow_provider_ninebits.configuration import Settings
    from airflow_provider_ninebits.hooks.hours import CallingHours
    from airflow_provider_ninebits.hooks.receipts import SendReceipt
    from airflow_provider_ninebits.hooks.sending import Sender
    from airflow_provider_ninebits.ledger.counts import Look
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.outcome import Outcome
    from airflow_provider_ninebits.ledger.sends import AskedBy, SendPlan

OnUncertain = Literal["fail", "resend"]


class NineBitsHook(BaseHook):
    """
    Rings phones through 9bits, and knows what came of it.

    Constructing it opens nothing: the connection is read, and the ledger opened, when they are first needed.

    :param ninebits_conn_id: the connection. Its password is the API key; its host the base URL, empty for 9bits itself;
        its extra ``timeout`` the seconds that one whole request may take, ``max_parallel_requests`` how many requests
        of a send are under way at once where a send does not say. Its calling hours are for the operator alone.
    """

    conn_name_attr = "ninebits_conn_id"
    default_conn_name = CONN_ID
    conn_type = CONNECTION_TYPE
    hook_name = HOOK_NAME

    def __init__(self, ninebits_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.ninebits_conn_id = ninebits_conn_id

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's extra fields, for Airflow 3.1; later versions read them from the provider's metadata."""
        from airflow_provider_ninebits.hooks.form import form_widgets

        return form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the form's labels, for Airflow 3.1; later versions read them from the provider's metadata."""
        from airflow_provider_ninebits.get_provider_info import FIELD_BEHAVIOUR

        return deepcopy(FIELD_BEHAVIOUR)

    @cached_property
    def settings(self) -> Settings:
        """The ``[ninebits]`` options."""
        return read_settings()

    @cached_property
    def database(self) -> Database:
        """The ledger's database; opened, and brought up to date, at its first use."""
        from airflow_provider_ninebits.hooks.outages import opened_ledger

        return opened_ledger(self.settings.sql_alchemy_conn)

    @cached_property
    def connection(self) -> Connection:
        """The Airflow connection."""
        return self.get_connection(self.ninebits_conn_id)

    @cached_property
    def client(self) -> NineBitsClient:
        """The client of 9bits' API, made from the connection."""
        from airflow_provider_ninebits.hooks.connections import client_of

        return client_of(self.ninebits_conn_id, self.connection)

    def close(self) -> None:
        """Close what was opened; the hook can be used again."""
        for opened in ("client", "database"):
            if opened in self.__dict__:
                getattr(self, opened).close()

    def get_conn(self) -> NineBitsClient:
        """Return the client of 9bits' API."""
        return self.client

    def send_voice(
        self,
        to: str | Iterable[str] | None,
        media_url: str,
        from_number: str | None = None,
        idempotency_key: str | None = None,
        on_uncertain: OnUncertain = "fail",
        *,
        to_path: str | ObjectStoragePath | None = None,
        to_column: str | None = None,
        max_requests_per_second: float | None = None,
        max_parallel_requests: int | None = None,
        max_recipients: int | None = None,
        exclude: str | Iterable[str] | ObjectStoragePath | None = None,
        dry_run: bool = False,
    ) -> SendReceipt:
        """
        Ring some phones and play them a recording (9bits: Send a voice message). Now: it knows no calling hours.

        :param to: any number of numbers, with country codes; more than 1000 go in parts. None: see ``to_path``.
        :param media_url: where 9bits fetches the audio.
        :param from_number: the caller ID; None: 9bits picks one of the account's.
        :param idempotency_key: what this send is known by: calling again with the same key rings nobody twice.
            None: every call is another send.
        :param on_uncertain: where nobody knows whether phones rang: ``"fail"``, or ``"resend"``, which may ring twice.
        :param to_path: where they are, for Airflow's ObjectStoragePath: one a line, or in a CSV's column ``to_column``.
        :param max_requests_per_second: what the account allows.
        :param max_parallel_requests: how many parts are sent at once; None: what the connection says, or 1.
        :param max_recipients: a send that is larger is refused.
        :param exclude: numbers that are not rung, or a path to them.
        :param dry_run: check and count everything, and send nothing: a receipt without ``ref_ids``. Needs no API key.
        :return: the receipt, with the ``ref_id`` of each part.
        :raises InvalidArgument: for input that cannot be sent; nothing was sent.
        :raises KeyReused: for a key that stands for another send; nothing was sent.
        :raises SendFailed: when 9bits took nothing of a part; calling again with the same key sends it.
        :raises MessageUncertain: when it is unknown whether calls were placed.
        :raises LedgerUnavailable: when the ledger cannot be written; nothing more was sent.
        """
        from airflow_provider_ninebits.hooks.plans import asked_by_environment
        from airflow_provider_ninebits.ledger.keys import user_key

        deployment = self.settings.deployment
        plan = self.plan(
            to,
            media_url,
            from_number,
            key=None if idempotency_key is None else user_key(deployment, read_key(idempotency_key)),
            asked_by=asked_by_environment(deployment),
            to_path=to_path,
            to_column=to_column,
            exclude=exclude,
            max_recipients=max_recipients,
        )
        return self.send_plan(
            plan,
            media_url,
            on_uncertain=on_uncertain,
            replan=False,
            max_requests_per_second=max_requests_per_second,
            max_parallel_requests=max_parallel_requests,
            dry_run=dry_run,
        )

    def plan(
        self,
        to: object,
        media_url: str,
        from_number: str | None,
        *,
        key: str | None,
        asked_by: AskedBy,
        **recipients: Any,
    ) -> SendPlan:
        """
        Check what is to be sent. Nothing is recorded or sent; what is at a path is read when the plan is sent.

        :param recipients: ``to_path``, ``to_column``, ``exclude`` and ``max_recipients`` of :meth:`send_voice`; and
            ``hours``: the calling hours, by which it may be laid out.
        :raises InvalidArgument: with the (masked) value that cannot be sent, and how to mend it.
        """
        from airflow_provider_ninebits.hooks.plans import make_plan

        return make_plan(self.ninebits_conn_id, to, media_url, from_number, key=key, asked_by=asked_by, **recipients)

    def send_plan(
        self,
        plan: SendPlan,
        media_url: str,
        *,
        on_uncertain: str,
        replan: bool,
        stopped: Callable[[], bool] = lambda: False,
        placed: Callable[[str, int], None] = lambda ref_id, place: None,
        evidence_timeout: timedelta | None = None,
        max_requests_per_second: object = None,
        max_parallel_requests: object = None,
        dry_run: bool = False,
        hours: CallingHours | None = None,
    ) -> SendReceipt:
        """
        Send what of a plan was not sent before, or only count it; what operators and notifiers stand on.

        :param stopped: asked between two parts: whether to send no more of them.
        :param placed: told the ``ref_id`` of each part, and its place among them, as soon as it is placed.
        :param evidence_timeout: how long ``on_uncertain="evidence"`` waits; None: that is not to be had.
        :param hours: no request begins outside of these.
        :raises HoursClosed: for what is left, and is outside of them.
        """
        from airflow_provider_ninebits.hooks.connections import parallel_of
        from airflow_provider_ninebits.hooks.pacing import read_parallel, read_rate
        from airflow_provider_ninebits.hooks.plans import Planner
        from airflow_provider_ninebits.hooks.telling import tell_resumed

        allowed = ("fail", "resend") if evidence_timeout is None else ("fail", "resend", "evidence")
        if on_uncertain not in allowed:
            raise InvalidArgument(f"on_uncertain is one of {', '.join(map(repr, allowed))}, not {on_uncertain!r}")
        rate, parallel = read_rate(max_requests_per_second), read_parallel(max_parallel_requests)
        if dry_run:
            return Planner(self.database, stopped).dry_run(plan)
        receipt = self.sender(
            stopped=stopped,
            placed=placed,
            evidence_timeout=evidence_timeout if on_uncertain == "evidence" else None,
            max_requests_per_second=rate,
            max_parallel_requests=parallel or parallel_of(self.ninebits_conn_id, self.connection),
            hours=hours,
        ).send(plan, media_url=media_url, resend=on_uncertain == "resend", replan=replan)
        if receipt.resumed:
            tell_resumed(receipt, self.ninebits_conn_id)
        return receipt

    def sender(self, **how: Any) -> Sender:
        """Return a sender over this connection; ``how`` are the optional arguments of :class:`Sender`."""
        from airflow_provider_ninebits.hooks.sending import Sender

        window = timedelta(seconds=self.settings.match_window_seconds)
        return Sender(self.database, self.client, window, self.client.timeout_seconds, **how)

    def outcome(self, ref_id: str | Sequence[str]) -> Outcome:
        """
        Return what became of every recipient behind a ``ref_id``, or several, as it is now.

        :raises InvalidArgument: for a ``ref_id`` that is none.
        :raises UnknownRefId: when the ledger has never seen one of them, or has purged it.
        :raises LedgerUnavailable: when the ledger cannot be read.
        """
        from airflow_provider_ninebits.ledger.outcomes import read_outcome

        ref_ids = read_ref_ids(ref_id)
        with self.ledger_errors():
            outcome, progress = read_outcome(self.database, ref_ids, attempt_window=self.attempt_window(None))
        if progress.unknown_ref_ids:
            raise UnknownRefId.told(progress.unknown_ref_ids, progress.purged_ref_ids, self.database.masked_url)
        return outcome

    def look(self, ref_ids: Sequence[str], attempt_window: timedelta | None = None) -> Look:
        """
        Return how far some messages are, in numbers alone; what every wait asks.

        :raises LedgerUnavailable: when the ledger cannot be read.
        """
        from airflow_provider_ninebits.ledger.outcomes import look

        with self.ledger_errors():
            return look(self.database, ref_ids, attempt_window=self.attempt_window(attempt_window))

    def read_outcome(self, ref_ids: Sequence[str], attempt_window: timedelta | None = None) -> Outcome:
        """Return the outcome as :meth:`outcome` does, unknown ``ref_id`` left out, with a wait's own attempt window."""
        from airflow_provider_ninebits.ledger.outcomes import read_outcome

        with self.ledger_errors():
            window = self.attempt_window(attempt_window)
            return read_outcome(self.database, ref_ids, attempt_window=window)[0]

    def attempt_window(self, own: timedelta | None) -> timedelta:
        """Return a wait's own attempt window, or that of ``[ninebits] attempt_window``."""
        return timedelta(seconds=self.settings.attempt_window_seconds) if own is None else own

    def test_connection(self) -> tuple[bool, str]:
        """
        Ask 9bits for something that places no call, and tell what came of it.

        :return: whether 9bits itself was reached and did not refuse the key, and a sentence for people. No call
            of 9bits' proves a key without ringing, and the sentence says so.
        """
        from airflow_provider_ninebits.hooks.connections import tested

        return tested(self.connection)

    def ledger_errors(self) -> AbstractContextManager[None]:
        """Tell an outage of the ledger as the error that a task raises for it."""
        from airflow_provider_ninebits.hooks.outages import ledger_errors

        return ledger_errors(self.database)
