"""Why a host cannot be used, out of what Ansible, ssh and sudo say; the remedy is ours."""

import re
from typing import Final

from podlab.deploy.preflight.hosts.facts import Unusable

_HOST_KEY: Final = "compare the fingerprint that `ssh HOST` shows with the host's own, and let ssh record it"

# What is said, and what to do about it; the first that is found counts.
_REMEDIES: Final = (
    (r"Could not resolve hostname", "correct the name, or set ansible_host to the host's address"),
    (r"Connection refused", "start sshd on the host, or set ansible_port to its port"),
    (
        r"timed out|No route to host|Network is unreachable",
        "check that the host runs, that ansible_host is its address, and that no firewall drops the packets",
    ),
    (r"IDENTIFICATION HAS CHANGED", "if the host was installed anew, remove its old key: ssh-keygen -R ADDRESS"),
    (r"Host key verification failed|host key is known", _HOST_KEY),
    (
        r"Permission denied|Invalid/incorrect (username/)?password|Too many authentication failures",
        "set ansible_user (-u) and ansible_ssh_private_key_file (--private-key), or add the key with ssh-copy-id",
    ),
    (
        r"Missing \w+ password|a password is required|privilege escalation prompt",
        "give the user passwordless sudo, or say its password: --ask-become-pass, or ansible_become_password",
    ),
    (r"Incorrect \w+ password|Sorry, try again", "correct the password for sudo (ansible_become_password)"),
    (r"not in the sudoers|not allowed to (run|execute)", "allow the user to run everything as root"),
    (r"sudo(: command)? not found", "install sudo there, or connect as root"),
    (r"python3?\S*: (command )?not found|python3?\S*: No such file", "install it: apt-get install python3"),
)
_ELSE: Final = "see whether `ansible -m ping` reaches it with the same options"

# What ssh says on the way, and what frames what was said.
_NOISE: Final = re.compile(
    r"^(Task failed:|Failed to connect to the host via ssh:|Warning: Permanently added .*)\s*|@{2,}", re.MULTILINE
)


def explain(said: str) -> Unusable:
    """Cause and remedy for a host on which nothing could be done."""
    told = " ".join(_NOISE.sub("", said).split()) or "the connection was closed without a word"
    remedy = next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, said)), _ELSE)
    return Unusable(f"it cannot be used: {told}", remedy)
