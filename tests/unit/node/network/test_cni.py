from node.network.cni import conflist


def test_pods_get_addresses_of_their_node_and_packets_as_long_as_its_way_to_the_others_takes() -> None:
    bridge, portmap = conflist(["10.244.3.0/24"], 1450)["plugins"]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.244.3.0/24"}]]
    assert bridge["mtu"] == 1450
    assert portmap["capabilities"] == {"portMappings": True}


def test_as_long_as_the_length_is_not_known_the_plugin_chooses() -> None:
    assert "mtu" not in conflist(["10.244.3.0/24"], None)["plugins"][0]
