from podlab.deploy.debian import apt_options, sources

TARGETS = """\
Debian|http://mirror/debian/|bookworm|main
Debian|http://mirror/debian/|bookworm|contrib
Debian|http://mirror/debian/|bookworm-updates|main
Debian|http://mirror/debian/|trixie|main
Docker|https://elsewhere/linux/debian/|bookworm|stable
$(ORIGIN)|https://broken/|bookworm|main
Debian|http://mirror/debian/|bookworm|main
"""
DUMP = """\
APT::Architecture "amd64";
Acquire::http::Proxy "http://proxy:3128";
Acquire::https::Proxy "";
Acquire::Check-Valid-Until "false";
Acquire::http::Proxy::host "DIRECT";
"""


def test_only_debians_own_sources_for_the_suite_are_taken_over() -> None:
    assert sources(TARGETS, "bookworm") == (
        "deb http://mirror/debian/ bookworm main",
        "deb http://mirror/debian/ bookworm-updates main",
    )


def test_settings_without_which_apt_cannot_reach_the_mirror_are_taken_over() -> None:
    assert apt_options(DUMP, {}) == (
        'Acquire::http::Proxy "http://proxy:3128";',
        'Acquire::Check-Valid-Until "false";',
    )


def test_a_proxy_from_the_environment_counts_where_apt_has_none() -> None:
    options = apt_options(DUMP, {"http_proxy": "http://other", "https_proxy": "http://secure"})
    assert 'Acquire::https::Proxy "http://secure";' in options
    assert not any("other" in option for option in options)


def test_a_machine_s_mirrors_serve_other_suites_too() -> None:
    ours = "\n".join(line for line in TARGETS.splitlines() if "trixie" not in line)
    assert sources(ours, "trixie") == (
        "deb http://mirror/debian/ trixie main",
        "deb http://mirror/debian/ trixie-updates main",
    )
    assert sources(TARGETS, "trixie") == ("deb http://mirror/debian/ trixie main",)
    assert sources("Ubuntu|http://mirror/ubuntu/|noble|main", "trixie") == ()
