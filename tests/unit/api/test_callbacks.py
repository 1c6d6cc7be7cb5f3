"""A stranger's payload: whatever the bytes are, they become events, and nothing raises."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.api.callbacks import (
    MOST_IN_LIST,
    ApiAnswer,
    Call,
    ReceivedEvent,
    Unreadable,
    identity,
    read_callbacks,
)

DOCUMENTED = {
    "start_at": "2023-10-24 22:54:06",
    "answer_at": "2023-10-24 22:54:16",
    "end_at": "2023-10-24 22:55:46",
    "total_duration": 95,
    "call_duration": 90,
    "call_direction": "outbound",
    "from_number": "07080670000",
    "to_number": "2348020000000",
    "total_amount": "30",
}
AS_READ = Call(
    to_number="2348020000000",
    from_number="07080670000",
    ref_id=None,
    inbound=False,
    started_at=datetime(2023, 10, 24, 22, 54, 6, tzinfo=UTC),
    answered_at=datetime(2023, 10, 24, 22, 54, 16, tzinfo=UTC),
    ended_at=datetime(2023, 10, 24, 22, 55, 46, tzinfo=UTC),
    total_duration=95,
    call_duration=90,
    total_amount=Decimal(30),
)


class Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


def one(body: object, timezone: str = "UTC") -> ReceivedEvent:
    (received,) = read_callbacks(body if isinstance(body, bytes) else json.dumps(body).encode(), timezone)
    return received


def call(timezone: str = "UTC", **fields: object) -> Call:
    body = {name: value for name, value in {**DOCUMENTED, **fields}.items() if value is not ABSENT}
    event = one(body, timezone).event
    assert isinstance(event, Call)
    return event


def test_the_documented_call_is_read() -> None:
    received = one(DOCUMENTED)
    assert received == ReceivedEvent(AS_READ, json.dumps(DOCUMENTED).encode())
    assert AS_READ.answered


@pytest.mark.parametrize(
    "fields",
    [
        {"total_duration": "95", "call_duration": "90"},
        {"total_duration": 95.0, "call_duration": "90.0"},
        {"total_amount": 30},
        {"total_amount": 30.0},
        {"total_amount": "30.00"},
        {"to_number": 2348020000000},
        {"to_number": 2348020000000.0},
        {"to_number": "+234 802 000 0000"},
        {"to_number": "002348020000000"},
        {"call_direction": ABSENT},
        {"call_direction": "OUTBOUND"},
        {"call_direction": None},
        {"start_at": "2023-10-24T22:54:06"},
        {"start_at": "2023-10-24 22:54:06.000"},
        {"start_at": "2023-10-24T23:54:06+01:00"},
        {"start_at": "2023-10-24t22:54:06z"},
        {"ref_id": None},
        {"ref_id": ""},
        {"unknown": {"deep": [1]}},
        {"status_code": 200},
        {"message": "Server error"},
    ],
    ids=str,
)
def test_the_same_call_may_be_written_in_other_ways(fields: dict[str, object]) -> None:
    assert call(**fields) == AS_READ


@pytest.mark.parametrize(
    "answer_at",
    [
        ABSENT,
        None,
        "",
        " ",
        "0000-00-00 00:00:00",
        "1970-01-01 00:00:00",
        "null",
        "2023-13-45 99:99:99",
        "2023-10-24",
        0,
        1698188056,
        False,
        True,
        [],
        {},
        ["2023-10-24 22:54:16"],
    ],
    ids=str,
)
def test_without_a_time_of_answer_nobody_answered(answer_at: object) -> None:
    unanswered = call(answer_at=answer_at)
    assert unanswered.answered_at is None
    assert not unanswered.answered
    assert unanswered.started_at == AS_READ.started_at


@pytest.mark.parametrize("direction", ["inbound", "INBOUND", " Inbound "])
def test_an_inbound_call_is_told_from_an_outbound_one(direction: str) -> None:
    assert call(call_direction=direction).inbound


@pytest.mark.parametrize("direction", ["out", "", 1, ["inbound"], {"inbound": True}])
def test_any_other_direction_is_outbound(direction: object) -> None:
    assert not call(call_direction=direction).inbound


@pytest.mark.parametrize(
    ("ref_id", "read"),
    [
        ("9azmf1ntcl358gczduzz4rs0u", "9azmf1ntcl358gczduzz4rs0u"),
        (77, "77"),
        ("a b", None),
        ("x" * 200, None),
        (1.5, None),
    ],
)
def test_a_ref_id_is_read_where_there_is_one(ref_id: object, read: str | None) -> None:
    assert call(ref_id=ref_id).ref_id == read


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0),
        ("0", 0),
        (2**31 - 1, 2**31 - 1),
        (2**31, None),
        (10**100, None),
        (-1, None),
        ("-1", None),
        (95.4, None),
        ("95.4", None),
        (True, None),
        (None, None),
        ("", None),
        ("1m35s", None),
        ("0x5f", None),
        ("1_000", None),
        ("\u0669\u0665", None),
        ([95], None),
    ],
    ids=str,
)
def test_a_duration_is_whole_seconds(value: object, seconds: int | None) -> None:
    read = call(total_duration=value, call_duration=value)
    assert (read.total_duration, read.call_duration) == (seconds, seconds)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("30", "30"),
        ("30.50", "30.5"),
        (30.1, "30.1"),
        (" +7.25 ", "7.25"),
        ("3e1", "30"),
        (0, "0"),
        ("1.0000000005", "1"),
        ("1.0000000015", "1.000000002"),
        ("999999999.999999999", "999999999.999999999"),
        ("999999999.9999999999", None),
        (10**9, None),
        ("1" * 65, None),
        ("-1", None),
        (-0.5, None),
        ("NaN", None),
        ("sNaN", None),
        ("Infinity", None),
        ("1e999999", None),
        ("1e-999999", "0"),
        ("1e9999999999999999999", None),
        ("1,000.50", None),
        ("1_000", None),
        ("30 NGN", None),
        ("", None),
        (None, None),
        (True, None),
        ({}, None),
    ],
    ids=str,
)
def test_an_amount_is_a_bounded_decimal(value: object, amount: str | None) -> None:
    read = call(total_amount=value).total_amount
    assert read == (None if amount is None else Decimal(amount))


def test_an_amount_that_is_a_json_number_is_read_to_the_digit() -> None:
    event = one(b'{"to_number": "2348020000000", "total_amount": 123456789.123456789}').event
    assert isinstance(event, Call)
    assert event.total_amount == Decimal("123456789.123456789")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("07080670000", "07080670000"),
        ("+234 708 067 0000", "2347080670000"),
        (7080670000, "7080670000"),
        ("9bits Ltd", "9bits Ltd"),
        ("", None),
        ("a\nb", None),
        ("x" * 33, None),
        ("\ud800", None),
        (None, None),
        ([], None),
    ],
    ids=str,
)
def test_a_caller_id_is_a_number_or_a_short_name(value: object, read: str | None) -> None:
    assert call(from_number=value).from_number == read


@pytest.mark.parametrize(
    ("timezone", "text", "moment"),
    [
        ("Africa/Lagos", "2023-10-24 22:54:06", datetime(2023, 10, 24, 21, 54, 6, tzinfo=UTC)),
        ("Africa/Lagos", "2023-10-24T22:54:06+00:00", datetime(2023, 10, 24, 22, 54, 6, tzinfo=UTC)),
        ("Africa/Lagos", "2023-10-24T22:54:06.123456789Z", datetime(2023, 10, 24, 22, 54, 6, 123456, tzinfo=UTC)),
        # Skipped by the clocks, and shown twice by them.
        ("Europe/Berlin", "2023-03-26 02:30:00", datetime(2023, 3, 26, 1, 30, tzinfo=UTC)),
        ("Europe/Berlin", "2023-10-29 02:30:00", datetime(2023, 10, 29, 0, 30, tzinfo=UTC)),
        ("UTC", "2024-02-29 00:00:00", datetime(2024, 2, 29, tzinfo=UTC)),
        ("UTC", "2023-02-29 00:00:00", None),
        ("UTC", "0001-01-01 00:00:00", None),
        ("Pacific/Niue", "9999-12-31 23:59:59", None),
        ("UTC", "2023-10-24 22:54:60", None),
        ("UTC", "2023-10-24T22:54:06+99:99", None),
        ("UTC", "2023-W43-2", None),
        ("UTC", "20231024T225406", None),
        ("UTC", "\u0662023-10-24 22:54:06", None),
    ],
)
def test_a_time_is_a_moment_in_utc(timezone: str, text: str, moment: datetime | None) -> None:
    read = call(timezone, start_at=text).started_at
    assert read == moment
    assert read is None or read.utcoffset() == timedelta(0)


def test_a_zone_that_does_not_exist_is_an_error_of_whoever_set_it() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        read_callbacks(b"{}", "Africa/Nowhere")


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (
            {"status_code": 200, "message": "Request is being processed", "ref_id": "9azmf1ntcl358gczduzz4rs0u"},
            ApiAnswer("9azmf1ntcl358gczduzz4rs0u", 200, "Request is being processed"),
        ),
        ({"status_code": "500", "ref_id": 7}, ApiAnswer("7", 500, "")),
        ({"status_code": 401, "message": None, "ref_id": None}, ApiAnswer(None, 401, "")),
        ({"status_code": 400, "message": "2348020000000 is\nbad"}, ApiAnswer(None, 400, "234802***0000 is\\nbad")),
        ({"status_code": 400, "message": {"code": 1}}, ApiAnswer(None, 400, "")),
        ({"status_code": 400, "to_number": None}, ApiAnswer(None, 400, "")),
        ({"status_code": 400, "to_number": "", "start_at": None}, ApiAnswer(None, 400, "")),
    ],
)
def test_an_api_answer_is_told_from_a_call(body: dict[str, object], answer: ApiAnswer) -> None:
    assert one(body).event == answer


@pytest.mark.parametrize(
    "body",
    [
        {"to_number": "2348020000000"},
        {"to_number": None},
        {"start_at": "2023-10-24 22:54:06"},
        {"status_code": 200, "to_number": "2348020000000"},
        {"status_code": 200, "start_at": "2023-10-24 22:54:06"},
    ],
)
def test_what_has_a_call_s_fields_is_a_call(body: dict[str, object]) -> None:
    assert isinstance(one(body).event, Call)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"[]",
        b"{}",
        b"null",
        b"7",
        b'"to_number"',
        b"to_number=2348020000000",
        b'{"to_number": "2348020000000"',
        b'{"ref_id": "9azmf1ntcl358gczduzz4rs0u"}',
        b'{"status_code": 20}',
        b'{"status_code": null}',
        b'{"status_code": [200]}',
        b"\x00",
        b"\xff\xfe{",
        b"\x80abc",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"[[" * 100_000 + b"]]" * 100_000,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_is_neither_is_kept_as_it_came(body: bytes) -> None:
    received = one(body)
    assert isinstance(received.event, Unreadable)
    assert received.event.reason
    assert received.raw == body


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"to_number": "2348020000000"}',
        '{"to_number": "2348020000000"}'.encode("utf-16"),
        b'{"to_number": "2348020000000", "name": "Ren\xe9"}',
        b'{"to_number": "2348020000000", "name": "\\u0000\\ud800"}',
        b'{"to_number": "2348020000000", "name": "\xed\xa0\x80"}',
        b'{"to_number": "1", "to_number": "2348020000000"}',
        b'{"to_number": "2348020000000", "total_amount": NaN}',
        b'{"to_number": "2348020000000", "total_amount": -Infinity}',
        b'{"to_number": "2348020000000", "total_amount": 1e99999999999999999999}',
        b'{"to_number": "2348020000000", "total_duration": ' + b"9" * 10_000 + b"}",
    ],
    ids=lambda body: repr(body[:70]),
)
def test_odd_bytes_do_not_hide_the_number(body: bytes) -> None:
    event = one(body).event
    assert isinstance(event, Call)
    assert event.to_number == "2348020000000"
    assert event.total_amount is None
    assert event.total_duration is None


def test_a_list_holds_events_each_by_itself() -> None:
    items = [
        DOCUMENTED,
        None,
        {"status_code": 200, "ref_id": "r"},
        [DOCUMENTED],
        {"to_number": "1", "total_amount": 1.50},
    ]
    received = read_callbacks(json.dumps(items).encode())
    assert [type(each.event) for each in received] == [Call, Unreadable, ApiAnswer, Unreadable, Call]
    assert json.loads(received[0].raw) == DOCUMENTED
    assert received[1].raw == b"null"
    assert received[4].raw == b'{"to_number": "1", "total_amount": 1.5}'
    assert read_callbacks(received[4].raw)[0].event == received[4].event


def test_an_item_that_holds_odd_characters_is_kept_in_ascii() -> None:
    (received,) = read_callbacks(b'[{"to_number": "1", "name": "\\u0000\\ud800\xc3\xa9"}]')
    assert received.raw.isascii()
    assert b"\x00" not in received.raw
    assert json.loads(received.raw)["name"] == "\x00\ud800\u00e9"


def test_a_list_that_is_no_list_of_calls_any_more_is_kept_as_one() -> None:
    body = b"[" + b",".join([b"1"] * (MOST_IN_LIST + 1)) + b"]"
    (received,) = read_callbacks(body)
    assert received == ReceivedEvent(Unreadable("the body is a list of more than 20000 items"), body)
    assert len(read_callbacks(body.replace(b"1,", b"", 1))) == MOST_IN_LIST


def test_a_long_list_is_read_to_its_end() -> None:
    items = [{"to_number": f"234802{number:07}"} for number in range(12_000)]
    received = read_callbacks(json.dumps(items).encode())
    assert [each.event.to_number for each in received if isinstance(each.event, Call)] == [
        item["to_number"] for item in items
    ]


@given(st.integers(1, 3000))
def test_no_depth_of_nesting_raises(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    for body in (
        deep,
        b'{"to_number": "1", "x": ' + deep + b"}",
        b'[{"to_number": "1", "call_direction": ' + deep + b"}]",
        b'[{"status_code": 200, "message": ' + deep + b"}]",
    ):
        assert read_callbacks(body)


def test_no_depth_near_the_limit_raises() -> None:
    # The items of a list are read twice; the second time must not need more depth than the first.
    limit = sys.getrecursionlimit()
    for depth in range(limit - 150, limit + 10):
        deep = b"[" * depth + b"]" * depth
        assert read_callbacks(b'["\xc3\xa9", ' + deep + b"]")
        assert read_callbacks(b'[{"to_number": "1", "x": ' + deep + b"}]")


@pytest.mark.parametrize(
    "item",
    [
        b'{"to_number": 2348020000000.0}',
        b'{"to_number": "1", "ref_id": 0.0}',
        b'{"to_number": "1", "total_amount": 123456789.123456789}',
        b'{"to_number": "1", "total_amount": 1e999}',
        b'{"to_number": "1", "total_amount": 1e-999999, "total_duration": -0.0}',
    ],
)
def test_an_item_that_was_kept_reads_as_it_did_when_it_came(item: bytes) -> None:
    (received,) = read_callbacks(b"[" + item + b"]")
    assert received.event == one(item).event == one(received.raw).event


FIELD = st.sampled_from(
    [*DOCUMENTED, "ref_id", "status_code", "message"],
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.datetimes().map(lambda moment: moment.isoformat(" ", "seconds"))
    | st.decimals().map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELD | st.text(), inner, max_size=8),
    max_leaves=20,
)


def test_an_item_is_kept_as_it_was_written() -> None:
    first, second = b'{"to_number":"1","total_amount": 30.10}', b'{"status_code": 200, "ref_id": 7.0, "x": "],["}'
    received = read_callbacks(b" \n[\t" + first + b" ,\r\n" + second + b"\n ] ")
    assert [each.raw for each in received] == [first, second]


@given(st.binary())
def test_any_bytes_are_events(body: bytes) -> None:
    assert read_callbacks(body)


@given(JSON, st.sampled_from(["UTC", "Africa/Lagos", "Europe/Berlin", "Pacific/Kiritimati"]))
def test_any_json_is_events_that_can_be_identified_and_read_again(document: object, timezone: str) -> None:
    received = read_callbacks(json.dumps(document).encode(), timezone)
    assert received
    for each in received:
        (again,) = read_callbacks(each.raw, timezone) if not each.raw.startswith(b"[") else [each]
        assert again.event == each.event
        assert identity(again.event, None) == identity(each.event, None)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys([*DOCUMENTED, "ref_id"], JSON),
    )
)
def test_the_fields_of_any_call_keep_their_bounds(fields: dict[str, object]) -> None:
    read = call(**fields)
    for seconds in (read.total_duration, read.call_duration):
        assert seconds is None or 0 <= seconds < 2**31
    for moment in (read.started_at, read.answered_at, read.ended_at):
        assert moment is None or (moment.tzinfo is UTC and moment.year >= 1999)
    assert read.total_amount is None or 0 <= read.total_amount < 10**9
    assert read.to_number is None or len(read.to_number) <= 20


def test_identities_are_in_the_order_in_which_calls_ended() -> None:
    """An index of them grows at its end; else each callback would change a page somewhere in it."""
    ends: list[str | None] = [
        "2023-10-24 22:55:47",
        "2023-10-24 22:55:48",
        "2023-10-25 00:00:00",
        "2026-11-24 10:00:00",
    ]
    found = [identity(call(end_at=end), None) or "" for end in ends]
    assert found == sorted(found)
    ends += ["1969-12-31 23:59:59", "2200-01-01 00:00:00", None]
    assert {len(identity(call(end_at=end), None) or "") for end in ends} == {40}
    assert identity(call(end_at=ends[0]), None) != identity(call(end_at=ends[0], total_duration=1), None)


def test_a_repeat_has_the_identity_of_the_first() -> None:
    written_otherwise = {**DOCUMENTED, "total_amount": 30.0, "to_number": 2348020000000, "unknown": 1}
    assert identity(one(DOCUMENTED).event, "ninebits_default") == identity(
        one(written_otherwise).event, "ninebits_default"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"start_at": "2023-10-24 22:54:07"},
        {"answer_at": None},
        {"end_at": "2023-10-24 22:55:47"},
        {"total_duration": 96},
        {"call_duration": 91},
        {"call_direction": "inbound"},
        {"from_number": "07080670001"},
        {"to_number": "2348020000001"},
        {"total_amount": "30.000000001"},
        {"ref_id": "9azmf1ntcl358gczduzz4rs0u"},
    ],
    ids=str,
)
def test_a_call_that_differs_in_one_field_is_another(fields: dict[str, object]) -> None:
    assert identity(call(**fields), None) != identity(AS_READ, None)


def test_an_answer_is_known_by_ref_id_status_and_message() -> None:
    answer = ApiAnswer("r", 200, "fine")
    others = [ApiAnswer("s", 200, "fine"), ApiAnswer("r", 500, "fine"), ApiAnswer("r", 200, "")]
    assert identity(answer, None) == identity(ApiAnswer("r", 200, "fine"), None)
    assert identity(answer, None) not in {identity(other, None) for other in others}
    assert identity(ApiAnswer(None, 500, "no"), None) == identity(ApiAnswer(None, 500, "no"), None) is not None


def test_another_path_is_another_event() -> None:
    assert len({identity(AS_READ, path) for path in (None, "", "one", "two")}) == 4


@pytest.mark.parametrize(
    "event",
    [
        Unreadable("it is no JSON"),
        Call("2348020000000", ref_id="r", total_duration=0),
    ],
)
def test_what_nothing_identifies_has_no_identity(event: Call | ApiAnswer | Unreadable) -> None:
    assert identity(event, None) is None


@pytest.mark.parametrize("name", ["started_at", "answered_at", "ended_at"])
def test_one_time_is_enough_to_identify_a_call(name: str) -> None:
    assert identity(Call("2348020000000", **{name: AS_READ.started_at}), None)
