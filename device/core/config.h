// What is compiled in: TS_WITH_<NAME> 1 or 0 for every op of ops.def, and for
// parts of the core. Everything, unless TS_CONFIG is defined: then the user's
// "ts_config.h" decides first. An op that is off costs no byte, and a file
// that needs it is refused with TS_ERR_OPCODE.
#ifndef TS_CONFIG_H
#define TS_CONFIG_H
#include "arch/arch.h"

#ifdef TS_CONFIG
#include "ts_config.h"
#endif

// What ts_config.h leaves open.
#ifndef TS_OTHERS
#define TS_OTHERS 1
#endif

// Feature programs (FEAT).
#ifndef TS_WITH_FEATURES
#define TS_WITH_FEATURES TS_OTHERS
#endif

// In the module _tinysense: samples out of a microphone's words and bits, and what it lost.
#ifndef TS_WITH_MICROPHONE
#define TS_WITH_MICROPHONE TS_OTHERS
#endif

// Their blocks, in the order of blocks.def.
#ifndef TS_WITH_BLOCK_IIR
#define TS_WITH_BLOCK_IIR TS_OTHERS
#endif
#ifndef TS_WITH_BLOCK_MAGNITUDE
#define TS_WITH_BLOCK_MAGNITUDE TS_OTHERS
#endif
#ifndef TS_WITH_BLOCK_DECIMATE
#define TS_WITH_BLOCK_DECIMATE TS_OTHERS
#endif
#ifndef TS_WITH_BLOCK_RAW
#define TS_WITH_BLOCK_RAW TS_OTHERS
#endif
#ifndef TS_WITH_BLOCK_STATS
#define TS_WITH_BLOCK_STATS TS_OTHERS
#endif
#ifndef TS_WITH_BLOCK_SPECTRUM
#define TS_WITH_BLOCK_SPECTRUM TS_OTHERS
#endif
#ifndef TS_WITH_BLOCK_MEL
#define TS_WITH_BLOCK_MEL TS_OTHERS
#endif
#ifndef TS_WITH_BLOCK_MICRO_FRONTEND
#define TS_WITH_BLOCK_MICRO_FRONTEND TS_OTHERS
#endif
#ifndef TS_WITH_BLOCK_ROWS
#define TS_WITH_BLOCK_ROWS TS_OTHERS
#endif

// Ops, in the order of ops.def.
#ifndef TS_WITH_CONV_2D
#define TS_WITH_CONV_2D TS_OTHERS
#endif
#ifndef TS_WITH_DEPTHWISE_CONV_2D
#define TS_WITH_DEPTHWISE_CONV_2D TS_OTHERS
#endif
#ifndef TS_WITH_FULLY_CONNECTED
#define TS_WITH_FULLY_CONNECTED TS_OTHERS
#endif
#ifndef TS_WITH_AVERAGE_POOL_2D
#define TS_WITH_AVERAGE_POOL_2D TS_OTHERS
#endif
#ifndef TS_WITH_MAX_POOL_2D
#define TS_WITH_MAX_POOL_2D TS_OTHERS
#endif
#ifndef TS_WITH_MEAN
#define TS_WITH_MEAN TS_OTHERS
#endif
#ifndef TS_WITH_ADD
#define TS_WITH_ADD TS_OTHERS
#endif
#ifndef TS_WITH_PAD
#define TS_WITH_PAD TS_OTHERS
#endif
#ifndef TS_WITH_SOFTMAX
#define TS_WITH_SOFTMAX TS_OTHERS
#endif
#ifndef TS_WITH_LUT
#define TS_WITH_LUT TS_OTHERS
#endif
#ifndef TS_WITH_QUANTIZE
#define TS_WITH_QUANTIZE TS_OTHERS
#endif
#ifndef TS_WITH_DEQUANTIZE
#define TS_WITH_DEQUANTIZE TS_OTHERS
#endif
#ifndef TS_WITH_COPY
#define TS_WITH_COPY TS_OTHERS
#endif
#ifndef TS_WITH_MUL
#define TS_WITH_MUL TS_OTHERS
#endif
#ifndef TS_WITH_MINIMUM
#define TS_WITH_MINIMUM TS_OTHERS
#endif
#ifndef TS_WITH_MAXIMUM
#define TS_WITH_MAXIMUM TS_OTHERS
#endif
#ifndef TS_WITH_PRELU
#define TS_WITH_PRELU TS_OTHERS
#endif
#ifndef TS_WITH_CONCATENATION
#define TS_WITH_CONCATENATION TS_OTHERS
#endif
#ifndef TS_WITH_STRIDED_COPY
#define TS_WITH_STRIDED_COPY TS_OTHERS
#endif
#ifndef TS_WITH_ARG_MAX
#define TS_WITH_ARG_MAX TS_OTHERS
#endif
#ifndef TS_WITH_RESIZE_NEAREST_NEIGHBOR
#define TS_WITH_RESIZE_NEAREST_NEIGHBOR TS_OTHERS
#endif
#ifndef TS_WITH_TRANSPOSE_CONV
#define TS_WITH_TRANSPOSE_CONV TS_OTHERS
#endif
#ifndef TS_WITH_FILL
#define TS_WITH_FILL TS_OTHERS
#endif
#ifndef TS_WITH_SVDF
#define TS_WITH_SVDF TS_OTHERS
#endif
#ifndef TS_WITH_UNIDIRECTIONAL_SEQUENCE_LSTM
#define TS_WITH_UNIDIRECTIONAL_SEQUENCE_LSTM TS_OTHERS
#endif
#ifndef TS_WITH_REQUANTIZE
#define TS_WITH_REQUANTIZE TS_OTHERS
#endif
#ifndef TS_WITH_LOGISTIC_S16
#define TS_WITH_LOGISTIC_S16 TS_OTHERS
#endif
#ifndef TS_WITH_SOFTMAX_S16
#define TS_WITH_SOFTMAX_S16 TS_OTHERS
#endif
#ifndef TS_WITH_ADD_S16
#define TS_WITH_ADD_S16 TS_OTHERS
#endif
#ifndef TS_WITH_MUL_S16
#define TS_WITH_MUL_S16 TS_OTHERS
#endif
#ifndef TS_WITH_MIXED_CONV_2D
#define TS_WITH_MIXED_CONV_2D TS_OTHERS
#endif
#ifndef TS_WITH_MIXED_DEPTHWISE_CONV_2D
#define TS_WITH_MIXED_DEPTHWISE_CONV_2D TS_OTHERS
#endif
#ifndef TS_WITH_MIXED_FULLY_CONNECTED
#define TS_WITH_MIXED_FULLY_CONNECTED TS_OTHERS
#endif
#ifndef TS_WITH_AVERAGE_POOL_2D_S16
#define TS_WITH_AVERAGE_POOL_2D_S16 TS_OTHERS
#endif
#ifndef TS_WITH_MAX_POOL_2D_S16
#define TS_WITH_MAX_POOL_2D_S16 TS_OTHERS
#endif
#ifndef TS_WITH_MEAN_S16
#define TS_WITH_MEAN_S16 TS_OTHERS
#endif
#ifndef TS_WITH_SHIFT_IN
#define TS_WITH_SHIFT_IN TS_OTHERS
#endif
// Rows streamed through rings, and inputs pushed row by row.
#ifndef TS_WITH_SEGMENT
#define TS_WITH_SEGMENT TS_OTHERS
#endif

// Packed ops: bit TS_TARGET of each number says whether that target has it.
#define TS_HAVE_PACKED_CONV_2D (1 << TS_TARGET_ARMV7EM | 1 << TS_TARGET_MVE | 1 << TS_TARGET_ARMV6M | 1 << TS_TARGET_RV32IMC)
#define TS_HAVE_PACKED_DEPTHWISE_CONV_2D (1 << TS_TARGET_MVE | 1 << TS_TARGET_ARMV6M | 1 << TS_TARGET_RV32IMC | 1 << TS_TARGET_ARMV7EM)
#define TS_HAVE_PACKED_FULLY_CONNECTED (1 << TS_TARGET_ARMV7EM | 1 << TS_TARGET_MVE | 1 << TS_TARGET_ARMV6M | 1 << TS_TARGET_RV32IMC)
#define TS_HAVE_PACKED_ADD (1 << TS_TARGET_MVE | 1 << TS_TARGET_ARMV6M | 1 << TS_TARGET_RV32IMC | 1 << TS_TARGET_ARMV7EM)
#ifndef TS_WITH_PACKED_CONV_2D
#define TS_WITH_PACKED_CONV_2D (TS_OTHERS && (TS_HAVE_PACKED_CONV_2D >> TS_TARGET & 1))
#endif
#ifndef TS_WITH_PACKED_DEPTHWISE_CONV_2D
#define TS_WITH_PACKED_DEPTHWISE_CONV_2D (TS_OTHERS && (TS_HAVE_PACKED_DEPTHWISE_CONV_2D >> TS_TARGET & 1))
#endif
#ifndef TS_WITH_PACKED_FULLY_CONNECTED
#define TS_WITH_PACKED_FULLY_CONNECTED (TS_OTHERS && (TS_HAVE_PACKED_FULLY_CONNECTED >> TS_TARGET & 1))
#endif
#ifndef TS_WITH_PACKED_ADD
#define TS_WITH_PACKED_ADD (TS_OTHERS && (TS_HAVE_PACKED_ADD >> TS_TARGET & 1))
#endif

#endif
