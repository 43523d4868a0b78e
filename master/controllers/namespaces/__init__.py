"""Controllers of namespaces: what each is given, what it may use, and how it ends."""
