import io
import json
import tarfile
from pathlib import Path

import pytest

from podlab.cli.failures import CommandError
from podlab.cli.images import layout
from podlab.deploy.images.archive import Image, archive
from podlab.deploy.images.layer import File, layer

LAYERS = [layer([File(path=f"f{number}", content=b"x" * 5000 * number)]) for number in (1, 2)]
NAME = "podlab.local/web:1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    image = Image(name=NAME, architecture="amd64", layers=LAYERS, entrypoint=["/web"])
    (tmp_path / "web.tar").write_bytes(archive(image))
    return tmp_path / "web.tar"


def opened(found: layout.Archive, left_out: tuple[str, ...] = ()) -> dict[str, bytes]:
    content = b"".join(layout.chunks(found, left_out))
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def rewritten(path: Path, index: dict[str, object]) -> Path:
    """The archive with another index, compressed."""
    target = path.with_suffix(".tar.gz")
    with tarfile.open(path) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            content = json.dumps(index).encode() if member.name == "index.json" else None
            if content is not None:
                member.size = len(content)
            file = io.BytesIO(content) if content is not None else old.extractfile(member)
            new.addfile(member, file)
    return target


def test_layers_that_a_node_has_are_left_out_and_all_else_is_sent(path: Path) -> None:
    found = layout.read(path)
    assert sorted(found.layers.values()) == sorted(len(each) for each in LAYERS)
    whole = opened(found)
    first = next(iter(found.layers))
    rest = opened(found, (first,))
    assert set(whole) - set(rest) == {"blobs/" + first.replace(":", "/")}
    assert {name: content for name, content in whole.items() if name in rest} == rest
    assert found.size() - found.size([first]) == found.layers[first]


def test_an_image_is_given_another_name(path: Path) -> None:
    index = json.loads(opened(layout.read(path, "web"))["index.json"])
    assert index["manifests"][0]["annotations"]["io.containerd.image.name"] == "docker.io/library/web:latest"


def test_names_that_other_tools_write_are_understood_also_in_a_compressed_archive(path: Path) -> None:
    index = json.loads(opened(layout.read(path))["index.json"])
    manifest = index["manifests"][0]
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "localhost/web:1"}
    found = layout.read(rewritten(path, index))
    assert json.loads(opened(found)["index.json"])["manifests"][0]["annotations"]["io.containerd.image.name"] == (
        "localhost/web:1"
    )
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "1"}
    with pytest.raises(CommandError, match=r"--tag: Required value: .* does not say what its image is called"):
        layout.read(rewritten(path, index))


def test_what_is_no_image_archive_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no tar" * 1000)
    with pytest.raises(CommandError, match="is no image archive"):
        layout.read(tmp_path / "text")
    (tmp_path / "files.tar").write_bytes(layer([File(path="a", content=b"")]))
    with pytest.raises(CommandError, match=r"neither index\.json nor manifest\.json"):
        layout.read(tmp_path / "files.tar")
    (tmp_path / "odd.tar").write_bytes(layer([File(path="index.json", content=b"[]")]))
    with pytest.raises(CommandError, match="is no OCI image archive"):
        layout.read(tmp_path / "odd.tar")


def test_dockers_older_form_is_sent_as_it_is(tmp_path: Path) -> None:
    content = layer([File(path="manifest.json", content=b"[]")])
    (tmp_path / "old.tar").write_bytes(content)
    found = layout.read(tmp_path / "old.tar")
    assert b"".join(layout.chunks(found, ())) == content
    assert found.size() == len(content)
    with pytest.raises(CommandError, match="leave --tag out"):
        layout.read(tmp_path / "old.tar", "web")
