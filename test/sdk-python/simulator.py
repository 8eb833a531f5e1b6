"""What the tests here share: where Sluice is, and how the simulator behind it is told what to do."""

import json
import os
import time
import urllib.request

URL, KEY, MODEL, SIMULATOR = (os.environ[name] for name in ("SLUICE_URL", "SLUICE_KEY", "SLUICE_MODEL", "SIMULATOR_URL"))


def simulator(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{SIMULATOR}/_sim/{path}", data, method=method)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def play(**script):
    simulator("PUT", "profiles/only", script)
    simulator("POST", "reset")


def stats():
    return simulator("GET", "stats")


def until(condition, what, seconds=3):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)
