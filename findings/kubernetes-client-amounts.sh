#!/usr/bin/env bash
# kubernetes 37.0.2 (Python): its models refuse amounts that kubectl and the API server take.
#
# YAML reads "cpu: 2" as a number, and many manifests have it so. The models that came with version 37 want a string, so
# a container cannot be read from such a manifest; a port, which may be either, is taken. Seen for cpu "2", cpu 2 and
# targetPort 80:
#   {'claims': None, 'limits': {'cpu': '2'}, 'requests': None}
#   limits.cpu: Input should be a valid string
#   80
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes==37.0.2
"$dir/venv/bin/python" - <<'PY'
from kubernetes.client import V1ResourceRequirements, V1ServicePort
from pydantic import ValidationError

print(V1ResourceRequirements.from_dict({"limits": {"cpu": "2"}}).to_dict())
try:
    V1ResourceRequirements.from_dict({"limits": {"cpu": 2}})
except ValidationError as error:
    (fault,) = error.errors()
    where = ".".join(fault["loc"])
    print(f"{where}: {fault['msg']}")
    assert (where, fault["type"]) == ("limits.cpu", "string_type")
else:
    raise SystemExit("the number is taken")
print(V1ServicePort.from_dict({"port": 80, "targetPort": 80}).target_port)
PY
