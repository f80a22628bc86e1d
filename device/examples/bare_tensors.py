"""A model on tensors that you fill yourself, without windows and features."""

import tinysense

model = tinysense.load("bare.tsm", selftest=True)
model.info()

_, shape, scale, zero_point = model.tensor(0)[:4]
for i in range(len(model.input)):
    value = 0.5 if i % 3 == 0 else 0.0  # what the model was trained on
    model.input[i] = max(-128, min(127, round(value / scale) + zero_point)) & 0xFF

scores = model.invoke()
for label, score in zip(model.labels, scores):
    print("%-10s %3d / 255" % (label, score))
