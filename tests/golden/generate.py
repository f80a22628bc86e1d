"""Make the golden cases: small .tflite files and what TFLite's reference kernels answer.

    python tests/golden/generate.py [NAME ...]

Writes tests/golden/cases/<name>.tflite and <name>.npz with in<i> and out<i>,
each (vectors, *shape). Needs TensorFlow (make setup); the tests do not.
Never edit a case by hand: change the list below and run this again.
"""

from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path

import graphs
import keras_models
import models
import models_state
import models_wide
import numpy as np
from models import SAME, VALID

from tinysense_host import convert, tflite, vectors
from tinysense_host.modelfile import ModelFile
from tinysense_host.tflite import reference

CASES = Path(__file__).parent / "cases"
RANDOM = 4
IN_SEQUENCE = 30  # of models that keep state

WINDOWS = {
    "1x1": {"kernel": (1, 1)},
    "same": {},
    "valid": {"padding": VALID},
    "stride2_even": {"x": (1, 8, 8, 3), "stride": (2, 2)},
    "stride2_odd": {"stride": (2, 2)},
    "stride_unequal": {"kernel": (2, 3), "stride": (3, 2), "padding": VALID},
    "kernel_beyond_input": {"x": (1, 2, 3, 2), "kernel": (5, 4)},
    "kernel_is_input": {"kernel": (7, 6), "padding": VALID},
    "dilated": {"x": (1, 9, 8, 2), "dilation": (2, 3)},
    "dilated_valid": {"x": (1, 9, 8, 2), "dilation": (3, 2), "padding": VALID},
    "row": {"x": (1, 1, 20, 3), "kernel": (1, 5), "stride": (1, 2)},
    "column": {"x": (1, 20, 1, 3), "kernel": (4, 1), "padding": VALID},
    "batch2": {"x": (2, 4, 5, 2)},
    "relu": {"act": "RELU"},
    "relu6": {"act": "RELU6"},
    "relu_n1_to_1": {"act": "RELU_N1_TO_1"},
    "per_tensor": {"per_channel": False},
    "saturating": {"gain": 40.0},
    "left_shift": {"gain": 20000.0},
    "right_shift": {"gain": 0.002},
}

# name -> (function of models.py, its arguments)
SINGLE = {
    **{f"conv_{k}": ("conv", v) for k, v in WINDOWS.items()},
    "conv_one_channel": ("conv", {"x": (1, 5, 5, 1), "out": 1}),
    "conv_groups": ("conv", {"x": (1, 5, 5, 6), "out": 4, "groups": 2}),
    "conv_wide": ("conv", {"x": (1, 3, 3, 33), "out": 9, "kernel": (1, 1)}),
    **{f"depthwise_{k}": ("depthwise", v) for k, v in WINDOWS.items()},
    "depthwise_multiplier2": ("depthwise", {"multiplier": 2}),
    "depthwise_multiplier3_of_1": ("depthwise", {"x": (1, 6, 6, 1), "multiplier": 3}),
    "depthwise_no_bias": ("depthwise", {"bias": False}),
    "fc": ("fully_connected", {}),
    "fc_rows": ("fully_connected", {"x": (3, 9), "units": 4}),
    "fc_keep_dims": ("fully_connected", {"x": (1, 3, 2, 8), "keep_dims": True}),
    "fc_flattens": ("fully_connected", {"x": (2, 3, 4)}),
    "fc_no_bias": ("fully_connected", {"bias": False}),
    "fc_per_channel": ("fully_connected", {"units": 7, "per_channel": True}),
    "fc_per_channel_relu6": ("fully_connected", {"per_channel": True, "act": "RELU6"}),
    "fc_relu": ("fully_connected", {"act": "RELU"}),
    "fc_one": ("fully_connected", {"x": (1, 1), "units": 1}),
    "fc_long": ("fully_connected", {"x": (1, 700), "units": 3}),
    "fc_left_shift": ("fully_connected", {"gain": 20000.0}),
    "max_pool": ("pool", {}),
    "max_pool_same": ("pool", {"kernel": (3, 3), "padding": SAME}),
    "max_pool_overlap": ("pool", {"kernel": (3, 2), "stride": (1, 1)}),
    "max_pool_relu6": ("pool", {"act": "RELU6"}),
    "max_pool_row": ("pool", {"x": (1, 1, 17, 4), "kernel": (1, 2), "stride": (1, 2)}),
    "average_pool": ("pool", {"op": "AVERAGE_POOL_2D"}),
    "average_pool_same": ("pool", {"op": "AVERAGE_POOL_2D", "kernel": (3, 3), "padding": SAME}),
    "average_pool_same_stride1": (
        "pool", {"op": "AVERAGE_POOL_2D", "kernel": (4, 3), "stride": (1, 1), "padding": SAME}),
    "average_pool_whole": ("pool", {"op": "AVERAGE_POOL_2D", "kernel": (7, 6), "stride": (7, 6)}),
    "average_pool_relu": ("pool", {"op": "AVERAGE_POOL_2D", "act": "RELU"}),
    "mean": ("mean", {}),
    "mean_keep_dims": ("mean", {"keep_dims": True}),
    "mean_same_quant": ("mean", {"same_quant": True}),
    "mean_rows": ("mean", {"axes": (1,)}),
    "mean_channels": ("mean", {"axes": (-1,)}),
    "mean_all": ("mean", {"axes": (0, 1, 2, 3)}),
    "mean_apart": ("mean", {"axes": (1, 3)}),
    "mean_1d": ("mean", {"x": (1, 30, 5), "axes": (1,)}),
    "reduce_max_1d": ("mean", {"x": (1, 30, 5), "axes": (1,), "op": "REDUCE_MAX"}),
    "reduce_max_2d": ("mean", {"axes": (1, 2), "op": "REDUCE_MAX", "keep_dims": True}),
    "add": ("add", {}),
    "add_relu": ("add", {"act": "RELU"}),
    "add_relu6": ("add", {"act": "RELU6"}),
    "add_to_itself": ("add", {"twice": True}),
    "add_channels": ("add", {"other": (3,), "constant": True}),
    "add_channels_first": ("add", {"other": (3,), "constant": True, "swap": True}),
    "add_rows": ("add", {"other": (1, 4, 1, 1)}),
    "add_both_repeat": ("add", {"x": (1, 4, 1, 3), "other": (1, 1, 5, 3)}),
    "add_scalar": ("add", {"other": (1,), "constant": True}),
    "pad": ("pad", {}),
    "pad_all": ("pad", {"amounts": ((1, 1), (2, 0), (0, 3), (1, 2))}),
    "pad_nothing": ("pad", {"amounts": ((0, 0), (0, 0), (0, 0), (0, 0))}),
    "pad_1d": ("pad", {"x": (1, 9, 4), "amounts": ((0, 0), (4, 0), (0, 0))}),
    "pad_value": ("pad", {"value": 55}),
    "softmax": ("softmax", {}),
    "softmax_rows": ("softmax", {"x": (3, 5)}),
    "softmax_two": ("softmax", {"x": (1, 2)}),
    "softmax_one": ("softmax", {"x": (1, 1)}),
    "softmax_sharp": ("softmax", {"x": (1, 12), "scale": 8.0}),
    "softmax_one_hot": ("softmax", {"x": (1, 12), "scale": 20.0}),
    "softmax_flat": ("softmax", {"x": (1, 12), "scale": 0.0001}),
    "softmax_beta": ("softmax", {"beta": 0.5}),
    "logistic": ("logistic", {}),
    "logistic_sharp": ("logistic", {"scale": 4.0, "zero_point": 0}),
    "logistic_flat": ("logistic", {"scale": 0.001, "zero_point": 0}),
    "logistic_near_half": ("logistic", {"scale": 0.01758536323904991, "zero_point": 49}),
    "relu": ("relu", {}),
    "relu_same_quant": ("relu", {"ratio": 1.0}),
    "relu6": ("relu", {"op": "RELU6"}),
    "quantize_wider": ("requantize", {"ratio": 0.37}),
    "quantize_narrower": ("requantize", {"ratio": 3.3}),
    "quantize_u8_s8": ("requantize", {"source": "uint8"}),
    "quantize_s8_u8": ("requantize", {"target": "uint8"}),
    "quantize_float": ("quantize", {}),
    "quantize_float_power_of_two": ("quantize", {"scale": 0.125}),
    "dequantize": ("dequantize", {}),
    "sub": ("binary", {"op": "SUB"}),
    "sub_relu": ("binary", {"op": "SUB", "act": "RELU"}),
    "sub_channels_first": ("binary", {"op": "SUB", "other": (3,), "constant": True, "swap": True}),
    "mul": ("binary", {}),
    "mul_relu6": ("binary", {"act": "RELU6"}),
    "mul_channels": ("binary", {"other": (3,), "constant": True}),
    "mul_rows": ("binary", {"other": (1, 4, 1, 1)}),
    "mul_both_repeat": ("binary", {"x": (2, 4, 1, 3), "other": (1, 1, 5, 3)}),
    "mul_batch_constant": ("binary", {"x": (2, 3, 4, 3), "other": (2, 3, 4, 1), "constant": True}),
    "mul_saturating": ("binary", {"gain": 30.0}),
    "minimum": ("binary", {"op": "MINIMUM", "same_quant": True}),
    "minimum_scalar": (
        "binary", {"op": "MINIMUM", "same_quant": True, "other": (1,), "constant": True}),
    "maximum": ("binary", {"op": "MAXIMUM", "same_quant": True}),
    "maximum_columns": ("binary", {"op": "MAXIMUM", "same_quant": True, "other": (1, 1, 4, 1)}),
    "prelu": ("binary", {"op": "PRELU", "other": (1, 1, 3), "constant": True}),
    "prelu_all": ("binary", {"op": "PRELU", "other": (4, 4, 3), "constant": True}),
    "concatenation": ("concatenation", {}),
    "concatenation_columns": (
        "concatenation", {"shapes": ((1, 3, 2, 4), (1, 3, 1, 4), (1, 3, 3, 4)), "axis": 2}),
    "concatenation_rows": ("concatenation", {"shapes": ((1, 2, 3, 4), (1, 1, 3, 4)), "axis": 1}),
    "concatenation_batch": ("concatenation", {"shapes": ((2, 2, 3, 4), (1, 2, 3, 4)), "axis": 0}),
    "concatenation_constant": (
        "concatenation", {"shapes": ((2, 3, 3), (2, 3, 1)), "axis": -1, "constant": 1}),
    "concatenation_nine": (
        "concatenation", {"shapes": ((1, 3, 2),) * 9, "axis": 2, "constant": 4}),
    "pack_first": ("pack", {}),
    "pack_last": ("pack", {"axis": -1}),
    "pack_middle": ("pack", {"x": (2, 3, 4), "axis": 1, "count": 2}),
    "unpack": ("unpack", {}),
    "unpack_last": ("unpack", {"axis": -1}),
    "split": ("split", {}),
    "split_rows": ("split", {"axis": 1, "sizes": (2, 2)}),
    "split_v": ("split", {"sizes": (1, 3, 2), "equal": False}),
    "split_v_rest": ("split", {"x": (1, 7, 3), "axis": 1, "sizes": (2, -1), "equal": False}),
    "strided_slice": ("strided_slice", {}),
    "strided_slice_backward": (
        "strided_slice", {"begin": (0, 5, 0, -1), "end": (1, 0, 5, -5), "step": (1, -2, 1, -1)}),
    "strided_slice_batch": (
        "strided_slice", {"x": (4, 3, 2, 2), "begin": (1, 0, 0, 0), "end": (4, 3, 2, 1),
                          "step": (2, 1, 1, 1)}),
    "strided_slice_batch_backward": (    # as many as there are, in another order
        "strided_slice", {"x": (2, 3, 2, 2), "begin": (0, -1, 0, 1), "end": (2, -4, 2, -3),
                          "step": (3, -1, 1, -1), "shape": (1, 3, 2, 2)}),
    "strided_slice_masks": (
        "strided_slice", {"begin": (0, 2, 3, 0), "end": (0, 0, 4, 0), "shape": (1, 4, 4),
                          "step": (1, 1, 1, 1), "beginMask": 9, "endMask": 11,
                          "shrinkAxisMask": 4}),
    "strided_slice_ellipsis": (
        "strided_slice", {"begin": (0, 1), "end": (0, 3), "step": (1, 1), "shape": (1, 6, 5, 2),
                          "ellipsisMask": 1}),
    "strided_slice_new_axis": (
        "strided_slice", {"x": (6, 4), "begin": (0, 1), "end": (0, 5), "step": (1, 3),
                          "shape": (1, 2, 4), "newAxisMask": 1}),
    "slice": ("slice_", {}),
    "transpose": ("transpose", {}),
    "transpose_2d": ("transpose", {"x": (5, 7), "order": (1, 0)}),
    "transpose_batch": ("transpose", {"x": (2, 3, 4, 5), "order": (2, 0, 3, 1)}),
    "transpose_ones": ("transpose", {"x": (1, 6, 1, 4), "order": (2, 1, 0, 3)}),
    "tanh": ("tanh", {}),
    "tanh_sharp": ("tanh", {"scale": 1.0}),
    "tanh_flat": ("tanh", {"scale": 0.001}),
    "hard_swish": ("one_value", {}),
    "hard_swish_coarse": ("one_value", {"scale": 0.5, "ratio": 1.0}),
    "hard_swish_fine": ("one_value", {"scale": 0.004, "ratio": 0.1}),
    "leaky_relu": ("one_value", {"op": "LEAKY_RELU", "alpha": 0.2}),
    "leaky_relu_negative": ("one_value", {"op": "LEAKY_RELU", "alpha": -0.7}),
    "relu_n1_to_1": ("relu", {"op": "RELU_N1_TO_1"}),
    "sum": ("mean", {"op": "SUM", "ratio": 6.3}),
    "sum_ties": ("mean", {"op": "SUM", "ratio": 8.0}),
    "sum_channels": ("mean", {"op": "SUM", "axes": (-1,), "ratio": 2.1}),
    "sum_apart": ("mean", {"op": "SUM", "axes": (1, 3), "keep_dims": True, "ratio": 5.0}),
    "reduce_max_channels": ("mean", {"axes": (3,), "op": "REDUCE_MAX"}),
    "reduce_max_apart": ("mean", {"x": (2, 5, 4, 3), "axes": (1, 3), "op": "REDUCE_MAX"}),
    "reduce_max_all": ("mean", {"axes": (0, 1, 2, 3), "op": "REDUCE_MAX"}),
    "arg_max": ("arg_max", {}),
    "arg_max_rows": ("arg_max", {"axis": 1, "dtype": "int64"}),
    "resize_twice": ("resize", {}),
    "resize_smaller": ("resize", {"x": (2, 7, 5, 3), "size": (3, 4)}),
    "resize_corners": ("resize", {"size": (7, 5), "corners": True}),
    "resize_half_pixel": ("resize", {"size": (9, 7), "half": True}),
    "tile": ("tile", {}),
    "tile_last": ("tile", {"x": (2, 3), "times": (1, 4)}),
    "broadcast_to": ("tile", {"x": (1, 3, 1, 2), "times": (2, 1, 4, 1), "op": "BROADCAST_TO"}),
    "transpose_conv": ("transpose_conv", {}),
    "transpose_conv_valid": ("transpose_conv", {"padding": VALID}),
    "transpose_conv_relu6": ("transpose_conv", {"act": "RELU6", "bias": False}),
    "transpose_conv_gaps": ("transpose_conv", {"kernel": (2, 1), "stride": (3, 2)}),
    "transpose_conv_uneven": (
        "transpose_conv", {"x": (2, 3, 4, 5), "kernel": (4, 3), "stride": (2, 1),
                           "padding": VALID, "extra": (1, 0), "per_channel": False}),
}  # fmt: skip


# Where the functions that SINGLE and other lists name are.
FAMILIES = (
    (models, SINGLE), (models_state, models_state.CASES), (models_wide, models_wide.CASES),
    (graphs, graphs.CASES),
)  # fmt: skip


def build(name: str) -> bytes:
    """The .tflite of a case; the same bytes every time for the cases built by hand."""
    if name in keras_models.KERAS:
        return keras_models.export(name)
    module, (function, arguments) = next((m, c[name]) for m, c in FAMILIES if name in c)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return getattr(module, function)(rng, **arguments)


def generate(name: str) -> None:
    """Write one case."""
    data = build(name)
    model = ModelFile.read(convert.convert(tflite.read(data, name)))
    count = RANDOM if model.n_init == 0 else IN_SEQUENCE
    tried = vectors.boundary(model) + vectors.random(model, count)
    inputs = vectors.stack(tried, model.inputs)
    outputs = reference.run_here(data, inputs)
    arrays = {f"in{i}": x for i, x in enumerate(inputs)}
    arrays |= {f"out{i}": y for i, y in enumerate(outputs)}
    (CASES / f"{name}.tflite").write_bytes(data)
    np.savez_compressed(CASES / f"{name}.npz", **arrays)


def main() -> None:
    import tensorflow  # noqa: F401  once for all; each model then gets a process of its own

    CASES.mkdir(exist_ok=True)
    names = [name for _, cases in FAMILIES for name in cases]
    for name in sys.argv[1:] or [*names, *keras_models.KERAS]:
        child = os.fork()
        if child == 0:
            generate(name)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            raise SystemExit(f"{name} failed")
        print(name, flush=True)


if __name__ == "__main__":
    main()
