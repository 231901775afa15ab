"""Plain pods on the real node, without Berth: what its own tests try the ground with."""

from ground.api import eventually
from ground.cluster import ClusterError
from scenarios.kinds import POD, SERVICE
from scenarios.site import Json, Space, condition, kubectl

REGISTRY = "registry.example"
CLIENTS = {"matchLabels": {"app": "client"}}
SECONDS = 30.0


def serve(space: Space, name: str) -> None:
    """Run a small web server behind a Service, and wait until it is ready."""
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1}
    _run(space, name, {"image": f"{REGISTRY}/demo/goweb:1", "readinessProbe": probe})
    space.put(SERVICE, name, {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]})


def client(space: Space, runtime: str) -> None:
    """Run a shell, in runc or in gVisor."""
    _run(space, "client", {"image": f"{REGISTRY}/demo/script:1"}, runtime)


def _run(space: Space, name: str, container: Json, runtime: str = "runc") -> None:
    spec: Json = {"containers": [{"name": "main", **container}], "terminationGracePeriodSeconds": 1}
    if runtime != "runc":
        spec["runtimeClassName"] = runtime
    space.put(POD, name, spec, {"app": name})
    space.until(POD, name, lambda found: condition(found, "Ready")["status"] == "True")


def reaches(space: Space, host: str, port: int) -> bool:
    """Tell whether the client can open a connection."""
    script = f"exec 3<>/dev/tcp/{host}/{port}"
    try:
        kubectl(space.cluster, "-n", space.name, "exec", "client", "--", "timeout", "2", "bash", "-c", script)
    except ClusterError:
        return False
    return True


def until_reached(space: Space, host: str, port: int, *, wanted: bool) -> None:
    """Wait until the client can open a connection, or cannot."""
    eventually(lambda: reaches(space, host, port) == wanted, SECONDS, f"{host}:{port} is reached: {wanted}")
