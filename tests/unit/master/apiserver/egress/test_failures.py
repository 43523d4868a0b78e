"""What an error of a connection says to clients, and whether it may be asked again."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from master.apiserver.egress.failures import Unanswered, Unconnected, failure

WEB = "web.default:443"
KEY = ConnectionKey("web.default", 443, True, True, None, None, None)


def closing() -> aiohttp.ClientOSError:
    """What aiohttp raises when the connection that it took from its pool is closed as the body is written."""
    error = aiohttp.ClientOSError(None, "Can not write request body for http://web.default:443/")
    error.__cause__ = aiohttp.ClientConnectionResetError("Cannot write to closing transport")
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (aiohttp.ServerDisconnectedError(), "EOF"),
        (closing(), "EOF"),
        (aiohttp.ClientOSError(104, "Connection reset by peer"), f"read tcp {WEB}: connection reset by peer"),
        (aiohttp.ClientConnectionResetError("Cannot write to closing transport"), "EOF"),
        (ConnectionResetError(104, "Connection reset by peer"), f"read tcp {WEB}: connection reset by peer"),
    ],
)
def test_a_connection_that_ends_before_the_answer_may_be_asked_again(error: Exception, told: str) -> None:
    found = failure(error, WEB)
    assert type(found) is Unanswered
    assert found.message == told


def test_what_was_never_connected_is_unconnected() -> None:
    refused = aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "Connection refused"))
    assert type(failure(refused, WEB)) is Unconnected


@pytest.mark.parametrize("error", [aiohttp.ClientPayloadError("cut"), aiohttp.ClientConnectionError("?")])
def test_what_breaks_off_in_the_answer_is_not_asked_again(error: Exception) -> None:
    assert not isinstance(failure(error, WEB), Unanswered | Unconnected)
