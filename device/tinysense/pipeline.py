"""Pipeline: driver -> window -> features -> model -> decision -> outputs, and nothing else."""

from .decision import for_model
from .enquiry import Enquiry
from .errors import ModelError, TinysenseError
from .ticks import sleep_ms, ticks_diff, ticks_ms
from .window import Window

_SMALL_INT = 0x3FFFFFFF  # on every board; event times wrap there, as ticks_ms does
_POLL_MS = 5  # between two poll() of an output
_LEAST_MS = 4  # between two reads of a driver that holds what waits; I2S on esp32 has blocks of 16
_CHUNK_BYTES = 960  # 30 ms of sound: a window's hop, and what comes while a model runs


class Pipeline:
    """``Pipeline(driver, model, outputs)``; then ``run()``, ``step()`` or ``await run_async()``.

    ``driver``: tinysense/drivers/__init__.py says what one is. ``model``: a
    Model with features. ``outputs``: objects with emit(event), or functions.
    ``config``: a dict with axes, smooth, threshold, refractory_ms (tinysense.config).

    All memory is taken here; nothing is allocated per window. Counters:
    ``frames`` read, ``dropped`` (by the driver or overwritten), ``windows``
    cut, ``inferences`` that gave scores, ``events`` made; driver errors are in
    ``driver.errors``. ``pause_ms``: how long run() sleeps while the driver has
    nothing. ``logger``: set to True, a computer does not stop run() unasked.
    """

    logger = False

    def __init__(self, driver: "Driver", model: "Model | str",
                 outputs: "Sequence[Output | Callable]" = (), config: "dict | None" = None):
        if isinstance(model, str):
            from .model import load

            model = load(model)
        if model.features is None:
            raise ModelError("model %s has no features, so a pipeline cannot cut windows for it: "
                             "call model.run(tensor)" % model.name)
        config = config or {}
        self.driver = driver
        self.model: "Model" = model
        self.features: "Features" = model.features
        self.features.connect(driver, config.get("axes", ""))
        self.decision: "Decision" = for_model(model, config)
        frame_bytes = 2 * driver.channels
        self._pause_ms = getattr(driver, "pause_ms", 0)
        most = min(_CHUNK_BYTES // frame_bytes,
                   driver.most if self._pause_ms else model.hop)
        self._enough = most if self._pause_ms else 1  # a read of fewer has emptied the driver
        self._chunk = bytearray(frame_bytes * most)
        self.window = Window(model.window, model.hop, driver.channels,
                             model.window + max(model.hop, most))
        self.outputs = tuple(_output(o) for o in outputs)
        for output in self.outputs:
            if hasattr(output, "watch"):
                output.watch(model.labels, model.scores)
        self._polled = tuple(o for o in self.outputs if hasattr(o, "poll"))
        self._keepers = tuple(o for o in self.outputs if hasattr(o, "window"))
        self.frames = self.windows = self.inferences = self.events = 0
        self._frames = bytearray(frame_bytes * model.window)
        self._driver_dropped = driver.dropped
        self._start_dropped = driver.dropped
        self._idle = False
        self._closed = False
        self._left_ms, self._last_ms = -1, 0  # all there is, now: a new attribute may take heap
        self._enquiry = Enquiry(self.told, driver)
        self._start_clock(model.sensor.rate_mhz, model.window, model.hop)
        if model.trial is not None:
            model.trial.begin()

    @classmethod
    def from_config(cls, config: "dict | str | None" = None) -> "Pipeline":
        """Builds everything that a config names; ``config``: a dict, a path, or the default path.

        The model comes first: it wants the largest piece of memory.
        """
        from .config import PATH, load, validate
        from .drivers import make as make_driver
        from .model import load as load_model
        from .outputs import make as make_output

        config = validate(config if isinstance(config, dict) else load(config or PATH))
        model = load_model(config["model"])
        driver = make_driver(config["driver"], config["driver_options"], model.sensor)
        return cls(driver, model, [make_output(o) for o in config["outputs"]], config)

    @property
    def dropped(self) -> int:
        """Frames lost since the start, by the driver or because nobody took a window."""
        return self.driver.dropped - self._start_dropped + self.window.overwritten

    def step(self) -> "Event | None":
        """Reads what the driver has, runs at most one window; the event, or None.

        Never waits. The event is the same object every time: copy() to keep it.
        """
        for output in self._polled:
            output.poll()
        emptied = self._fill()
        filled = self.window.ready()
        if filled:
            self.window.take(self._frames)
        idle = emptied and not self.window.ready()
        if idle != self._idle:
            self._idle = idle
        if not filled:
            return None
        time = self._tick()
        self.windows += 1
        scores = self.model.run(self._frames)
        if scores is None:
            return None
        self.inferences += 1
        event = self.decision.push(scores, time)
        for output in self._keepers:
            output.window(self.model, self._frames)
        if event is None:
            return None
        self.events += 1
        for output in self.outputs:
            output.emit(event)
        return event

    def run(self, seconds: "float | None" = None, answer: bool = True) -> int:
        """Runs for a time, or until the driver ends, or for ever; returns the events made.

        Whatever ends it early (Ctrl-C too) closes driver and outputs first. ``answer``:
        tells a computer that asks what runs (tinysense.enquiry), and so takes what comes
        on standard input.
        """
        before = self.events
        self._begin(seconds)
        try:
            while self._more():
                self.step()
                if answer:
                    self._enquiry.poll()
                sleep_ms(self.pause_ms())
        except BaseException:
            self.close()
            raise
        return self.events - before

    async def run_async(self, seconds: "float | None" = None) -> int:
        """run() for asyncio: gives way after every window and while the driver has nothing."""
        pause = async_pause()
        before = self.events
        self._begin(seconds)
        try:
            while self._more():
                self.step()
                await pause(self.pause_ms())
        except BaseException:
            self.close()
            raise
        return self.events - before

    def pause_ms(self) -> int:
        """How long run() sleeps now: until a window may be whole; 0 while something waits.

        1 where the driver must be asked often; a few where an output has something to do.
        """
        if not self._idle:
            return 0
        most = min(self._pause_ms, _POLL_MS) if self._polled else self._pause_ms
        if most <= 1:
            return 1
        lacking = self._newest() + self._hop - self.frames
        return min(most, max(_LEAST_MS, lacking * self._up // self._down + 1))

    def told(self) -> dict:
        """What a computer that asks is told: for an ``Enquiry(pipeline.told)`` in a loop."""
        lost = self.dropped
        return {"runs": "pipeline", "logger": self.logger, "model": self.model.name,
                "frames": self.frames, "lost": lost, "windows": self.windows,
                "events": self.events,
                "seconds": (self.frames + lost) * 1000 // self.driver.rate_mhz}

    def close(self) -> None:
        """Closes driver and outputs, once; an output that fails does not keep the rest open."""
        if self._closed:
            return
        self._closed = True
        if self.model.trial is not None:
            self.model.trial.pause()
        failed = None
        for part in (self.driver,) + self.outputs:
            try:
                if hasattr(part, "close"):
                    part.close()
            except Exception as e:
                failed = e
        if failed is not None:
            raise failed

    def __enter__(self) -> "Pipeline":
        return self

    def __exit__(self, *exc: "object") -> None:
        self.close()

    def __repr__(self):
        return "Pipeline(%s: %d frames, %d dropped, %d windows, %d events)" % (
            self.model.name, self.frames, self.dropped, self.windows, self.events)

    def _fill(self):
        """Reads until a window is whole or the driver is empty: whether it is known to be."""
        if self._closed:
            raise TinysenseError("this pipeline is closed: make a new one")
        window, chunk, driver = self.window, self._chunk, self.driver
        while not window.ready():
            n = driver.read_into(chunk)
            if driver.dropped != self._driver_dropped:
                self.skip(0)
            if n == 0:
                return True
            self.frames += n
            self.features.adapt(chunk, n)
            window.push(chunk, n)
            if n < self._enough:
                return True
        return False

    def skip(self, frames: int) -> None:
        """``frames`` were taken from the driver by somebody else: a hole, but no loss."""
        lost = self.driver.dropped - self._driver_dropped
        self._driver_dropped = self.driver.dropped
        self._hole(frames + lost)

    def _hole(self, lost):
        """Of an eighth or more of what a score stands for: what was before is past.

        Smaller ones are like jitter; to start anew for each would leave a
        polled sensor without windows, and a microphone without scores.
        """
        self._pass(lost)
        if lost * 8 >= self.model.span:
            self._pass(self.frames - self._newest())
            self._begun = self.frames - self.windows * self._hop
            self._pass(self.window.length - self._hop)
            self.window.clear()
            self.model.gap()
            self.decision.clear()

    def _newest(self):
        """Frames up to the end of the last window; before the first one, a hop before its end."""
        return self._begun + self.window.length - self._hop + self.windows * self._hop

    def _begin(self, seconds):
        self._left_ms = -1 if seconds is None else int(seconds * 1000)
        self._last_ms = ticks_ms()

    def _more(self):
        """Whether time is left and the driver has not ended."""
        if self._idle and self.driver.done:
            return False
        if self._left_ms > 0:
            now = ticks_ms()
            self._left_ms = max(0, self._left_ms - ticks_diff(now, self._last_ms))
            self._last_ms = now
        return self._left_ms != 0

    def _start_clock(self, rate_mhz, window, hop):
        """Event times run on the frame clock, so that a replay gives the same ones each time.

        A frame is ``_up`` / ``_down`` ms.
        """
        common = _common(1000000, rate_mhz)
        self._up, self._down = 1000000 // common, rate_mhz // common
        self._hop = hop
        self._begun = 0  # number of the frame that the first window would begin with
        self._step_ms, self._step_rest = divmod(hop * self._up, self._down)
        self._time, self._rest = divmod((window - hop) * self._up, self._down)

    def _tick(self):
        """Time of the last frame of the window just taken, ms since the first frame."""
        time, rest = self._time + self._step_ms, self._rest + self._step_rest
        if rest >= self._down:
            rest -= self._down
            time += 1
        if self._rest != rest:
            self._rest = rest
        self._time = time & _SMALL_INT
        return self._time

    def _pass(self, frames):
        """So many frames went by without a window, or, where negative, were counted before."""
        most = _SMALL_INT // 2 // self._up
        while frames:
            part = min(max(frames, -most), most)
            passed = part * self._up + self._rest
            self._time = self._time + passed // self._down & _SMALL_INT
            self._rest = passed % self._down  # without divmod(), which makes a tuple
            frames -= part


def _common(a, b):
    """Greatest common divisor."""
    while b:
        a, b = b, a % b
    return a


def _output(thing):
    if hasattr(thing, "emit"):
        return thing
    if callable(thing):
        from .outputs.callback import Callback

        return Callback(thing)
    raise TinysenseError("output: expected an object with emit(event), or a function, got %r"
                         % (thing,))


def async_pause():
    """asyncio's sleep in milliseconds: MicroPython's own, since a float would be allocated."""
    import asyncio

    if hasattr(asyncio, "sleep_ms"):
        return asyncio.sleep_ms
    return lambda ms: asyncio.sleep(ms / 1000)
