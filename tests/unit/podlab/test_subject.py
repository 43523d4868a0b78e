"""One subject has one reading, or none."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing.certificates import key

from master.controllers.security.certificates import requestednames
from podlab import subject
from podlab.kinds.validation.cluster import certificates as validation
from podlab.subject import Subject

CN, O, OU = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME  # noqa: E741
NODE = "system:node:n1"


def name(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


READINGS: list[tuple[str, x509.Name, Subject | str]] = [
    ("a user", name((CN, "jane")), Subject("jane")),
    ("a user of groups", name((O, "dev"), (CN, "jane"), (O, "ops")), Subject("jane", ("dev", "ops"))),
    ("nobody", name((O, "system:masters")), "no common name"),
    ("nothing", name(), "no common name"),
    ("two common names", name((CN, NODE), (CN, "0"), (O, "system:nodes")), "2 common names"),
    ("the same twice", name((CN, NODE), (CN, NODE)), "2 common names"),
    (
        "two in one part",
        x509.Name([x509.RelativeDistinguishedName([x509.NameAttribute(CN, NODE), x509.NameAttribute(CN, "0")])]),
        "2 common names",
    ),
    ("a unit", name((CN, "jane"), (OU, "dev")), "holds OU"),
    ("a country", name((NameOID.COUNTRY_NAME, "DE"), (CN, "jane")), "holds C"),
    ("an id", name((CN, "jane"), (NameOID.USER_ID, "0")), "holds UID"),
    ("a name that ends early", name((CN, f"{NODE}\0.example")), "the CN of the subject is no printable text"),
    ("a group of two lines", name((CN, "jane"), (O, "dev\nsystem:masters")), "the O of the subject is no printable"),
    (
        "bytes",
        x509.Name([x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"n1", _type=_ASN1Type.BitString)]),
        "the subject holds",
    ),
]


@pytest.mark.parametrize(("written", "expected"), [one[1:] for one in READINGS], ids=[one[0] for one in READINGS])
def test_a_subject_names_one_user_or_nobody(written: x509.Name, expected: Subject | str) -> None:
    if isinstance(expected, Subject):
        assert subject.read(written) == expected
        return
    with pytest.raises(ValueError, match=expected):
        subject.read(written)


def test_what_is_written_is_what_is_read() -> None:
    said = Subject("jane", ("dev", "ops"))
    assert subject.read(said.to_name()) == said


_KEY = key()
_VALUES = st.sampled_from([NODE, "system:node:n10", "0", "jane", "system:nodes", "system:masters"])


@given(st.lists(st.tuples(st.sampled_from([CN, O, OU]), _VALUES), max_size=5))
def test_who_approves_and_who_admits_read_the_request_as_the_server_will_read_the_certificate(
    attributes: list[tuple[x509.ObjectIdentifier, str]],
) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(name(*attributes))
    request = builder.sign(_KEY, hashes.SHA256())
    pem = request.public_bytes(serialization.Encoding.PEM)
    try:
        expected = subject.read(request.subject)  # the signer copies it, and the server reads it with the same words
    except ValueError:
        with pytest.raises(ValueError, match="subject"):
            requestednames.parse(pem)
        assert not validation.has_group(pem, "system:masters")
        return
    assert requestednames.parse(pem).subject == expected
    assert validation.has_group(pem, "system:masters") is ("system:masters" in expected.organizations)
