"""``python -m airflow_provider_ninebits.simulator``."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from typing import TYPE_CHECKING

from airflow_provider_ninebits.simulator.options import add_options, settings_of
from airflow_provider_ninebits.simulator.running import address_of, listening_socket, simulator_server

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_STARTED = 1
_WRONG_USE = 2


def parser() -> argparse.ArgumentParser:
    """Return the command line's options."""
    options = argparse.ArgumentParser(
        prog="python -m airflow_provider_ninebits.simulator",
        description="Stands in for 9bits: takes sends as documented, rings nobody, and plays the callbacks.",
    )
    add_options(options)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the simulator until SIGTERM or SIGINT.

    :return: 0 after such a signal, 1 where the address is taken or none of this machine's, 2 for options that cannot
        be.
    """
    return simulate(parser().parse_args(arguments))


def simulate(given: argparse.Namespace) -> int:
    """Run the simulator with the options that were given, as :func:`main` does."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    # They log at INFO what is logged here with masked numbers.
    for chatty in ("httpx", "httpcore", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # uvicorn raises the signal that stopped it once more when it is done: that is a good end here.
    for stopping in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stopping, _end_well)
    try:
        server = simulator_server(settings_of(given))
        listener = listening_socket(given.host, given.port)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"The simulator cannot start: {error}\n")
        return _NOT_STARTED if isinstance(error, OSError) else _WRONG_USE
    with listener:
        sys.stdout.write(f"9bits simulator on {address_of(listener)}\n")
        sys.stdout.flush()
        server.run([listener])
    return 0


def _end_well(*_: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
