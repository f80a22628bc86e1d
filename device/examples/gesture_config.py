"""What /tinysense.json says: driver, model, outputs. Save it as main.py on the board."""

import tinysense

pipeline = tinysense.from_config()
pipeline.run()
