"""The shell: kopf, queue, reconcile, settings, metrics, events, health. Thin and boring."""
