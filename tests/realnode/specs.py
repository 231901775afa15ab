"""Specs of Workloads from the images of the real node."""

from scenarios.site import Json

REGISTRY = "registry.example"
PORT = 8080


def web(image: str = "demo/goweb:1", **more: object) -> Json:
    """Return a service of three small web servers, which are ready by HTTP."""
    probe = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1, "timeoutSeconds": 5}
    return service(image, replicas=3, readinessProbe=probe) | more


def service(image: str, port: int = PORT, replicas: int = 1, registry: str = REGISTRY, **container: object) -> Json:
    """Return what people write first: an image and its port."""
    return {
        "type": "Service",
        "replicas": replicas,
        "container": {
            "image": f"{registry}/{image}",
            "ports": [{"name": "http", "containerPort": port}],
            **container,
        },
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}},
        "service": {"ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }
