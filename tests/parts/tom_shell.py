"""Runs inside a TOM's own Python: executes what comes as JSON lines, as a person at ``manage.py shell`` would.

Each line in is ``{"code": ..., "given": {...}}``; the answer is ``{"result": ...}`` (what the code left in
``result``) or ``{"error": traceback}``. Connections are closed after each, so that the database file may be replaced.
"""

import json
import os
import sys
import traceback

import django


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what Django prints must not get between the answers
    django.setup()
    from django.db import connections

    for line in sys.stdin:
        asked = json.loads(line)
        scope = dict(asked["given"])
        try:
            exec(asked["code"], scope)
            answer = {"result": scope.get("result")}
        except Exception:
            answer = {"error": traceback.format_exc()}
        connections.close_all()
        answers.write(json.dumps(answer, default=str) + "\n")


main()
