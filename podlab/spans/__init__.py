"""What a component remembers of when it did what: a bounded memory, which costs next to nothing until somebody asks."""
