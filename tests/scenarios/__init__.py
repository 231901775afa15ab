"""Scenarios on a real control plane: the operator as a process, judged by the end state and by the writes it took."""
