"""Which protocol a client and the server agree on."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from master.apiserver.rest.streams import channels
from master.apiserver.rest.streams.negotiation import SPDY, WEBSOCKET, Upgrade, negotiated
from master.apiserver.rest.streams.remotecommand import spdy_client
from podlab.errors import BadRequest

OFFER = {WEBSOCKET: "Sec-WebSocket-Protocol", SPDY: "X-Stream-Protocol-Version"}


@pytest.mark.parametrize(
    ("to", "offered", "chosen"),
    [
        ("websocket", ["v5.channel.k8s.io, v4.channel.k8s.io"], channels.V5),
        ("WebSocket", ["v4.base64.channel.k8s.io"], channels.V4_BASE64),
        ("websocket", ["soap,base64.channel.k8s.io"], channels.V1_BASE64),
        ("websocket", [], ""),
        ("SPDY/3.1", ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"], channels.V4),
        ("SPDY/3.1", ["v5.channel.k8s.io", "v2.channel.k8s.io"], "v2.channel.k8s.io"),
        ("spdy/3.1", [], ""),
    ],
)
def test_the_first_that_both_speak(to: str, offered: list[str], chosen: str) -> None:
    headers = CIMultiDict([("Upgrade", to), *((OFFER[to.lower()], one) for one in offered)])
    assert negotiated(headers, channels.ALL, spdy_client.PROTOCOLS) == Upgrade(to.lower(), chosen)


@pytest.mark.parametrize(
    ("headers", "over_spdy", "words"),
    [
        ({}, ("a",), "Upgrade request required"),
        ({"Upgrade": "h2c"}, ("a",), "unable to upgrade to h2c"),
        ({"Upgrade": "SPDY/3.1"}, (), "unable to upgrade to spdy/3.1"),
        ({"Upgrade": "SPDY/3.1"}, ("a",), "client supports [], server accepts ['a']"),
        ({"Upgrade": "websocket", "Sec-WebSocket-Protocol": "soap"}, (), "client supports ['soap'], server accepts"),
    ],
)
def test_what_nobody_speaks_is_refused(headers: dict[str, str], over_spdy: tuple[str, ...], words: str) -> None:
    with pytest.raises(BadRequest) as refused:
        negotiated(CIMultiDict(headers), channels.ALL, over_spdy)
    assert words in refused.value.message
