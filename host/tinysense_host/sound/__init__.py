"""Sound on the computer: files, levels, the microphone, and a model that listens.

soundfile, scipy and sounddevice come with the extra `sound`; each is imported
where it is needed, so that what does without them works without them.
"""

from .levels import Levels, Meter, levels_of
from .reading import SUFFIXES, Sound, read_sound
from .remarks import Remark, said

__all__ = ["SUFFIXES", "Levels", "Meter", "Remark", "Sound", "levels_of", "read_sound", "said"]
