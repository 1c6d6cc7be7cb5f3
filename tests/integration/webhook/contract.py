"""
The receiver's contract (docs/receiver.md) as an OpenAPI document.

The receiver itself has none, since Airflow would mount it without a password.
"""

from __future__ import annotations

from typing import Any, Final

_EMPTY: Final = {"application/json": {"schema": {"type": "object", "maxProperties": 0}}}
_LATER: Final = {
    "description": "the ledger cannot take it, or be written: come again",
    "content": _EMPTY,
    "headers": {"Retry-After": {"required": True, "schema": {"type": "integer", "enum": [30]}}},
}
_WRONG_METHOD: Final = {
    "description": "another method",
    "content": _EMPTY,
    "headers": {"Allow": {"required": True, "schema": {"enum": ["POST", "GET, HEAD", "HEAD, GET"]}}},
}
_TEXT_OR_NUMBER: Final = {"type": ["string", "number", "null"]}
_CALL: Final = {
    "type": "object",
    "properties": {
        "start_at": {"type": ["string", "null"]},
        "answer_at": {"type": ["string", "null"]},
        "end_at": {"type": ["string", "null"]},
        "total_duration": _TEXT_OR_NUMBER,
        "call_duration": _TEXT_OR_NUMBER,
        "call_direction": {"enum": ["outbound", "inbound"]},
        "from_number": _TEXT_OR_NUMBER,
        "to_number": _TEXT_OR_NUMBER,
        "total_amount": _TEXT_OR_NUMBER,
        "ref_id": _TEXT_OR_NUMBER,
    },
}
_ANSWER: Final = {
    "type": "object",
    "properties": {
        "status_code": {"type": ["integer", "string"]},
        "message": {"type": "string"},
        "ref_id": _TEXT_OR_NUMBER,
    },
    "required": ["status_code"],
}
# Nothing that is authenticated is refused for what it says.
_ANYTHING: Final = {"anyOf": [_CALL, _ANSWER, {"type": "array", "items": {"anyOf": [_CALL, _ANSWER]}}, {}]}


def _delivery(*, conn_id: bool, summary: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "security": [{"basic": []}],
        "requestBody": {
            "content": {
                "application/json": {"schema": _ANYTHING},
                "text/plain": {"schema": {"type": "string"}},
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            }
        },
        "responses": {
            "200": {"description": "it is committed", "content": _EMPTY},
            "401": {
                "description": "no credentials, or wrong ones",
                "content": _EMPTY,
                "headers": {"WWW-Authenticate": {"required": True, "schema": {"enum": ['Basic realm="ninebits"']}}},
            },
            "405": _WRONG_METHOD,
            "413": {"description": "more than 1 MiB", "content": _EMPTY},
            "503": _LATER,
        },
    }
    if conn_id:
        operation["parameters"] = [
            {"name": "conn_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        ]
    return {"post": operation}


def _health() -> dict[str, Any]:
    return {
        "get": {
            "summary": "whether the ledger can be written",
            "security": [],
            "responses": {"200": {"description": "yes", "content": _EMPTY}, "405": _WRONG_METHOD, "503": _LATER},
        }
    }


DOCUMENT: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {"title": "The receiver of 9bits' callbacks", "version": "0.1.0"},
    "paths": {
        "/ninebits/callback": _delivery(conn_id=False, summary="what came of calls, of any connection"),
        "/ninebits/callback/": _delivery(conn_id=False, summary="the same"),
        "/ninebits/callback/{conn_id}": _delivery(conn_id=True, summary="what came of one connection's calls"),
        "/ninebits/callback/{conn_id}/": _delivery(conn_id=True, summary="the same"),
        "/ninebits/health": _health(),
        "/ninebits/health/": _health(),
    },
    "components": {"securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}},
}
