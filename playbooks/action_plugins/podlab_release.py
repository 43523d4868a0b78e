"""Ansible action on the controller: packs what hosts get of Podlab.

The same sources give the same digest, and nothing is packed twice. Needs Podlab's virtualenv.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from podlab.deploy.images.elf import ProgramError
from podlab.deploy.offline import images
from podlab.deploy.offline.archive import BundleError
from podlab.deploy.offline.opened import Bundle
from podlab.deploy.preflight.hosts import probe
from podlab.deploy.release import bundle, sources, wheels
from podlab.deploy.release.environment import RELEASES, Variant, is_compiled
from podlab.deploy.release.jumps import ReleaseVersion

OPTIONS: dict[str, dict[str, Any]] = {
    "directory": {"type": "path", "required": True},  # where the archive is to be
    "target": {"type": "str", "required": True},  # the wheels that fit the hosts: cp311-x86_64
    "extras": {"type": "list", "elements": "str", "required": True},  # what of Podlab they run: master, node
    "bundle": {"type": "path", "default": ""},  # the archive that all is taken from, and nothing is downloaded
}


class ActionModule(ActionBase):
    """Result: `changed`, `name`, `version` (as servers tell it), `folder` there, `archives`, `compiled`, `images`;
    `bundle` is the folder with the bundle's files.
    """

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        directory = Path(params["directory"])
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            variant = Variant(wheels.WheelPlatform.parse(params["target"]), tuple(params["extras"]))
            return {**result, **self._ensure(variant, directory, params["bundle"])}
        except (wheels.WheelError, BundleError, ProgramError, OSError, ValueError) as error:
            raise AnsibleActionFail(str(error)) from error

    def _ensure(self, variant: Variant, directory: Path, archive: str) -> dict[str, Any]:
        root, cache = sources.project_root(), wheels.cache_directory()
        opened = Bundle.open(Path(archive), cache) if archive else None
        make_image = opened.image if opened else partial(images.build, cache=cache)
        if self._task.check_mode:
            release = bundle.describe(root, variant, directory, make_image)
            archives, packed = [], not release.archive.exists()
        else:
            found = opened.wheels(root, variant.target) if opened else wheels.dependencies(root, variant.target, cache)
            release, packed = bundle.ensure(root, variant, directory, cache, make_image)
            archives = [str(bundle.packages(root, variant, found, cache)), str(release.archive)]
        return {
            "changed": packed,
            "name": release.name,
            "version": str(current(root)),
            "folder": f"{RELEASES}/{release.name}",
            "archives": archives,
            "bundle": str(opened.folder) if opened else "",
            "compiled": is_compiled(variant.target),
            "images": [dataclasses.asdict(image) for image in release.images],
        }


def current(root: Path) -> ReleaseVersion | None:
    """What hosts run once they have what is packed here."""
    state = sources.digest(root, sources.source_files(root))
    return ReleaseVersion.parse({**probe.release(str(sources.packages_root(root))), "build": sources.build(state)})
