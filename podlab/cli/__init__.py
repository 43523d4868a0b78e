"""`podlab`: the command line. A module for each command or group of commands; what decides and prints is kept apart."""

import os

# Failures are told once, in words of ours: gRPC's own lines on stderr come before them otherwise. It reads this when it
# is loaded.
if not os.environ.get("PODLAB_DEBUG"):
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
