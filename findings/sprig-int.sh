#!/usr/bin/env bash
# github.com/Masterminds/sprig/v3 3.3.0 (Go, the functions of Helm templates): int makes 8 of "010" and 0 of "08".
#
# A string with a leading zero is read as octal, and what is no number then becomes 0 without an error: the months 08 and
# 09 vanish. So does a fraction in a string, unless it is .0, while a number loses its fraction only. add reads its
# arguments the same way; atoi reads decimal. Seen:
#   int "010" = 8
#   int "08" = 0
#   int "1.0" = 1
#   int "1.5" = 0
#   int 1.5 = 1
#   add "010" 1 = 9
#   atoi "010" = 10
set -euo pipefail
here=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

func main() {
	for _, call := range []string{`int "010"`, `int "08"`, `int "1.0"`, `int "1.5"`, `int 1.5`, `add "010" 1`, `atoi "010"`} {
		parsed := template.Must(template.New("").Funcs(sprig.TxtFuncMap()).Parse("{{ " + call + " }}\n"))
		fmt.Print(call, " = ")
		if err := parsed.Execute(os.Stdout, nil); err != nil {
			panic(err)
		}
	}
}
GO
go mod init example.com/finding 2>log && go get github.com/Masterminds/sprig/v3@v3.3.0 2>>log || { cat log; exit 1; }
go run . | tee seen
diff seen <(sed -n 's/^#   //p' "$here")
