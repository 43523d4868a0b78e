"""The hooks of strategies of kinds that need more than a line: each is a pure function of what it is given."""
