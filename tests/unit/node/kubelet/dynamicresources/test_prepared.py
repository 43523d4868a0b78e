"""What is kept of prepared claims over restarts."""

from __future__ import annotations

from pathlib import Path

import pytest
from podlab_testing import devices

from node.kubelet.dynamicresources.prepared import Checkpoint, PreparedClaim, PreparedDevice


def claim(*prepared: PreparedDevice) -> PreparedClaim:
    made = PreparedClaim.of(devices.allocated(devices.claim()))
    made.devices += prepared
    return made


def device(*requests: str, name: str = "gpu-0") -> PreparedDevice:
    return PreparedDevice(devices.DRIVER, "n1", name, requests, (f"a.com/gpu={name}",))


def test_what_is_saved_is_there_after_a_restart(tmp_path: Path) -> None:
    kept = Checkpoint(tmp_path / "below" / "state")
    held = claim(device("gpu"))
    held.pods, held.is_prepared = {"u1", "u2"}, True
    kept.claims[held.namespace, held.name] = held
    kept.save()
    again = Checkpoint(tmp_path / "below" / "state")
    assert again.claims == kept.claims
    assert (again.used_by("u1"), again.used_by("u3")) == ([held], [])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"other": 1}'])
def test_a_file_that_cannot_be_read_is_begun_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "state").write_text(text)
    assert Checkpoint(tmp_path / "state").claims == {}


def test_a_container_gets_the_devices_of_its_request_or_all() -> None:
    held = claim(device("a", name="0"), device("b/large", name="1"), device(name="2"))
    assert held.drivers == (devices.DRIVER,)
    assert held.cdi_ids("") == ["a.com/gpu=0", "a.com/gpu=1", "a.com/gpu=2"]
    assert held.cdi_ids("a") == ["a.com/gpu=0", "a.com/gpu=2"]
    assert held.cdi_ids("b") == ["a.com/gpu=1", "a.com/gpu=2"]
