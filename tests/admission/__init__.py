"""The admission policies on a real API server: who may write what, and what the answer says."""
