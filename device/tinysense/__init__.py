"""tinysense: from sensor frames to events, on MicroPython and on CPython.

    import tinysense
    model = tinysense.load()
    tinysense.Pipeline(driver, model, [print]).run()

Importing costs next to nothing: every name below is fetched when it is used.
"""

__version__ = "0.1.0"

# name -> the module it lives in; any other name is taken for a module's
_NAMES = {
    "Model": "model",
    "Window": "window",
    "Features": "features",
    "Sensor": "features",
    "Decision": "decision",
    "Event": "decision",
    "Pipeline": "pipeline",
    "Ring": "ring",
    "Recorder": "field.recorder",
    "TinysenseError": "errors",
    "ModelError": "errors",
    "ConfigError": "errors",
    "RecordingError": "errors",
    "DriverError": "errors",
    "NativeError": "errors",
}


def load(source: "str | Buffer" = "", check: bool = True, selftest: bool = False) -> "Model":
    """The current Model, or one by name, path or bytes: see tinysense.model.load."""
    from .model import load

    return load(source, check, selftest)


def from_config(config: "dict | str | None" = None) -> "Pipeline":
    """The Pipeline that a config (dict, path, or the default path) describes."""
    from .pipeline import Pipeline

    return Pipeline.from_config(config)


def help() -> None:
    """What to type next."""
    print("""tinysense %s
  model = tinysense.load()                  the model that `tinysense upload` put here
  model.info()                              what it is, wants and costs
  model.selftest()                          does this board compute as the computer did
  model.classify(window)                    (label, score 0..255) of one window
  tinysense.Pipeline(driver, model, [print]).run()   sensor to events, Ctrl-C ends it
  tinysense.from_config().run()             the same as /tinysense.json says
drivers: tinysense.drivers.mpu6050, .replay    outputs: tinysense.outputs.led, .serial, ...
More: `tinysense --help` on the computer.""" % __version__)


def __getattr__(name):
    where = _NAMES.get(name, name)
    try:
        if name[0] == "_":
            raise ImportError(name)
        module = __import__("tinysense." + where, None, None, (name,), 0)
    except ImportError as e:
        if where != name or type(e).__name__ == "NativeError":
            raise
        raise AttributeError("tinysense has no %r: tinysense.help() lists what there is" % name)
    value = module if where == name else getattr(module, name)
    globals()[name] = value
    return value
