# SPDX-License-Identifier: MIT
# Runs inside GDB: takes requests from one pipe, executes them, and answers on another.
import json
import os

import gdb

requests = os.fdopen(int(os.environ["GDBSIDE_IN"]), "r")
answers = os.fdopen(int(os.environ["GDBSIDE_OUT"]), "w")
stops = []


def on_stop(event):
    stop = {"kind": type(event).__name__, "breakpoints": [b.number for b in getattr(event, "breakpoints", [])],
            "signal": getattr(event, "stop_signal", None)}
    stops.append(stop)


def on_cont(_):
    """What GDB is asked to interrupt must run first."""
    global tell_running
    if tell_running:
        tell_running = False
        say({"running": True})


def say(answer):
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def number(value):
    try:
        return int(value)
    except (gdb.error, TypeError, ValueError, OverflowError):
        return str(value)


def serve(request):
    what, text = request["do"], request["text"]
    if what == "execute":
        return gdb.execute(text, False, True)
    if what == "evaluate":
        value = gdb.parse_and_eval(text)
        if value.type.strip_typedefs().code in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_INT, gdb.TYPE_CODE_FUNC):
            return int(value.cast(gdb.lookup_type("unsigned long"))) & (1 << 64) - 1
        return number(value)
    if what == "python":
        scope = {"gdb": gdb, "result": None}
        exec(text, scope)
        return scope["result"]
    raise ValueError(what)


tell_running = False
gdb.events.stop.connect(on_stop)
gdb.events.cont.connect(on_cont)
for line in requests:
    try:
        stops.clear()
        request = json.loads(line)
        tell_running = request.get("tell_running")
        answer = {"ok": serve(request)}
        if stops:
            thread = gdb.selected_thread()
            answer["stop"] = dict(stops[-1], thread=thread.num if thread else 0,
                                  pc=int(gdb.parse_and_eval("(unsigned long)$pc")) & (1 << 64) - 1,
                                  frame=gdb.execute("frame 0", False, True))
    except KeyboardInterrupt:
        answer = {"error": "interrupted"}
    except BaseException as e:
        answer = {"error": f"{e}" or type(e).__name__}
    tell_running = False
    gdb.flush()
    say(answer)
