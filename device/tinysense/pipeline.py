"""Pipeline: driver -> window -> features -> model -> decision -> outputs, and nothing else."""

from .decision import for_model
from .errors import ModelError, TinysenseError
from .ticks import sleep_ms, ticks_diff, ticks_ms
from .window import Window

_TICKS_MASK = 0x3FFFFFFF  # event times wrap where ticks_ms does: a small integer on every board
_CHUNK_FRAMES = 32


class Pipeline:
    """``Pipeline(driver, model, outputs)``; then ``run()``, ``step()`` or ``await run_async()``.

    ``driver``: tinysense/drivers/__init__.py says what one is. ``model``: a
    Model with features. ``outputs``: objects with emit(event), or functions.
    ``config``: a dict with axes, smooth, threshold, refractory_ms (tinysense.config).

    All memory is taken here; nothing is allocated per window. Counters:
    ``frames`` read, ``dropped`` (by the driver or overwritten), ``windows``
    run, ``events`` made; driver errors are in ``driver.errors``.
    """

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
        self.window = Window(model.window, model.hop, driver.channels)
        self.outputs = tuple(_output(o) for o in outputs)
        for output in self.outputs:
            if hasattr(output, "watch"):
                output.watch(model.labels, model.scores)
        self._polled = tuple(o for o in self.outputs if hasattr(o, "poll"))
        self._keepers = tuple(o for o in self.outputs if hasattr(o, "window"))
        self.frames = self.windows = self.events = 0
        self._chunk = bytearray(2 * driver.channels * min(model.hop, _CHUNK_FRAMES))
        self._frames = bytearray(2 * driver.channels * model.window)
        self._driver_dropped = driver.dropped
        self._start_dropped = driver.dropped
        self._idle = False
        self._closed = False
        self._left_ms, self._last_ms = -1, 0  # all there is, now: a new attribute may take heap
        self._start_clock(model.sensor.rate_mhz, model.window, model.hop)

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
        if not self._fill():
            self._idle = True
            return None
        self._idle = False
        self.window.take(self._frames)
        time = self._tick()
        self.windows += 1
        event = self.decision.push(self.model.run(self._frames), time)
        for output in self._keepers:
            output.window(self.model, self._frames)
        if event is None:
            return None
        self.events += 1
        for output in self.outputs:
            output.emit(event)
        return event

    def run(self, seconds: "float | None" = None) -> int:
        """Runs for a time, or until the driver ends, or for ever; returns the events made.

        Whatever ends it early (Ctrl-C too) closes driver and outputs first.
        """
        before = self.events
        self._begin(seconds)
        try:
            while self._more():
                self.step()
                if self._idle:
                    sleep_ms(1)
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
                await pause(1 if self._idle else 0)
        except BaseException:
            self.close()
            raise
        return self.events - before

    def close(self) -> None:
        """Closes driver and outputs, once; an output that fails does not keep the rest open."""
        if self._closed:
            return
        self._closed = True
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
        """Reads until a window is whole (True) or the driver has no more (False)."""
        if self._closed:
            raise TinysenseError("this pipeline is closed: make a new one")
        window, chunk, driver = self.window, self._chunk, self.driver
        while not window.ready():
            n = driver.read_into(chunk)
            if driver.dropped != self._driver_dropped:
                self._gap(driver.dropped - self._driver_dropped)
            if n == 0:
                return False
            self.frames += n
            self.features.adapt(chunk, n)
            window.push(chunk, n)
        return True

    def _gap(self, lost):
        """A hole of an eighth of a window or more: what is in the window belongs to the past.

        Smaller ones are like jitter; to start anew for each would leave a
        polled sensor without windows.
        """
        self._driver_dropped = self.driver.dropped
        self._time += lost * 1000000 // self._rate_mhz
        if lost * 8 >= self.window.length:
            self.window.clear()
            self.model.reset()
            self.decision.clear()

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
        """Event times run on the frame clock, so that a replay gives the same ones each time."""
        self._rate_mhz = rate_mhz
        self._step_ms, self._step_rest = divmod(hop * 1000000, rate_mhz)
        self._time, self._rest = divmod((window - hop) * 1000000, rate_mhz)

    def _tick(self):
        """Time of the last frame of the window just taken, ms since the first frame."""
        self._time += self._step_ms
        self._rest += self._step_rest
        if self._rest >= self._rate_mhz:
            self._rest -= self._rate_mhz
            self._time += 1
        self._time &= _TICKS_MASK
        return self._time


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
