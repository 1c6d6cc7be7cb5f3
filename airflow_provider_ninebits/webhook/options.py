"""The options of the receiver that runs alone. Light: ``airflow`` reads them at each of its commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ninebits.ports import port_number

if TYPE_CHECKING:
    import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add where it listens; everything else is said by the ``[ninebits]`` options."""
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port_number, default=9010, help="default: %(default)s")
