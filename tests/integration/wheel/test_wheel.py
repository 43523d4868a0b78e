"""The wheel, unpacked beside nothing of the checkout: it has all that deploys a cluster."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from podlab_testing.source_code import PROJECT

RELEASE = """
import sys
from functools import partial
from pathlib import Path
from podlab.deploy.offline import images
from podlab.deploy.release import bundle, sources, wheels
from podlab.deploy.release.environment import Variant
target = wheels.WheelPlatform(f"{sys.version_info[0]}.{sys.version_info[1]}", "x86_64")
folder = Path(sys.argv[1])
release, _ = bundle.ensure(
    sources.project_root(),
    Variant(target, ("master",)),
    folder,
    folder / "cache",
    partial(images.build, cache=folder / "cache"),
)
print(release.archive)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As pip unpacks it; what it depends on is the tests' own."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site-packages")
    return folder / "site-packages"


def run(installed: Path, *words: str) -> str:
    home = installed.parent / "home"
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(installed), "HOME": str(home), "PODLAB_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, *words], cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_writes_an_inventory_and_judges_it(installed: Path) -> None:
    run(installed, "-m", "podlab.cli.main", "init", "inventory/")
    inventory = installed.parent / "home/inventory/hosts.yml"
    assert "podlab up -i inventory" in inventory.read_text()
    run(
        installed,
        "-m",
        "podlab.cli.main",
        "playbook",
        "preflight",
        "-i",
        str(inventory),
        "-e",
        "preflight_enabled=false",
    )


def test_what_hosts_get_is_the_wheel_without_what_only_deploys(installed: Path) -> None:
    archive = run(installed, "-c", RELEASE, str(installed.parent / "home")).strip()
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert [name for name in names if "/podlab/project" in name] == []
    assert [name for name in names if name.endswith("site-packages/podlab/core/v1/pod_pb2.py")]
    assert [name for name in names if name.endswith(".dist-info/entry_points.txt")]
