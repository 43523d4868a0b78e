"""How long ago, in words."""

import pytest
import typer

from podlab.cli.pods.logs import seconds


@pytest.mark.parametrize(
    ("text", "expected"), [("30s", 30), ("5m", 300), ("1h30m", 5400), ("90", 90), ("1h1m1s", 3661)]
)
def test_durations_are_read_as_seconds(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "x", "5 m", "-1s", "1d"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a duration"):
        seconds(text)
