"""State of children -> conditions, cost, time to ready: the status of a Workload. Pure; time is an argument."""
