"""The diagrams of the pages are what their script draws."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.docs.pages import ROOT, SITE

DRAWN = runpy.run_path(str(ROOT / "docs" / "diagrams.py"))


@pytest.mark.parametrize("name", DRAWN["DIAGRAMS"])
def test_a_diagram_is_as_the_script_draws_it(name: str) -> None:
    """Run ``python docs/diagrams.py`` where this fails."""
    svg = (ROOT / "docs" / "images" / name).read_text()
    assert svg == DRAWN["DIAGRAMS"][name]()
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert any(f"images/{name}" in page.read_text() for page in SITE)


def test_nothing_is_drawn_outside_of_the_picture() -> None:
    for draw in DRAWN["DIAGRAMS"].values():
        picture = ElementTree.fromstring(draw())
        width, height = float(picture.attrib["width"]), float(picture.attrib["height"])
        for box in picture.iter("{http://www.w3.org/2000/svg}rect"):
            x, y = float(box.attrib["x"]), float(box.attrib["y"])
            assert 0 <= x <= x + float(box.attrib["width"]) <= width
            assert 0 <= y <= y + float(box.attrib["height"]) <= height


def test_words_that_do_not_fit_are_an_error() -> None:
    picture = DRAWN["Picture"](100, 100, "a box")
    with pytest.raises(ValueError, match="does not fit"):
        picture.box(DRAWN["Point"](0, 0), 60, 20, ["much too long for it"])


def test_every_diagram_is_one_of_the_script(tmp_path: Path) -> None:
    script = tmp_path / "docs" / "diagrams.py"
    (tmp_path / "docs" / "images").mkdir(parents=True)
    script.write_text((ROOT / "docs" / "diagrams.py").read_text())
    subprocess.run([sys.executable, str(script)], check=True)
    made = {path.name for path in (tmp_path / "docs" / "images").iterdir()}
    assert made == set(DRAWN["DIAGRAMS"]) == {path.name for path in (ROOT / "docs" / "images").glob("*.svg")}
