# SPDX-License-Identifier: MIT
"""Results in the form that tests/run reads: one line for each scenario."""

import contextlib
import sys
import traceback


class Failed(Exception):
    pass


def check(good, why):
    """Fails the scenario that runs, with a sentence, if good is false."""
    if not good:
        raise Failed(why)


def equal(got, wanted, what):
    if got != wanted:
        show = (lambda x: hex(x) if isinstance(x, int) and not isinstance(x, bool) else repr(x))
        raise Failed(f"{what}: {show(got)} instead of {show(wanted)}")


@contextlib.contextmanager
def scenario(name):
    """`with scenario("..."):` prints ok or not ok for what is inside; the program goes on."""
    try:
        yield
    except Failed as e:
        line = str(e).replace("\n", " | ")
        print(f"not ok {name}: {line}", flush=True)
    except Exception as e:  # a fault of the test or of what it drives: the scenario failed all the same
        traceback.print_exc(file=sys.stderr)
        line = f"{type(e).__name__}: {e}".replace("\n", " | ")
        print(f"not ok {name}: {line}", flush=True)
    else:
        print(f"ok {name}", flush=True)


def skip(name, reason):
    print(f"skip {name}: {reason}", flush=True)
