"""Says what the bytes are: the catalogue that researchers work in."""
