"""How every component and the command line talk to the API server."""
