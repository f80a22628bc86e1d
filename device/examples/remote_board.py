"""A board on the network: models, config and recordings go over tcp:// while it runs.

Once, with a cable: tinysense key secret --name field-3, and
tinysense sync --set 'remote={"port": 8765, "bind": "0.0.0.0"}'. Then, from anywhere in
the network: tinysense upload ring.tsm --port tcp://field-3.local
"""

import network

import tinysense
from tinysense import remote
from tinysense.ticks import sleep_ms

wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("name of the network", "its password")
pipeline = tinysense.from_config()
server = remote.from_config(driver=pipeline.driver)
try:
    while True:
        pipeline.step()
        server.poll()
        sleep_ms(pipeline.pause_ms())
finally:
    server.close()
    pipeline.close()
