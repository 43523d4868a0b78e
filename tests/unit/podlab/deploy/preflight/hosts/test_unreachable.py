"""What ssh, sudo and Ansible say becomes a cause with a remedy."""

import pytest

from podlab.deploy.preflight.hosts.unreachable import explain


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("ssh: Could not resolve hostname host.invalid: Name or service not known", "set ansible_host"),
        ("ssh: connect to host 192.0.2.1 port 22: Connection refused", "start sshd"),
        ("ssh: connect to host 192.0.2.1 port 22: Connection timed out", "no firewall drops"),
        ("ssh: connect to host 192.0.2.1 port 22: No route to host", "no firewall drops"),
        ("root@192.0.2.1: Permission denied (publickey).", "--private-key"),
        ("No ED25519 host key is known for [127.0.0.1]:2222 and you have requested strict checking.", "let ssh record"),
        ("@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", "ssh-keygen -R"),
        ("Missing sudo password", "--ask-become-pass"),
        ("Incorrect sudo password", "correct the password"),
        ("ops is not in the sudoers file.", "run everything as root"),
        ("/bin/sh: 1: python3: not found", "apt-get install python3"),
        ("something that nobody has seen", "ansible -m ping"),
    ],
)
def test_each_cause_has_its_remedy(said: str, remedy: str) -> None:
    unusable = explain(f"Failed to connect to the host via ssh: {said}")
    assert remedy in unusable.remedy
    assert said.split("\n")[-1] in unusable.cause
    assert "@" * 4 not in unusable.cause


def test_silence_is_said_to_be_that() -> None:
    assert explain("").cause == "it cannot be used: the connection was closed without a word"
