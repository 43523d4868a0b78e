"""The gRPC front: the service podlab.v1.ApiServer, and calls that are relayed to other components."""
