"""
Operators: tasks that ring.

==============  ================================================
``voice``       sends a voice message
``escalation``  rings one contact after the other
``work``        what a task is at, and is known by in the ledger
``deferring``   how a send leaves its worker
``pushing``     what it pushes to XCom, and when
``links``       links to the page "Voice calls"
==============  ================================================
"""
