import pytest

from podlab.cli.images.targets import size_text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (999, "999B"), (2_130_000, "2.13MB"), (45_600, "45.6kB"), (7_200_000_000, "7.2GB")]
)
def test_sizes_are_written_as_docker_writes_them(size: int, text: str) -> None:
    assert size_text(size) == text
