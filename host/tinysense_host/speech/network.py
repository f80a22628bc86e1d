"""The network of a speech recipe: convolutions over time that can stream.

Nothing is padded in time, so a step of one row needs only what the last rows left in each layer;
every batch norm folds into the convolution before it when the network is quantised.
"""

from __future__ import annotations

from typing import Any

from .recipe import SpeechRecipe

__all__ = ["build"]


def build(recipe: SpeechRecipe, keras: Any) -> Any:
    """A Keras model from (rows, channels, 1) to the probabilities of the labels.

    All tensors are (batch, time, band, filters), which is how the core holds them.
    """
    layers, spec = keras.layers, recipe.network
    rows, channels = recipe.front_end.rows, recipe.front_end.channels
    filters, height, width, stride = spec.first
    inputs = layers.Input((rows, channels, 1))
    x = layers.Conv2D(filters, (height, width), strides=(spec.step, stride), use_bias=False)(inputs)
    x = _normed(layers, x)
    x = layers.Conv2D(spec.mix, (1, x.shape[2]), use_bias=False)(x)  # joins the bands
    x = _normed(layers, x)
    for filters, kernel, step in spec.blocks:
        x = layers.DepthwiseConv2D((kernel, 1), strides=(step, step), use_bias=False)(x)
        x = _normed(layers, x)
        x = layers.Conv2D(filters, 1, use_bias=False)(x)
        x = _normed(layers, x)
    x = layers.Dropout(spec.dropout)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Softmax()(layers.Dense(len(recipe.labels))(x)))


def _normed(layers: Any, x: Any) -> Any:
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))
