"""Pictures of Grafana dashboards from live Prometheus data, drawn with the panels of Perses in headless Chromium."""
