"""Every gesture to an MQTT broker. boot.py joins the Wi-Fi; mpremote mip install umqtt.simple."""

from machine import I2C, Pin
from umqtt.simple import MQTTClient

import tinysense
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.outputs.mqtt import Mqtt

model = tinysense.load("gesture.tsm")
driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=model.sensor.rate_mhz)
client = MQTTClient("bracelet", "192.168.1.2", keepalive=60)
pipeline = tinysense.Pipeline(driver, model, [Mqtt(client, "home/bracelet")])
pipeline.run()
