"""Whom a ladder rings, read from what a task is given."""

from __future__ import annotations

from airflow_provider_ninebits.exceptions import InvalidArgument

MOST_STEPS = 100
"""How many steps a ladder may have over all rounds: with more of them something is misread."""


def read_contacts(contacts: object, argument: str = "contacts") -> list[tuple[str, ...]]:
    """
    Return the contacts of a ladder in their order, each as the numbers that are rung at once.

    :param contacts: a list of numbers, of lists of numbers, or of texts that templates made of either; or the text that
        a template made of such a list.
    :param argument: the name of what is read, for the error.
    :raises InvalidArgument: with the (masked) contact that cannot be rung; nobody was.
    """
    from airflow_provider_ninebits.api.errors import InvalidMessage
    from airflow_provider_ninebits.api.numbers import read_recipients
    from airflow_provider_ninebits.api.rendered import rendered_list

    try:
        items = rendered_list(contacts, argument)
        return [tuple(read_recipients(item, f"{argument}[{place}]")) for place, item in enumerate(items)]
    except InvalidMessage as error:
        raise InvalidArgument(str(error)) from error


def read_rounds(rounds: object, contacts: int) -> int:
    """
    Return how often all contacts are rung.

    :raises InvalidArgument: for what is no whole number above 0, and for more steps than :data:`MOST_STEPS`.
    """
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise InvalidArgument(f"rounds is {rounds!r}; give a whole number, 1 or more")
    if rounds * contacts > MOST_STEPS:
        raise InvalidArgument(
            f"{contacts} contacts in {rounds} rounds are {rounds * contacts} calls in a row; at most {MOST_STEPS} are "
            "made. A list within contacts is rung at once"
        )
    return rounds
