"""The further contacts of an alert: written down for the DAG that rings on, which may not be there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_ninebits.api.errors import InvalidMessage
from airflow_provider_ninebits.api.numbers import read_recipients
from airflow_provider_ninebits.api.rendered import rendered_list
from airflow_provider_ninebits.exceptions import InvalidArgument, LedgerUnavailable
from airflow_provider_ninebits.ledger import escalations
from airflow_provider_ninebits.ledger.escalations import Escalation

if TYPE_CHECKING:
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook

Contacts = list[tuple[str, ...]]

log = logging.getLogger(__name__)


class Following(NamedTuple):
    """Whether somebody rings the further contacts, and what is told of it."""

    is_sure: bool = True
    text: str = ""


def read_ladder(to: object, escalate: object) -> tuple[object, Contacts]:
    """
    Return whom an alert rings first, and all of its contacts where there are more.

    One that cannot be rung is left out, and logged: an alert is not lost for it.

    :param to: the first contact; None: the first of ``escalate``.
    :param escalate: those after it; None: nobody.
    :raises InvalidArgument: where there is nobody to ring first.
    """
    if to is None and escalate is None:
        raise InvalidArgument("to is None, and so is escalate: give one of them; was the template's name misspelt?")
    further = [] if escalate is None else _read("escalate", escalate)
    if not further:
        return to, []
    first = [] if to is None else _read("to", [to])
    contacts = [*first, *further]
    return list(contacts[0]), contacts


def _read(argument: str, contacts: object) -> Contacts:
    found: Contacts = []
    try:
        items = rendered_list(contacts, argument)
    except InvalidMessage as error:
        log.error("The others are rung without these contacts: %s", error)
        return found
    for place, item in enumerate(items):
        try:
            found.append(tuple(read_recipients(item, f"{argument}[{place}]")))
        except InvalidMessage as error:
            log.error("The others are rung without it, since this contact cannot be: %s", error)
    return found


def write_ladder(hook: NineBitsHook, escalation: Escalation) -> Following:
    """
    Write a ladder down, and return what becomes of it.

    Nothing is raised: the first contact is rung all the same.
    """
    further = len(escalation.contacts) - 1
    try:
        with hook.ledger_errors():
            followed = escalations.is_followed(hook.database, escalation.deployment)
            escalations.write(hook.database, escalation)
    except LedgerUnavailable as error:
        return Following(
            False, f" Nobody rings the {further} further contacts, since they could not be written down: {error}"
        )
    if followed:
        return Following(True, f" If nobody answers, the escalation DAG rings the {further} further contacts.")
    return Following(
        False,
        f" Nobody rings the {further} further contacts: no DAG of escalation_dag() looks for them. Put "
        "`dag = escalation_dag()` into a file of the DAG folder, unpause it, and see that a triggerer runs.",
    )
