// Part of modtinysense.c: the functions over feature programs.

static int32_t check_features(bind_input_t feat, ts_features_info_t *info) {
    if (!aligned(feat.data, 4)) {
        return TS_ERR_ALIGN;
    }
    return ts_features_check(feat.data, feat.bytes, info);
}

static bind_value_t call_features_info(bind_call_t *call) {
    bind_input_t feat = bind_input(call, 0);
    bind_output_t out = bind_output(call, 1);
    int32_t result;
    if (!holds(out.data, out.bytes, sizeof(ts_features_info_t), 4, &result)) {
        return bind_from_int(result);
    }
    ts_features_info_t info;
    result = check_features(feat, &info);
    if (result >= 0) {
        memcpy(out.data, &info, sizeof(info));
    }
    return bind_from_int(result < 0 ? result : 0);
}

static bind_value_t call_features_reset(bind_call_t *call) {
    bind_input_t feat = bind_input(call, 0);
    bind_output_t work = bind_output(call, 1);
    ts_features_info_t info;
    int32_t result = check_features(feat, &info);
    if (result >= 0 && holds(work.data, work.bytes, info.work_bytes, 4, &result)) {
        result = ts_features_reset(feat.data, feat.bytes, work.data);
    }
    return bind_from_int(result);
}

// features_values and features_run: the same but for the size of an output.
static bind_value_t run_features(bind_call_t *call, bool quantised) {
    bind_input_t feat = bind_input(call, 0), frames = bind_input(call, 1);
    bind_output_t work = bind_output(call, 2), out = bind_output(call, 3);
    ts_features_info_t info;
    int32_t result = check_features(feat, &info);
    size_t size = quantised ? sizeof(int8_t) : sizeof(int32_t);
    if (result < 0
        || !holds_frames(frames.data, frames.bytes, (int32_t)info.window, (int32_t)info.channels, &result)
        || !holds(work.data, work.bytes, info.work_bytes, 4, &result)
        || !holds(out.data, out.bytes, (quantised ? info.outputs : info.row_outputs) * size, size, &result)) {
        return bind_from_int(result);
    }
    if (quantised) {
        return bind_from_int(ts_features_run(feat.data, feat.bytes, frames.data, work.data, out.data));
    }
    return bind_from_int(ts_features_values(feat.data, feat.bytes, frames.data, work.data, out.data));
}

static bind_value_t call_features_values(bind_call_t *call) {
    return run_features(call, false);
}

static bind_value_t call_features_run(bind_call_t *call) {
    return run_features(call, true);
}

static bind_value_t call_features_rows(bind_call_t *call) {
    bind_input_t feat = bind_input(call, 0), work = bind_input(call, 1);
    bind_output_t out = bind_output(call, 2);
    ts_features_info_t info;
    int32_t result = check_features(feat, &info);
    if (result >= 0 && holds(work.data, work.bytes, info.work_bytes, 4, &result)
        && holds(out.data, out.bytes, info.outputs, 1, &result)) {
        result = ts_features_rows(feat.data, feat.bytes, work.data, out.data);
    }
    return bind_from_int(result);
}
