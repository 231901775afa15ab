#!/usr/bin/env bash
# grafana-foundation-sdk 0.0.21 (Python): reading a dashboard and writing it again hides the legend of its graphs.
#
# A time series panel with empty options leaves them to Grafana. After register_default_plugins() the same panel comes
# back with a legend that is switched off, a sort order for its tooltip, and without an option that the
# SDK does not know; a value that its enumeration does not have is kept. Without that call all of it passes untouched.
# Seen, for the options {} and for {"legend": {"displayMode": "sideways"}, "later": 1}, with the plugins registered:
#   {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": []}, "tooltip": {"mode": "single", "sort": "asc"}}
#   {"legend": {"displayMode": "sideways", "placement": "bottom", "showLegend": false, "calcs": []}, "tooltip": {"mode": "single", "sort": "asc"}}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check grafana-foundation-sdk==0.0.21
"$dir/venv/bin/python" - <<'PY'
import json

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


def again(options):
    read = Dashboard.from_json({"title": "Pods", "panels": [{"type": "timeseries", "options": options}]})
    return json.loads(json.dumps(read, cls=JSONEncoder))["panels"][0]["options"]


given = [{}, {"legend": {"displayMode": "sideways"}, "later": 1}]
assert [again(options) for options in given] == given

register_default_plugins()
for options, mode in zip(given, ("list", "sideways"), strict=True):
    print(json.dumps(again(options)))
    assert again(options) == {
        "legend": {"displayMode": mode, "placement": "bottom", "showLegend": False, "calcs": []},
        "tooltip": {"mode": "single", "sort": "asc"},
    }
PY
