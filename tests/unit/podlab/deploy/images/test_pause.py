from podlab.deploy.images.pause import needs_shell, pause_program


def test_on_amd64_the_pause_program_stands_alone_and_is_tiny() -> None:
    assert not needs_shell("amd64")
    assert len(pause_program("amd64")) < 256


def test_on_arm64_it_is_a_shell_script() -> None:
    assert needs_shell("arm64")
    assert pause_program("arm64").startswith(b"#!/bin/sh\n")
