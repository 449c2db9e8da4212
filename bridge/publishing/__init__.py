"""From what a person or a TOM has to records of a stream."""
