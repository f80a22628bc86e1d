"""Recorder: a driver's frames to segments on flash or SD, by itself, for days."""

import os

from ..enquiry import Enquiry
from ..errors import ConfigError, RecordingError
from ..recording import BLOCK, Writer
from ..replacing import put_in_place
from ..ticks import sleep_ms, ticks_diff, ticks_ms
from .boot import boot_id, set_time, utc_now
from .segments import Segments
from .triggers import NEXT, START, STOP

STATE_FILE = "state.txt"  # in the folder: "1 label" while recording, else "0 label"
_CHUNK_FRAMES = 32
_RETRY_MS = 5000  # between tries to reach a sensor or a card that is gone

OPTIONS = (
    ("folder", str, "/rec", "file", "where segments go; on an SD card: /sd/rec"),
    ("labels", list, [""], None, "labels to choose from by a long press, the first first"),
    ("note", str, "", None, "text of up to 60 bytes in every block: place, subject"),
    ("segment_kb", int, 256, (4, 65536), "size of a segment"),
    ("keep_free_kb", int, 64, (0, 1 << 24), "room that recordings never use"),
    ("overwrite", bool, False, None, "where room ends the oldest segments go; false: it stops"),
    ("before_ms", int, 0, (0, 60000), "keep this much from before the start"),
    ("start", str, "resume", ("resume", "always", "never"),
     "after a reset: go on if it was recording, always, or never"),
    ("button", (int, str), -1, (-1, 255), "pin of a button to ground: short starts and stops, "
     "long takes the next label"),
    ("level_pin", (int, str), -1, (-1, 255), "records while this pin is high"),
    ("every_s", int, 0, (0, 500000), "records once in this time, 0: no schedule"),
    ("for_s", int, 10, (1, 500000), "of a schedule: how long each time"),
    ("motion", int, 0, (0, 32767), "records while frames differ by more counts than this, 0: not"),
    ("still_s", int, 3, (1, 3600), "of motion: stops after this long without any"),
    ("wake_mg", int, 0, (0, 8000), "of motion: the chip watches alone above this, needs int_pin"),
    ("led", (int, str), -1, (-1, 255), "pin of a light that shows the state"),
    ("led_active_low", bool, False, None, "lights when the pin is low"),
    ("display", dict, {}, "outputs.ssd1306", "options of an SSD1306 that shows the state"),
    ("sleep_ms", int, 0, (0, 10000), "light sleep while the chip's FIFO fills, 0: none"),
    ("sd", dict, {}, "field.sdcard", "an SD card to mount: options of tinysense.field.sdcard"),
)


class Recorder:
    """``Recorder(driver, "/rec").run()``: segments of blocks that survive a power cut.

    ``triggers``, ``signs``: objects of field.triggers and field.signs.
    ``remake``: a function that makes the driver anew when its chip has gone
    and come back. ``recording``, ``label``, ``lost``, ``frames`` (of this
    recording), ``synced`` (blocks durable since the recorder was made), ``free_kb``,
    ``error`` (one line, "" while all is well).
    """

    def __init__(self, driver: "Driver", folder: str = "/rec", labels: "Sequence[str]" = ("",),
                 triggers: tuple = (), signs: tuple = (), segment_kb: int = 256,
                 keep_free_kb: int = 64, overwrite: bool = False, note: str = "",
                 sleep_ms: int = 0, before_ms: int = 0, start: str = "resume",
                 remake: "Callable[[], Driver] | None" = None):
        if not labels or not all(isinstance(label, str) for label in labels):
            raise ConfigError("recorder: labels: expected one text or more, got %r" % (labels,))
        self.segments = Segments(folder, segment_kb, keep_free_kb, overwrite)
        self.labels, self.label_number = tuple(labels), 0
        self.triggers, self.signs = tuple(triggers), tuple(signs)
        self.recording = False
        self.error = ""
        self.frames = self.lost = self.synced = 0
        self.free_kb = self.segments.free_kb()
        self._folder, self._note = folder, note
        self._sleep_ms, self._before_ms, self._remake = sleep_ms, before_ms, remake
        self._writer = None
        self._segment_begins = self._segment_ends = self._told_blocks = 0
        self._failed_at = None
        self._again = False  # go on when what failed is back
        self._stamp = bytearray(8)
        self._enquiry = Enquiry(self.told, driver)
        self._use(driver)
        was, label = self._state()
        if label in self.labels:
            self.label_number = self.labels.index(label)
        if start == "always" or start == "resume" and was:
            self.start()

    @classmethod
    def from_config(cls, config: "dict | str | None" = None) -> "Recorder":
        """What ``recorder`` and ``driver`` of a config say; a dict, a path, or the default."""
        from .setup import from_config

        return from_config(cls, config)

    @property
    def label(self) -> str:
        return self.labels[self.label_number]

    @property
    def seconds(self) -> int:
        """Length of this recording."""
        return (self.frames + self.lost) * 1000 // self.driver.rate_mhz

    def start(self) -> bool:
        """Begins a recording; False, with ``error`` set, where it cannot."""
        if self.recording:
            return True
        driver = self.driver
        try:
            path, blocks = self.segments.next()
            self._writer = Writer(path, driver.rate_mhz, driver.channels, driver.units,
                                  driver.full_scale, self.label, utc_now(), self._note, boot_id(),
                                  in_place=True)
            self._segment_begins, self._segment_ends, self._told_blocks = 0, blocks, 0
            self.frames = self.lost = 0
            self._fresh = True
            self.recording = True
            self._remember()
        except (OSError, RecordingError) as e:
            self._fail(e)
            return False
        self.error = ""
        return True

    def stop(self) -> None:
        """Ends the recording; what is held goes to its last block."""
        if self.recording:
            self._end()
            try:
                self._remember()
            except OSError as e:
                self._fail(e)

    def next_label(self) -> None:
        """The next of ``labels``; a recording that runs ends and another begins."""
        running = self.recording
        self.stop()
        self.label_number = (self.label_number + 1) % len(self.labels)
        if running:
            self.start()

    def step(self) -> int:
        """Asks triggers, moves what the driver has to the recording, shows the state.

        Never waits, but for flash and card. Returns the frames read.
        """
        for trigger in self.triggers:
            self._obey(trigger.poll(self))
        if self._failed_at is not None and ticks_diff(ticks_ms(), self._failed_at) >= _RETRY_MS:
            self._retry()
        n = self._read() if self._source is not None else 0
        for sign in self.signs:
            sign.show(self)
        return n

    def run(self, seconds: "float | None" = None, answer: bool = True) -> None:
        """Runs for a time, until the driver ends, or for ever. Ctrl-C ends the recording well.

        ``answer``: tells a computer that asks what runs (tinysense.enquiry), and so takes
        what comes on standard input.
        """
        until = None if seconds is None else int(seconds * 1000)
        began = ticks_ms()
        try:
            while until is None or ticks_diff(ticks_ms(), began) < until:
                if answer:
                    self._enquiry.poll()
                if self.step() == 0:
                    if self._source is not None and self._source.done:
                        break
                    self._pause()
        finally:
            self.close()

    async def run_async(self) -> None:
        """run() for asyncio, for ever or until the driver ends. Answers nobody: see told()."""
        import asyncio

        from ..pipeline import async_pause

        pause = async_pause()
        try:
            while True:
                if self.step():
                    await asyncio.sleep(0)
                elif self._source is not None and self._source.done:
                    return
                else:
                    await pause(1)
        finally:
            self.close()

    def told(self) -> dict:
        """What a computer that asks is told: for an ``Enquiry(recorder.told)`` in a loop."""
        runs = "recording" if self.recording else "waiting" if self.triggers else "idle"
        told = {"runs": runs, "logger": runs != "idle" or self._again, "label": self.label,
                "frames": self.frames, "lost": self.lost, "seconds": self.seconds,
                "free_kb": self.free_kb, "error": self.error}
        if self.recording:
            told["segment"], told["blocks"] = self._writer.path, self._writer.blocks
        return told

    def set_time(self, utc_us: int) -> None:
        """Tells the time: recordings since the board's start get it when they are pulled."""
        set_time(utc_us, self._folder)

    def close(self) -> None:
        """Closes recording, driver and signs. A recording that ran goes on at the next start."""
        if self.recording:
            self._end()
        if self._source is not None:
            self._source.close()
        for sign in self.signs:
            if hasattr(sign, "close"):
                sign.close()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *exc: "object") -> None:
        self.close()

    def _end(self):
        self.recording = False
        writer, self._writer = self._writer, None
        try:
            writer.close()
            self._count_blocks(writer)
            if writer.blocks == self._segment_begins:
                os.remove(writer.path)  # nothing came after it was begun
        except OSError as e:
            self._fail(e)

    def _use(self, driver):
        self.driver = self._source = driver
        if self._before_ms:
            from ..ring import Ring

            frames = driver.rate_mhz * self._before_ms // 1000000
            self._source = Ring(driver, max(_CHUNK_FRAMES, frames))
            self._source.watch = self._look
        self._chunk = bytearray(2 * driver.channels * _CHUNK_FRAMES)
        self._dropped = driver.dropped
        self._fresh = True
        self._stamps = hasattr(driver, "stamp")

    def _read(self):
        """What the driver has: to triggers that watch, and to the recording."""
        try:
            if self._before_ms and not self.recording:
                return self._source.pump()  # it stays in the ring
            n = self._source.read_into(self._chunk)
        except OSError as e:
            self._lose_driver(e)
            return 0
        dropped = self._source.dropped
        lost, self._dropped = dropped - self._dropped, dropped
        if n and not self._before_ms:
            self._look(self._chunk, n)
        if n and self.recording:
            self._write(n, lost)
        return n

    def _look(self, frames, n):
        for trigger in self.triggers:
            if hasattr(trigger, "look"):
                trigger.look(frames, n, self.driver.channels)

    def _write(self, n, lost):
        if self._fresh:
            lost, self._fresh = 0, False  # before it began
        stamp = None
        if self._stamps:
            self._source.stamp(n, self._stamp)
            stamp = self._stamp
        try:
            writer = self._writer
            writer.measured_rate_mhz = getattr(self.driver, "measured_mhz", 0)
            writer.write(self._chunk, n, lost, stamp=stamp)
            self.frames, self.lost = writer.frames, writer.lost
            self._count_blocks(writer)
            if writer.blocks >= self._segment_ends:
                path, blocks = self.segments.next()
                self._segment_begins, self._segment_ends = writer.blocks, writer.blocks + blocks
                writer.go_on(path)
                self.free_kb = self.segments.free_kb()
        except (OSError, RecordingError) as e:
            self._fail(e)

    def _count_blocks(self, writer):
        new = writer.blocks - self._told_blocks
        self._told_blocks += new
        self.synced += new
        self.free_kb = max(0, self.free_kb - new * BLOCK // 1024)

    def _obey(self, order):
        if order == START:
            self.start()
        elif order == STOP:
            self.stop()
        elif order == NEXT:
            self.next_label()

    def _fail(self, error):
        """The recording cannot go on: no room, a card that was pulled."""
        self.error = str(error)
        if isinstance(error, OSError):
            self.error = "cannot write to %s (%s): is it full, is the card in?" % (
                self._folder, error)
        self._again = self._again or self.recording and isinstance(error, OSError)
        self.recording = False
        self._failed_at = ticks_ms()
        if self._writer is not None:
            try:
                self._writer.abort()
            except OSError:
                pass  # of the same fault
            self._writer = None

    def _lose_driver(self, error):
        """The sensor is gone: what came is kept, and it is looked for again."""
        if self.recording:
            self._again = True
            self._end()
        if self._remake is None:
            raise error
        self.error = str(error)
        self._source = None
        self._failed_at = ticks_ms()

    def _retry(self):
        """What failed may be back."""
        self._failed_at = None
        if self._source is None:
            try:
                self._use(self._remake())
                self.error = ""
            except OSError as e:
                self.error = str(e)
                self._failed_at = ticks_ms()
                return
        if self._again and self.start():
            self._again = False

    def _pause(self):
        if self._sleep_ms:
            import machine

            if hasattr(machine, "lightsleep"):
                machine.lightsleep(self._sleep_ms)
                return
        sleep_ms(1)

    def _state(self):
        """(was recording, label) before the last reset."""
        try:
            with open(self._folder + "/" + STATE_FILE) as f:
                text = f.read(200)
        except (OSError, UnicodeError):
            return False, ""
        return text[:1] == "1", text[2:]

    def _remember(self):
        path = self._folder + "/" + STATE_FILE
        with open(path + ".part", "w") as f:
            f.write("%d %s" % (self.recording, self.label))
        put_in_place(path)
