#!/usr/bin/env bash
# gopkg.in/evanphx/json-patch.v4 4.13.0 (Go, the API server's) and jsonpatch 1.47 (Python): "test" on what is not there.
#
# The Go library takes a member that is missing for null, so a patch that adds something only where null stands is done
# where nothing stands, too. The Python one tells the two apart and refuses the same patch. A test that passes offline
# thus says little about the cluster, in this corner.
# Seen, for the document {} and for {"paused": null}, from Go and then from Python:
#   {"replicas":1} <nil>
#   {"paused":null,"replicas":1} <nil>
#   {} JsonPatchTestFailed
#   {'paused': None, 'replicas': 1}
set -euo pipefail
here=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jsonpatch==1.47
cat >main.go <<'GO'
package main

import (
	"fmt"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

func main() {
	patch, _ := jsonpatch.DecodePatch([]byte(`[{"op": "test", "path": "/paused", "value": null},
		{"op": "add", "path": "/replicas", "value": 1}]`))
	for _, document := range []string{`{}`, `{"paused": null}`} {
		patched, err := patch.Apply([]byte(document))
		fmt.Println(string(patched), err)
	}
}
GO
cat >main.py <<'PY'
import jsonpatch

patch = [{"op": "test", "path": "/paused", "value": None}, {"op": "add", "path": "/replicas", "value": 1}]
for document in ({}, {"paused": None}):
    try:
        print(jsonpatch.apply_patch(document, patch))
    except jsonpatch.JsonPatchException as error:
        print(document, type(error).__name__)
PY
go mod init example.com/finding 2>log && go get gopkg.in/evanphx/json-patch.v4@v4.13.0 2>>log || { cat log; exit 1; }
{ go run . && venv/bin/python main.py; } | tee seen
diff seen <(sed -n 's/^#   //p' "$here")
