"""What tasks and connections are given, templates included, read as what it means."""

from __future__ import annotations

from airflow_provider_ninebits.api.defaults import TIMEOUT_SECONDS
from airflow_provider_ninebits.api.errors import InvalidMessage
from airflow_provider_ninebits.api.rendered import NOTHING, rendered_list
from airflow_provider_ninebits.exceptions import InvalidArgument


def read_ref_ids(ref_id: object) -> list[str]:
    """
    Return the ``ref_id`` that an argument, or what a template made of it, holds; each once, in order.

    :raises InvalidArgument: for None, "None", "", and anything else that is none.
    """
    try:
        items = rendered_list(ref_id, "ref_id")
    except InvalidMessage as error:
        raise InvalidArgument(str(error)) from error
    found: list[str] = []
    for item in items:
        if isinstance(item, (list, tuple)):
            found += read_ref_ids(item)
        elif isinstance(item, str) and item.strip().lower() not in NOTHING:
            found.append(item.strip())
        else:
            raise InvalidArgument(f"ref_id holds {item!r}, which is not a ref_id; did an upstream task push nothing?")
    if not found:
        raise InvalidArgument("ref_id is empty; did an upstream task push nothing?")
    return list(dict.fromkeys(found))


def read_key(idempotency_key: object) -> str:
    """
    Return an idempotency key.

    :raises InvalidArgument: for None, "None" and "": one key for everybody who pushed nothing would ring nobody.
    """
    if not isinstance(idempotency_key, str) or idempotency_key.strip().lower() in NOTHING:
        raise InvalidArgument(f"idempotency_key is {idempotency_key!r}; give text that no other send has")
    return idempotency_key


def read_timeout_seconds(value: object) -> float:
    """
    Return the time-out that a connection's extra gives; the form leaves an empty field as null or "".

    :raises InvalidArgument: for what is no number of seconds up to an hour.
    """
    if value is None or value == "":
        return TIMEOUT_SECONDS
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise InvalidArgument(f"timeout is {value!r}; give seconds, more than 0 and at most 3600")
    return seconds
