"""The sixty threats that Berth was designed against, each tried for real: `make threats`."""
