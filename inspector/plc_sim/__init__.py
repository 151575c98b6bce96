"""A PLC to try a station with, and the tests' client: it triggers, rejects on silence, checks the answers."""
