"""The container image: its base from Debian packages, the build, its bill of materials, and its own entry point run."""
