#!/usr/bin/env bash
# kubernetes 37.0.2 (Python) and k8s.io/apimachinery 0.37.2 (Go): a time that one writes and the other cannot read.
#
# A MicroTime, such as renewTime of a Lease, has six digits after the second, and the Go type of the API server takes
# nothing else. The Python client reads it, and leaves the digits out when all six are 0: a Lease that was renewed on the
# second cannot be written back. Seen, for half past and for the full second:
#   2026-01-01T00:00:00.500000+00:00 is read
#   2026-01-01T00:00:00+00:00 is not read: cannot parse "+00:00" as ".000000"
set -euo pipefail
here=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check kubernetes==37.0.2
cat >main.py <<'PY'
from kubernetes.client import ApiClient, V1Lease

for renewed in ("2026-01-01T00:00:00.500000Z", "2026-01-01T00:00:00.000000Z"):
    lease = V1Lease.from_dict({"spec": {"renewTime": renewed}})
    print(ApiClient().sanitize_for_serialization(lease)["spec"]["renewTime"])
PY
cat >main.go <<'GO'
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func main() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var renewed metav1.MicroTime
		if err := renewed.UnmarshalJSON([]byte(`"` + lines.Text() + `"`)); err != nil {
			_, why, _ := strings.Cut(err.Error(), `07:00": `)
			fmt.Println(lines.Text(), "is not read:", why)
			continue
		}
		fmt.Println(lines.Text(), "is read")
	}
}
GO
go mod init example.com/finding 2>log && go get k8s.io/apimachinery/pkg/apis/meta/v1@v0.37.2 2>>log || { cat log; exit 1; }
venv/bin/python main.py | go run . | tee seen
diff seen <(sed -n 's/^#   //p' "$here")
