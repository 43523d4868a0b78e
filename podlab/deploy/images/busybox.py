"""The controller's static busybox (Debian's busybox-static), the only foreign program in our images."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from podlab.deploy.images.elf import ProgramError, architecture, is_static
from podlab.deploy.images.layer import Directory, Entry, File, Link

PROGRAM: Final = Path("/bin/busybox")


@dataclass(frozen=True)
class Busybox:
    program: bytes
    applets: tuple[str, ...]

    @property
    def architecture(self) -> str:
        return architecture(self.program)

    def entries(self) -> list[Entry]:
        """A small root file system: every applet by its name in /bin."""
        links = [Link(path=f"bin/{applet}", target="busybox") for applet in self.applets if applet != "busybox"]
        return [
            Directory(path="bin"),
            File(path="bin/busybox", content=self.program, mode=0o755),
            Directory(path="etc"),
            File(
                path="etc/passwd", content=b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
            ),
            File(path="etc/group", content=b"root:x:0:\nnogroup:x:65534:\n"),
            Directory(path="root", mode=0o700),
            Directory(path="tmp", mode=0o1777),
            *links,
        ]


def read_busybox(path: Path = PROGRAM) -> Busybox:
    """Read the program and ask it for its applets.

    Raises ProgramError, with the remedy, if there is none or it cannot run in an image without a C library.
    """
    remedy = f"install Debian's busybox-static, which brings {PROGRAM}"
    try:
        program = path.read_bytes()
    except OSError as error:
        raise ProgramError(f"{path}: {error.strerror}; {remedy}") from error
    try:
        architecture(program)
    except ProgramError as error:
        raise ProgramError(f"{path}: {error}; {remedy}") from error
    if not is_static(program):
        raise ProgramError(f"{path} is dynamically linked and cannot run in an image; {remedy}")
    try:
        listing = subprocess.run([path, "--list"], check=True, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError) as error:
        raise ProgramError(f"{path} does not tell its applets: {error}; {remedy}") from error
    return Busybox(program, tuple(listing.stdout.split()))
