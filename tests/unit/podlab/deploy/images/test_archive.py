import hashlib
import io
import json
import tarfile
from typing import Any

import pytest

from podlab.deploy.images.archive import Image, archive
from podlab.deploy.images.layer import Directory, Entry, File, Link, layer


def image(**changes: Any) -> Image:
    defaults: dict[str, Any] = {
        "name": "example.local/thing:2.0",
        "architecture": "amd64",
        "layers": [layer([File(path="one", content=b"1")]), layer([File(path="two", content=b"2")])],
        "entrypoint": ["/one", "--now"],
        "environment": {"ZED": "1", "ABLE": "2"},
        "ports": [8080],
    }
    return Image(**(defaults | changes))


def members(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        found = {}
        for info in tar.getmembers():
            if info.isfile():
                file = tar.extractfile(info)
                assert file is not None
                found[info.name] = file.read()
        return found


def blob(files: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    content = files["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]
    assert len(content) == descriptor["size"]
    return content


def test_the_same_image_gives_the_same_bytes() -> None:
    assert archive(image()) == archive(image(environment={"ABLE": "2", "ZED": "1"}))


def test_every_blob_is_named_by_its_digest() -> None:
    blobs = {name: content for name, content in members(archive(image())).items() if name.startswith("blobs/")}
    assert len(blobs) == 4
    for name, content in blobs.items():
        assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"


def test_the_index_names_the_image_and_leads_to_config_and_layers() -> None:
    files = members(archive(image()))
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "example.local/thing:2.0"
    assert entry["platform"] == {"architecture": "amd64", "os": "linux"}
    manifest = json.loads(blob(files, entry))
    config = json.loads(blob(files, manifest["config"]))
    assert config["config"]["Entrypoint"] == ["/one", "--now"]
    assert config["config"]["Env"] == ["ABLE=2", "ZED=1"]
    assert config["config"]["ExposedPorts"] == {"8080/tcp": {}}
    assert [layer["digest"] for layer in manifest["layers"]] == config["rootfs"]["diff_ids"]
    assert [list(members(blob(files, layer))) for layer in manifest["layers"]] == [["one"], ["two"]]


def test_a_layer_has_no_trace_of_who_made_it_when() -> None:
    entries: list[Entry] = [
        Directory(path="d", mode=0o700),
        File(path="d/f", content=b"x", mode=0o755),
        Link(path="d/l", target="f"),
    ]
    content = layer(entries)
    assert content == layer(reversed(entries))
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        found = [(info.name, info.type, info.mode, info.linkname) for info in tar.getmembers()]
        assert {(info.uid, info.gid, info.mtime, info.uname, info.gname) for info in tar.getmembers()} == {
            (0, 0, 0, "", "")
        }
    assert found == [
        ("d", tarfile.DIRTYPE, 0o700, ""),
        ("d/f", tarfile.REGTYPE, 0o755, ""),
        ("d/l", tarfile.SYMTYPE, 0o777, "f"),
    ]


@pytest.mark.parametrize("name", ["localhost:5000/thing:2.0", "example.local/thing:2.0"])
def test_the_tag_is_what_follows_the_last_colon(name: str) -> None:
    (entry,) = json.loads(members(archive(image(name=name)))["index.json"])["manifests"]
    assert entry["annotations"]["org.opencontainers.image.ref.name"] == "2.0"
