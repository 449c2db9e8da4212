"""From the stream into a TOM: the one path of live, replayed, parked and dead events."""
