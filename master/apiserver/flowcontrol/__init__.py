"""How much may go on at once, so that nobody can hold the server for all: limits, priority levels, rates of writes."""
