"""`bytecode.py FOLDER`, inside the build: compiles what the operator imports from a folder, and nothing else.

Measured: to start takes 2.1 s without bytecode and 0.9 s with this, as with all; all would be 50 MB more.
"""

import compileall
import importlib
import sys
from py_compile import PycInvalidationMode

# What they import only when they are asked to comes after them.
ENTRIES = (
    "berth.cli.main",
    "berth.app.operator",
    "berth.app.preview.server",
    "uvloop",
    "cel_expr_python.cel",
    "cryptography.x509",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "opentelemetry.sdk.trace.export",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
)


def main() -> int:
    """Import what is run, and compile what that took; returns the exit status."""
    for entry in ENTRIES:
        importlib.import_module(entry)
    files = [module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)]
    ours = [path for path in files if path and path.startswith(sys.argv[1]) and path.endswith(".py")]
    # Unchecked, for an image sets other times on files than they had here.
    done = [
        compileall.compile_file(path, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH) for path in ours
    ]
    return 0 if done and all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
