"""How a host of the cluster is at this moment, as podlab_pulse tells it, and what is wrong with that. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from podlab.deploy.preflight.finding import Finding, error, warning

_SAID_CHARS: Final = 300
# What etcd's program says as JSON, and what of it is for people.
_WORDS: Final = ('"msg":"', '"error":"')


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit that starts with the host. `restarts` are those of a short time ago, `ended` and `said` its last words."""

    state: str
    restarts: int = 0
    since_s: float = 0.0
    ended: str = ""
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class Member:
    """Of etcd. `silent` is why it says nothing, `leader` whether it knows one, `wrong` what it finds wrong itself."""

    silent: str = ""
    leader: bool = True
    wrong: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """`server` is why the host's API server is not ready, empty when it is; None for what the host does not have."""

    units: Mapping[str, Unit] = field(default_factory=dict)
    server: str | None = None
    etcd: Member | None = None

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        units = {str(name): Unit(**each) for name, each in told["units"].items()}
        member = Member(**told["etcd"]) if told["etcd"] else None
        return cls(units=units, server=told["server"], etcd=member)


def steady(unit: Unit) -> bool:
    """Whether it runs, and has for some time."""
    return unit.state == "active" and not unit.restarts


def judged(host: str, pulse: Pulse) -> Iterator[Finding]:
    """What does not run, what does not answer although it runs, and what ended a short time ago."""
    if not pulse.units:
        yield error(host, "unit", "nothing of Podlab starts with it", "run site.yml with this host")
    for name, unit in pulse.units.items():
        yield from _unit(host, name, unit)
    if pulse.etcd and _runs(pulse, "podlab-etcd"):
        yield from _etcd(host, pulse.etcd)
    if pulse.server and _runs(pulse, "podlab-apiserver"):
        yield error(
            host,
            "apiserver",
            f"its API server is not ready: {_short(pulse.server)}",
            f"on {host}: journalctl -u podlab-apiserver; where it does not reach etcd, that is the cause",
        )


def _unit(host: str, name: str, unit: Unit) -> Iterator[Finding]:
    remedy = f"on {host}: systemctl status {name}; journalctl -u {name}"
    last = f"{_ended(unit)}{f'; it said last: {_short(unit.said)}' if unit.said else ''}"
    if unit.state != "active":
        again = f", started again {unit.restarts} times" if unit.restarts else ""
        yield error(host, "unit", f"{name} does not run: it is {unit.state}{again}{last}", remedy)
    elif unit.restarts:
        cause = f"{name} ended by itself and was started again {unit.since_s:.0f} s ago{last}"
        yield warning(host, "unit", cause, remedy)


def _etcd(host: str, member: Member) -> Iterator[Finding]:
    see = f"on {host}: journalctl -u podlab-etcd"
    if member.silent:
        yield error(host, "etcd", f"its etcd runs and does not answer: {_short(member.silent)}", see)
    elif not member.leader:
        cause = "its etcd knows no leader: it reaches too few of the other members, or too few of them run"
        yield error(host, "etcd", cause, f"look at the ways between the members' hosts (ports 2379 and 2380); {see}")
    for wrong in member.wrong:
        if "no leader" not in wrong:
            yield error(host, "etcd", f"its etcd says: {wrong}", f"{see}; docs/several-masters.md says what to do")


def _runs(pulse: Pulse, unit: str) -> bool:
    return unit in pulse.units and pulse.units[unit].state == "active"


def _ended(unit: Unit) -> str:
    """systemd's words without the unit's name."""
    return f"; it ended: {unit.ended.partition(': ')[2] or unit.ended}" if unit.ended else ""


def _short(text: str) -> str:
    """One line that is not too long; of etcd's JSON what it says to people."""
    line = " ".join(text.split())
    parts = [line.partition(word)[2].partition('"')[0] for word in _WORDS if word in line]
    line = ": ".join(parts) if line.startswith("{") and parts else line
    return line if len(line) <= _SAID_CHARS else f"{line[:_SAID_CHARS]} ..."
