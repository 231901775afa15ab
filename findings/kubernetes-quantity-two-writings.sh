#!/usr/bin/env bash
# k8s.io/apimachinery 0.37.2 (Go): the canonical form of an amount is not canonical when it is read again.
#
# An amount remembers which suffixes it came with. One in Ki that is no whole number of Ki is written without any, and
# what stands there then is read as decimal and gets another form. So an object that nobody changes is stored in two ways
# one after the other, and who compares strings sees a change. Seen, as given, written once, and written again:
#   62.5Ki 64000 64k
#   0.1Ki 102400m 102400m
#   1.5Ki 1536 1536
#   1.5Mi 1536Ki 1536Ki
set -euo pipefail
here=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
)

func written(amount string) string {
	quantity := resource.MustParse(amount)
	return quantity.String()
}

func main() {
	for _, given := range []string{"62.5Ki", "0.1Ki", "1.5Ki", "1.5Mi"} {
		fmt.Println(given, written(given), written(written(given)))
	}
}
GO
go mod init example.com/finding 2>log && go get k8s.io/apimachinery/pkg/api/resource@v0.37.2 2>>log || { cat log; exit 1; }
go run . | tee seen
diff seen <(sed -n 's/^#   //p' "$here")
