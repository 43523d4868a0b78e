from __future__ import annotations

import pytest

from master.apiserver.rest.content import warning_headers


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([], []),
        (["a", "b", "a"], ['299 - "a"', '299 - "b"']),
        (['say "x"\n'], ['299 - "say \\"x\\"\\n"']),
        (["x" * 4096], [f'299 - "{"x" * 4096}"']),
        (["x" * 4097], [f'299 - "{"x" * 256}"']),
        ([f"{number:0300}" for number in range(20_000)], [f'299 - "{"0" * 256}"'] * 16),
    ],
)
def test_each_thing_is_told_once_and_no_more_than_clients_read(said: list[str], told: list[str]) -> None:
    assert list(warning_headers.headers(said)) == told
