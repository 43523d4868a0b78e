from pathlib import Path

import pytest

from podlab.deploy.images import IMAGES, build
from podlab.deploy.images.__main__ import main
from podlab.deploy.images.catalog import UnknownImageError

# These make the real images, so they need the static busybox that the bootstrap installs.


def test_an_image_that_is_already_there_is_not_written_again(tmp_path: Path) -> None:
    first = build("podlab.local/hello:1.0", tmp_path)
    written = first.stat().st_mtime_ns
    assert build("podlab.local/hello:1.0", tmp_path) == first
    assert first.stat().st_mtime_ns == written


def test_a_damaged_archive_is_replaced(tmp_path: Path) -> None:
    path = build("podlab.local/pause:1", tmp_path)
    good = path.read_bytes()
    path.write_bytes(good[:100])
    build("podlab.local/pause:1", tmp_path)
    assert path.read_bytes() == good


def test_an_unknown_image_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        UnknownImageError, match=r"no image 'nginx'; there are podlab\.local/pause:1, podlab\.local/hello:1\.0"
    ):
        build("nginx", tmp_path)


def test_the_command_prints_only_the_files_that_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / recipe.file_name) for recipe in IMAGES.values()]
    (tmp_path / "hello-1.1.tar").unlink()
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "hello-1.1.tar")]
