"""The running kernel is looked at, not what an earlier run wrote into files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from podlab_testing.ansible_code import load

podlab_kernel = load("podlab_kernel")


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sys/net/ipv4").mkdir(parents=True)
    (tmp_path / "sys/net/ipv4/ip_forward").write_text("0\n")
    (tmp_path / "filesystems").write_text("nodev\toverlay\n\text4\n")
    monkeypatch.setattr(podlab_kernel, "PROC", tmp_path)
    monkeypatch.setattr(podlab_kernel, "LOADED", tmp_path / "modules")
    return tmp_path


def test_a_module_is_known_by_what_it_brings(proc: Path) -> None:
    assert podlab_kernel.has_module("overlay")
    assert not podlab_kernel.has_module("br_netfilter")
    (proc / "sys/net/bridge").mkdir()
    (proc / "sys/net/bridge/bridge-nf-call-iptables").write_text("1\n")
    assert podlab_kernel.has_module("br_netfilter")


def test_a_setting_is_put_and_looked_at_again(proc: Path) -> None:
    podlab_kernel.put("net.ipv4.ip_forward", "1")
    assert podlab_kernel.value("net.ipv4.ip_forward") == "1"
    with pytest.raises(podlab_kernel.KernelError, match=r"net\.no\.such cannot be set to 1"):
        podlab_kernel.put("net.no.such", "1")


def test_the_first_values_are_the_ones_remembered(tmp_path: Path) -> None:
    record = tmp_path / "lib/before"
    podlab_kernel.remember({"net.ipv4.ip_forward": "0"}, record)
    podlab_kernel.remember({"net.ipv4.ip_forward": "1", "fs.file-max": "7"}, record)
    assert record.read_text() == "net.ipv4.ip_forward = 0\nfs.file-max = 7\n"


def test_a_host_without_modprobe_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("modprobe")

    monkeypatch.setattr(podlab_kernel.subprocess, "run", nothing)
    with pytest.raises(podlab_kernel.KernelError, match="apt-get install kmod"):
        podlab_kernel.load("br_netfilter")
