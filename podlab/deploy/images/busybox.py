"""A static busybox (Debian's busybox-static), the only foreign program in our images: the controller's or a host's."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from podlab.deploy.images.elf import ProgramError, architecture, is_static
from podlab.deploy.images.layer import Directory, Entry, File, Link

PROGRAM: Final = Path("/bin/busybox")
_FIRST_APPLETS: Final = b"\0[\0[[\0"
_APPLET: Final = re.compile(rb"[\w.\[-]+")


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
    """Read the program, and in it the names of its applets: it may be another machine's, which does not run here.

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
    if not (applets := applets_of(program)):
        raise ProgramError(f"{path} has no list of applets; {remedy}")
    return Busybox(program, applets)


def applets_of(program: bytes) -> tuple[str, ...]:
    """Their names stand in the program one after the other, each with a zero behind it; an empty one ends them."""
    found = []
    _, first, rest = program.partition(_FIRST_APPLETS)
    for name in (first + rest[:65536]).split(b"\0")[1:]:
        if not _APPLET.fullmatch(name):
            break
        found.append(name.decode())
    return tuple(found)
