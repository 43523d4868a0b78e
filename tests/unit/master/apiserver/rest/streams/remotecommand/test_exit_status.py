"""How a command ended, as clients of each protocol are told."""

from __future__ import annotations

import orjson
import pytest

from master.apiserver.rest.streams import channels
from master.apiserver.rest.streams.remotecommand import exit_status, spdy_client
from podlab.errors import BadRequest

VERSION_4 = (channels.V5, channels.V4, channels.V4_BASE64)
OLDER = (channels.V1, channels.V1_BASE64, channels.UNNAMED, *spdy_client.PROTOCOLS[1:])


@pytest.mark.parametrize("protocol", VERSION_4)
def test_since_version_4_the_end_is_a_status(protocol: str) -> None:
    assert orjson.loads(exit_status.encoded(exit_status.ended(0), protocol))["status"] == "Success"
    failed = orjson.loads(exit_status.encoded(exit_status.ended(7), protocol))
    assert (failed["reason"], failed["details"]["causes"][0]["message"]) == ("NonZeroExitCode", "7")
    assert orjson.loads(exit_status.encoded(exit_status.ended(126, "why"), protocol))["message"] == "why"


@pytest.mark.parametrize("protocol", OLDER)
def test_before_it_is_words_and_nothing_of_a_success(protocol: str) -> None:
    assert exit_status.encoded(exit_status.ended(0), protocol) == b""
    assert (
        exit_status.encoded(exit_status.ended(7), protocol)
        == b"command terminated with non-zero exit code: exit status 7"
    )
    assert exit_status.encoded(exit_status.failed(BadRequest("no")), protocol) == b"no"
