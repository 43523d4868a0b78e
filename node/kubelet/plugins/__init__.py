"""Programs on the node that make themselves known to the kubelet by sockets: drivers of devices and of volumes."""
