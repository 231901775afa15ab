"""KubeVirt's and CDI's admission, served over HTTPS by the simulator; the API server calls it as it calls virt-api.

A handler takes an AdmissionRequest and returns what the webhook answers; a refusal is an `ApiError` with its words.
"""

import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
from aiohttp import web

from ground.api import ApiError, Json
from ground.kubevirt_sim.fill import filled
from ground.kubevirt_sim.find import referred
from ground.kubevirt_sim.kinds import CLUSTER_PREFERENCE, PREFERENCE
from ground.kubevirt_sim.sim import Sim
from ground.webhooks import Endpoint

Handler = Callable[[Sim, Json], Json]


def mutate_machine(sim: Sim, request: Json) -> Json:
    """Fill a VirtualMachine that is made or changed."""
    vm = request["object"]
    if "deletionTimestamp" in vm["metadata"]:
        return {}
    matcher = vm["spec"].get("preference")
    found = referred(sim, request["namespace"], matcher, CLUSTER_PREFERENCE, PREFERENCE) if matcher else None
    template = filled(vm, found["spec"] if found else None, created=request["operation"] == "CREATE")
    return _patched([{"op": "replace", "path": "/spec/template", "value": template}])


HANDLERS: dict[str, Handler] = {"/virtualmachines-mutate": mutate_machine}


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
        try:
            response = {"allowed": True, **handler(sim, request)}
        except ApiError as error:
            response = {"allowed": False, "status": error.status}
        body = {**review, "request": None, "response": {"uid": request["uid"], **response}}
        return web.Response(body=orjson.dumps(body), content_type="application/json")

    return answer


def _patched(operations: list[Json]) -> Json:
    return {"patchType": "JSONPatch", "patch": base64.b64encode(orjson.dumps(operations)).decode()}
