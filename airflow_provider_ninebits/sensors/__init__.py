"""Sensors: tasks that wait for outcomes."""
