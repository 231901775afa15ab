"""Tests of the test ground itself."""
