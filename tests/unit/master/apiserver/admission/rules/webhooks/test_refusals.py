from __future__ import annotations

from collections.abc import Mapping

import pytest

from master.apiserver.admission.rules.webhooks import refusals
from podlab.api.values.jsonvalues import Json
from podlab.errors import BadRequest, Conflict, Forbidden, Invalid, to_status

DENIED = 'admission webhook "a.b.c" denied the request'


@pytest.mark.parametrize(
    ("result", "message", "code", "reason"),
    [
        ({}, f"{DENIED} without explanation", 400, ""),
        ({"message": "no"}, f"{DENIED}: no", 400, ""),
        ({"reason": "Nope"}, f"{DENIED}: Nope", 400, "Nope"),
        ({"message": "no", "code": 403, "reason": "Forbidden"}, f"{DENIED}: no", 403, "Forbidden"),
        ({"message": "no", "code": 418, "reason": "Teapot"}, f"{DENIED}: no", 418, "Teapot"),
        ({"message": "no", "code": 200, "status": "Success"}, f"{DENIED}: no", 400, ""),
        ({"message": "no", "code": 1200}, f"{DENIED}: no", 400, ""),
    ],
)
def test_a_webhook_refuses_with_its_own_code_and_reason(
    result: Mapping[str, Json], message: str, code: int, reason: str
) -> None:
    error = refusals.denied("a.b.c", result)
    assert (error.message, error.code, error.reason) == (message, code, reason)
    assert to_status(error).status == "Failure"


def test_details_of_a_refusal_are_told_as_they_are() -> None:
    details = {"name": "n", "kind": "k", "group": "g", "causes": [{"message": "m", "field": "spec.x", "reason": "r"}]}
    error = refusals.denied("a.b.c", {"code": 422, "reason": "Invalid", "details": details, "unknown": 1})
    assert isinstance(error, Invalid)
    assert (error.name, error.kind, [str(cause) for cause in error.causes]) == ("n", "k.g", ["spec.x: m"])


def test_the_error_is_that_of_the_reason_or_of_the_code() -> None:
    assert isinstance(refusals.denied("a", {"reason": "Forbidden"}), Forbidden)
    assert isinstance(refusals.denied("a", {"code": 409}), Conflict)
    assert isinstance(refusals.denied("a", {"code": "high"}), BadRequest)


@pytest.mark.parametrize(
    ("code", "body", "told"),
    [
        (500, b" broken\n", 'an error on the server ("broken") has prevented the request from succeeding'),
        (502, b"", 'an error on the server ("unknown") has prevented the request from succeeding'),
        (503, b"", "the server is currently unable to handle the request"),
        (404, b"no page", "the server could not find the requested resource"),
        (403, b"not you", "not you"),
        (302, b"", "the server responded with the status code 302 but did not return more information"),
    ],
)
def test_what_is_no_review_is_told_in_the_words_of_gos_client(code: int, body: bytes, told: str) -> None:
    assert refusals.unexpected(code, body) == told
