"""A TOM's record of positions, outcomes, what waits and what is dead: one port, its rules, and a store in SQLite."""
