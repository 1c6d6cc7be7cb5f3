"""``python -m airflow_provider_ninebits.webhook``: the receiver alone, configured by the ``[ninebits]`` options."""

from __future__ import annotations

import argparse

import uvicorn

from airflow_provider_ninebits.ledger.errors import LedgerUnusable
from airflow_provider_ninebits.webhook import application


def main() -> None:
    """Serve callbacks until stopped."""
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_ninebits.webhook", description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=9010, help="default: %(default)s")
    arguments = parser.parse_args()
    try:
        receiver = application()
    except (ValueError, LedgerUnusable) as error:
        # An option that cannot be used, said in a sentence and not in a traceback.
        parser.error(str(error))
    uvicorn.run(receiver, host=arguments.host, port=arguments.port, access_log=False, server_header=False)


if __name__ == "__main__":
    main()
