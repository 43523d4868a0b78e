"""Which way a packet takes on a node: the kernel's tables as text, followed by an imaginary packet, said in words."""
