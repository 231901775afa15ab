"""The command line: run the operator, write CRDs, explain decisions."""
