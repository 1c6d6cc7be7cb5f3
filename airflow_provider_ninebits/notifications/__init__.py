"""Notifiers: somebody is rung when a task, a run or a deadline comes to a bad end, or a good one."""
