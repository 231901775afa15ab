"""The operator's rights: what is granted, why, and that it is what the operator uses."""
