"""What a model makes of a recording, as fast as the board can."""

import tinysense
from tinysense.drivers.replay import Replay

model = tinysense.load("gesture.tsm")
pipeline = tinysense.Pipeline(Replay("ring.tsr", realtime=False), model, [print])
pipeline.run()
print(pipeline)
