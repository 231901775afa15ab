#!/usr/bin/env bash
# prometheus-client 0.26.0 (Python): what a scraper rules out is what it gets.
#
# choose_encoder takes OpenMetrics as soon as its name stands in the Accept header, so q=0 ("not this one") asks for it;
# it knows the name in lower case only, though media types have no case; and it says whichever version it was asked for,
# while for the text format it says 1.0.0 to all from 1.0.0 on. Seen, header and Content-Type:
#   application/openmetrics-text;q=0, text/plain  ->  application/openmetrics-text; version=1.0.0; charset=utf-8
#   Application/OpenMetrics-Text;version=1.0.0    ->  text/plain; version=0.0.4; charset=utf-8
#   application/openmetrics-text;version=7.5.0    ->  application/openmetrics-text; version=7.5.0; charset=utf-8; escaping=underscores
#   text/plain;version=7.5.0                      ->  text/plain; version=1.0.0; charset=utf-8; escaping=underscores
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check prometheus-client==0.26.0
"$dir/venv/bin/python" - <<'PY'
from prometheus_client.exposition import choose_encoder

SEEN = {
    "application/openmetrics-text;q=0, text/plain": "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "Application/OpenMetrics-Text;version=1.0.0": "text/plain; version=0.0.4; charset=utf-8",
    "application/openmetrics-text;version=7.5.0": "application/openmetrics-text; version=7.5.0; charset=utf-8; escaping=underscores",
    "text/plain;version=7.5.0": "text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
}
for accept, seen in SEEN.items():
    print(accept, "->", choose_encoder(accept)[1])
    assert choose_encoder(accept)[1] == seen
PY
