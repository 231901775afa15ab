"""Berth: one Workload manifest, placed by policy as pods, sandboxed pods or a virtual machine."""

__version__ = "0.1.0"
