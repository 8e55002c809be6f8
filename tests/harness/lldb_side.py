# SPDX-License-Identifier: MIT
# Runs inside LLDB: takes requests from one pipe, executes them, and answers on another.
import json
import os

import lldb


def serve(debugger, request):
    target = debugger.GetSelectedTarget()
    process = target.GetProcess()
    thread = process.GetSelectedThread()
    frame = thread.GetSelectedFrame()
    if request["do"] == "execute":
        # Inside of the command that runs us LLDB would go on with the state it began with.
        context = lldb.SBExecutionContext(next((x for x in (frame, thread, process) if x.IsValid()), target))
        result = lldb.SBCommandReturnObject()
        debugger.GetCommandInterpreter().HandleCommand(request["text"], context, result)
        if not result.Succeeded():
            raise ValueError(result.GetError().strip())
        return result.GetOutput() or ""
    return eval(request["text"], {"lldb": lldb, "target": target, "process": process, "thread": thread, "frame": frame})


def __lldb_init_module(debugger, _):
    debugger.SetAsync(False)
    answers = os.fdopen(int(os.environ["LLDBSIDE_OUT"]), "w")
    for line in os.fdopen(int(os.environ["LLDBSIDE_IN"]), "r"):
        try:
            answer = {"ok": serve(debugger, json.loads(line))}
        except Exception as e:  # whatever it is, the other side shows it
            answer = {"error": f"{e}" or type(e).__name__}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
