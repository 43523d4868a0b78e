from pathlib import Path

import pytest

from podlab.cli.failures import CommandError
from podlab.cli.images import building


def test_buildah_is_told_what_docker_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUILDAH_ISOLATION", raising=False)
    words = building.build_words(Path("app"), Path("app/Dockerfile"), "docker.io/library/web:1", ["A=1"], "base")
    expected = "build --layers --isolation chroot --file app/Dockerfile --tag docker.io/library/web:1"
    assert words == [*expected.split(), "--build-arg", "A=1", "--target", "base", "app"]


def test_what_cannot_be_meant_is_refused_by_its_option() -> None:
    assert building.checked("web", ()) == "docker.io/library/web:latest"
    with pytest.raises(CommandError, match="--tag: Invalid value: 'Web' names no image"):
        building.checked("Web", ())
    with pytest.raises(CommandError, match="--build-arg: Invalid value: 'A': write NAME=VALUE"):
        building.checked("web", ["A"])
