"""The documentation: what is generated of it, and that what it claims is so."""
