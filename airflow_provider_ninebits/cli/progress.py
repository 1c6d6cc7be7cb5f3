"""How far long work is, on a terminal. It is drawn on stderr, and is gone when the work is done."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Show(Protocol):
        """What draws it."""

        def __call__(self, done: int, of: int | None, words: str) -> None:
            """Draw how much is done, of how much (None: nobody knows), and what else there is to say of it."""


@contextmanager
def progress_bar(doing: str) -> Iterator[Show]:
    """
    Draw how far a work is, where stderr is a terminal.

    :param doing: what is done.
    """
    if not sys.stderr.isatty():
        yield lambda done, of, words: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(doing, total=None, words="")
        yield lambda done, of, words: progress.update(task, completed=done, total=of, words=words)
