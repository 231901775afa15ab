"""Desired and observed children -> ordered steps; and whether a running workload may be moved. Pure."""
