"""A worker process that misbehaves on request; speaks the protocol of mercap/workers/child.py."""

import json
import os
import signal
import sys
import time

OK = {"status": "ok", "payload": None, "cause": None, "message": None, "retryable": False, "raw": None, "seconds": 0.0}


def send(value: object) -> None:
    sys.stdout.write((value if isinstance(value, str) else json.dumps(value)) + "\n")
    sys.stdout.flush()


send({"ready": True})
for line in sys.stdin:
    request = json.loads(line)
    arguments = request["arguments"]
    kind = request["operation"]
    if kind == "hang":
        time.sleep(60)
    elif kind == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif kind == "die_once" and not os.path.exists(arguments["marker"]):
        open(arguments["marker"], "w").close()
        os.kill(os.getpid(), signal.SIGSEGV)
    elif kind == "garbage":
        send("not json")
    elif kind == "list":
        send([1, 2])
    elif kind == "stranger":
        send({"status": "ok", "surprise": 1})
    elif kind == "unknown_cause":
        send({**OK, "status": "quarantined", "cause": "because"})
    elif kind == "flood":
        sys.stdout.write("x" * 20_000_000)
        sys.stdout.flush()
    elif kind == "mend":
        send({"error": "The model 'x' is not there.", "type": "UsageError"})
    elif kind == "leave":
        send({**OK, "payload": str(os.getpid()), "leaving": True})
        sys.exit()
    elif kind == "environment":
        send({**OK, "payload": json.dumps(dict(os.environ))})
    else:
        send({**OK, "payload": str(os.getpid())})
