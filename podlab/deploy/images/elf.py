"""Just enough of the ELF format: which machine a program is for, and a header for a program of a few bytes."""

import struct
from typing import Final

ARCHITECTURES: Final = {62: "amd64", 183: "arm64"}
"""ELF's `e_machine` numbers and what OCI calls these machines."""

_LOAD_ADDRESS: Final = 0x400000
_HEADERS: Final = 64 + 56
_INTERPRETER: Final = 3


class ProgramError(Exception):
    """A file that was to become part of an image is not a program that runs there."""


def architecture(program: bytes) -> str:
    """The OCI name of the machine that `program` runs on."""
    if program[:4] != b"\x7fELF" or len(program) < 64:
        raise ProgramError("not an ELF program")
    (machine,) = struct.unpack_from("<H", program, 18)
    if program[4] != 2 or program[5] != 1 or machine not in ARCHITECTURES:
        raise ProgramError(f"ELF machine {machine} is not supported; supported: {', '.join(ARCHITECTURES.values())}")
    return ARCHITECTURES[machine]


def is_static(program: bytes) -> bool:
    """Whether a 64-bit ELF program needs no loader: an image without a C library can run no other."""
    (offset,) = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    kinds = (struct.unpack_from("<I", program, offset + index * size)[0] for index in range(count))
    return _INTERPRETER not in kinds


def executable(code: bytes) -> bytes:
    """An amd64 program that is `code` and nothing else: one read-only page, entered at its first byte."""
    size = _HEADERS + len(code)
    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = identity + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, _LOAD_ADDRESS + _HEADERS, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    readable_and_executable = 5
    segment = struct.pack("<IIQQQQQQ", 1, readable_and_executable, 0, _LOAD_ADDRESS, _LOAD_ADDRESS, size, size, 0x1000)
    return header + segment + code
