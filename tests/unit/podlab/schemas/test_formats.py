"""Which texts have which format, and of which types a format is checked."""

from __future__ import annotations

import pytest

from podlab.schemas import formats

UUID3 = "a987fbc9-4bed-3078-9f07-9141ba07c9f3"
FITTING = {
    "bsonobjectid": ("507f1f77bcf86cd799439011",),
    "uri": ("http://example.com/a?b#c", "/a/b", "mailto:ann@example.com", "http://[::1]:80/", "*"),
    "email": ("ann@example.com", "Ann B. <ann@example.com>", '"a b"@example.com', "ann@[10.0.0.1]"),
    "hostname": ("example.com", "a-b", "localhost", "1.example.com", "ex-ample.ab"),
    "ipv4": ("10.0.0.1", "::ffff:1.2.3.4"),
    "ipv6": ("::1", "2001:db8::ff00:42:8329"),
    "cidr": ("10.0.0.1/8", "2001:db8::/32"),
    "mac": ("00:11:22:33:44:55", "00-11-22-33-44-55-66-77", "0011.2233.4455"),
    "uuid": (UUID3, UUID3.upper(), UUID3.replace("-", "")),
    "uuid3": (UUID3,),
    "uuid4": ("57b73598-8764-4ad0-a76a-679bb6640eb1",),
    "uuid5": ("987fbc97-4bed-5078-9f07-9141ba07c9f3",),
    "isbn": ("0321751043", "978-0321751041"),
    "isbn10": ("0-321-75104-3", "080442957X"),
    "isbn13": ("978 0321751041",),
    "creditcard": ("4111 1111 1111 1111", "378282246310005"),
    "ssn": ("111-22-3333", "111 22 3333"),
    "hexcolor": ("#FFF", "00ff00"),
    "rgbcolor": ("rgb(255,0,17)", "rgb( 1 , 2 , 3 )"),
    "byte": ("aGk=", "aGVsbG8h"),
    "password": ("", "anything"),
    "date": ("2024-02-29", "0000-02-29"),
    "duration": ("1h30m", "-1.5s", "0", "3 days", "2 weeks 1 hr", "100us", "5 µs"),
    "date-time": ("2024-02-29T23:59:59Z", "2014-12-15t19:30:20.123+01:00"),
    "quantity": ("10Gi", "1.5", "100m", "-1e3", ".5"),
    "k8s-short-name": ("a", "my-name", "9" * 63),
    "k8s-long-name": ("a.b-c.d", "a" * 253),
}
NOT_FITTING = {
    "bsonobjectid": ("507f1f77bcf86cd79943901", "z07f1f77bcf86cd799439011"),
    "uri": ("", "example.com", "a b", "http://a b/", "/%zz", "http://a:x/", "/a\n"),
    "email": ("", "ann", "ann@", "@example.com", "a..b@example.com", "ann@example.com.", "<ann@example.com", "a b@c.d"),
    "hostname": ("", "-a", "a_b", "a..b", "a.b", "a" * 64 + ".com", ".".join(["abc"] * 70)),
    "ipv4": ("10.0.0", "10.0.0.01", "::1", "10.0.0.1%eth0"),
    "ipv6": ("10.0.0.1", "fe80::1%eth0", "12345::"),
    "cidr": ("10.0.0.1", "10.0.0.1/33", "10.0.0.1/255.0.0.0", "fe80::1%a/64"),
    "mac": ("00:11:22:33:44", "00:11-22:33:44:55", "0011.2233", "00:11:22:33:44:5g"),
    "uuid": ("a987fbc9", f"{UUID3}0"),
    "uuid3": ("57b73598-8764-4ad0-a76a-679bb6640eb1",),
    "uuid4": (UUID3,),
    "uuid5": (UUID3,),
    "isbn": ("0321751044", "978-0321751042"),
    "isbn10": ("978-0321751041",),
    "isbn13": ("0321751043",),
    "creditcard": ("4111 1111 1111 1112", "1234"),
    "ssn": ("111223333", "11-22-33333"),
    "hexcolor": ("#ff", "ggg"),
    "rgbcolor": ("rgb(256,0,0)", "rgb(1,2)", "1,2,3"),
    "byte": ("", "aGk", "a b="),
    "date": ("2023-02-29", "2024-2-9", "20240229"),
    "duration": ("", "5", "1x", "one day", "1h 5"),
    "date-time": ("2024-02-29", "2024-02-30T00:00:00Z", "2024-02-29T24:00:00Z", "2024-02-29T00:00:00"),
    "quantity": ("", "1.5.5", "10 Gi", "Gi"),
    "k8s-short-name": ("", "A", "-a", "a.b", "9" * 64),
    "k8s-long-name": ("a..b", "a.-b", "a" * 254),
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in FITTING.items() for text in texts])
def test_a_text_has_the_format(name: str, text: str) -> None:
    assert formats.fits(name, text)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in NOT_FITTING.items() for text in texts])
def test_a_text_does_not_have_the_format(name: str, text: str) -> None:
    assert not formats.fits(name, text)


def test_formats_are_those_of_a_type() -> None:
    assert [
        formats.checked(name, type_) for name, type_ in (("date-time", "string"), ("email", ""), ("int32", "integer"))
    ]
    assert formats.checked("int32", "string") == ""
    assert formats.checked("float", "integer") == ""
    assert formats.checked("email", "object") == ""
    assert formats.checked("colour", "string") == ""


@pytest.mark.parametrize("name", FITTING)
def test_no_text_takes_long(name: str) -> None:
    for text in ("a" * 200_000, "1" * 200_000, '"' * 200_000, "(" * 200_000, "a." * 100_000, "1 " * 100_000):
        formats.fits(name, text)
