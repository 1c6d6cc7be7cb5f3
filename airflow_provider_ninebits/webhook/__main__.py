"""``python -m airflow_provider_ninebits.webhook``: the receiver alone, configured by the ``[ninebits]`` options."""

from __future__ import annotations

import argparse
import gc
import logging
import sys

from airflow_provider_ninebits.ledger.errors import LedgerUnusable
from airflow_provider_ninebits.webhook import application
from airflow_provider_ninebits.webhook.options import add_options
from airflow_provider_ninebits.webhook.serving import receiver_server
from airflow_provider_ninebits.webhook.settings import LOG_FORMAT
from airflow_provider_ninebits.webhook.throttle import ThrottledRecords

_NOT_STARTED = 3
_SWITCH_SECONDS = 0.00005


def main() -> int:
    """Serve callbacks until stopped."""
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_ninebits.webhook", description=main.__doc__)
    add_options(parser)
    arguments = parser.parse_args()
    try:
        return serve(arguments.host, arguments.port)
    except (ValueError, LedgerUnusable) as error:
        # An option that cannot be used, said in a sentence and not in a traceback.
        parser.error(str(error))


def serve(host: str, port: int) -> int:
    """
    Serve callbacks until stopped, and return the exit status.

    :raises InvalidOption: for an option that cannot be used.
    :raises LedgerUnusable: for a ledger that cannot be used before somebody mends it.
    """
    app = application(store_apart=True)
    # Airflow 3.1 sets up no logging for a process that is none of its commands; where there is some, this does nothing.
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    # Anybody can cause its warnings, about what is no HTTP.
    logging.getLogger("uvicorn.error").addFilter(ThrottledRecords())
    # The writer gives Python's lock up at each answer of the database, and would wait 5 ms to get it back while
    # requests are read.
    sys.setswitchinterval(_SWITCH_SECONDS)
    server = receiver_server(app, host, port)
    # To look through all that is loaded, for garbage, stopped everything for 30 ms now and then.
    gc.freeze()
    server.run()
    return 0 if server.started else _NOT_STARTED


if __name__ == "__main__":
    sys.exit(main())
