# SPDX-License-Identifier: MIT
"""A debugger in a process of its own, whose Python serves requests from one pipe and answers on another."""

import json
import os
import subprocess


class Side:
    """name: of the two environment variables by which the other side learns of its pipes, NAME_IN and NAME_OUT."""

    def __init__(self, name, command, environment, **streams):
        in_read, self.request = os.pipe()
        self.answer, out_write = os.pipe()
        environment = dict(os.environ, **environment, **{f"{name}_IN": str(in_read), f"{name}_OUT": str(out_write)})
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment,
                                        pass_fds=(in_read, out_write), start_new_session=True, **streams)
        os.close(in_read)
        os.close(out_write)
        self.buffer = b""

    def tell(self, **request):
        os.write(self.request, json.dumps(request).encode() + b"\n")

    def close(self, limit=60):
        """Ends it as its user's end of input would, connected or not."""
        for fd in (self.request, self.answer):
            try:
                os.close(fd)
            except OSError:
                pass
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.close()
