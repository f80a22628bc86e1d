// Part of modtinysense.c: the functions over a loaded model.

static bind_value_t call_model_state_bytes(bind_call_t *call) {
    (void)call;
    return bind_from_int((int32_t)sizeof(ts_model_t));
}

static bind_value_t call_model_check(bind_call_t *call) {
    bind_input_t file = bind_input(call, 0);
    bind_output_t where = bind_output(call, 1);
    int32_t result;
    ts_fault_t fault = { -1, -1 };
    if (holds(where.data, where.bytes, sizeof(fault), 4, &result)) {
        result = ts_model_check(file.data, file.bytes, &fault);
        memcpy(where.data, &fault, sizeof(fault));
    }
    return bind_from_int(result);
}

static bind_value_t call_model_crc(bind_call_t *call) {
    bind_input_t file = bind_input(call, 0);
    return bind_from_int(ts_model_crc(file.data, file.bytes));
}

static bind_value_t call_model_load(bind_call_t *call) {
    bind_output_t state = bind_output(call, 0);
    bind_input_t file = bind_input(call, 1);
    bind_output_t arena = bind_output(call, 2);
    int32_t result;
    if (!holds(state.data, state.bytes, sizeof(ts_model_t), sizeof(void *), &result)) {
        return bind_from_int(result);
    }
    ts_model_t *model = state.data;
    memset(model, 0, sizeof(*model));
    if (overlap(file.data, file.bytes, arena.data, arena.bytes)
        || overlap(state.data, state.bytes, arena.data, arena.bytes)
        || overlap(state.data, state.bytes, file.data, file.bytes)) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    result = ts_model_load(model, file.data, file.bytes, arena.data, arena.bytes);
    if (result < 0) {
        memset(model, 0, sizeof(*model));
    }
    return bind_from_int(result < 0 ? result : 0);
}

// The model in arguments 0..2, NULL with *error unless they are the very
// buffers it was loaded with. Nothing is read through the state before that.
static const ts_model_t *loaded_model(bind_call_t *call, int32_t *error) {
    bind_input_t state = bind_input(call, 0);
    bind_input_t file = bind_input(call, 1);
    bind_output_t arena = bind_output(call, 2);
    if (!holds(state.data, state.bytes, sizeof(ts_model_t), sizeof(void *), error)) {
        return NULL;
    }
    const ts_model_t *model = state.data;
    bool same = model->file != NULL
        && model->file == file.data && model->file_bytes == file.bytes
        && model->arena == arena.data && model->arena_bytes == arena.bytes;
    *error = same ? 0 : TS_ERR_STATE;
    return same ? model : NULL;
}

// What `action` answers for the model in arguments 0..2.
static bind_value_t with_model(bind_call_t *call, int32_t (*action)(const ts_model_t *)) {
    int32_t result;
    const ts_model_t *model = loaded_model(call, &result);
    return bind_from_int(model != NULL ? action(model) : result);
}

static bind_value_t call_model_run(bind_call_t *call) {
    return with_model(call, ts_model_run);
}

static bind_value_t call_model_reset(bind_call_t *call) {
    return with_model(call, ts_model_reset);
}

static bind_value_t call_model_begin(bind_call_t *call) {
    return with_model(call, ts_model_begin);
}

static bind_value_t call_model_row_bytes(bind_call_t *call) {
    return with_model(call, ts_model_row_bytes);
}

static bind_value_t call_model_push_row(bind_call_t *call) {
    int32_t result;
    const ts_model_t *model = loaded_model(call, &result);
    bind_input_t row = bind_input(call, 3);
    if (model == NULL) {
        return bind_from_int(result);
    }
    size_t wanted = (size_t)ts_model_row_bytes(model);
    if (wanted != 0 && row.bytes != wanted) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    return bind_from_int(ts_model_push_row(model, row.data));
}

static bind_value_t call_model_run_op(bind_call_t *call) {
    int32_t result;
    const ts_model_t *model = loaded_model(call, &result);
    int32_t op = bind_int(call, 3);
    if (model != NULL) {
        result = ts_model_run_op(model, op);
    }
    return bind_from_int(result);
}
