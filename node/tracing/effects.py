"""What a rule does with a packet. Pure."""

from __future__ import annotations

from dataclasses import dataclass

ACCEPT, DROP, REJECT, RETURN, MASQUERADE, SOURCE_NAT = "accept", "drop", "reject", "return", "masquerade", "snat"


@dataclass(frozen=True)
class End:
    """ACCEPT, DROP, REJECT, RETURN, MASQUERADE or SOURCE_NAT: the chain is left; `how` is its options."""

    verdict: str
    how: str = ""


@dataclass(frozen=True)
class To:
    """Goes on in one of these chains, each as likely; comes back behind the rule unless it `stays`."""

    chains: tuple[str, ...]
    stays: bool = False


@dataclass(frozen=True)
class LookUp:
    """Looks fields up in a map (or in the elements that the rule itself has) and does what stands there."""

    fields: tuple[str, ...]
    name: str = ""
    elements: tuple[tuple[str, str], ...] = ()
    endpoints: bool = False  # the values are places to send it to; else verdicts


@dataclass(frozen=True)
class SendTo:
    """Changes the destination to one of these (ip:port), each as likely."""

    places: tuple[str, ...]


@dataclass(frozen=True)
class SetMark:
    """mark = mark & ~clear ^ flip."""

    clear: int
    flip: int


@dataclass(frozen=True)
class Remember:
    """Takes the client into a list or set."""

    name: str


@dataclass(frozen=True)
class Unknown:
    """A target that nobody here can judge."""

    text: str


Effect = End | To | LookUp | SendTo | SetMark | Remember | Unknown
