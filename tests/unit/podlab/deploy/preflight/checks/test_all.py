from podlab.deploy.preflight.checks.all import judge
from podlab.deploy.preflight.finding import Severity, error, warning
from podlab.deploy.preflight.hosts.facts import Host, Unusable
from podlab.deploy.preflight.outcome import Connection, Outcome, Seen, dump, load
from podlab.deploy.preflight.report import as_json, as_text, has_errors

HOSTS = (Host(name="m1", groups=frozenset({"masters"})), Host(name="n1", groups=frozenset({"nodes"})))
DOWN = Unusable("192.0.2.11 port 22 refuses connections", "start sshd")
SEEN = {host.name: Seen(connection=Connection(plugin="ssh", host=host.name), unusable=DOWN) for host in HOSTS}


def test_a_host_that_cannot_be_used_is_an_error_with_its_remedy() -> None:
    findings = judge(HOSTS, {"m1": DOWN, "n1": DOWN})
    assert [(found.host, found.check, found.cause, found.remedy) for found in findings] == [
        ("m1", "connection", DOWN.cause, DOWN.remedy),
        ("n1", "connection", DOWN.cause, DOWN.remedy),
    ]
    assert all(found.severity is Severity.ERROR for found in findings)


def test_only_errors_make_hosts_unfit() -> None:
    assert not has_errors([warning("n1", "disk", "full", "free some")])
    assert has_errors([warning("n1", "disk", "full", "free some"), error("n1", "os", "old", "upgrade")])


def test_the_text_names_host_cause_and_remedy_and_counts() -> None:
    found = [error("m1", "connection", DOWN.cause, DOWN.remedy)]
    text = as_text(Outcome(hosts=HOSTS, seen=SEEN, findings=found))
    assert "m1  m1               not usable" in text
    assert "error: m1: 192.0.2.11 port 22 refuses connections\n  remedy: start sshd" in text
    assert text.endswith("1 error, 0 warnings. Nothing has been changed on the hosts.")


def test_the_json_says_the_same_for_programs() -> None:
    text = as_json(Outcome(hosts=HOSTS, seen=SEEN, findings=[error("m1", "connection", "no answer", "start it")]))
    assert '"ok": false' in text
    assert '"severity": "error"' in text
    assert '"reached": false' in text


def test_an_outcome_survives_being_written_to_a_file() -> None:
    outcome = Outcome(hosts=HOSTS, seen=SEEN, findings=(warning("n1", "disk", "full", "free some"),))
    assert load(dump(outcome)) == outcome
