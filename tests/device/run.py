"""Runs device tests without pytest: ``micropython run.py test_a.py test_b.py``.

Each file's functions test_* are called in order of name. Ends with status 1 if one failed.
On a board: ``import run; run.run("test_a")``.
"""

import os
import sys

HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
if HERE[0] != "/":
    HERE = os.getcwd() + "/" + HERE
sys.path[:0] = [HERE, HERE + "/../../device"]
from expect import Skipped


def run(name):
    """[passed, failed, skipped] of one module; prints what failed, and the counts."""
    counts = [0, 0, 0]
    module = __import__(name)
    for test in sorted(n for n in dir(module) if n.startswith("test_")):
        try:
            getattr(module, test)()
            counts[0] += 1
        except Skipped as e:
            counts[2] += 1
            print("skip %s.%s: %s" % (name, test, e))
        except Exception as e:
            counts[1] += 1
            print("FAIL %s.%s" % (name, test))
            if hasattr(sys, "print_exception"):
                sys.print_exception(e, sys.stdout)
            else:
                import traceback

                traceback.print_exc(file=sys.stdout)
    print("%s: %d passed, %d failed, %d skipped" % ((name,) + tuple(counts)))
    return counts


if __name__ == "__main__":
    good = len(sys.argv) > 1
    for argument in sys.argv[1:]:
        good = run(argument.rsplit("/", 1)[-1].replace(".py", ""))[1] == 0 and good
    sys.exit(0 if good else 1)
