"""What is required of a workload, and by whom: matching policies and the join of everything that matches."""
