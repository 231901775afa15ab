"""The only room that talks to the Kubernetes API server: client, reflector, queue, lease, typed errors."""
