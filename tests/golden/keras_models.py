"""Small Keras models, quantised as users do it: what the exporter writes for 1-D and dilation."""

from __future__ import annotations

import numpy as np

__all__ = ["KERAS", "export"]


def _conv1d(keras):
    layers = keras.layers
    return [
        layers.Input((64, 3)),
        layers.Conv1D(8, 5, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling1D(2),
        layers.Conv1D(8, 3, activation="relu"),
        layers.GlobalAveragePooling1D(),
        layers.Dense(4, activation="softmax"),
    ]


def _conv1d_flatten(keras):
    layers = keras.layers
    return [
        layers.Input((32, 3)),
        layers.Conv1D(6, 5, padding="same", activation="relu"),
        layers.AveragePooling1D(2),
        layers.Flatten(),
        layers.Dense(8, activation="relu"),
        layers.Dense(4),
        layers.Softmax(),
    ]


def _depthwise1d(keras):
    layers = keras.layers
    return [
        layers.Input((32, 4)),
        layers.DepthwiseConv1D(3, padding="same", depth_multiplier=2),
        layers.BatchNormalization(),
        layers.ReLU(6.0),
        layers.SeparableConv1D(8, 3, padding="same"),
        layers.GlobalMaxPooling1D(),
        layers.Dense(2, activation="softmax"),
    ]


def _dilated1d(keras):
    layers = keras.layers
    return [
        layers.Input((32, 4)),
        layers.Conv1D(6, 3, dilation_rate=2, padding="same", activation="relu"),
        layers.Conv1D(6, 3, dilation_rate=4, padding="causal", activation="relu"),
        layers.Conv1D(5, 2, dilation_rate=3),
        layers.GlobalAveragePooling1D(),
        layers.Dense(1, activation="sigmoid"),
    ]


def _dilated2d(keras):
    layers = keras.layers
    return [
        layers.Input((13, 12, 3)),
        layers.Conv2D(6, 3, dilation_rate=2, padding="same", activation="relu"),
        layers.Conv2D(6, 3, dilation_rate=2),
        layers.DepthwiseConv2D(3, dilation_rate=2),
        layers.ZeroPadding2D(1),
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.Flatten(),
        layers.Dense(2),
    ]


def _float_edges(keras):
    layers = keras.layers
    return [
        layers.Input((16, 2)),
        layers.Conv1D(4, 3),
        layers.Flatten(),
        layers.Dense(3, activation="sigmoid"),
    ]


def _unsigned_edges(keras):
    layers = keras.layers
    return [
        layers.Input((16, 2)),
        layers.Conv1D(4, 3, groups=2),
        layers.ZeroPadding1D((1, 0)),
        layers.Flatten(),
        layers.Dense(3),
        layers.Activation("relu6"),
    ]


def _residual1d(keras):
    """Two outputs, an ADD, and a Dense over three dimensions (shape arithmetic in the file)."""
    layers = keras.layers
    given = layers.Input((16, 4))
    x = layers.Conv1D(4, 3, padding="same")(given)
    y = layers.ReLU()(layers.Add()([x, given]))
    y = layers.Dense(5)(layers.Reshape((8, 8))(y))
    return keras.Model(given, [layers.Dense(3)(layers.Flatten()(y)), x])


def _dense(keras):
    """32 frames of three axes, three dense layers: a model for the smallest boards."""
    layers = keras.layers
    return [
        layers.Input((32, 3)),
        layers.Flatten(),
        layers.Dense(24, activation="relu"),
        layers.Dense(12, activation="relu"),
        layers.Dense(4, activation="softmax"),
    ]


def _squeeze_excite(keras):
    """A block of MobileNetV3: channels weighed by what they hold."""
    layers = keras.layers
    given = layers.Input((16, 12, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="hard_swish")(given)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = layers.Conv2D(4, 1, activation="relu")(y)
    y = layers.Conv2D(8, 1, activation="hard_sigmoid")(y)
    x = layers.Multiply()([x, y])
    return keras.Model(given, layers.Dense(3, activation="softmax")(layers.Flatten()(x)))


def _upward(keras):
    """Down and up again, with a bridge: Resizing, Conv2DTranspose, Cropping2D, Concatenate."""
    layers = keras.layers
    given = layers.Input((9, 10, 2))
    a = layers.Conv2D(4, 3, padding="same")(given)
    a = layers.LeakyReLU(negative_slope=0.1)(a)
    b = layers.MaxPooling2D(2)(a)
    b = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(6, 3, padding="same")(b))
    up = layers.Resizing(8, 10, interpolation="nearest")(b)
    over = layers.Conv2DTranspose(3, 3, strides=2, padding="same")(b)
    cut = layers.Cropping2D(((0, 1), (0, 0)))(a)
    x = layers.Concatenate()([up, over, cut])
    return keras.Model(given, layers.Conv2D(1, 1, activation="tanh")(x))


def _parts(keras):
    """Split, permuted, compared and joined again; the largest is the answer."""
    layers, ops = keras.layers, keras.ops
    given = layers.Input((8, 6))
    left, right = ops.split(layers.Dense(6)(given), 2, axis=-1)
    x = layers.Maximum()([layers.Minimum()([left, right]), layers.Subtract()([left, right])])
    x = layers.Concatenate(axis=1)([layers.Permute((2, 1))(x), layers.Permute((2, 1))(left)])
    x = ops.max(x, axis=-1)
    return keras.Model(given, layers.Dense(3)(x))


def _keyword(keras):
    """Rows in time without padding, as --stream takes them: branches cropped to one length."""
    layers = keras.layers
    given = layers.Input((24, 8))
    x = layers.Conv1D(8, 3, activation="relu")(given)
    y = layers.Conv1D(8, 1, activation="relu")(layers.DepthwiseConv1D(5)(x))
    x = layers.Add()([y, layers.Cropping1D((4, 0))(x)])
    y = layers.Conv1D(4, 3, dilation_rate=2)(x)
    x = layers.Concatenate()([y, layers.Cropping1D((2, 2))(x)])
    x = layers.Conv1D(8, 4, strides=2, activation="relu")(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(given, layers.Dense(3, activation="softmax")(x))


def _keyword2d(keras):
    """The same with features as an axis, which may be padded; strides and a pool in time."""
    layers = keras.layers
    return [
        layers.Input((23, 6, 1)),
        layers.Conv2D(4, (4, 3), strides=(2, 1), activation="relu"),
        layers.ZeroPadding2D(((0, 0), (1, 1))),
        layers.DepthwiseConv2D(3, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv2D(5, 1),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(3),
        layers.Softmax(),
    ]


# name -> (layers or model, type of input and output: None float32)
KERAS = {
    "keras_conv1d": (_conv1d, "int8"),
    "keras_conv1d_flatten": (_conv1d_flatten, "int8"),
    "keras_dense": (_dense, "int8"),
    "keras_depthwise1d": (_depthwise1d, "int8"),
    "keras_dilated1d": (_dilated1d, "int8"),
    "keras_keyword": (_keyword, "int8"),
    "keras_keyword2d": (_keyword2d, "int8"),
    "keras_dilated2d": (_dilated2d, "int8"),
    "keras_residual1d": (_residual1d, "int8"),
    "keras_float_edges": (_float_edges, None),
    "keras_squeeze_excite": (_squeeze_excite, "int8"),
    "keras_upward": (_upward, "int8"),
    "keras_parts": (_parts, "int8"),
    "keras_unsigned_edges": (_unsigned_edges, "uint8"),
}


def export(name: str) -> bytes:
    """The .tflite of one model: random weights, full int8 quantisation."""
    import keras
    import tensorflow as tf

    build, kind = KERAS[name]
    keras.utils.set_random_seed(1)
    made = build(keras)
    model = keras.Sequential(made) if isinstance(made, list) else made
    rng = np.random.default_rng(2)
    shape = (1, *model.input_shape[1:])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [rng.normal(size=shape).astype(np.float32)] for _ in range(30)
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if kind:
        converter.inference_input_type = converter.inference_output_type = getattr(tf, kind)
    return converter.convert()
