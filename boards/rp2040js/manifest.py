# RPI_PICO's own, without what comes from micropython-lib: onewire, ds18x20, dht, neopixel.
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
