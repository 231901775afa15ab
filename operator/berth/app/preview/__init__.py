"""The preview: its own process that answers dry-runs with what would come of them. It never denies and never writes."""
