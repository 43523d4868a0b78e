"""Frames and headers, whatever they hold and however they are cut."""

from __future__ import annotations

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab import spdy
from podlab.spdy import Control, Data, Deflater, Inflater, Malformed

HEADERS = st.dictionaries(st.text(st.characters(codec="ascii", min_codepoint=97, max_codepoint=122)), st.text())
DATA = st.builds(Data, st.integers(1, 2**31 - 1), st.binary(max_size=200), st.booleans())
CONTROL = st.builds(Control, st.sampled_from((spdy.PING, spdy.GOAWAY)), st.integers(0, 255), st.binary(max_size=50))


def _bytes(frame: Data | Control) -> bytes:
    if isinstance(frame, Data):
        return spdy.data_frame(frame.stream, frame.content, last=frame.last)
    return spdy.control_frame(frame.kind, frame.payload, flags=frame.flags)


@given(st.lists(DATA | CONTROL), st.integers(1, 64))
def test_frames_arrive_whole_however_the_bytes_are_cut(frames: list[Data | Control], size: int) -> None:
    sent = b"".join(_bytes(frame) for frame in frames)
    buffer, found = bytearray(), []
    for start in range(0, len(sent), size):
        buffer += sent[start : start + size]
        found += spdy.split(buffer)
    assert (found, buffer) == (frames, b"")


@given(st.lists(HEADERS, min_size=1, max_size=4))
def test_headers_of_one_direction_are_one_compressed_stream(headers: list[dict[str, str]]) -> None:
    deflater, inflater = Deflater(), Inflater()
    assert [inflater.headers(deflater.block(one)) for one in headers] == headers


def test_headers_that_are_compressed_with_the_standards_dictionary_are_read() -> None:
    assert zlib.adler32(spdy.dictionary()) == 0xE3C6A7C2  # as every SPDY/3 header block names it
    text = struct.pack("!I", 1) + struct.pack("!I", 4) + b"Port" + struct.pack("!I", 2) + b"80"
    compressor = zlib.compressobj(zdict=spdy.dictionary())
    block = compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert list(spdy.Reader().fed(spdy.syn_stream(7, block))) == [spdy.Opened(7, {"port": "80"})]


@pytest.mark.parametrize("numbers", [(2,), (3, 1), (3, 3), (0,)])
def test_streams_that_a_client_may_not_open_are_refused(numbers: tuple[int, ...]) -> None:
    deflater = Deflater()
    sent = b"".join(spdy.syn_stream(number, deflater.block({})) for number in numbers)
    with pytest.raises(Malformed, match="odd, rising numbers"):
        list(spdy.Reader().fed(sent))


@given(st.binary(max_size=200))
def test_junk_is_refused_or_not_yet_whole(junk: bytes) -> None:
    with contextlib.suppress(Malformed):
        list(spdy.Reader().fed(junk))


def test_what_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(Malformed, match="a frame of"):
        list(spdy.split(bytearray(struct.pack("!II", 1, spdy.MAX_FRAME + 1))))
    bomb = zlib.compressobj()
    block = bomb.compress(bytes(10 * spdy.MAX_HEADERS)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(Malformed, match="headers of more than"):
        Inflater().headers(block)
