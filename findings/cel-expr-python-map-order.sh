#!/usr/bin/env bash
# cel-expr-python 0.1.3: one compiled expression gives the keys of one map in another order each time it is evaluated.
#
# CEL promises no order, but a message that joins the keys of a map (the labels of a namespace, say) changes
# although nothing has changed. cel-python 0.5.0 keeps the order of the
# literal. Seen, four evaluations, how many orders came in 200, and what cel-python says 200 times:
#   cdefab afdbec afcbde cbadef
#   8 orders
#   abcdef
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check cel-expr-python==0.1.3 cel-python==0.5.0
"$dir/venv/bin/python" - <<'PY'
import celpy
from cel_expr_python import cel

EXPRESSION = "{'a': 1, 'b': 2, 'c': 3, 'd': 4, 'e': 5, 'f': 6}.map(key, key)"

compiled = cel.NewEnv().compile(EXPRESSION)
orders = ["".join(compiled.eval(data={}).plain_value()) for _ in range(200)]
print(*orders[:4])
print(len(set(orders)), "orders")
assert {"".join(sorted(order)) for order in orders} == {"abcdef"}
assert len(set(orders)) > 1

env = celpy.Environment()
other = env.program(env.compile(EXPRESSION))
orders = {"".join(other.evaluate({})) for _ in range(200)}
print(*orders)
assert orders == {"abcdef"}
PY
