"""Green for yes, red for no, brighter the surer. INMP441: SCK 16, WS 17, SD 18; NeoPixels on 22."""

from machine import Pin
from neopixel import NeoPixel

import tinysense
from tinysense.drivers.i2s_microphone import I2SMicrophone
from tinysense.outputs.neopixel import Neopixel

model = tinysense.load("keyword.tsm")
microphone = I2SMicrophone({"sck": 16, "ws": 17, "sd": 18}, model.sensor.rate_mhz)
lights = Neopixel(NeoPixel(Pin(22), 8), {"yes": "#00ff40", "no": "#ff2000"}, on_ms=1000)
pipeline = tinysense.Pipeline(microphone, model, [lights])
pipeline.run()
