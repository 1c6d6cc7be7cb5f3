"""Bodies, headers and paths that nobody should send, and what has to become of each."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Final

MIB: Final = 1024 * 1024
FORGED: Final = "FORGED-BY-A-STRANGER"
"""In everything hostile: no log line and no answer may hold it."""

_NEW_LINE = f"\r\n2026-01-01T00:00:00Z [critical ] {FORGED}\r\n\x1b[31m"


def _list_of(item: bytes, size: int = MIB) -> bytes:
    return b"[" + b",".join([item] * ((size - 2) // (len(item) + 1))) + b"]"


def _bomb(compress: object = gzip.compress) -> bytes:
    # 100 MiB in some 100 kB.
    return compress(b"[" * (100 * MIB))  # type: ignore[operator, no-any-return]


KEPT_AS_ONE: Final[dict[str, bytes]] = {
    "nothing": b"",
    "blanks": b" \t\r\n" * 1000,
    "one NUL": b"\x00",
    "bytes that are no text": bytes(range(256)) * 1000,
    "text": FORGED.encode(),
    "a forged log line": _NEW_LINE.encode(),
    "a list nested too deeply": b"[" * MIB,
    "an object nested too deeply": b'{"a":' * 200_000,
    "nested as deeply as can be read": b'{"a":' * 900 + b"1" + b"}" * 900,
    "nested deeply in a field": b'{"to_number":' + b"[" * 800 + b"]" * 800 + b"}",
    "NaN": b'{"to_number": NaN, "total_amount": -Infinity, "total_duration": Infinity}',
    "an integer of a megabyte": b'{"to_number":' + b"9" * (MIB - 20) + b"}",
    "a decimal of a megabyte": b'{"to_number":1.' + b"9" * (MIB - 80) + b',"total_amount":1e999999999}',
    "exponents that no decimal has": b'{"total_amount": 1e99999999999999999999, "to_number": 0e-999999999}',
    "a zero of many places": b'{"to_number":0e-999999999,"total_duration":0e-400000000,"status_code":0e-99999999}',
    "lone surrogates": b'{"to_number": "\\ud800", "message": "\\udfff", "status_code": 500, "ref_id": "\\ud83d"}',
    "lone surrogates as UTF-8": b'{"to_number": "\xed\xa0\x80", "start_at": "\xed\xbf\xbf"}',
    "NUL in every field": json.dumps(
        dict.fromkeys(("to_number", "start_at", "answer_at", "call_direction", "total_amount", "ref_id"), "a\x00b")
    ).encode(),
    "log lines in every field": json.dumps(
        {"to_number": _NEW_LINE, "message": _NEW_LINE, "ref_id": _NEW_LINE, "status_code": 500}
    ).encode(),
    "SQL in every field": json.dumps(
        dict.fromkeys(
            ("to_number", "ref_id", "message", "from_number"), f"'); DROP TABLE ninebits_callback; -- {FORGED}"
        )
        | {"status_code": 500}
    ).encode(),
    "keys that come twice": b'{"to_number": "1", "to_number": {"to_number": "2"}, "ref_id": 1, "ref_id": []}',
    "types that are wrong": b'{"to_number": {}, "start_at": [], "answer_at": 5, "total_duration": true, "ref_id": {}}',
    "100,000 keys": b"{" + b",".join(b'"%d":1' % key for key in range(100_000)) + b"}",
    "a key of a megabyte": b'{"' + b"k" * (MIB - 10) + b'":1}',
    "a text of a megabyte": b'{"status_code":500,"message":"' + b"\\u0000" * 170_000 + b'"}',
    "a number followed by blanks": b'{"to_number":"1' + b" " * (MIB - 40) + b'(0"}',
    "a time followed by blanks": b'{"start_at":"2023-10-24 22:54:06' + b" " * (MIB - 40) + b'x"}',
    "backslashes without end": b'"' + b"\\" * (MIB - 1),
    "a gzip bomb": _bomb(),
    "a deflate bomb": _bomb(zlib.compress),
    "a list of 100,000": b"[" + b",".join([b"{}"] * 100_000) + b"]",
    "half a million numbers": _list_of(b"1"),
    "a list of many lists": _list_of(b"[]"),
    "a list of many decimals": _list_of(b"1.5"),
    "a list in UTF-16": b"\xff\xfe" + ("[" + "{}," * 170_000 + "{}]").encode("utf-16-le"),
    "an object in UTF-32": b"\xff\xfe\x00\x00" + '{"to_number":"1"}'.encode("utf-32-le"),
    "half of an UTF-32 character": b"\xff\xfe\x00\x00{",
    "XML": f"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e '{FORGED}'>]><x>&e;</x>".encode(),
    "a form": f"to_number=2348020000000&x={FORGED}".encode(),
}
"""By what they are: bodies of at most 1 MiB, each of which becomes one callback, kept as it came."""

HEADERS: Final[list[dict[str, str]]] = [
    {"Content-Type": "application/json"},
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "deflate, gzip, br", "Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "multipart/form-data; boundary=" + "x" * 100},
    {"Content-Type": f"text/plain; charset={FORGED}"},
    {"Content-Type": "application/json; charset=utf-7"},
    {"X-Forwarded-For": f"{FORGED}, 127.0.0.1", "Forwarded": f"for={FORGED};host={FORGED}", "User-Agent": FORGED},
    {"X-HTTP-Method-Override": "DELETE", "Referer": f"http://{FORGED}/"},
    {"Expect": "100-continue"},
]

CONN_IDS: Final[dict[str, str]] = {
    "plain": "plain",
    "a%20b": "a b",
    "a%2Fb": "a/b",
    "%2F": "/",
    "a%2Fb%2F..%2F..%2Fhealth": "a/b/../../health",
    "%2e%2e": "..",
    "%00": "?",
    f"a%0d%0a{FORGED}%1b%5b31m": f"a??{FORGED}?[31m",
    "%E2%98%8E%F0%9F%93%9E": "☎📞",
    "%ff%fe": "��",
    "%ED%A0%80": "���",
    "%25%32%46": "%2F",
    "%": "%",
    "'%3BDROP%20TABLE%20ninebits_callback": "';DROP TABLE ninebits_callback",
    "x" * 10_000: "x" * 250,
    "%E2%98%8E" * 1000: "☎" * 250,
    f"plain?conn_id={FORGED}&x=%0d%0a": "plain",
}
"""What stands in the path after ``/ninebits/callback/``, and the conn_id that is kept."""

MALFORMED: Final[dict[str, bytes]] = {
    "no HTTP": f"{FORGED}\r\n\r\n".encode(),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": b"POST /ninebits/callback HTTP/1.1\r\n\r\n",
    "two lengths": b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length below zero": b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length that is none": b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nContent-Length: 0x10\r\n\r\n",
    "an unknown coding": b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "a header of 100 kB": b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
    + b"y" * 100_000
    + b"\r\n\r\n",
    "10,000 headers": b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    + b"X: y\r\n" * 10_000
    + b"\r\n",
    "a path of 100 kB": b"POST /ninebits/callback/"
    + b"y" * 100_000
    + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a header over two lines": b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nX: a\nb\rc\r\n\r\n",
    "a NUL in a header": b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "a method in two words": b"POST POST /ninebits/callback HTTP/1.1\r\nHost: x\r\n\r\n",
}
"""Whole requests that are no HTTP, or more of it than is taken."""

ODD_TARGETS: Final[list[bytes]] = [
    b"*",
    b"//" + FORGED.encode() + b"/ninebits/callback",
    b"/ninebits/callback//",
    b"/ninebits/health//?" + FORGED.encode(),
    b"/ninebits//callback",
    b"/ninebits/callback/a/b?" + FORGED.encode(),
    b"/ninebits/callback/a//",
    b"/../ninebits/callback",
    b"/ninebits/callback/..;/..;/etc/passwd",
    b"/%6einebits/callback%00",
    b"/ninebits/callback%0d%0a" + FORGED.encode(),
]
"""Request targets that name no route."""
