"""Images are for the machine of the hosts, which may be another than this one's."""

import json
import platform
import tarfile
from pathlib import Path

from podlab.deploy.images.busybox import PROGRAM
from podlab.deploy.offline import images


def architecture(path: Path) -> str:
    with tarfile.open(path) as tar:
        blobs = [tar.extractfile(name) for name in tar.getnames() if name.startswith("blobs/sha256/")]
        texts = [blob.read() for blob in blobs if blob is not None]
    found = [json.loads(text)["architecture"] for text in texts if text.startswith(b"{") and b'"architecture"' in text]
    return str(found[0])


def test_this_machine_s_busybox_is_taken_for_hosts_like_it(tmp_path: Path) -> None:
    assert images.busybox(platform.machine(), tmp_path) == PROGRAM


def test_an_image_is_for_the_machine_of_the_busybox_that_was_got_for_it(tmp_path: Path) -> None:
    """The one of another machine is in the cache: this one with the other's number in its head."""
    program = bytearray(PROGRAM.read_bytes())
    program[18:20] = (183).to_bytes(2, "little")
    (tmp_path / "cache/busybox-static-aarch64").mkdir(parents=True)
    (tmp_path / "cache/busybox-static-aarch64/busybox").write_bytes(program)
    made = images.build("podlab.local/pause:1", tmp_path, "aarch64", tmp_path / "cache")
    assert architecture(made) == "arm64"
