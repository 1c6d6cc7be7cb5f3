"""How far long work is, on a terminal. It is drawn on stderr, and is gone when the work is done."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress_bar(doing: str, total: int | None = None) -> Iterator[Callable[[int, str], None]]:
    """
    Draw how far a work is, where stderr is a terminal.

    :param total: how much there is to do; None: nobody knows.
    :return: what is told how much is done, and what else there is to say of it.
    """
    if not sys.stderr.isatty():
        yield lambda done, words: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(doing, total=total, words="")
        yield lambda done, words: progress.update(task, completed=done, words=words)
