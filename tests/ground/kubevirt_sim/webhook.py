"""KubeVirt's and CDI's admission, served over HTTPS by the simulator; the API server calls it as it calls virt-api.

A handler takes an AdmissionRequest and returns what the webhook answers beside "allowed".
"""

import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
from aiohttp import web

from ground.api import Json
from ground.kubevirt_admission import Cause
from ground.kubevirt_sim import refuse
from ground.kubevirt_sim.fill import filled
from ground.kubevirt_sim.find import KINDS, referred
from ground.kubevirt_sim.kinds import DATA_SOURCE, VMI
from ground.kubevirt_sim.sim import Sim
from ground.kubevirt_sim.status import condition
from ground.kubevirt_sim.vmi_status import FINAL, phase_of
from ground.webhooks import Endpoint

Handler = Callable[[Sim, Json], Awaitable[Json]]


async def mutate_machine(sim: Sim, request: Json) -> Json:
    """Fill a VirtualMachine that is made or changed."""
    vm = request["object"]
    if "deletionTimestamp" in vm["metadata"]:
        return {}
    preference = _spec_of(sim, request, "preference")
    template = filled(vm, preference, created=request["operation"] == "CREATE")
    return _patched([{"op": "replace", "path": "/spec/template", "value": template}])


async def validate_machine(sim: Sim, request: Json) -> Json:
    """Refuse a VirtualMachine that KubeVirt would."""
    vm = request["object"]
    if "deletionTimestamp" in vm["metadata"]:
        return {}
    instancetype, preference = (_spec_of(sim, request, field) for field in ("instancetype", "preference"))
    return _refused(refuse.of_machine(vm, instancetype, preference, sim.config()))


async def validate_pool(sim: Sim, request: Json) -> Json:
    """Refuse a VirtualMachinePool that KubeVirt would."""
    return _refused(refuse.of_pool(request["object"], sim.config()))


async def validate_instance(sim: Sim, request: Json) -> Json:
    """Refuse a VirtualMachineInstance that KubeVirt would."""
    return _refused(refuse.of_instance(request["object"]["spec"], sim.config()))


async def validate_migration(sim: Sim, request: Json) -> Json:
    """Refuse to migrate what does not run, or cannot move."""
    name = request["object"]["spec"].get("vmiName", "")
    vmi = sim.world.get(VMI, request["namespace"], name)
    if vmi is None:
        return _denied(404, f'virtualmachineinstances.kubevirt.io "{name}" not found')
    if phase_of(vmi) in FINAL:
        return _denied(400, "Cannot migrate VMI in finalized state.")
    stuck = condition(vmi, "LiveMigratable")
    if stuck and stuck["status"] == "False":
        text = f"Cannot migrate VMI, Reason: {stuck.get('reason', '')}, Message: {stuck.get('message', '')}"
        return _denied(400, text)
    return {}


async def validate_data_volume(sim: Sim, request: Json) -> Json:
    """Refuse a DataVolume whose DataSource is not there, or whose source who asks may not clone from (CDI)."""
    volume, namespace = request["object"], request["namespace"]
    if "deletionTimestamp" in volume["metadata"]:
        return {}
    source = volume["spec"].get("source") or {}
    if reference := volume["spec"].get("sourceRef"):
        found = sim.world.get(DATA_SOURCE, reference.get("namespace") or namespace, reference["name"])
        if found is None:
            return _denied(400, f'datasources.cdi.kubevirt.io "{reference["name"]}" not found')
        source = found["spec"]["source"]
    where = (source.get("pvc") or source.get("snapshot") or {}).get("namespace") or namespace
    if where == namespace or await _may_clone(sim, request["userInfo"], where):
        return {}
    user = request["userInfo"]["username"]
    return _denied(403, f"User {user} has insufficient permissions in clone source namespace {where}")


HANDLERS: dict[str, Handler] = {
    "/virtualmachines-mutate": mutate_machine,
    "/virtualmachines-validate": validate_machine,
    "/virtualmachinepools-validate": validate_pool,
    "/virtualmachineinstances-validate": validate_instance,
    "/migrations-validate": validate_migration,
    "/datavolumes-validate": validate_data_volume,
}


async def _may_clone(sim: Sim, user: Json, namespace: str) -> bool:
    """Ask whether somebody may clone from a namespace, as CDI does: may create datavolumes/source there."""
    wanted = {"group": "cdi.kubevirt.io", "resource": "datavolumes", "subresource": "source", "verb": "create"}
    spec = {"user": user["username"], "groups": user.get("groups", [])}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {**spec, "resourceAttributes": {**wanted, "namespace": namespace}},
    }
    review = await sim.client.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
    return bool(review["status"]["allowed"])


def _spec_of(sim: Sim, request: Json, field: str) -> Json | None:
    """Return the spec of a machine's instance type or preference; None when it has none, or that is not there."""
    matcher = request["object"]["spec"].get(field)
    cluster, own = KINDS[field]
    found = referred(sim, request["namespace"], matcher, cluster, own) if matcher else None
    return found["spec"] if found else None


def _refused(causes: list[Cause]) -> Json:
    """Return the answer of virt-api: a refusal when there is a cause."""
    if not causes:
        return {}
    answer = _denied(422, ", ".join(cause.message for cause in causes))
    details = [{"field": cause.field, "message": cause.message} for cause in causes]
    answer["status"] |= {"reason": "Invalid", "details": {"causes": details}}
    return answer


def _denied(code: int, message: str) -> Json:
    return {"allowed": False, "status": {"code": code, "message": message}}


@asynccontextmanager
async def serving(sim: Sim, endpoint: Endpoint) -> AsyncIterator[None]:
    """Serve all handlers at an endpoint for the length of a block; raises OSError when its port is taken."""
    application = web.Application()
    for path, handler in HANDLERS.items():
        application.router.add_post(path, _reviewed(sim, handler))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(endpoint.certificate, endpoint.key)
    try:
        await web.TCPSite(runner, endpoint.host, endpoint.port, ssl_context=tls).start()
        yield
    finally:
        await runner.cleanup()


def _reviewed(sim: Sim, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(http: web.Request) -> web.Response:
        review: Json = orjson.loads(await http.read())
        request = review["request"]
        response = {"allowed": True, **await handler(sim, request)}
        body = {**review, "request": None, "response": {"uid": request["uid"], **response}}
        return web.Response(body=orjson.dumps(body), content_type="application/json")

    return answer


def _patched(operations: list[Json]) -> Json:
    return {"patchType": "JSONPatch", "patch": base64.b64encode(orjson.dumps(operations)).decode()}
