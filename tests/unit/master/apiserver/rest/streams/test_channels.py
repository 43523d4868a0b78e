"""Messages of the remote command protocol, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.apiserver.rest.streams import channels
from master.apiserver.rest.streams.channels import V4, V5, Input, InputEnd, Resize


@pytest.mark.parametrize(
    ("message", "protocol", "meaning"),
    [
        (b"\0abc", V4, Input(b"abc")),
        (b"\0", V4, None),
        (b"", V5, None),
        (b"\xff\0", V5, InputEnd()),
        (b"\xff\0", V4, None),
        (b"\xff\1", V5, None),
        (b'\4{"Width":3,"Height":4}', V4, Resize(3, 4)),
        (b'\4{"Width":70000,"Height":4}', V4, None),
        (b'\4{"Width":"3","Height":4}', V4, None),
        (b"\1a client does not speak here", V5, None),
    ],
)
def test_what_a_client_says(message: bytes, protocol: str, meaning: object) -> None:
    assert channels.read(message, protocol) == meaning


@given(st.binary(max_size=50), st.sampled_from((V4, V5)))
def test_nothing_that_a_client_says_breaks_the_reader(message: bytes, protocol: str) -> None:
    channels.read(message, protocol)


@given(st.binary())
def test_input_arrives_as_it_was_sent(content: bytes) -> None:
    read = channels.read(channels.message(channels.STDIN, content), V5)
    assert read == (Input(content) if content else None)


@given(st.integers(0, 79), st.binary())
def test_a_message_in_base64_arrives_as_it_was_sent(channel: int, content: bytes) -> None:
    sent = channels.message(channel, content)
    assert channels.decoded(channels.encoded(sent).encode()) == sent


@given(st.binary(max_size=50))
def test_what_is_no_base64_says_nothing(junk: bytes) -> None:
    assert channels.read(channels.decoded(b"0%" + junk), channels.V1_BASE64) is None
    channels.decoded(junk)
