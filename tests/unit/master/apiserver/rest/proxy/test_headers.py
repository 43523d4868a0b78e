"""Which headers are passed on."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from master.apiserver.rest.proxy import headers


def of(*pairs: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(pairs))


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (of(), ""),
        (of(("Upgrade", "websocket")), ""),
        (of(("Connection", "Upgrade"), ("Upgrade", "websocket")), "websocket"),
        (of(("connection", "keep-alive, UPGRADE"), ("upgrade", "SPDY/3.1")), "SPDY/3.1"),
        (of(("Connection", "keep-alive"), ("Connection", "upgrade"), ("Upgrade", "x")), "x"),
        (of(("Connection", "Upgrade")), ""),
    ],
)
def test_an_upgrade_is_named_twice(said: CIMultiDictProxy[str], wanted: str) -> None:
    assert headers.upgrade_of(said) == wanted


@pytest.mark.parametrize(
    "name",
    [
        "Authorization", "Impersonate-User", "impersonate-extra-scopes", "X-Remote-User", "X-Remote-Extra-a",
        "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
        "Expect", "X-Hop", "Connection",
    ],
)  # fmt: skip
def test_what_is_meant_for_this_server_stays_here(name: str) -> None:
    said = of((name, "x"), ("Connection", "X-Hop"), ("Accept", "text/html"), ("Cookie", "a"), ("Cookie", "b"))
    found = headers.asked(said, "10.0.0.9")
    assert sorted(found.items()) == [
        ("Accept", "text/html"), ("Cookie", "a"), ("Cookie", "b"), ("X-Forwarded-For", "10.0.0.9")
    ]  # fmt: skip


def test_the_clients_address_comes_last() -> None:
    said = of(("X-Forwarded-For", "1.1.1.1, 2.2.2.2"), ("x-forwarded-for", "3.3.3.3"))
    assert headers.asked(said, "10.0.0.9").getall("X-Forwarded-For") == ["1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.9"]


def test_an_upgrade_is_asked_for_without_the_token_in_its_protocols() -> None:
    said = of(
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", "k"),
        ("Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io.c2VjcmV0, chat"),
    )
    found = headers.asked(said, "c")
    assert (found["Connection"], found["Upgrade"], found["Sec-WebSocket-Key"]) == ("Upgrade", "websocket", "k")
    assert found["Sec-WebSocket-Protocol"] == "chat"


def test_an_answer_grants_nothing_in_this_servers_name() -> None:
    said = of(
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close, X-Hop"),
        ("X-Hop", "1"),
        ("Set-Cookie", "a"),
        ("Set-Cookie", "b"),
        ("Content-Length", "3"),
    )
    assert sorted(headers.answered(said).items()) == [("Content-Length", "3"), ("Set-Cookie", "a"), ("Set-Cookie", "b")]


def test_an_answer_that_switches_says_to_what() -> None:
    said = of(("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", "x"))
    assert sorted(headers.switching(said).items()) == [
        ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "x"), ("Upgrade", "websocket")
    ]  # fmt: skip
