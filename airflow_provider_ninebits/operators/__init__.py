"""Operators: tasks that ring."""
