from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import pytest
from airflow.sdk import ObjectStoragePath
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ninebits.exceptions import InvalidArgument, SendFailed
from airflow_provider_ninebits.hooks.recipients import read_exclude, read_max_recipients, read_to

ADA, BEN, CAI = "2348020000001", "2348020000002", "2348020000003"

NUMBERS = st.lists(st.integers(0, 10**7 - 1).map(lambda last: f"234802{last:07}"), max_size=20)
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
WRITTEN = st.sampled_from(["{}", "+{}", "00{}", " {} ", "\t{}"])
BLANK = st.sampled_from(["", " ", "\t"])


def at(path: object, column: str | None = None) -> list[str]:
    return list(read_to(None, path, column))


def written(folder: Path, content: str | bytes, name: str = "numbers.txt") -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@settings(deadline=None)
@given(numbers=NUMBERS, end=LINE_ENDS, bom=st.booleans(), last_end=st.booleans(), choices=st.data())
def test_one_number_a_line_whatever_the_line_ends_and_blank_lines(
    numbers: list[str], end: str, bom: bool, last_end: bool, choices: st.DataObject
) -> None:
    lines = []
    for number in numbers:
        lines += choices.draw(st.lists(BLANK, max_size=2))
        lines.append(choices.draw(WRITTEN).format(number))
    text = end.join(lines) + (end if last_end else "")
    with tempfile.TemporaryDirectory() as folder:
        assert at(written(Path(folder), text.encode("utf-8-sig" if bom else "utf-8"))) == numbers


def as_field(text: str, quote_all: bool) -> str:
    special = quote_all or any(mark in text for mark in ',"\n')
    return '"' + text.replace('"', '""') + '"' if special else text


# The first example pays for loading Airflow's object storage.
@settings(deadline=None)
@given(
    numbers=NUMBERS,
    names=st.lists(st.text(alphabet=' ,"\nöx;', max_size=5), min_size=20, max_size=20),
    end=LINE_ENDS,
    bom=st.booleans(),
    quote_all=st.booleans(),
    column=st.sampled_from(["phone", "telephone, mobile", 'the "number"']),
    first=st.booleans(),
)
def test_a_column_of_a_csv_whatever_is_quoted_beside_it(
    numbers: list[str], names: list[str], end: str, bom: bool, quote_all: bool, column: str, first: bool
) -> None:
    rows = [(column, "name"), *zip(numbers, names, strict=False)]
    lines = [[as_field(field, quote_all) for field in (row if first else row[::-1])] for row in rows]
    content = "".join(",".join(line) + end for line in lines)
    with tempfile.TemporaryDirectory() as folder:
        encoded = content.encode("utf-8-sig" if bom else "utf-8")
        assert at(written(Path(folder), encoded), column) == numbers


def test_a_path_is_anything_that_object_storage_reads(tmp_path: Path) -> None:
    file = written(tmp_path, f"{ADA}\n{BEN}\n")
    packed = written(tmp_path, gzip.compress(f"{CAI}\n".encode()), "numbers.txt.gz")
    assert at(str(file)) == at(f"file://{file}") == at(file) == at(ObjectStoragePath(f"file://{file}")) == [ADA, BEN]
    assert at(str(packed)) == [CAI]


def test_a_file_is_read_anew_each_time_and_not_before(tmp_path: Path) -> None:
    file = tmp_path / "later.txt"
    numbers = read_to(None, str(file), None)
    written(tmp_path, ADA, "later.txt")
    assert list(numbers) == [ADA]
    written(tmp_path, BEN, "later.txt")
    assert list(numbers) == [BEN]


@pytest.mark.parametrize(
    ("content", "column", "said"),
    [
        (f"{ADA}\n\n08020000000\n", None, r"line 3, 0802\*\*\*0000, is no possible"),
        (f"{ADA}\nAda\n", None, "line 2 is <str that is no number>.*For a CSV, give to_column"),
        (f"name,phone\nAda,{ADA}\n", None, "line 1 .*For a CSV, give to_column"),
        (f"{ADA}, {BEN}\n", None, "line 1"),
        (f"phone\n{ADA}\n2348020000000.0\n", "phone", "line 3"),
        (f"phone\n{ADA}\n\n08020000000\n", "phone", "line 4"),
        (f'name,phone\n"A\nda",{ADA}\nBen,\n', "phone", "line 4"),
        (f"name,phone\nAda,{ADA}\nBen\n", "phone", "line 3 ends before the column 'phone'"),
        ("name,phone\n", "mobile", r"no column 'mobile'.*'name, phone'"),
        (f"{ADA}\n{BEN}\n", "phone", r"no column 'phone'.*'2348020\*\*\*0001|no column 'phone'.*'234802\*\*\*0001"),
        ("phone,phone\n", "phone", "more than one"),
        ("", "phone", "no column 'phone'"),
        (f'phone,name\n{ADA},"Ada\n{BEN},Ben\n', "phone", "is no CSV: unexpected end"),
        (f'phone,name\n{ADA},"Ada\n{BEN},"Ben"\n', "phone", "is no CSV"),
        (b"\xff\xfe\x00\x01", None, "no text in UTF-8"),
        ("2" * 20_000, None, "a line of 10000 characters"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_line(
    tmp_path: Path, content: str | bytes, column: str | None, said: str
) -> None:
    file = written(tmp_path, content)
    with pytest.raises(InvalidArgument, match=said) as raised:
        at(str(file), column)
    assert str(file) in str(raised.value)
    assert not any(number in str(raised.value) for number in (ADA, BEN, "08020000000"))


def test_a_file_that_is_not_there_may_be_at_the_next_try(tmp_path: Path) -> None:
    with pytest.raises(SendFailed, match=r"nowhere\.txt cannot be read \(FileNotFoundError\), so this try rang nobody"):
        at(str(tmp_path / "nowhere.txt"))


def test_a_packed_file_that_was_cut_off_may_be_whole_at_the_next_try(tmp_path: Path) -> None:
    cut = written(tmp_path, gzip.compress(f"{ADA}\n".encode() * 10_000)[:-20], "cut.gz")
    with pytest.raises(SendFailed, match=r"cut\.gz cannot be read"):
        at(cut)


def test_an_error_shows_neither_credentials_nor_a_signature() -> None:
    with pytest.raises(InvalidArgument, match="install its provider") as raised:
        at("nosuch://key:secret@bucket/numbers.txt?signature=hidden")
    assert "nosuch://bucket/numbers.txt" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("to", "to_path", "to_column", "said"),
    [
        (None, None, None, "to is None, and so is to_path"),
        (ADA, "/numbers.txt", None, "both given"),
        (ADA, None, "phone", "to_column"),
        (None, "None", None, "to_path is 'None'"),
        (None, " ", None, "to_path is ' '"),
        (None, ADA, None, "to_path is no path"),
        (None, f"['{ADA}']", None, "to_path is no path"),
        (None, [ADA], None, "to_path is a list"),
        (None, "/numbers.csv", "", "to_column is ''"),
        (None, "/numbers.csv", 2, "to_column is 2"),
    ],
)
def test_arguments_that_contradict_are_an_error_before_a_file_is_opened(
    to: object, to_path: object, to_column: object, said: str
) -> None:
    with pytest.raises(InvalidArgument, match=said):
        read_to(to, to_path, to_column)


@pytest.mark.parametrize(
    ("exclude", "numbers"),
    [
        (None, []),
        ([], []),
        ((), []),
        ("[]", []),
        (ADA, [ADA]),
        (f"+{ADA}", [ADA]),
        ([ADA, f"00{BEN}"], [ADA, BEN]),
        (f"['{ADA}', '{BEN}']", [ADA, BEN]),
        ({ADA}, [ADA]),
        pytest.param((number for number in (ADA, BEN)), [ADA, BEN], id="a generator"),
    ],
    ids=str,
)
def test_exclude_takes_numbers(exclude: object, numbers: list[str]) -> None:
    assert list(read_exclude(exclude, None)) == numbers


def test_exclude_takes_a_path_with_or_without_the_column(tmp_path: Path) -> None:
    lines = written(tmp_path, f"{ADA}\n{BEN}\n")
    table = written(tmp_path, f"name, phone\nAda,{ADA}\n", "opted-out.csv")
    assert list(read_exclude(str(lines), None)) == list(read_exclude(lines, "phone")) == [ADA, BEN]
    assert list(read_exclude(str(table), "phone")) == [ADA]
    assert list(read_exclude(written(tmp_path, "", "empty.txt"), "phone")) == []


@pytest.mark.parametrize("exclude", ["None", "", " ", "null", "[08020000000]", ["Ada"], 7.5, {"a": 1}], ids=str)
def test_an_exclusion_that_is_not_understood_is_an_error(exclude: object) -> None:
    with pytest.raises(InvalidArgument, match="exclude"):
        read_exclude(exclude, None)


def test_an_excluded_number_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"exclude .*line 2"):
        list(read_exclude(written(tmp_path, f"{ADA}\nAda\n"), None))


@pytest.mark.parametrize("most", [0, -1, True, 2.5, "10"])
def test_max_recipients_is_a_whole_number(most: object) -> None:
    with pytest.raises(InvalidArgument, match="max_recipients"):
        read_max_recipients(most)


def test_max_recipients_is_none_or_what_was_given() -> None:
    assert (read_max_recipients(None), read_max_recipients(1)) == (None, 1)
