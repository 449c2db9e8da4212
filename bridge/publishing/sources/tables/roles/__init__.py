"""Which columns tell the time and which rows are bad, and whether the others can bear on what is used."""
