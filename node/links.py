"""Network links of ours, through netlink."""

import errno

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError


def remove_link(name: str) -> bool:
    """Takes the link away with all that is on it; whether it was there. Raises NetlinkError."""
    with IPRoute() as netlink:
        for index in netlink.link_lookup(ifname=name):
            try:
                netlink.link("del", index=index)
            except NetlinkError as error:
                if error.code != errno.ENODEV:  # it has just gone
                    raise
            return True
    return False


def remove_unused_bridge(name: str) -> bool:
    """Takes the bridge away unless something is connected to it; whether there is none now. Raises NetlinkError."""
    with IPRoute() as netlink:
        ours = netlink.link_lookup(ifname=name)
        if any(link.get_attr("IFLA_MASTER") in ours for link in netlink.get_links()):
            return False
    remove_link(name)
    return True
