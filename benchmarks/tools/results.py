"""What a benchmark has found: shown on the terminal, and kept as a page's table."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.table import Table


@dataclass
class Results:
    """One table."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        """Add a row, a cell for each column."""
        if len(cells) != len(self.columns):
            raise ValueError(f"{self.title}: {len(cells)} cells for {len(self.columns)} columns")
        self.rows.append(cells)

    def shown(self) -> Table:
        """Return the table for a terminal."""
        table = Table(title=self.title)
        for place, column in enumerate(self.columns):
            table.add_column(column, justify="right" if place else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*row)
        return table

    def as_markdown(self) -> str:
        """Return the table for a page."""
        lines = [f"**{self.title}**", "", _line(self.columns), _line(("---", *("---:",) * (len(self.columns) - 1)))]
        return "\n".join([*lines, *map(_line, self.rows), ""])


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
