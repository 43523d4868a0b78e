"""A bridge of ours goes when nothing is connected to it any more. Runs in a network namespace of its own."""

import subprocess

from node.links import remove_link, remove_unused_bridge


def ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


def main() -> None:
    assert remove_unused_bridge("ours"), "there was none"
    for link in ("ours type bridge", "theirs type bridge", "pod type veth peer name inside"):
        ip(f"link add {link}")
    ip("link set pod master ours")
    assert not remove_unused_bridge("ours"), "a pod is connected to it"
    assert remove_link("pod")
    assert not remove_link("inside"), "it went with its other end"
    assert remove_unused_bridge("ours")
    links = subprocess.run(["ip", "-brief", "link"], check=True, capture_output=True, text=True).stdout
    assert "theirs" in links
    assert "ours" not in links


if __name__ == "__main__":
    main()
