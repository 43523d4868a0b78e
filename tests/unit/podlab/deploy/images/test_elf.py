import struct

import pytest

from podlab.deploy.images.elf import ProgramError, architecture, executable, is_static


def test_a_made_program_is_static_and_for_amd64() -> None:
    program = executable(b"\x0f\x05")
    assert architecture(program) == "amd64"
    assert is_static(program)
    assert program.endswith(b"\x0f\x05")


def test_a_program_with_an_interpreter_is_not_static() -> None:
    program = bytearray(executable(b"\x0f\x05"))
    struct.pack_into("<I", program, 64, 3)
    assert not is_static(bytes(program))


def test_arm64_is_known_by_its_machine_number() -> None:
    program = bytearray(executable(b""))
    struct.pack_into("<H", program, 18, 183)
    assert architecture(bytes(program)) == "arm64"


def test_another_machine_is_refused_by_number() -> None:
    program = bytearray(executable(b""))
    struct.pack_into("<H", program, 18, 8)
    with pytest.raises(ProgramError, match="machine 8 is not supported; supported: amd64, arm64"):
        architecture(bytes(program))


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF"])
def test_what_is_no_elf_program_is_refused(content: bytes) -> None:
    with pytest.raises(ProgramError, match="not an ELF program"):
        architecture(content)
