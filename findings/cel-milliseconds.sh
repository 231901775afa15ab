#!/usr/bin/env bash
# cel-expr-python 0.1.3 and cel-python 0.5.0: an hour has no milliseconds in the one and 3600000 in the other.
#
# getHours, getMinutes and getSeconds of a duration give all of it in that unit, in both. getMilliseconds does so in
# cel-python; cel-expr-python gives what is left over beyond whole seconds, so a limit written in milliseconds never
# bites there. Seen, minutes, seconds and milliseconds of duration('3723.5s'), from the one and from the other:
#   62 3723 500
#   62 3723 3723500
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check cel-expr-python==0.1.3 cel-python==0.5.0
"$dir/venv/bin/python" - <<'PY'
import celpy
from cel_expr_python import cel

EXPRESSIONS = [f"duration('3723.5s').get{unit}()" for unit in ("Minutes", "Seconds", "Milliseconds")]

one = [cel.NewEnv().compile(expression).eval(data={}).plain_value() for expression in EXPRESSIONS]
env = celpy.Environment()
other = [int(env.program(env.compile(expression)).evaluate({})) for expression in EXPRESSIONS]
print(*one)
print(*other)
assert one == [62, 3723, 500]
assert other == [62, 3723, 3723500]
PY
