"""Secrets are taken out of text, and what tells about faults stays."""

import json

import pytest

from podlab.deploy.support.redaction import LEFT_OUT, Redactor, is_secret_name

KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAbcdefgh\nsecondline==\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password: hunter2", "hunter2"),
        ("db_password=hunter2 other=1", "hunter2"),
        ('{"token": "abc.def"}', "abc.def"),
        ('said {\\"apiKey\\": \\"k-123456\\"}', "k-123456"),
        ("Authorization: Bearer abcdefgh.ijk", "abcdefgh.ijk"),
        ("got eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln from", "eyJpc3MiOiJ4In0"),
        ("https://admin:pa55@registry.example/v2", "pa55"),
        ("mysqld --password pa55word --port 1", "pa55word"),
        ("    auth = 'dXNlcjpwYXNz'", "dXNlcjpwYXNz"),
        (KEY, "secondline"),
        ("\n".join(f"2026-11-30T10:00:00 m1 x[1]: {line}" for line in KEY.splitlines()), "MC4CAQAwBQ"),
        (
            "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6231326563336132653361626531\n  31326563336132",
            "6231326563336132653361626531",
        ),
    ],
)
def test_what_looks_like_a_secret_is_left_out(text: str, secret: str) -> None:
    told = Redactor().text(text)
    assert secret not in told
    assert LEFT_OUT in told


@pytest.mark.parametrize(
    "text",
    [
        "secretName: tls-front",
        "token_keys: /etc/podlab/pki/service-accounts.key",
        "kubelet[12]: Secret default/db not found",
        "tokenExpirationSeconds: 3607",
        '"authenticated": true, "token": null',
        "-A PODLAB-SVC-1 -m statistic --mode random --probability 0.5 -j PODLAB-SEP-2",
        "KEX algorithms: curve25519",
    ],
)
def test_what_tells_about_faults_stays(text: str) -> None:
    assert Redactor().text(text) == text


def test_what_is_known_is_left_out_wherever_it_stands_and_the_longest_first() -> None:
    redactor = Redactor(frozenset({"sesame", "open sesame", "first line of it\nsecond line of it", "ab"}))
    assert redactor.text("it said 'open sesame', sesame!") == f"it said '{LEFT_OUT}', {LEFT_OUT}!"
    assert redactor.text("x second line of it y") == f"x {LEFT_OUT} y"
    assert redactor.text("ab is short: about") == "ab is short: about"


def test_json_stays_json() -> None:
    given = {"token": "a", "auth": {"password": None, "secret": True, "apiKey": 'x"y', "n": 1}, "passwords": ["b"]}
    assert json.loads(Redactor().text(json.dumps(given, indent=2)))["auth"]["n"] == 1


def test_lines_after_a_key_are_there_again() -> None:
    assert Redactor().text(f"before\n{KEY}\nafter\n") == f"before\n{LEFT_OUT}\nafter\n"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("ansible_become_password", True),
        ("ansible_ssh_pass", True),
        ("DB_TOKEN", True),
        ("podlab_network", False),
        ("secretName", False),
        ("ansible_ssh_private_key_file", False),
    ],
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret
