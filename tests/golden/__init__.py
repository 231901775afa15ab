"""Golden cases: one idea each, as files that people read."""
