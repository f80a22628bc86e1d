// Part of modtinysense.c: the functions over words, bits and streams of microphones.

// ---- Words ----

static bind_value_t call_pcm_bytes(bind_call_t *call) {
    (void)call;
    return bind_from_int((int32_t)sizeof(ts_pcm_t));
}

static bind_value_t call_pcm_init(bind_call_t *call) {
    bind_output_t state = bind_output(call, 0);
    int32_t word_bytes = bind_int(call, 1), channels = bind_int(call, 2), channel = bind_int(call, 3);
    int32_t shift = bind_int(call, 4), offset_binary = bind_int(call, 5);
    int32_t dc_shift = bind_int(call, 6), gain = bind_int(call, 7), result;
    if (holds(state.data, state.bytes, sizeof(ts_pcm_t), 4, &result)) {
        memset(state.data, 0, sizeof(ts_pcm_t));
        result = ts_pcm_init(state.data, word_bytes, channels, channel, shift, offset_binary,
            dc_shift, gain);
    }
    return bind_from_int(result);
}

// What is in argument 0, NULL with *error where it was never made.
static ts_pcm_t *pcm_state(bind_call_t *call, int32_t *error) {
    bind_output_t state = bind_output(call, 0);
    if (!holds(state.data, state.bytes, sizeof(ts_pcm_t), 4, error)) {
        return NULL;
    }
    ts_pcm_t *pcm = state.data;
    *error = (pcm->word_bytes == 2 || pcm->word_bytes == 4) && pcm->channel < pcm->channels ? 0
        : TS_ERR_STATE;
    return *error == 0 ? pcm : NULL;
}

// Where step `at` of a buffer begins, steps of `step` bytes; NULL where `n` of them do not fit.
static uint8_t *part_of(const void *data, size_t bytes, int32_t at, size_t n, size_t step,
    int32_t *error) {
    *error = TS_ERR_ARGUMENT;
    if (at < 0 || (size_t)at > bytes / step || n > bytes / step - (size_t)at) {
        return NULL;
    }
    return (uint8_t *)(uintptr_t)data + (size_t)at * step;
}

static bind_value_t call_pcm_run(bind_call_t *call) {
    int32_t result;
    ts_pcm_t *pcm = pcm_state(call, &result);
    bind_input_t raw = bind_input(call, 1);
    bind_output_t out = bind_output(call, 4);
    int32_t at = bind_int(call, 2), n = bind_int(call, 3), out_at = bind_int(call, 5);
    if (pcm == NULL) {
        return bind_from_int(result);
    }
    size_t frame_bytes = (size_t)pcm->word_bytes * pcm->channels;
    if (n < 0 || (size_t)n > raw.bytes / frame_bytes) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    const uint8_t *words = part_of(raw.data, raw.bytes, at, (size_t)n * frame_bytes, 1, &result);
    uint8_t *to = part_of(out.data, out.bytes, out_at, (size_t)n, sizeof(int16_t), &result);
    if (words == NULL || to == NULL) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    if (!aligned(words, pcm->word_bytes) || !aligned(to, sizeof(int16_t))) {
        return bind_from_int(TS_ERR_ALIGN);
    }
    ts_pcm_run_s16(pcm, words, (size_t)n, (int16_t *)(void *)to);
    return bind_from_int(n);
}

static bind_value_t call_pcm_restart(bind_call_t *call) {
    int32_t result;
    ts_pcm_t *pcm = pcm_state(call, &result);
    if (pcm != NULL) {
        ts_pcm_restart(pcm);
    }
    return bind_from_int(result);
}

static bind_value_t call_pcm_clipped(bind_call_t *call) {
    int32_t result;
    const ts_pcm_t *pcm = pcm_state(call, &result);
    return bind_from_int(pcm != NULL ? (int32_t)(pcm->clipped & INT32_MAX) : result);
}

// ---- Bits ----

static bind_value_t call_pdm_bytes(bind_call_t *call) {
    (void)call;
    return bind_from_int((int32_t)sizeof(ts_pdm_t));
}

static bind_value_t call_pdm_init(bind_call_t *call) {
    bind_output_t state = bind_output(call, 0);
    int32_t order = bind_int(call, 1), cic = bind_int(call, 2), factor = bind_int(call, 3);
    int32_t bit_order = bind_int(call, 4), gain = bind_int(call, 5), result;
    if (holds(state.data, state.bytes, sizeof(ts_pdm_t), 4, &result)) {
        memset(state.data, 0, sizeof(ts_pdm_t));
        result = ts_pdm_init(state.data, order, cic, factor, bit_order, gain);
    }
    return bind_from_int(result);
}

static ts_pdm_t *pdm_state(bind_call_t *call, int32_t *error) {
    bind_output_t state = bind_output(call, 0);
    if (!holds(state.data, state.bytes, sizeof(ts_pdm_t), 4, error)) {
        return NULL;
    }
    ts_pdm_t *pdm = state.data;
    bool sane = pdm->order >= 3 && pdm->order <= TS_PDM_ORDER_MAX && pdm->bits >= 9
        && pdm->bits <= 30 && pdm->cic_bytes >= 1 && pdm->cic_bytes <= 8
        && (pdm->factor == 2 || pdm->factor == 4) && pdm->lsb_first <= 1
        && (pdm->flip == 0 || pdm->flip == 3) && pdm->half_at < TS_PDM_HALF_WINDOW
        && pdm->last_at < TS_PDM_LAST_WINDOW && pdm->held < UINT8_MAX;
    *error = sane ? 0 : TS_ERR_STATE;
    return sane ? pdm : NULL;
}

static bind_value_t call_pdm_run(bind_call_t *call) {
    int32_t result;
    ts_pdm_t *pdm = pdm_state(call, &result);
    bind_input_t raw = bind_input(call, 1);
    bind_output_t out = bind_output(call, 4);
    int32_t at = bind_int(call, 2), n = bind_int(call, 3), out_at = bind_int(call, 5);
    if (pdm == NULL) {
        return bind_from_int(result);
    }
    if (n < 0) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    const uint8_t *bits = part_of(raw.data, raw.bytes, at, (size_t)n, 1, &result);
    uint8_t *to = part_of(out.data, out.bytes, out_at, ts_pdm_frames(pdm, (size_t)n),
        sizeof(int16_t), &result);
    if (bits == NULL || to == NULL) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    if (!aligned(to, sizeof(int16_t))) {
        return bind_from_int(TS_ERR_ALIGN);
    }
    return bind_from_int(ts_pdm_run_s16(pdm, bits, (size_t)n, (int16_t *)(void *)to));
}

static bind_value_t call_pdm_clipped(bind_call_t *call) {
    int32_t result;
    const ts_pdm_t *pdm = pdm_state(call, &result);
    return bind_from_int(pdm != NULL ? (int32_t)(pdm->clipped & INT32_MAX) : result);
}

// ---- Streams that overrun ----

static bind_value_t call_overrun_bytes(bind_call_t *call) {
    (void)call;
    return bind_from_int((int32_t)sizeof(ts_overrun_t));
}

static bind_value_t call_overrun_init(bind_call_t *call) {
    bind_output_t state = bind_output(call, 0);
    int32_t result;
    const ts_clock_t *clock = clock_state(call, 1, &result);
    int32_t rate_mhz = bind_int(call, 2), block = bind_int(call, 3), capacity = bind_int(call, 4);
    int32_t oldest_lost = bind_int(call, 5), late_us = bind_int(call, 6);
    if (clock == NULL || !holds(state.data, state.bytes, sizeof(ts_overrun_t), 8, &result)) {
        return bind_from_int(result);
    }
    memset(state.data, 0, sizeof(ts_overrun_t));
    if (rate_mhz < 1 || block < 1 || capacity < 1 || late_us < 0) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    return bind_from_int(ts_overrun_init(state.data, clock, (uint32_t)rate_mhz, (uint32_t)block,
        (uint32_t)capacity, oldest_lost, (uint32_t)late_us));
}

static ts_overrun_t *overrun_state(bind_call_t *call, int32_t *error) {
    bind_output_t state = bind_output(call, 0);
    if (!holds(state.data, state.bytes, sizeof(ts_overrun_t), 8, error)) {
        return NULL;
    }
    ts_overrun_t *overrun = state.data;
    *error = overrun->rate_mhz != 0 && overrun->block != 0 ? 0 : TS_ERR_STATE;
    return *error == 0 ? overrun : NULL;
}

static bind_value_t call_overrun_room(bind_call_t *call) {
    int32_t result;
    ts_overrun_t *overrun = overrun_state(call, &result);
    const ts_clock_t *clock = overrun != NULL ? clock_state(call, 1, &result) : NULL;
    int32_t want = bind_int(call, 2);
    if (clock != NULL) {
        result = want < 0 ? TS_ERR_ARGUMENT
            : (int32_t)ts_overrun_room(overrun, clock, (uint32_t)want);
    }
    return bind_from_int(result);
}

static bind_value_t call_overrun_read(bind_call_t *call) {
    int32_t result;
    ts_overrun_t *overrun = overrun_state(call, &result);
    const ts_clock_t *clock = overrun != NULL ? clock_state(call, 1, &result) : NULL;
    int32_t n = bind_int(call, 2), empty = bind_int(call, 3);
    if (clock != NULL) {
        result = n < 0 ? TS_ERR_ARGUMENT
            : (int32_t)ts_overrun_read(overrun, clock, (uint32_t)n, empty);
    }
    return bind_from_int(result);
}

static bind_value_t call_overrun_back_us(bind_call_t *call) {
    int32_t result;
    const ts_overrun_t *overrun = overrun_state(call, &result);
    return bind_from_int(overrun != NULL ? (int32_t)ts_overrun_back_us(overrun) : result);
}
