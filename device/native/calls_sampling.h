// Part of modtinysense.c: the functions over frames, time, rings and windows.

// ---- Frames ----

// True where a buffer holds n frames of int16; else *error says why.
static bool holds_frames(const void *data, size_t bytes, int32_t n, int32_t channels,
    int32_t *error) {
    *error = TS_ERR_ARGUMENT;
    return n >= 0 && channels >= 1 && bytes / sizeof(int16_t) / (size_t)channels >= (size_t)n
           && holds(data, bytes, 0, sizeof(int16_t), error);
}

static bind_value_t call_frames_adapt(bind_call_t *call) {
    bind_output_t frames = bind_output(call, 0);
    int32_t n = bind_int(call, 1), channels = bind_int(call, 2);
    bind_input_t map = bind_input(call, 3);
    int32_t result;
    if (!holds_frames(frames.data, frames.bytes, n, channels, &result)) {
        return bind_from_int(result);
    }
    if (map.bytes / TS_MAP_BYTES < (size_t)channels) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    return bind_from_int(ts_frames_adapt_s16(frames.data, (size_t)n, channels, map.data));
}

static bind_value_t call_frames_unpack(bind_call_t *call) {
    bind_input_t raw = bind_input(call, 0);
    int32_t n = bind_int(call, 1);
    bind_input_t layout = bind_input(call, 2);
    bind_output_t out = bind_output(call, 3);
    int32_t result, channels = layout.bytes > TS_LAYOUT_OFFSETS
        ? ((const uint8_t *)layout.data)[TS_LAYOUT_CHANNELS] : 0;
    if (holds_frames(out.data, out.bytes, n, channels, &result)) {
        result = ts_frames_unpack_s16(raw.data, raw.bytes, (size_t)n, layout.data, layout.bytes, out.data);
    }
    return bind_from_int(result);
}

static bind_value_t call_frames_untag(bind_call_t *call) {
    bind_output_t state = bind_output(call, 0);
    bind_input_t raw = bind_input(call, 1);
    int32_t words = bind_int(call, 2);
    bind_output_t out = bind_output(call, 3);
    int32_t result;
    if (!holds(state.data, state.bytes, sizeof(ts_tags_t), 4, &result)
        || !holds(out.data, out.bytes, 0, sizeof(int16_t), &result)) {
        return bind_from_int(result);
    }
    ts_tags_t *tags = state.data;
    if (words < 0 || raw.bytes / 7 < (size_t)words || tags->parts < 1 || tags->parts > TS_TAG_PARTS) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    return bind_from_int(ts_frames_untag_s16(tags, raw.data, (size_t)words, out.data,
        out.bytes / sizeof(int16_t) / 3 / tags->parts));
}

// ---- Time ----

static bind_value_t call_clock_bytes(bind_call_t *call) {
    (void)call;
    return bind_from_int((int32_t)sizeof(ts_clock_t));
}

// The clock in argument i, NULL with *error where the buffer cannot hold one.
static ts_clock_t *clock_state(bind_call_t *call, size_t i, int32_t *error) {
    bind_output_t clock = bind_output(call, i);
    return holds(clock.data, clock.bytes, sizeof(ts_clock_t), 8, error) ? clock.data : NULL;
}

static bind_value_t call_clock_read(bind_call_t *call) {
    int32_t result;
    ts_clock_t *clock = clock_state(call, 0, &result);
    uint32_t us = bind_uint(call, 1), ms = bind_uint(call, 2);
    if (clock != NULL) {
        ts_clock_read(clock, us, ms);
    }
    return bind_from_int(result);
}

// Writes 64 bits, lowest byte first, at offset `at` of the buffer in argument i.
static int32_t put_u64(bind_call_t *call, size_t i, uint64_t value) {
    bind_output_t out = bind_output(call, i);
    int32_t at = bind_int(call, i + 1);
    if (at < 0 || out.bytes < sizeof(value) || (size_t)at > out.bytes - sizeof(value)) {
        return TS_ERR_ARGUMENT;
    }
    for (size_t byte = 0; byte < sizeof(value); byte++, value >>= 8) {
        ((uint8_t *)out.data)[(size_t)at + byte] = (uint8_t)value;
    }
    return 0;
}

static bind_value_t call_clock_stamp(bind_call_t *call) {
    int32_t result;
    const ts_clock_t *clock = clock_state(call, 0, &result);
    return bind_from_int(clock != NULL ? put_u64(call, 1, clock->us) : result);
}

static bind_value_t call_timebase_bytes(bind_call_t *call) {
    (void)call;
    return bind_from_int((int32_t)sizeof(ts_timebase_t));
}

// The timebase in argument 0, NULL with *error where there is none.
static ts_timebase_t *timebase_state(bind_call_t *call, int32_t *error) {
    bind_output_t state = bind_output(call, 0);
    if (!holds(state.data, state.bytes, sizeof(ts_timebase_t), 8, error)) {
        return NULL;
    }
    ts_timebase_t *timebase = state.data;
    *error = timebase->nominal_mhz != 0 ? 0 : TS_ERR_STATE;
    return *error == 0 ? timebase : NULL;
}

static bind_value_t call_timebase_init(bind_call_t *call) {
    bind_output_t state = bind_output(call, 0);
    int32_t rate_mhz = bind_int(call, 1), result;
    if (holds(state.data, state.bytes, sizeof(ts_timebase_t), 8, &result)) {
        result = rate_mhz < 1 ? TS_ERR_ARGUMENT : ts_timebase_init(state.data, (uint32_t)rate_mhz);
    }
    return bind_from_int(result);
}

static bind_value_t call_timebase_mark(bind_call_t *call) {
    int32_t result;
    ts_timebase_t *timebase = timebase_state(call, &result);
    const ts_clock_t *clock = timebase != NULL ? clock_state(call, 1, &result) : NULL;
    int32_t n = bind_int(call, 2), back_us = bind_int(call, 3), width_us = bind_int(call, 4);
    int32_t exact = bind_int(call, 5);
    if (clock == NULL) {
        return bind_from_int(result);
    }
    if (n < 0 || n > 1 << 25 || back_us < 0 || width_us < 0) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    return bind_from_int(ts_timebase_mark(timebase, clock, (uint32_t)n, (uint32_t)back_us,
        (uint32_t)width_us, exact != 0));
}

static bind_value_t call_timebase_behind(bind_call_t *call) {
    int32_t result;
    const ts_timebase_t *timebase = timebase_state(call, &result);
    const ts_clock_t *clock = timebase != NULL ? clock_state(call, 1, &result) : NULL;
    return bind_from_int(clock != NULL ? (int32_t)ts_timebase_behind(timebase, clock) : result);
}

static bind_value_t call_timebase_rate(bind_call_t *call) {
    int32_t result;
    const ts_timebase_t *timebase = timebase_state(call, &result);
    return bind_from_int(timebase != NULL ? (int32_t)timebase->measured_mhz : result);
}

static bind_value_t call_timebase_stamp(bind_call_t *call) {
    int32_t result;
    const ts_timebase_t *timebase = timebase_state(call, &result);
    int32_t back = bind_int(call, 1);
    if (timebase != NULL) {
        result = back < 0 ? TS_ERR_ARGUMENT
            : put_u64(call, 2, ts_timebase_time(timebase, (uint32_t)back));
    }
    return bind_from_int(result);
}

// ---- Ring ----

static bind_value_t call_ring_state_bytes(bind_call_t *call) {
    (void)call;
    return bind_from_int((int32_t)sizeof(ts_ring_t));
}

// The ring in argument 0, NULL with *error where the state cannot be one.
static ts_ring_t *ring_state(bind_call_t *call, int32_t *error) {
    bind_output_t state = bind_output(call, 0);
    if (!holds(state.data, state.bytes, sizeof(ts_ring_t), sizeof(void *), error)) {
        return NULL;
    }
    ts_ring_t *ring = state.data;
    bool sane = ring->frames != NULL && ring->channels >= 1 && ring->channels <= TS_CHANNELS_MAX
        && ring->head < ring->capacity && ring->held <= ring->capacity
        && ring->marks <= TS_RING_MARKS;
    *error = sane ? 0 : TS_ERR_STATE;
    return sane ? ring : NULL;
}

// The ring in arguments 0 and 1, NULL with *error unless those are its frames.
static ts_ring_t *ring_on_frames(bind_call_t *call, int32_t *error) {
    ts_ring_t *ring = ring_state(call, error);
    bind_output_t frames = bind_output(call, 1);
    bool same = ring != NULL && ring->frames == frames.data
        && frames.bytes / sizeof(int16_t) / ring->channels == ring->capacity;
    if (ring != NULL && !same) {
        *error = TS_ERR_STATE;
    }
    return same ? ring : NULL;
}

static bind_value_t call_ring_init(bind_call_t *call) {
    bind_output_t state = bind_output(call, 0), frames = bind_output(call, 1);
    int32_t channels = bind_int(call, 2), result;
    if (!holds(state.data, state.bytes, sizeof(ts_ring_t), sizeof(void *), &result)
        || !holds(frames.data, frames.bytes, sizeof(int16_t), sizeof(int16_t), &result)) {
        return bind_from_int(result);
    }
    memset(state.data, 0, sizeof(ts_ring_t));
    if (channels < 1 || frames.bytes > INT32_MAX
        || overlap(state.data, state.bytes, frames.data, frames.bytes)) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    uint32_t capacity = (uint32_t)(frames.bytes / sizeof(int16_t)) / (uint32_t)channels;
    result = ts_ring_init(state.data, frames.data, capacity, (uint32_t)channels);
    if (result < 0) {
        memset(state.data, 0, sizeof(ts_ring_t));
    }
    return bind_from_int(result < 0 ? result : (int32_t)capacity);
}

static bind_value_t call_ring_push(bind_call_t *call) {
    int32_t result;
    ts_ring_t *ring = ring_on_frames(call, &result);
    bind_input_t frames = bind_input(call, 2);
    int32_t n = bind_int(call, 3), lost = bind_int(call, 4);
    if (ring == NULL) {
        return bind_from_int(result);
    }
    if (lost < 0 || !holds_frames(frames.data, frames.bytes, n, (int32_t)ring->channels, &result)) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    ts_ring_push(ring, frames.data, (uint32_t)n, (uint32_t)lost);
    return bind_from_int((int32_t)(ring->overwritten & INT32_MAX));
}

static bind_value_t call_ring_pop(bind_call_t *call) {
    int32_t result;
    ts_ring_t *ring = ring_on_frames(call, &result);
    bind_output_t out = bind_output(call, 2);
    int32_t most = bind_int(call, 3);
    if (ring == NULL) {
        return bind_from_int(result);
    }
    if (!holds_frames(out.data, out.bytes, most, (int32_t)ring->channels, &result)) {
        return bind_from_int(result);
    }
    return bind_from_int((int32_t)ts_ring_pop(ring, out.data, (uint32_t)most));
}

static bind_value_t call_ring_held(bind_call_t *call) {
    int32_t result;
    const ts_ring_t *ring = ring_state(call, &result);
    return bind_from_int(ring != NULL ? (int32_t)ring->held : result);
}

static bind_value_t call_ring_lost(bind_call_t *call) {
    int32_t result;
    const ts_ring_t *ring = ring_state(call, &result);
    return bind_from_int(ring != NULL ? (int32_t)(ring->lost & INT32_MAX) : result);
}

// ---- Window ----

static bind_value_t call_window_state_bytes(bind_call_t *call) {
    (void)call;
    return bind_from_int((int32_t)sizeof(ts_window_t));
}

// The window in argument 0, NULL with *error where the state cannot be one.
static ts_window_t *window_state(bind_call_t *call, int32_t *error) {
    bind_output_t state = bind_output(call, 0);
    if (!holds(state.data, state.bytes, sizeof(ts_window_t), sizeof(void *), error)) {
        return NULL;
    }
    ts_window_t *window = state.data;
    bool sane = window->ring != NULL && window->head < window->capacity
        && window->filled <= window->capacity;
    *error = sane ? 0 : TS_ERR_STATE;
    return sane ? window : NULL;
}

// The window in arguments 0 and 1, NULL with *error unless its ring is the
// buffer it was made with.
static ts_window_t *window_on_ring(bind_call_t *call, int32_t *error) {
    ts_window_t *window = window_state(call, error);
    bind_output_t ring = bind_output(call, 1);
    if (window == NULL) {
        return NULL;
    }
    bool same = window->ring == ring.data && window->channels > 0
        && ring.bytes / sizeof(int16_t) / window->channels == window->capacity;
    *error = same ? 0 : TS_ERR_STATE;
    return same ? window : NULL;
}

static bind_value_t call_window_init(bind_call_t *call) {
    bind_output_t state = bind_output(call, 0), ring = bind_output(call, 1);
    int32_t channels = bind_int(call, 2), length = bind_int(call, 3), hop = bind_int(call, 4);
    int32_t result;
    if (!holds(state.data, state.bytes, sizeof(ts_window_t), sizeof(void *), &result)
        || !holds(ring.data, ring.bytes, sizeof(int16_t), sizeof(int16_t), &result)) {
        return bind_from_int(result);
    }
    memset(state.data, 0, sizeof(ts_window_t));
    if (channels < 1 || length < 1 || hop < 1 || ring.bytes > INT32_MAX
        || overlap(state.data, state.bytes, ring.data, ring.bytes)) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    uint32_t capacity = (uint32_t)(ring.bytes / sizeof(int16_t)) / (uint32_t)channels;
    result = ts_window_init(state.data, ring.data, capacity, (uint32_t)channels,
        (uint32_t)length, (uint32_t)hop);
    if (result < 0) {
        memset(state.data, 0, sizeof(ts_window_t));
    }
    return bind_from_int(result < 0 ? result : (int32_t)capacity);
}

static bind_value_t call_window_push(bind_call_t *call) {
    int32_t result;
    ts_window_t *window = window_on_ring(call, &result);
    bind_input_t frames = bind_input(call, 2);
    int32_t start = bind_int(call, 3), n = bind_int(call, 4);
    if (window == NULL) {
        return bind_from_int(result);
    }
    if (start < 0 || n < 0 || n > INT32_MAX - start) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    int32_t channels = (int32_t)window->channels;
    if (!holds_frames(frames.data, frames.bytes, start + n, channels, &result)) {
        return bind_from_int(result);
    }
    ts_window_push(window, (const int16_t *)frames.data + (size_t)start * window->channels, (uint32_t)n);
    return bind_from_int((int32_t)(window->overwritten & INT32_MAX));
}

static bind_value_t call_window_ready(bind_call_t *call) {
    int32_t result;
    const ts_window_t *window = window_state(call, &result);
    return bind_from_int(window == NULL ? result : ts_window_ready(window));
}

static bind_value_t call_window_take(bind_call_t *call) {
    int32_t result;
    ts_window_t *window = window_on_ring(call, &result);
    bind_output_t out = bind_output(call, 2);
    if (window == NULL) {
        return bind_from_int(result);
    }
    int32_t length = (int32_t)window->length, channels = (int32_t)window->channels;
    if (!holds_frames(out.data, out.bytes, length, channels, &result)) {
        return bind_from_int(result);
    }
    return bind_from_int(ts_window_take(window, out.data));
}

static bind_value_t call_window_clear(bind_call_t *call) {
    int32_t result;
    ts_window_t *window = window_state(call, &result);
    if (window != NULL) {
        ts_window_clear(window);
    }
    return bind_from_int(result);
}
