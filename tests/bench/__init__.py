"""Speed and memory, measured against a bare client on the same control plane in the same run."""
