"""Makes a bundle, on a machine that reaches package sources and a package index."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from podlab import __version__
from podlab.deploy.images.catalog import IMAGES
from podlab.deploy.offline import archive, debs, images
from podlab.deploy.offline.archive import Contents
from podlab.deploy.release import sources, wheels
from podlab.deploy.release.wheels import WheelPlatform

INSTALL = """On a machine with Python and ssh that reaches the hosts:

    tar -xf {bundle} controller
    python3 -m venv podlab
    podlab/bin/pip install --no-index --find-links controller/{controller} podlab
    podlab/bin/podlab init inventory/
    podlab/bin/podlab playbook site -i inventory/ -e bundle={bundle}

What is in it: bundle.json. Hosts: {systems}.
"""


@dataclass(frozen=True, kw_only=True)
class BundleOrder:
    """`systems` are the hosts', such as debian-12-x86_64, `packages` those that a host of any kind needs, and
    `controllers` the Pythons of machines that deploy, such as cp311-x86_64.
    """

    systems: Sequence[str]
    packages: Sequence[str]
    controllers: Sequence[str]


def collect(root: Path, wanted: BundleOrder, target: Path, cache: Path) -> Contents:
    """Write the bundle. Raises BundleError, WheelError, ProgramError, OSError."""
    systems = {text: debs.System.parse(text) for text in wanted.systems}
    targets = sorted({system.target for system in systems.values()})
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".bundle.") as temporary:
        folder = Path(temporary)
        for each in targets:
            shutil.copytree(wheels.dependencies(root, WheelPlatform.parse(each), cache), folder / "wheels" / each)
        (folder / "packages").mkdir()
        for text, system in systems.items():
            debs.archive(system, wanted.packages, folder / "packages" / f"{text}.tar")
        for machine in sorted({system.machine for system in systems.values()}):
            for name in IMAGES:
                images.build(name, folder / "images" / machine, machine, cache)
        for each in wanted.controllers:
            _controller(root, WheelPlatform.parse(each), folder / "controller" / each, cache)
        told = {"bundle": target.name, "controller": wanted.controllers[0], "systems": ", ".join(systems)}
        (folder / "INSTALL").write_text(INSTALL.format(**told))
        state = sources.build(sources.digest(root, sources.source_files(root)))
        return archive.pack(
            target,
            folder,
            Contents(
                podlab=f"{__version__}.{state}",
                requirements=wheels.requirements(root),
                targets=targets,
                systems=list(systems),
                packages=list(wanted.packages),
                images=list(IMAGES),
            ),
        )


def _controller(root: Path, target: WheelPlatform, folder: Path, cache: Path) -> None:
    """Podlab's wheel, and those that it needs there."""
    (own,) = wheels.whole(root, sources.digest(root, sources.source_files(root)), cache).glob("*.whl")
    folder.mkdir(parents=True)
    wheels.pip("download", "--dest", str(folder), *wheels.options(target), str(own))
