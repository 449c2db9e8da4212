"""What receiving and sharing both know: rows of the TOM's models as kinds of events, and their names."""
