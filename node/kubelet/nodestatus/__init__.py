"""The node's own object, its Lease, and what the machine and the runtime say of themselves."""
