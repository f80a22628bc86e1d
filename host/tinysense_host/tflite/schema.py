"""Names and slot numbers of the .tflite schema (version 3), as data.

Source: schema.fbs of TensorFlow Lite 2.21. Only what the converter reads is
here; all op names are, since an error must be able to name any op.
"""

from __future__ import annotations

__all__ = ["ACTIVATIONS", "DTYPES", "IDENTIFIER", "OPTIONS", "OP_NAMES", "VERSIONS", "Option"]

IDENTIFIER = b"TFL3"

# Index: TensorType. Kinds of more than eight bits that numpy lacks keep the schema's name.
DTYPES = (
    "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16",
    "complex64", "int8", "float64", "complex128", "uint64", "resource", "variant",
    "uint32", "uint16", "int4", "bfloat16", "int2", "uint4",
)  # fmt: skip

# Index: ActivationFunctionType.
ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")

# name, slot, kind ("b" byte, "i" int, "f" float, "?" bool, "s" text), default
Option = tuple[str, int, str, int | float | bool | str]

_POOL: tuple[Option, ...] = (
    ("padding", 0, "b", 0), ("stride_w", 1, "i", 0), ("stride_h", 2, "i", 0),
    ("filter_w", 3, "i", 0), ("filter_h", 4, "i", 0), ("activation", 5, "b", 0),
)  # fmt: skip

_REDUCER: tuple[Option, ...] = (("keep_dims", 0, "?", False),)

# op -> number of its member in the BuiltinOptions union, fields
OPTIONS: dict[str, tuple[int, tuple[Option, ...]]] = {
    "CONV_2D": (1, (
        ("padding", 0, "b", 0), ("stride_w", 1, "i", 0), ("stride_h", 2, "i", 0),
        ("activation", 3, "b", 0), ("dilation_w", 4, "i", 1), ("dilation_h", 5, "i", 1),
    )),
    "DEPTHWISE_CONV_2D": (2, (
        ("padding", 0, "b", 0), ("stride_w", 1, "i", 0), ("stride_h", 2, "i", 0),
        ("depth_multiplier", 3, "i", 0), ("activation", 4, "b", 0),
        ("dilation_w", 5, "i", 1), ("dilation_h", 6, "i", 1),
    )),
    "AVERAGE_POOL_2D": (5, _POOL),
    "MAX_POOL_2D": (5, _POOL),
    "FULLY_CONNECTED": (8, (
        ("activation", 0, "b", 0), ("weights_format", 1, "b", 0), ("keep_num_dims", 2, "?", False),
    )),
    "SOFTMAX": (9, (("beta", 0, "f", 0.0),)),
    "ADD": (11, (("activation", 0, "b", 0), ("power_of_two_int16", 1, "?", True))),
    "SUB": (28, (("activation", 0, "b", 0),)),
    "MUL": (21, (("activation", 0, "b", 0),)),
    "CONCATENATION": (10, (("axis", 0, "i", 0), ("activation", 1, "b", 0))),
    "MEAN": (27, _REDUCER),
    "SUM": (27, _REDUCER),
    "REDUCE_MAX": (27, _REDUCER),
    "REDUCE_PROD": (27, _REDUCER),
    "UNPACK": (64, (("num", 0, "i", 0), ("axis", 1, "i", 0))),
    "GATHER": (23, (("axis", 0, "i", 0), ("batch_dims", 1, "i", 0))),
    "LEAKY_RELU": (75, (("alpha", 0, "f", 0.0),)),
    "RESIZE_NEAREST_NEIGHBOR": (74, (
        ("align_corners", 0, "?", False), ("half_pixel_centers", 1, "?", False),
    )),
    "TRANSPOSE_CONV": (49, (
        ("padding", 0, "b", 0), ("stride_w", 1, "i", 0), ("stride_h", 2, "i", 0),
        ("activation", 3, "b", 0),
    )),
    "STRIDED_SLICE": (32, (
        ("begin_mask", 0, "i", 0), ("end_mask", 1, "i", 0), ("ellipsis_mask", 2, "i", 0),
        ("new_axis_mask", 3, "i", 0), ("shrink_axis_mask", 4, "i", 0), ("offset", 5, "?", False),
    )),
    "SVDF": (6, (("rank", 0, "i", 0), ("activation", 1, "b", 0))),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (71, (
        ("activation", 0, "b", 0), ("cell_clip", 1, "f", 0.0), ("proj_clip", 2, "f", 0.0),
        ("time_major", 3, "?", False),
    )),
    "CALL_ONCE": (103, (("subgraph", 0, "i", 0),)),
    "VAR_HANDLE": (111, (("container", 0, "s", ""), ("shared_name", 1, "s", ""))),
    "PACK": (59, (("values_count", 0, "i", 0), ("axis", 1, "i", 0))),
}  # fmt: skip

# Newest version of each op that TensorFlow 2.21 runs; what a newer one means is not known here.
VERSIONS = {
    "ADD": 5, "ARG_MAX": 3, "ASSIGN_VARIABLE": 1, "AVERAGE_POOL_2D": 3, "BATCH_TO_SPACE_ND":
    4, "BROADCAST_TO": 3, "CALL_ONCE": 1, "CAST": 8, "CONCATENATION": 5, "CONV_2D": 8,
    "DEPTHWISE_CONV_2D": 7, "DEQUANTIZE": 7, "DIV": 2, "EXPAND_DIMS": 1, "FLOOR_DIV": 3,
    "FULLY_CONNECTED": 14, "GATHER": 7, "HARD_SWISH": 1, "LEAKY_RELU": 2, "LOGISTIC": 3,
    "MAXIMUM": 4, "MAX_POOL_2D": 3, "MEAN": 3, "MINIMUM": 4, "MUL": 7, "PACK": 4, "PAD": 5,
    "PADV2": 5, "PRELU": 1, "QUANTIZE": 4, "READ_VARIABLE": 1, "REDUCE_MAX": 3, "REDUCE_PROD":
    2, "RELU": 3, "RELU6": 3, "RELU_N1_TO_1": 1, "RESHAPE": 1, "RESIZE_NEAREST_NEIGHBOR": 4,
    "SHAPE": 1, "SLICE": 7, "SOFTMAX": 3, "SPACE_TO_BATCH_ND": 4, "SPLIT": 4, "SPLIT_V": 2,
    "SQUEEZE": 2, "STRIDED_SLICE": 8, "SUB": 5, "SUM": 2, "SVDF": 4, "TANH": 3, "TILE": 3,
    "TRANSPOSE": 7, "TRANSPOSE_CONV": 5, "UNIDIRECTIONAL_SEQUENCE_LSTM": 4, "UNPACK": 4,
    "VAR_HANDLE": 1,
}  # fmt: skip

# Index: BuiltinOperator.
OP_NAMES = tuple(
    """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE
    DEQUANTIZE EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION
    L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL
    RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH
    CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD
    UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE
    MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
    BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE
    BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2
    GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE
    TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT
    REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK
    REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE
    RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE
    CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG
    QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4
    NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
    PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG
    REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL
    CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS
    RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU
    DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX
    UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT
    STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE STABLEHLO_MULTIPLY
    STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE
    STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE
    STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE
    STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM
    STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT
    STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER
    STABLEHLO_COMPARE STABLEHLO_CONVERT STABLEHLO_DYNAMIC_SLICE
    STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA STABLEHLO_DOT_GENERAL
    STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE STABLEHLO_GATHER
    STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW
    STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE
    """.split()  # noqa: SIM905  a list would be 210 lines
)
