"""Operations: a table, answers and faults as JSON, and nothing that is not in the table."""

import json
from binascii import crc32

from expect import raises
from tinysense import operations


class Printed:
    """What told() prints."""

    def __enter__(self):
        self.lines = []
        operations.print = self.lines.append
        return self

    def __exit__(self, *exc):
        del operations.print

    def of(self, name, args):
        text = args if isinstance(args, str) else json.dumps(args)
        operations.told(name, text, crc32((name + text).encode()))
        return self.last()

    def last(self):
        """The last answer, its CRC checked."""
        line = self.lines.pop()
        assert line[-9:] == " %08x" % crc32(line[:-9].encode())
        return json.loads(line[:-9])


def test_every_row_leads_to_a_function():
    for name in operations.OPS:
        module, function = operations.OPS[name]
        found = __import__("tinysense." + module, None, None, (function,), 0)
        assert callable(getattr(found, function)), name


def test_info():
    told = operations.answer("info", {})
    for key in ("mpy", "name", "version", "machine", "free", "largest", "flash_free", "core",
                "package"):
        assert key in told, key
    assert told["core"] in ("built in", "native", "absent") and told["largest"] <= told["free"] or (
        told["free"] == -1)
    json.dumps(told)


def test_what_is_not_in_the_table_is_not_called():
    for name in ("", "exec", "operations.info", "answer", "__import__", None, 3):
        raises(ValueError, "expected an operation", operations.answer, name, {})
    raises(ValueError, "expected an object of arguments", operations.answer, "info", [])


def test_told_prints_values_and_faults():
    with Printed() as printed:
        assert printed.of("info", {})["value"]["name"]
        assert printed.of("exec", {}) == {"error": "ValueError", "text": printed_text("exec")}
        assert printed.of("info", {"x": 1})["error"] == "TypeError"
        assert printed.of("info", "[1]")["error"] == "ValueError"
        assert printed.of("info", "nonsense")["error"] in ("ValueError", "JSONDecodeError")


def printed_text(name):
    try:
        operations.answer(name, {})
    except ValueError as e:
        return str(e)


def test_faults_of_the_system_keep_their_number():
    def gone():
        raise OSError(28)

    operations.gone = gone
    operations.OPS["gone"] = ("operations", "gone")
    try:
        with Printed() as printed:
            told = printed.of("gone", {})
        assert told["error"] == "OSError" and "28" in told["text"].split()[-1]
    finally:
        del operations.OPS["gone"], operations.gone


def test_what_waits_for_the_answer_comes_after_it():
    with Printed() as printed:
        seen = []
        operations.after.append(lambda: seen.append(list(printed.lines)))
        printed.of("key", {})
        assert len(seen) == 1 and len(seen[0]) == 1 and not operations.after


def test_a_damaged_question_is_not_answered():
    with Printed() as printed:
        operations.told("use", '{"name": "ring"}', crc32(b'use{"name": "wing"}'))
        told = printed.last()
    assert told["error"] == "ValueError" and "came damaged" in told["text"]
