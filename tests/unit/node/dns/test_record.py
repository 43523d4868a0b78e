import pytest

from node.dns.record import BadName, Record, address, data_to_wire, name_to_wire, reverse_name


def test_names_are_labels_with_their_lengths() -> None:
    assert name_to_wire("web.a") == b"\x03web\x01a\x00"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (".".join(["a" * 63] * 4)[:254], "a name of 254 characters, where DNS allows 253"),
        ("a" * 64, "a label has 64 characters, where DNS allows 1 to 63"),
        ("a..b", "a label has 0 characters"),
        ("", "a label has 0 characters"),
    ],
)
def test_a_name_that_dns_cannot_hold_is_told(name: str, told: str) -> None:
    with pytest.raises(BadName, match=told):
        name_to_wire(name)


def test_the_longest_name_fits() -> None:
    assert len(name_to_wire(".".join(["a" * 63] * 3 + ["a" * 61]))) == 255


@pytest.mark.parametrize(
    ("record", "wire"),
    [
        (Record("A", "10.0.0.1"), b"\x0a\x00\x00\x01"),
        (Record("AAAA", "::1"), b"\x00" * 15 + b"\x01"),
        (Record("CNAME", "b"), b"\x01b\x00"),
        (Record("PTR", "b"), b"\x01b\x00"),
        (Record("NS", "b"), b"\x01b\x00"),
        (Record("TXT", "1.1.0"), b"\x051.1.0"),
        (Record("SRV", "0 100 80 b"), b"\x00\x00\x00\x64\x00\x50\x01b\x00"),
        (Record("SOA", "a b 1 2 3 4 5"), b"\x01a\x00\x01b\x00" + b"".join(bytes([0, 0, 0, n]) for n in range(1, 6))),
    ],
)
def test_data_is_as_on_the_wire(record: Record, wire: bytes) -> None:
    assert data_to_wire(record) == wire


def test_a_type_that_nobody_serves_is_told() -> None:
    with pytest.raises(ValueError, match="MX: not one of the types A, NS"):
        data_to_wire(Record("MX", "a"))


def test_addresses_of_both_families_have_a_record_and_a_way_back() -> None:
    assert address("10.0.0.1") == Record("A", "10.0.0.1")
    assert address("FD00::1") == Record("AAAA", "fd00::1")
    assert reverse_name("10.1.2.3") == "3.2.1.10.in-addr.arpa"
