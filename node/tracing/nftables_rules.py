"""Reads single rules of nftables, as nft lists them and as ours are written. Pure.

https://www.netfilter.org/projects/nftables/manpage.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address, summarize_address_range

from node.tracing import effects
from node.tracing.effects import Effect, End, LookUp, Remember, SendTo, SetMark, To
from node.tracing.matches import (
    DESTINATION,
    SOURCE,
    Fixed,
    Is,
    Local,
    Mark,
    Match,
    Member,
    Remembered,
    State,
    Unread,
)
from node.tracing.rule import Rule
from podlab.api.values.ipfamilies import with_port

_MANY = 8192
_WORDS = re.compile(r'"[^"]*"|\{[^}]*\}|[^\s{}]+')
_FIELDS = {
    "saddr": SOURCE,
    "daddr": DESTINATION,
    "l4proto": "protocol",
    "dport": "port",
    "iifname": "coming_in",
    "iif": "coming_in",
    "oifname": "going_out",
    "oif": "going_out",
    "nfproto": "family",
}
_HEADS = ("ip", "ip6", "meta", "th", "tcp", "udp", "sctp")
_PROTOCOLS = ("tcp", "udp", "sctp")
_ENDS = (effects.ACCEPT, effects.DROP, effects.REJECT, effects.RETURN, effects.MASQUERADE, effects.SOURCE_NAT)
# How both nft and we say "not the first packet of a connection".
_MIDDLES = ("tcp flags & (fin|syn|rst|ack) != syn", "tcp flags != syn / fin,syn,rst,ack")
_USUAL = ("with icmp type port-unreachable", "with icmpv6 type port-unreachable")  # which nft leaves out
_RESET, _TCP = "with tcp reset", Is("protocol", ("tcp",))
_MASK = 0xFFFFFFFF


@lru_cache(maxsize=_MANY)
def rule_of(text: str) -> Rule:
    """A rule, as nft lists it. What is not understood is a match of which nobody knows whether it holds."""
    middle = next((each for each in _MIDDLES if each in text), "")
    reading = _Reading(_WORDS.findall(text.replace(middle, "") if middle else text))
    if middle:
        reading.matches.append(Fixed("tcp", outcome=False))
    while reading.words:
        reading.next()
    return Rule(tuple(reading.matches), tuple(reading.effects), reading.comment)


def elements_of(text: str) -> list[tuple[str, str]]:
    """The elements between the braces of a set or map: keys, and values where there are any."""
    found: list[tuple[str, str]] = []
    for each in text.strip().removeprefix("{").removesuffix("}").split(","):
        key, _, value = each.strip().partition(" : ")
        key = re.split(r" (?:timeout|expires|counter|comment) ", key)[0]
        if key:
            found.append((key, value))
    return found


class _Reading:
    """The words that are left, and what those before meant."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.matches: list[Match] = []
        self.effects: list[Effect] = []
        self.comment = ""

    def next(self) -> None:
        """Reads one statement."""
        word = self.words[0]
        if word == "counter":
            self._take(5 if self.words[1:2] == ["packets"] else 1)
        elif word == "comment":
            self.comment = self._take(2)[1].strip('"')
        elif word in _ENDS:
            how = " ".join(self._take(len(self.words))[1:])
            if how == _RESET and _TCP not in self.matches:  # nft leaves out what goes without saying
                self.matches.append(_TCP)
            self.effects.append(End(word, "" if how in _USUAL else how))
        elif word in ("jump", "goto"):
            self.effects.append(To((self._take(2)[1],), stays=word == "goto"))
        elif word in ("update", "add") and self.words[1:2]:
            self.effects.append(Remember(self._take(3)[1].removeprefix("@")))
        elif word == "dnat":
            self._send()
        elif word == "numgen":
            self._choose()
        else:
            self._ask()

    def _take(self, count: int) -> list[str]:
        taken, self.words = self.words[:count], self.words[count:]
        return taken

    def _send(self) -> None:
        """dnat [ip] to ..."""
        while self.words and self._take(1) != ["to"]:
            pass
        if self.words[:1] == ["numgen"]:  # random mod N map { 0 : a . port, ... }
            *_, listed = self._take(6)
            self.effects.append(SendTo(tuple(_place(value) for _, value in elements_of(listed))))
        elif fields := self._fields():
            self._take(1)  # map
            self.effects.append(LookUp(fields, self._take(1)[0].removeprefix("@"), endpoints=True))
        else:
            self.effects.append(SendTo((self._take(1)[0],)))

    def _choose(self) -> None:
        """numgen random mod N vmap { 0 : goto a, ... }"""
        *_, listed = self._take(6)
        verdicts = [value.partition(" ") for _, value in elements_of(listed)]
        chains = tuple(chain for _, _, chain in verdicts)
        self.effects.append(To(chains, stays=all(word == "goto" for word, _, _ in verdicts)))

    def _ask(self) -> None:
        """A match, a look-up, or a mark that is set."""
        word = self.words[0]
        if self.words[:2] == ["meta", "mark"]:
            self._mark()
        elif word == "fib":  # fib daddr type local
            _, field, _, kind = (self._take(4) + [""] * 4)[:4]
            self.matches.append(
                Local(_FIELDS[field]) if kind == "local" and field in _FIELDS else Unread(f"fib {kind}")
            )
        elif word == "ct":
            self._flow()
        elif fields := self._fields():
            self._compare(fields)
        else:
            self.matches.append(Unread(self._take(1)[0]))

    def _flow(self) -> None:
        _, what, value = (self._take(3) + [""] * 3)[:3]
        negated = value == "!="
        value = self._take(1)[0] if negated and self.words else value
        known = what in ("state", "status")
        states = frozenset(value.strip("{}").replace(" ", "").split(","))
        self.matches.append(State(states, negated) if known else Unread(f"ct {what} {value}"))

    def _mark(self) -> None:
        """meta mark [set meta mark | X], [& X == Y], [==] X"""
        self._take(2)
        if self.words[:3] == ["set", "meta", "mark"]:
            sign, value = self._take(5)[3:]
            bits = int(value, 0)
            self.effects.append(SetMark(bits if sign == "|" else 0, bits))
        elif self.words[:1] == ["set"]:
            self.effects.append(SetMark(_MASK, int(self._take(2)[1], 0)))
        elif self.words[:1] == ["&"]:
            mask, sign, value = self._take(4)[1:]
            self.matches.append(Mark(int(value, 0), int(mask, 0), sign == "!="))
        else:
            sign = self.words[0]
            value = self._take(2)[1] if sign in ("==", "!=") else self._take(1)[0]
            self.matches.append(Mark(int(value, 0), _MASK, sign == "!="))

    def _fields(self) -> tuple[str, ...]:
        """field [. field ...]; none where the next words are no field that a packet of ours has."""
        fields: list[str] = []
        while self.words:
            at = 1 if self.words[0] in _HEADS else 0
            if self.words[at : at + 1] == [] or self.words[at] not in _FIELDS:
                break
            head, name = self.words[0], self.words[at]
            if head in _PROTOCOLS:
                self.matches.append(Is("protocol", (head,)))
            if head in ("ip", "ip6"):
                self.matches.append(Is("family", ("ipv4" if head == "ip" else "ipv6",)))
            self._take(at + 1)
            fields.append(_FIELDS[name])
            if self.words[:1] != ["."]:
                break
            self._take(1)
        return tuple(fields)

    def _compare(self, fields: tuple[str, ...]) -> None:
        """What stands behind fields."""
        word = self._take(1)[0] if self.words else ""
        if word == "vmap":
            where = self._take(1)[0]
            listed = () if where.startswith("@") else tuple(elements_of(where))
            self.effects.append(LookUp(fields, where.removeprefix("@") if not listed else "", listed))
            return
        negated = word == "!="
        value = self._take(1)[0] if word in ("!=", "==") and self.words else word
        if value.startswith("@affinity-"):
            self.matches.append(Remembered())
        elif value.startswith("@"):
            self.matches.append(Member(fields, value[1:], negated))
        elif len(fields) == 1:
            values = [key for key, _ in elements_of(value)] if value.startswith("{") else [value.strip('"')]
            self.matches.append(Is(fields[0], tuple(sorted(map(_shortest, values))), negated))
        else:
            self.matches.append(Unread(f"{' . '.join(fields)} {value}"))


def _shortest(value: str) -> str:
    """A range of addresses that is a network, as nft writes it."""
    low, dash, high = value.partition("-")
    if not dash or not ("." in low or ":" in low):
        return value
    networks = list(summarize_address_range(ip_address(low), ip_address(high)))
    return str(networks[0]) if len(networks) == 1 else value


def _place(value: str) -> str:
    """address . port as address:port."""
    return with_port(*value.split(" . "))
