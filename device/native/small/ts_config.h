// What the small native module has: what models of movements are made of, packed
// for the core where it has packed ops. A model that needs more is refused, and
// `tinysense upload --setup` puts the full module on the board.
#define TS_OTHERS 0
#define TS_SMALL_PACKED (TS_TARGET != TS_TARGET_PORTABLE)
#define TS_WITH_FEATURES 1
#define TS_WITH_BLOCK_MAGNITUDE 1
#define TS_WITH_BLOCK_RAW 1
#define TS_WITH_CONV_2D (!TS_SMALL_PACKED)
#define TS_WITH_FULLY_CONNECTED (!TS_SMALL_PACKED)
#define TS_WITH_PACKED_CONV_2D TS_SMALL_PACKED
#define TS_WITH_PACKED_FULLY_CONNECTED TS_SMALL_PACKED
#define TS_WITH_AVERAGE_POOL_2D 1
#define TS_WITH_MAX_POOL_2D 1
#define TS_WITH_SOFTMAX 1
#define TS_WITH_LUT 1
#define TS_WITH_COPY 1
#define TS_WITH_SEGMENT 1
