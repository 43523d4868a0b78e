import subprocess
from pathlib import Path

import pytest

from podlab.deploy.images.busybox import PROGRAM, Busybox, read_busybox
from podlab.deploy.images.elf import ProgramError, executable
from podlab.deploy.images.layer import File, Link


def test_every_applet_is_a_link_to_the_one_program() -> None:
    entries = Busybox(b"program", ("busybox", "sh", "cat")).entries()
    assert [entry for entry in entries if isinstance(entry, Link)] == [
        Link(path="bin/sh", target="busybox"),
        Link(path="bin/cat", target="busybox"),
    ]
    assert File(path="bin/busybox", content=b"program", mode=0o755) in entries


def test_a_missing_busybox_names_the_package_that_brings_it(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"nothing: No such file or directory; install Debian's busybox-static"):
        read_busybox(tmp_path / "nothing")


def test_a_script_in_place_of_busybox_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "busybox"
    path.write_text("#!/bin/sh\n")
    with pytest.raises(ProgramError, match="busybox: not an ELF program; install"):
        read_busybox(path)


def test_a_dynamically_linked_busybox_is_refused() -> None:
    with pytest.raises(ProgramError, match="dynamically linked"):
        read_busybox(Path("/bin/bash"))


def test_a_static_program_that_is_no_busybox_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "busybox"
    path.write_bytes(executable(bytes.fromhex("bf01000000 b83c000000 0f05")))  # exit(1)
    with pytest.raises(ProgramError, match="has no list of applets; install"):
        read_busybox(path)


def test_the_applets_are_those_that_the_program_tells() -> None:
    told = subprocess.run([PROGRAM, "--list"], check=True, capture_output=True, text=True).stdout.split()
    assert list(read_busybox().applets) == told
