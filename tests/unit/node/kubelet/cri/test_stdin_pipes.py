"""Pipes of processes' input, as containerd lays them out."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from node.kubelet.cri import stdin_pipes


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "io.containerd.grpc.v1.cri" / "containers" / "c1" / "io" / "7" / "exec1-stdin"
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    (path.parent / "exec1-stdout").touch()
    return path


def test_the_pipes_of_a_container_are_found(tmp_path: Path, pipe: Path) -> None:
    assert stdin_pipes.find_pipes(f"unix://{tmp_path}/containerd.sock", "c1") == [("exec1", pipe)]
    assert stdin_pipes.find_pipes(f"unix://{tmp_path}/containerd.sock", "c2") == []


def test_a_full_pipe_has_room_again(pipe: Path) -> None:
    end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        while select.select((), (end,), (), 0)[1]:
            os.write(end, bytes(4096))
        stdin_pipes.drain(pipe)
        assert os.write(end, bytes(4096)) == 4096
    finally:
        os.close(end)


def test_what_is_gone_or_no_pipe_is_left_alone(tmp_path: Path) -> None:
    stdin_pipes.drain(tmp_path / "gone")
    (tmp_path / "file").write_text("kept")
    stdin_pipes.drain(tmp_path / "file")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(OSError, match="symbolic"):
        stdin_pipes.drain(tmp_path / "link")
