from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.arguments import read_ref_ids


class LazySequence(Sequence[str]):
    """Like Airflow's ``LazyXComSequence``: no list, but it can be gone through."""

    def __init__(self, items: list[str]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, place: Any) -> Any:
        return self._items[place]


READ = {
    "one": ("abc", ["abc"]),
    "blanks around": (" abc\n", ["abc"]),
    "a list": (["abc", "def"], ["abc", "def"]),
    "a tuple": (("abc", "def"), ["abc", "def"]),
    "each once, in order": (["b", "a", "b"], ["b", "a"]),
    "a list as Jinja renders it": ("['abc', 'def']", ["abc", "def"]),
    "a list as JSON": ('["abc", "def"]', ["abc", "def"]),
    "lists in a list, as mapped tasks push them": ([["a", "b"], "c", ["d"]], ["a", "b", "c", "d"]),
    "a lazy sequence, as the output of a mapped task comes": (LazySequence(["a", "b"]), ["a", "b"]),
    "what stands for an unknown ref_id": ("ledger:0a1b", ["ledger:0a1b"]),
}


@pytest.mark.parametrize(("given", "ref_ids"), READ.values(), ids=READ.keys())
def test_ref_ids_are_read_as_what_they_mean(given: object, ref_ids: list[str]) -> None:
    assert read_ref_ids(given) == ref_ids


@pytest.mark.parametrize(
    "given",
    [
        None, "", "  ", "None", "none", "null", [], "[]", "[None]", [None], [""], ["abc", None], ["abc", "None"],
        [[]], ["undefined"], {"ref_id": "abc"}, b"abc", 7, [7], "{'a': 1}", "{{ ti.xcom_pull() }}", "[abc",
    ],
)  # fmt: skip
def test_what_is_none_is_an_error_at_once(given: object) -> None:
    with pytest.raises(InvalidArgument, match="ref_id"):
        read_ref_ids(given)
