"""The diagnosis for people: what is broken, each with its cause and what to do, or that all is well. Pure."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from podlab.deploy.doctor.diagnosis import ClusterView
from podlab.deploy.doctor.pulse import Pulse
from podlab.deploy.preflight.finding import Finding, Severity
from podlab.deploy.preflight.hosts.facts import Host

_WIDTH = 150


def as_text(found: Sequence[Finding], hosts: Sequence[Host], pulses: Mapping[str, Pulse], view: ClusterView) -> str:
    broken = [each for each in found if each.severity is Severity.ERROR]
    lines = [line for each in found for line in _told(each)]
    if broken:
        where = ", ".join(dict.fromkeys(each.host for each in broken))
        are = "is" if len(broken) == 1 else "are"
        return "\n".join([*lines, f"{_count(len(broken), 'thing')} {are} broken, on {where}."])
    return "\n".join([*lines, f"Nothing is broken: {_whole(hosts, pulses, view)}."])


def _told(finding: Finding) -> Iterator[str]:
    label = "BROKEN " if finding.severity is Severity.ERROR else "warning"
    yield _wrapped(f"{label}  {finding.host}  {finding.check}: ", finding.cause)
    yield _wrapped("         try: ", finding.remedy)
    yield ""


def _whole(hosts: Sequence[Host], pulses: Mapping[str, Pulse], view: ClusterView) -> str:
    members = sum(pulse.etcd is not None for pulse in pulses.values())
    etcd = f"{_count(members, 'member')} of etcd, " if members else ""
    servers, nodes = _count(len(view.served), "API server"), _count(len(view.nodes), "node")
    return f"{_count(len(hosts), 'host')}, {servers}, {etcd}{nodes}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _wrapped(label: str, text: str) -> str:
    # Long words are commands and paths that someone will copy.
    return textwrap.fill(
        label + text, width=_WIDTH, subsequent_indent=" " * 9, break_long_words=False, break_on_hyphens=False
    )
