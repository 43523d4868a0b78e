"""The DNS server as it is deployed, fed by files as the agent writes them: what it answers, and what restarts leave."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from podlab_testing import upstream_dns
from podlab_testing.ports import reserved_ports
from podlab_testing.resolver import ADDRESS, KRESD, Resolver

from node.dns import journal
from node.dns.message import ADDITIONAL, AUTHORITY, NOERROR, NXDOMAIN, SERVFAIL, question
from node.dns.record import Record, Records
from node.dns.records import Cluster, of_cluster, of_namespace, start_of_authority
from node.dns.server import DnsServer, ServerError

pytestmark = pytest.mark.skipif(KRESD is None, reason="a server of our own needs knot-resolver")

CLUSTER = Cluster("cluster.local", "10.96.0.10")
SILENT = 200  # questions for a server that answers none
SOON_S, SILENT_AT_MOST_S = 3.0, 20.0
WEB = "web.default.svc.cluster.local"
NAMES: Records = {
    **of_cluster(CLUSTER),
    **of_namespace(CLUSTER, "default"),
    WEB: frozenset({Record("A", "10.96.0.7")}),
    f"_tcp.{WEB}": frozenset(),
    f"_http._tcp.{WEB}": frozenset({Record("SRV", f"0 100 80 {WEB}")}),
    "7.0.96.10.in-addr.arpa": frozenset({Record("PTR", WEB)}),
    "many.default.svc.cluster.local": frozenset(Record("A", f"10.244.{n // 250}.{n % 250}") for n in range(500)),
    "to-web.default.svc.cluster.local": frozenset({Record("CNAME", WEB)}),
    "out.default.svc.cluster.local": frozenset({Record("CNAME", "www.elsewhere.test")}),
    "far.default.svc.cluster.local": frozenset({Record("CNAME", "corp.default.svc.cluster.local")}),
    "corp.default.svc.cluster.local": frozenset({Record("CNAME", "db.corp.test")}),
    "to-many.default.svc.cluster.local": frozenset({Record("CNAME", "many.default.svc.cluster.local")}),
    "to-none.default.svc.cluster.local": frozenset({Record("CNAME", "none.default.svc.cluster.local")}),
    "to-added.default.svc.cluster.local": frozenset({Record("CNAME", "added.example")}),
    "loop.default.svc.cluster.local": frozenset({Record("CNAME", "pool.default.svc.cluster.local")}),
    "pool.default.svc.cluster.local": frozenset({Record("CNAME", "loop.default.svc.cluster.local")}),
    "added.example": frozenset({Record("A", "192.0.2.1")}),
}


def lines(names: Records) -> dict[str, str]:
    made = (journal.line(name, records) for name, records in names.items())
    return {each.split(" ")[1]: each for each in made}


def configured(**upstreams: str) -> str:
    asked = {domain.replace("_", "."): (server,) for domain, server in upstreams.items()}
    return journal.config(
        ["cluster.local", "96.10.in-addr.arpa"],
        start_of_authority(CLUSTER),
        CLUSTER.pods,
        {"." if domain == "all" else domain: servers for domain, servers in asked.items()},
    )


@pytest.fixture
async def resolver(tmp_path: Path) -> AsyncIterator[Resolver]:
    with reserved_ports(1) as (port,):
        async with Resolver(tmp_path, port) as made:
            yield made


@pytest.fixture
async def server(resolver: Resolver) -> DnsServer:
    """Told of NAMES; nobody is asked about others."""
    made = DnsServer(resolver.directory)
    made.write_all(lines(NAMES), configured())
    await made.tell()
    return made


@contextmanager
def upstream(address: str) -> Iterator[str]:
    """A server that knows one address for every name, while the block runs; `address@port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as serving:
        serving.bind(("127.0.0.1", 0))

        thread = Thread(target=upstream_dns.serve, args=(serving, address))
        thread.start()
        try:
            yield f"127.0.0.1@{serving.getsockname()[1]}"
        finally:
            serving.sendto(upstream_dns.END, serving.getsockname())
            thread.join()


def test_nothing_answers_before_there_is_something_to_say(resolver: Resolver) -> None:
    with pytest.raises(ConnectionRefusedError):
        resolver.ask(WEB)


@pytest.mark.parametrize(
    ("name", "kind", "answers"),
    [
        (WEB, "A", ["10.96.0.7"]),
        (WEB.upper(), "A", ["10.96.0.7"]),
        (f"_http._tcp.{WEB}", "SRV", [f"0 100 80 {WEB}"]),
        ("7.0.96.10.in-addr.arpa", "PTR", [WEB]),
        ("dns-version.cluster.local", "TXT", ["1.1.0"]),
        ("ns.dns.cluster.local", "A", ["10.96.0.10"]),
        ("cluster.local", "NS", ["ns.dns.cluster.local"]),
        ("10-244-0-5.default.pod.cluster.local", "A", ["10.244.0.5"]),
        ("fd00--5.default.pod.cluster.local", "AAAA", ["fd00::5"]),
        ("to-web.default.svc.cluster.local", "A", [WEB, "10.96.0.7"]),
        ("to-web.default.svc.cluster.local", "CNAME", [WEB]),
        ("added.example", "A", ["192.0.2.1"]),
    ],
)
def test_names_have_their_records(
    resolver: Resolver, server: DnsServer, name: str, kind: str, answers: list[str]
) -> None:
    reply = resolver.ask(name, kind)
    assert (reply.rcode, [record.data for record in reply.answers]) == (NOERROR, answers)
    assert all(found.ttl_s == 5 for found in reply.sections[0])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (WEB, "AAAA"),
        (f"_tcp.{WEB}", "SRV"),
        ("default.svc.cluster.local", "A"),
        ("svc.cluster.local", "A"),
        ("default.pod.cluster.local", "A"),
        ("10-244-0-5.default.pod.cluster.local", "AAAA"),
        ("7.0.96.10.in-addr.arpa", "A"),
        ("to-web.default.svc.cluster.local", "AAAA"),
    ],
)
def test_a_name_without_such_records_exists_all_the_same(
    resolver: Resolver, server: DnsServer, name: str, kind: str
) -> None:
    reply = resolver.ask(name, kind)
    soa = [found.record.type for found in reply.sections[AUTHORITY]]
    assert (reply.rcode, soa) == (NOERROR, ["SOA"])
    assert [record.type for record in reply.answers] in ([], ["CNAME"])


@pytest.mark.parametrize(
    "name",
    [
        "none.default.svc.cluster.local",
        f"none.{WEB}",
        "none.svc.cluster.local",
        "10-244-0-5.none.pod.cluster.local",
        "10-244-0-500.default.pod.cluster.local",
        "web.default.pod.cluster.local",
        "none.cluster.local",
        "8.0.96.10.in-addr.arpa",
    ],
)
def test_a_name_that_nothing_has_does_not_exist(resolver: Resolver, server: DnsServer, name: str) -> None:
    reply = resolver.ask(name)
    assert reply.rcode == NXDOMAIN
    (found,) = reply.sections[AUTHORITY]
    assert (found.ttl_s, found.record.data.split()[-1]) == (5, "5")


def test_a_service_record_brings_its_targets_address(resolver: Resolver, server: DnsServer) -> None:
    found = resolver.ask(f"_http._tcp.{WEB}", "SRV").sections[ADDITIONAL]
    assert [(each.name, each.record) for each in found] == [(WEB, Record("A", "10.96.0.7"))]


def test_what_is_too_long_for_a_datagram_comes_by_tcp(resolver: Resolver, server: DnsServer) -> None:
    name = "many.default.svc.cluster.local"
    plain, wide = resolver.ask(name), resolver.ask(name, edns=4096)
    assert (plain.truncated, plain.edns, len(plain.answers) < 35) == (True, 0, True)
    assert (wide.truncated, wide.edns) == (True, 1232)
    assert len(resolver.ask(name, tcp=True).answers) == 500


def test_a_chain_to_many_endpoints_has_all_of_them(resolver: Resolver, server: DnsServer) -> None:
    name = "to-many.default.svc.cluster.local"
    assert resolver.ask(name).truncated
    assert len(resolver.ask(name, tcp=True).answers) == 501


def test_a_chain_to_what_is_not_there_says_so(resolver: Resolver, server: DnsServer) -> None:
    reply = resolver.ask("to-none.default.svc.cluster.local")
    assert (reply.rcode, [record.type for record in reply.answers]) == (NXDOMAIN, ["CNAME"])
    added = resolver.ask("to-added.default.svc.cluster.local")
    assert [record.data for record in added.answers] == ["added.example", "192.0.2.1"]


def test_answers_take_turns(resolver: Resolver, server: DnsServer) -> None:
    firsts = {resolver.ask("many.default.svc.cluster.local", tcp=True).answers[0] for _ in range(3)}
    assert len(firsts) == 3


def test_a_loop_of_names_is_an_error_and_harms_nobody(resolver: Resolver, server: DnsServer) -> None:
    assert resolver.ask("loop.default.svc.cluster.local").rcode == SERVFAIL
    assert resolver.ask(WEB).rcode == NOERROR


def test_nobody_to_ask_is_an_error_and_says_nothing_of_the_name(resolver: Resolver, server: DnsServer) -> None:
    assert resolver.ask("www.elsewhere.test").rcode == SERVFAIL
    assert resolver.ask("added.example", "AAAA").rcode == SERVFAIL


async def test_other_names_are_forwarded_each_to_whom_it_is_for(resolver: Resolver, server: DnsServer) -> None:
    with upstream("192.0.2.7") as all_names, upstream("192.0.2.8") as stub:
        server.write_config(configured(all=all_names, corp_test=stub))
        await server.tell()
        followed = await asyncio.to_thread(resolver.ask, "out.default.svc.cluster.local")
        assert [record.data for record in followed.answers] == ["www.elsewhere.test", "192.0.2.7"]
        twice = await asyncio.to_thread(resolver.ask, "far.default.svc.cluster.local")
        names = ["corp.default.svc.cluster.local", "db.corp.test"]
        assert [record.data for record in twice.answers] == [*names, "192.0.2.8"]
        asked = await asyncio.to_thread(lambda: [resolver.ask(n) for n in ("www.elsewhere.test", "a.b.corp.test")])
        assert [reply.answers for reply in asked] == [[Record("A", "192.0.2.7")], [Record("A", "192.0.2.8")]]
    # Now nobody answers there: what was asked is remembered, and the cluster's names are not harmed.
    assert (await asyncio.to_thread(resolver.ask, "www.elsewhere.test")).rcode == NOERROR
    waiting = asyncio.create_task(asyncio.to_thread(resolver.ask, "other.corp.test"))
    assert (await asyncio.to_thread(resolver.ask, WEB)).rcode == NOERROR
    assert (await waiting).rcode == SERVFAIL


async def test_a_server_that_is_silent_holds_up_nobody_however_many_ask_it(
    resolver: Resolver, server: DnsServer
) -> None:
    with upstream("192.0.2.7") as others, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server.write_config(configured(all=others, corp_test=f"127.0.0.1@{silent.getsockname()[1]}"))
        await server.tell()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as crowd:
            crowd.connect((ADDRESS, resolver.port))
            for number in range(SILENT):
                crowd.send(question(number, f"www{number}.corp.test", "A"))
            for ask, wanted in ((WEB, "10.96.0.7"), ("www.elsewhere.test", "192.0.2.7")):
                reply = await asyncio.to_thread(resolver.ask, ask, timeout_s=SOON_S)
                assert reply.answers == [Record("A", wanted)]
            last = await asyncio.to_thread(resolver.ask, "www.corp.test", timeout_s=SILENT_AT_MOST_S)
            assert last.rcode == SERVFAIL
            assert resolver.ask("none.default.svc.cluster.local", timeout_s=SOON_S).rcode == NXDOMAIN


async def test_changes_are_answered_as_soon_as_the_server_was_told(resolver: Resolver, server: DnsServer) -> None:
    for number in range(20):
        name = f"new-{number}.default.svc.cluster.local"
        assert resolver.ask(name).rcode == NXDOMAIN
        server.write([journal.line(name, [Record("A", "10.96.1.1")])])
        await server.tell()
        assert resolver.ask(name).rcode == NOERROR
        server.write([journal.line(name, None)])
        await server.tell()
        assert resolver.ask(name).rcode == NXDOMAIN


async def test_a_server_that_starts_again_answers_what_it_did_before(resolver: Resolver, server: DnsServer) -> None:
    server.write([journal.line("late.default.svc.cluster.local", [Record("A", "10.96.1.1")])])
    resolver.stop()
    server.write([journal.line(WEB, [Record("A", "10.96.0.8")])])
    await resolver.start()
    assert resolver.ask("late.default.svc.cluster.local").rcode == NOERROR
    assert resolver.ask(WEB).answers == [Record("A", "10.96.0.8")]
    await server.tell()


async def test_while_one_of_two_starts_again_the_other_answers(resolver: Resolver, server: DnsServer) -> None:
    name = "late.default.svc.cluster.local"
    async with Resolver(resolver.directory, resolver.port, "control-2") as second:
        assert await server.tell()
        resolver.stop()
        server.write([journal.line(name, [Record("A", "10.96.1.1")])])
        assert not await server.tell()
        assert [second.ask(each).rcode for each in (WEB, name)] == [NOERROR, NOERROR]
        await resolver.start()
        assert await server.tell()
        second.stop()
        assert [resolver.ask(each).rcode for each in (WEB, name)] == [NOERROR, NOERROR]
    resolver.stop()
    with pytest.raises(ServerError, match="does its podlab-resolver run"):
        await server.tell()


async def test_questions_are_counted_by_what_became_of_them(resolver: Resolver, server: DnsServer) -> None:
    for name in (WEB, WEB, "none.default.svc.cluster.local", "www.elsewhere.test"):
        resolver.ask(name)
    resolver.ask(WEB, "AAAA")
    figures = await server.figures()
    assert figures == {"answered": 2, "empty": 1, "absent": 1, "failed": 1, "forwarded": 0}


async def test_an_agent_that_starts_again_writes_what_differs(resolver: Resolver, server: DnsServer) -> None:
    later = DnsServer(resolver.directory)
    wanted = lines({**NAMES, WEB: frozenset({Record("A", "10.96.0.9")})})
    assert later.write_all(wanted, configured()) == 1
    await later.tell()
    assert resolver.ask(WEB).answers == [Record("A", "10.96.0.9")]
    assert DnsServer(resolver.directory).write_all(wanted, configured()) == 0


async def test_a_line_that_was_cut_off_is_not_believed(resolver: Resolver, server: DnsServer) -> None:
    with (resolver.directory / "records").open("a") as file:
        file.write(journal.line("cut.default.svc.cluster.local", [Record("A", "10.96.1.1")]))
    await server.tell()
    assert resolver.ask("cut.default.svc.cluster.local").rcode == NXDOMAIN
    later = DnsServer(resolver.directory)
    later.write_all(lines(NAMES), configured())
    await later.tell()
    assert resolver.ask("cut.default.svc.cluster.local").rcode == NXDOMAIN
    assert resolver.ask(WEB).rcode == NOERROR


@pytest.mark.parametrize("damage", ["+ 03617", "+ 016100 1:0a60+ 016200\n", "\0\0\0\n", "@ x\n"])
async def test_a_damaged_file_stops_no_start_and_is_written_anew(
    resolver: Resolver, server: DnsServer, damage: str
) -> None:
    resolver.stop()
    with (resolver.directory / "records").open("a") as file:
        file.write(damage + journal.line("later.example", [Record("A", "192.0.2.3")]) + "\n")
    await resolver.start()
    with pytest.raises(ConnectionRefusedError):
        resolver.ask(WEB)
    later = DnsServer(resolver.directory)
    assert later.write_all(lines(NAMES), configured()) == len(NAMES)
    await later.tell()
    assert resolver.ask(WEB).answers == [Record("A", "10.96.0.7")]


async def test_damage_beside_a_running_server_changes_no_answer_and_is_mended(
    resolver: Resolver, server: DnsServer
) -> None:
    with (resolver.directory / "records").open("a") as file:
        file.write("+ 03617\n")
    with pytest.raises(ServerError, match="half a byte"):
        await server.tell()
    assert resolver.ask(WEB).answers == [Record("A", "10.96.0.7")]
    assert not server.is_known
    server.write_all(lines(NAMES), configured())
    await server.tell()
    assert resolver.ask(WEB).answers == [Record("A", "10.96.0.7")]


async def test_a_file_of_old_lines_is_written_anew_and_nothing_changes(resolver: Resolver, server: DnsServer) -> None:
    short = DnsServer(resolver.directory, waste_least_bytes=0)
    short.load()
    assert not short.shorten()
    size = (resolver.directory / "records").stat().st_size
    short.write([journal.line(WEB, [Record("A", "10.96.0.7")])] * 500)
    assert short.shorten()
    assert (resolver.directory / "records").stat().st_size <= size
    await short.tell()
    assert resolver.ask(WEB).answers == [Record("A", "10.96.0.7")]
    assert resolver.ask("none.default.svc.cluster.local").rcode == NXDOMAIN
