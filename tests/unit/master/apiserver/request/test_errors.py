from __future__ import annotations

import logging
from pathlib import Path

import pytest

from master.apiserver.request import errors
from master.store import errors as store_errors
from master.store.errors import StoreError
from podlab.errors import ApiError, Conflict, Expired, InternalError, NotFound, ServiceUnavailable, Timeout
from podlab.v1 import apiserver_pb2


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (store_errors.Mismatch("/registry/core/pods/default/a", 1, 2), Conflict),
        (store_errors.Compacted(1, 2), Expired),
        (store_errors.FutureRevision(9, 2), Expired),
        (store_errors.Overrun("/", 1), Expired),
        (store_errors.Closed(), ServiceUnavailable),
        (store_errors.Unwritable(Path("store.db"), "disk full"), ServiceUnavailable),
        (store_errors.Unreachable(["a:2379"], "refused"), ServiceUnavailable),
        (store_errors.Refused("a:2379", "no space", "make room"), ServiceUnavailable),
        (store_errors.Undecided("a:2379", "the connection was lost"), Timeout),
        (store_errors.Corrupt(Path("store.db"), "bad page"), InternalError),
    ],
)
def test_each_refusal_of_the_store_has_its_meaning_to_callers(error: StoreError, told: type[ApiError]) -> None:
    assert type(errors.api_error(error, None)) is told


def test_our_own_errors_pass_as_they_are() -> None:
    error = NotFound.of("pods", "web")
    assert errors.api_error(error, None) is error


def test_the_unexpected_is_internal_to_the_caller_and_told_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        told = errors.api_error(KeyError("surprise"), apiserver_pb2.GetRequest(kind="Pod"))
    assert type(told) is InternalError
    assert "surprise" not in told.message
    assert "KeyError: 'surprise'" in caplog.text


def test_no_value_of_a_secret_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    request = apiserver_pb2.CreateRequest()
    request.object.secret.data["key"] = b"hunter2"
    with caplog.at_level(logging.ERROR):
        errors.api_error(ValueError("hunter2"), request)
        errors.api_error(ValueError("hunter2"), apiserver_pb2.GetRequest(kind="Secret"))
    assert "ValueError" in caplog.text
    assert "hunter2" not in caplog.text
