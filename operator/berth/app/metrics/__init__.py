"""What Prometheus is told: every metric is declared in `declared`, state is computed at every scrape."""
