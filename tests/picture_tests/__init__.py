"""Tests of the pictures of dashboards, and the dashboard of all panel types that they draw."""
