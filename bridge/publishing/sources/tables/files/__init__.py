"""How files of measurements are written, each read as a table of text."""
