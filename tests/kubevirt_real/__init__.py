"""KubeVirt's own verdicts and timelines, and how Berth agrees with them."""
