"""
Notifiers: somebody is rung when a task, a run or a deadline comes to a bad end, or a good one.

==============  ========================================================
``voice``       the notifier; ``alarm``: one alert from its templates to its call
``ringing``     the way of one alert
``occasion``    who gives it, read from what Airflow hands to a callback
``templates``   its fields, rendered one by one
``bounded``     work that is waited for no longer than some time
``ladders``     the further contacts of an alert, written down
``escalation``  the DAG that rings them
==============  ========================================================
"""
