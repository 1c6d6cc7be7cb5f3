"""The simulator's options on the command line. Light: ``airflow`` reads them at each of its commands."""

from __future__ import annotations

import argparse
from dataclasses import MISSING, fields
from pathlib import Path

from airflow_provider_ninebits.ports import port_number
from airflow_provider_ninebits.simulator.settings import (
    REF_ID_MODES,
    UNANSWERED_SHAPES,
    VALUE_TYPES,
    SecondsRange,
    SimulatorSettings,
)


def add_options(options: argparse.ArgumentParser) -> None:
    """Add the host and port, and an option for each field of the settings; the help tells their defaults."""
    options.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    default = {each.name: None if each.default is MISSING else each.default for each in fields(SimulatorSettings)}
    add = options.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=port_number, default=9009, help="port to listen on; 0 for any free one")
    add("--callback-url", help="where callbacks go; user:password@ in it becomes basic authentication")
    add("--api-key", help="the only token that is taken; without it, any but 'bad'")
    add("--seed", type=int, help="decides, with the number, who answers")
    add("--answer-rate", type=float, help="share of calls that are answered")
    add("--attempts", type=int, help="how often an unanswered number is rung")
    add("--attempt-gap-seconds", type=float, help="between two attempts")
    add("--ring-seconds", type=seconds_range, metavar="S[-S]", help="from the start of a call to the answer")
    add("--talk-seconds", type=seconds_range, metavar="S[-S]", help="from the answer to the end")
    add("--ref-id", choices=REF_ID_MODES, help="whether callbacks carry the ref_id")
    add("--unanswered-shape", choices=UNANSWERED_SHAPES, help="answer_at of an unanswered call")
    add("--value-types", choices=VALUE_TYPES, help="JSON types in callbacks")
    add("--repeat-rate", type=float, help="share of callbacks that come twice")
    add("--shuffle", action="store_true", help="callbacks arrive out of order")
    add("--early-rate", type=float, help="share of callbacks before the answer to the send")
    add("--api-answer", action="store_true", help="send the answer to each send to the callback URL too")
    add("--timezone", help="of the stamps in callbacks")
    add("--speed", type=float, help="divides every wait")
    add("--caller-id", help="from_number of calls whose request names none")
    add("--callback-timeout-seconds", type=float, help="how long a receiver may take")
    add("--script", type=orders_in_file, metavar="FILE", help="JSON orders from the start on: faults, numbers")
    options.set_defaults(**default)


def settings_of(given: argparse.Namespace) -> SimulatorSettings:
    """
    Return the settings that were given.

    :raises ValueError: for values that cannot be.
    """
    return SimulatorSettings(**{each.name: getattr(given, each.name) for each in fields(SimulatorSettings)})


def seconds_range(text: str) -> SecondsRange:
    """
    Read ``5``, or ``3-12`` for a range.

    :raises argparse.ArgumentTypeError: it is neither.
    """
    least, dash, most = text.partition("-")
    try:
        return (float(least), float(most)) if dash else float(least)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of seconds; write one, or two for a range, like 3-12"
        ) from None


def orders_in_file(path: str) -> object:
    """
    Return the JSON in a file.

    :raises argparse.ArgumentTypeError: it cannot be read.
    """
    from airflow_provider_ninebits.simulator.answers import read_json

    try:
        return read_json(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{path} is no file with JSON in it: {error}") from error
