"""Values of fields: quantities, times, names, schedules, JSON."""
