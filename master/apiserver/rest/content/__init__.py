"""What bodies and answers look like: reading, content negotiation, tables, warnings, compression."""
