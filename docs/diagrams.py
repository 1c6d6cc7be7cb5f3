"""
Draws the pages' diagrams as SVG: ``python docs/diagrams.py``; a test holds that the files are what this draws.

No program draws them but the browser, on a ground of their own: they can be read in a light page and in a dark one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

IMAGES = Path(__file__).with_name("images")
LETTER = 7.3
"""How wide a letter is, on average and at most: what is drawn has to fit, whatever the font."""

STYLE = """
svg { --ground: #ffffff; --line: #57606a; --text: #1f2328; --soft: #59636e; --box: #f6f8fa; --ours: #ddf4ff;
  --edge: #afb8c1; --ours-edge: #218bff; }
@media (prefers-color-scheme: dark) { svg { --ground: #161b22; --line: #8b949e; --text: #e6edf3; --soft: #9198a1;
  --box: #21262d; --ours: #0c2d6b; --edge: #484f58; --ours-edge: #388bfd; } }
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--text); text-anchor: middle; }
.soft { fill: var(--soft); } .bold { font-weight: 600; }
.ground { fill: var(--ground); stroke: var(--edge); } .box { fill: var(--box); stroke: var(--edge); }
.ours { fill: var(--ours); stroke: var(--ours-edge); } .group { fill: none; stroke: var(--edge);
  stroke-dasharray: 5 4; }
.line { stroke: var(--line); fill: none; } .life { stroke: var(--edge); stroke-dasharray: 3 4; }
.head { fill: var(--line); stroke: none; } .label { fill: var(--ground); }
"""


@dataclass(frozen=True)
class Point:
    """A place in the picture."""

    x: float
    y: float


class Picture:
    """
    An SVG that grows by what is drawn into it.

    :param about: what it shows, for those who cannot see it.
    """

    def __init__(self, width: int, height: int, about: str) -> None:
        self._head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' role="img" aria-label="{escape(about)}">\n<title>{escape(about)}</title>\n<style>{STYLE}</style>\n'
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"'
            ' orient="auto-start-reverse"><path class="head" d="M0 0L10 5L0 10z"/></marker></defs>\n'
            f'<rect class="ground" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>\n'
        )
        self._parts: list[str] = []

    def text(self, at: Point, words: str, style: str = "") -> None:
        """Write a line."""
        kind = f' class="{style}"' if style else ""
        self._parts.append(f'<text x="{at.x:g}" y="{at.y:g}"{kind}>{escape(words)}</text>')

    def box(self, at: Point, width: float, height: float, lines: list[str], style: str = "box") -> None:
        """
        Draw a box: its first line is its name.

        :raises ValueError: a line is too long for it.
        """
        self._parts.append(
            f'<rect class="{style}" x="{at.x:g}" y="{at.y:g}" width="{width:g}" height="{height:g}" rx="6"/>'
        )
        first = at.y + height / 2 - (len(lines) - 1) * 8.5 + 4.5
        for place, line in enumerate(lines):
            if len(line) * LETTER > width - 8:
                raise ValueError(f"{line!r} does not fit into {width:g}")
            self.text(Point(at.x + width / 2, first + place * 17), line, "bold" if not place else "soft")

    def group(self, at: Point, width: float, height: float, name_at: Point, name: str) -> None:
        """Draw a frame around boxes, and write its name."""
        self._parts.append(
            f'<rect class="group" x="{at.x:g}" y="{at.y:g}" width="{width:g}" height="{height:g}" rx="8"/>'
        )
        self.text(name_at, name, "soft")

    def life(self, x: float, top: float, bottom: float) -> None:
        """Draw the thin line under somebody in a sequence."""
        self._parts.append(f'<path class="life" d="M{x:g} {top:g}V{bottom:g}"/>')

    def arrow(self, *points: Point) -> None:
        """Draw an arrow through points."""
        path = "M" + "L".join(f"{point.x:g} {point.y:g}" for point in points)
        self._parts.append(f'<path class="line" d="{path}" marker-end="url(#head)"/>')

    def label(self, at: Point, words: str) -> None:
        """Write a line over whatever is there."""
        width = len(words) * LETTER
        self._parts.append(
            f'<rect class="label" x="{at.x - width / 2:g}" y="{at.y - 12:g}" width="{width:g}" height="16"/>'
        )
        self.text(at, words)

    def svg(self) -> str:
        """Return all of it."""
        return self._head + "\n".join(self._parts) + "\n</svg>\n"


WHO = [
    ["Task", "operator, sensor"],
    ["Ledger", "SQLite, PostgreSQL"],
    ["9bits", "or the simulator"],
    ["Receiver", "one URL for all"],
    ["Triggerer", "one watcher in each"],
]
STEPS = [
    (0, 1, "planned, then sending"),
    (0, 2, "POST /v1/sendvoice, up to 1000 numbers"),
    (2, 0, "200 and a ref_id"),
    (0, 1, "accepted, ref_id"),
    (0, 4, "the sensor defers: it holds no worker"),
    (2, 3, "a callback per attempt"),
    (3, 1, "committed, matched with its recipient"),
    (3, 2, "200: it is on disk"),
    (1, 4, "this message has changed"),
    (4, 0, "go on"),
    (1, 0, "who answered"),
]
COLUMN, STEP = 206, 42


def message() -> str:
    """Draw the way of a message, in the order of time."""
    height = 90 + STEP * len(STEPS) + 10
    picture = Picture(
        COLUMN * len(WHO),
        height,
        "The way of a message: the task writes down in the ledger whom it rings, sends to 9bits, and writes down the "
        "answer; 9bits calls the receiver back, which commits to the ledger; the triggerer hears of it, and the task "
        "goes on with the outcome",
    )
    middle = [COLUMN * (place + 0.5) for place in range(len(WHO))]
    for x, lines in zip(middle, WHO, strict=True):
        picture.life(x, 66, height - 14)
        picture.box(Point(x - 80, 16), 160, 50, lines, "box" if lines[0] == "9bits" else "ours")
    for place, (start, end, words) in enumerate(STEPS):
        y = 108 + STEP * place
        towards = 4 if end > start else -4
        picture.arrow(Point(middle[start] + towards, y), Point(middle[end] - towards, y))
        picture.label(Point((middle[start] + middle[end]) / 2, y - 9), f"{place + 1}. {words}")
    return picture.svg()


def topology() -> str:
    """Draw who reaches whom in production."""
    picture = Picture(
        900,
        620,
        "In production: 9bits calls back through a proxy to two receivers, which write to the ledger, a database "
        "of its own; workers send to 9bits, and workers, triggerers, the DAG processor and the API servers use the "
        "ledger; the scheduler does not",
    )
    picture.box(Point(350, 20), 200, 46, ["9bits"])
    picture.box(Point(350, 124), 200, 50, ["Proxy", "TLS, /ninebits/ only"])
    picture.arrow(Point(450, 66), Point(450, 124))
    picture.label(Point(450, 100), "callbacks, HTTPS, with the password in the URL")
    picture.group(Point(210, 216), 480, 96, Point(450, 304), "no Airflow runs there")
    for x, name in ((230, "Receiver 1"), (470, "Receiver 2")):
        picture.box(Point(x, 236), 200, 46, [name], "ours")
    picture.arrow(Point(420, 174), Point(330, 236))
    picture.arrow(Point(480, 174), Point(570, 236))
    picture.box(Point(320, 360), 260, 56, ["The ledger", "PostgreSQL, a database of its own"], "ours")
    picture.arrow(Point(330, 282), Point(400, 360))
    picture.arrow(Point(570, 282), Point(500, 360))
    picture.label(Point(450, 344), "callbacks")

    picture.group(Point(20, 470), 860, 124, Point(450, 583), "Airflow; its own database stands beside it")
    names = [
        ["Workers", "Celery, Kubernetes", "sends, outcomes"],
        ["Triggerers", "two of them", "waits, events"],
        ["DAG processor", "reads DAG files", "alerts of DAGs"],
        ["API servers", "UI", "connection, page"],
        ["Scheduler", "knows no ledger"],
    ]
    bus = 442
    for place, lines in enumerate(names):
        x = 36 + 168 * place
        uses_ledger = place < 4
        picture.box(Point(x, 490), 154, 74, lines, "ours" if uses_ledger else "box")
        if uses_ledger:
            picture.arrow(Point(450, bus), Point(x + 77, bus), Point(x + 77, 490))
    picture.arrow(Point(450, bus), Point(450, 416))
    picture.arrow(Point(66, 490), Point(66, 43), Point(350, 43))
    picture.label(Point(66, 230), "sends, HTTPS")
    return picture.svg()


DIAGRAMS = {"message.svg": message, "topology.svg": topology}

if __name__ == "__main__":
    for name, draw in DIAGRAMS.items():
        (IMAGES / name).write_text(draw())
