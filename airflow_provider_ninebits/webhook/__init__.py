"""
The receiver of 9bits' callbacks: an ASGI app on the ledger.

========================  =============================================================
``app``                   the routes
``endpoint``              the one route that counts
``direct``                the same where the receiver is alone, past ASGI
``intake``                what becomes of a callback: who may deliver, what is answered
``authentication``        who may deliver
``bodies``                reading a body up to a cap
``arrivals``              a body made into what the ledger stores
``waiting``               who waits until callbacks are committed, and for how long
``writer``                group commit, by a thread: what came in during the last commit
``relay``                 the same, by a process of its own
``storing``               committing a group
``apart``                 starting and ending that process; ``store_process``: what it does
``wire``                  what passes between the two
``upkeep``                heartbeats, and the sweep over what is still unmatched
``counts``                what all of these have done, told as metrics
``telemetry``             OpenTelemetry, where the receiver is alone
``throttle``              what any request can cause is logged now and then only
``health``                one probe of the ledger for all who ask
``settings``              what a receiver is given
``reasons``               what of an error may be logged
``serving``               the server that it runs in when it is alone
``options``               what that one is told on the command line
``connections``           its connections: bounded in time, size and number
========================  =============================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from airflow_provider_ninebits.metrics import Record


def application(prefix: str = "/ninebits", *, store_apart: bool = False, record: Record | None = None) -> Starlette:
    """
    Return the receiver, configured by the ``[ninebits]`` options: a factory for any ASGI server.

    ``uvicorn --factory airflow_provider_ninebits.webhook:application``

    :param prefix: what its paths begin with: nothing, where it is mounted under a path of its own.
    :param store_apart: whether a process of its own stores what is taken.
    :param record: takes the values of its metrics; None: OpenTelemetry, as the ``OTEL_`` environment variables say.
    :raises InvalidOption: for an option that cannot be used.
    """
    from airflow_provider_ninebits.configuration import read_settings
    from airflow_provider_ninebits.webhook.app import receiver_app
    from airflow_provider_ninebits.webhook.settings import ReceiverSettings
    from airflow_provider_ninebits.webhook.telemetry import record_by_environment

    options = read_settings()
    telemetry = None if record else record_by_environment()
    return receiver_app(
        ReceiverSettings(
            ledger_url=options.sql_alchemy_conn,
            deployment=options.deployment,
            username=options.webhook_username,
            passwords=options.webhook_passwords,
            allow_unauthenticated=options.webhook_allow_unauthenticated,
            callback_timezone=options.callback_timezone,
            match_window_seconds=options.match_window_seconds,
        ),
        prefix=prefix,
        store_apart=store_apart,
        record=record or telemetry,
        ended=None if telemetry is None else telemetry.flush,
    )
