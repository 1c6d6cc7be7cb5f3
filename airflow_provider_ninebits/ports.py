"""A port on the command line, of the receiver and of the simulator. Light: ``airflow`` reads it at each command."""

from __future__ import annotations

import argparse

HIGHEST_PORT = 65535


def port_number(text: str) -> int:
    """
    Read a port to listen on; 0 is any free one.

    :raises argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and int(text) <= HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is no port; write a number from 0 to {HIGHEST_PORT}")
    return int(text)
