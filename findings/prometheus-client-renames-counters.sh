#!/usr/bin/env bash
# prometheus-client 0.26.0 (Python): its reader of the text format gives counters another name than they have.
#
# The text format lets a counter be called anything, with _total at the end or without. The reader returns a sample
# without it under a name that is nowhere in what it read, so a test that looks for the real name finds nothing; a gauge
# of the same name keeps it. Seen for "pod_restarts 3", declared as a counter and as a gauge:
#   counter pod_restarts ['pod_restarts_total']
#   gauge pod_restarts ['pod_restarts']
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check prometheus-client==0.26.0
"$dir/venv/bin/python" - <<'PY'
from prometheus_client.parser import text_string_to_metric_families

for kind, name in (("counter", "pod_restarts_total"), ("gauge", "pod_restarts")):
    (family,) = text_string_to_metric_families(f"# TYPE pod_restarts {kind}\npod_restarts 3\n")
    print(family.type, family.name, [sample.name for sample in family.samples])
    assert (family.type, family.name) == (kind, "pod_restarts")
    assert [(sample.name, sample.value) for sample in family.samples] == [(name, 3)]
PY
