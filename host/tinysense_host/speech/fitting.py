"""Training of a speech network on gathered examples: batches, variation of features, steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tinysense_host.speech.augmenting import Floats, masked, warped
from tinysense_host.speech.composing import Examples
from tinysense_host.speech.network import build
from tinysense_host.speech.recipe import SpeechRecipe
from tinysense_host.training.train import averaged, tensorflow

__all__ = ["Batches", "fit", "scaled"]

Progress = Callable[[int, int, float], None]

# The front end's values are 0 to about 670; the network is trained on them in these units.
OFFSET, GAIN = 256, 1 / 128


def scaled(rows: npt.NDArray[Any]) -> Floats:
    """The network's input for the front end's values."""
    return ((rows - np.float32(OFFSET)) * np.float32(GAIN)).astype(np.float32)


class Batches:
    """Endless batches of varied examples; labels come as often as the recipe says.

    What to learn is (count, 2, labels): the labels' probabilities and the teacher's.
    """

    def __init__(self, recipe: SpeechRecipe, examples: Examples, seed: int) -> None:
        self.recipe, self.examples = recipe, examples
        self.rng = np.random.default_rng(seed)
        self.of_label = [np.flatnonzero(examples.labels == i) for i in range(len(recipe.labels))]
        shares = np.array([recipe.share(i) * (len(own) > 0) for i, own in enumerate(self.of_label)])
        self.shares = shares / shares.sum()

    def batch(self, count: int) -> tuple[Floats, Floats]:
        """x (count, rows, channels) and y (count, 2, labels)."""
        spec, rng = self.recipe.augmentation, self.rng
        x, y = self.plain(count)
        if spec.warp:
            x = warped(x, rng, spec.warp)
        x = masked(x, rng, spec.row_mask, spec.channel_mask)
        blend = np.where(rng.random(count) < spec.mixup, rng.beta(0.4, 0.4, count), 1.0)
        other, part = rng.permutation(count), blend.astype(np.float32)
        x = x * part[:, None, None] + x[other] * (1 - part[:, None, None])
        y = y * part[:, None, None] + y[other] * (1 - part[:, None, None])
        smoothing = np.float32(self.recipe.training.smoothing)
        y[:, 0] = y[:, 0] * (1 - smoothing) + smoothing / y.shape[2]
        return x, y

    def plain(self, count: int) -> tuple[Floats, Floats]:
        """The same without variation of features, blending and smoothing."""
        rows, spare = self.recipe.front_end.rows, self.examples.spare
        labels = self.rng.choice(len(self.shares), count, p=self.shares)
        index = [self.of_label[i][self.rng.integers(len(self.of_label[i]))] for i in labels]
        starts = self.rng.integers(0, spare + 1, count)
        found = [self.examples.rows[i, s : s + rows] for i, s in zip(index, starts, strict=True)]
        own = np.eye(len(self.shares), dtype=np.float32)[labels]
        return scaled(np.stack(found)), np.stack([own, self.examples.taught[index]], axis=1)


def fit(
    recipe: SpeechRecipe, examples: Examples, seed: int, progress: Progress | None = None
) -> tuple[Any, float]:
    """(trained Keras network, last loss); the weights are a running average of the later ones."""
    tf, keras = tensorflow(seed)
    spec = recipe.training
    network = build(recipe, keras)
    step_of = _step_function(tf, keras, network, recipe)
    batches = Batches(recipe, examples, seed)
    kept: list[npt.NDArray[Any]] | None = None
    every, loss = 5, 0.0
    for step in range(1, spec.steps + 1):
        x, y = batches.batch(spec.batch)
        value = step_of(x[..., None], y)
        if step > spec.steps * spec.average_from and step % every == 0:
            kept = averaged(kept, network.get_weights(), spec.average**every)
        if step % 25 == 0 or step == spec.steps:
            loss = float(value)
            if progress is not None:
                progress(step, spec.steps, loss)
    if kept is not None:
        network.set_weights(kept)
    return network, loss


def _step_function(tf: Any, keras: Any, network: Any, recipe: SpeechRecipe) -> Any:
    """One optimiser step on (x, y), compiled; returns the loss.

    Cross entropy with the labels, and with the teacher's probabilities where there is a
    teacher: both softened by its temperature.
    """
    spec, teacher = recipe.training, recipe.teacher
    rate = keras.optimizers.schedules.CosineDecay(
        spec.learning_rate, spec.steps,
        warmup_target=spec.learning_rate, warmup_steps=max(1, spec.steps // 20),
    )  # fmt: skip
    optimiser = keras.optimizers.AdamW(rate, weight_decay=spec.weight_decay)
    optimiser.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    variables = network.trainable_variables
    optimiser.build(variables)
    logits_of = keras.Model(network.inputs, network.layers[-1].input)
    weight, heat = (teacher.weight, teacher.temperature) if teacher.model else (0.0, 1.0)

    def step(x: Any, y: Any) -> Any:
        softened = tf.nn.softmax(tf.math.log(y[:, 1] + 1e-7) / heat)
        with tf.GradientTape() as tape:
            logits = logits_of(x, training=True)
            own = tf.nn.softmax_cross_entropy_with_logits(y[:, 0], logits)
            taught = tf.nn.softmax_cross_entropy_with_logits(softened, logits / heat)
            loss = tf.reduce_mean((1 - weight) * own + weight * heat * heat * taught)
        optimiser.apply(tape.gradient(loss, variables), variables)
        return loss

    return tf.function(step)
