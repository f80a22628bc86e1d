"""As main.py: records by itself, goes on after a power cut. Button on pin 14, LED on 25."""

import tinysense

config = {
    "driver": "mpu6050",
    "driver_options": {"scl": 5, "sda": 4, "rate_mhz": 100000, "gyro": True},
    "recorder": {"folder": "/rec", "labels": ["walk", "run", "rest"], "button": 14, "led": 25},
}

with tinysense.Recorder.from_config(config) as recorder:
    recorder.start()
    recorder.run()
