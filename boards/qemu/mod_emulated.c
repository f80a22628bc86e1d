// Module `emulated`: what only an emulated board has. A disk in a file of the
// host, the emulator's arguments, and a counter of executed instructions.
#include <string.h>
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/vfs.h"
#include "emulated.h"

// ---- Disk: a block device in the host's file, else in RAM ----

enum { BLOCK_BYTES = 4096, MODE_READ_WRITE_BINARY = 3 };
typedef struct {
    mp_obj_base_t base;
    uint32_t blocks;
    int file;                   // -1: in RAM
} disk_t;
extern uint8_t _sdisk[], _edisk[];

// The file stays open over soft resets, so that handles do not run out.
static int open_host_file(const char *path, size_t length) {
    static int file = -1;
    if (file < 0) {
        uintptr_t arguments[3] = { (uintptr_t)path, MODE_READ_WRITE_BINARY, length };
        file = (int)soc_host_call(HOST_OPEN, arguments);
    }
    if (file < 0) {
        mp_raise_OSError(MP_ENOENT);
    }
    return file;
}

static mp_obj_t disk_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)args;
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    disk_t *disk = mp_obj_malloc(disk_t, type);
    size_t length;
    char name[512];
    const char *path = host_argument("fs", &length);
    if (path == NULL || length >= sizeof(name)) {
        disk->file = -1;
        disk->blocks = (uint32_t)(_edisk - _sdisk) / BLOCK_BYTES;
        return MP_OBJ_FROM_PTR(disk);
    }
    memcpy(name, path, length);
    name[length] = '\0';
    disk->file = open_host_file(name, length);
    uintptr_t arguments[1] = { (uintptr_t)disk->file };
    disk->blocks = (uint32_t)soc_host_call(HOST_FILE_BYTES, arguments) / BLOCK_BYTES;
    return MP_OBJ_FROM_PTR(disk);
}

static int copy_host(const disk_t *disk, uint32_t at, void *data, size_t n, bool write) {
    uintptr_t seek[2] = { (uintptr_t)disk->file, at };
    if (soc_host_call(HOST_SEEK, seek) < 0) {
        return -MP_EIO;
    }
    uintptr_t arguments[3] = { (uintptr_t)disk->file, (uintptr_t)data, n };
    return soc_host_call(write ? HOST_WRITE : HOST_READ, arguments) == 0 ? 0 : -MP_EIO;
}

static int copy_ram(uint32_t at, void *data, size_t n, bool write) {
    memcpy(write ? _sdisk + at : data, write ? data : _sdisk + at, n);
    return 0;
}

// (self, block, buffer[, offset]), as MicroPython's extended block devices.
static mp_obj_t disk_copy(size_t n_args, const mp_obj_t *args, bool write) {
    const disk_t *disk = MP_OBJ_TO_PTR(args[0]);
    uint64_t at = (uint64_t)(uint32_t)mp_obj_get_int(args[1]) * BLOCK_BYTES
        + (uint32_t)(n_args == 4 ? mp_obj_get_int(args[3]) : 0);
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(args[2], &buffer, write ? MP_BUFFER_READ : MP_BUFFER_WRITE);
    if (at + buffer.len > (uint64_t)disk->blocks * BLOCK_BYTES) {
        return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
    }
    int result = disk->file < 0 ? copy_ram((uint32_t)at, buffer.buf, buffer.len, write)
        : copy_host(disk, (uint32_t)at, buffer.buf, buffer.len, write);
    return MP_OBJ_NEW_SMALL_INT(result);
}

static mp_obj_t disk_readblocks(size_t n_args, const mp_obj_t *args) {
    return disk_copy(n_args, args, false);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(disk_readblocks_obj, 3, 4, disk_readblocks);

static mp_obj_t disk_writeblocks(size_t n_args, const mp_obj_t *args) {
    return disk_copy(n_args, args, true);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(disk_writeblocks_obj, 3, 4, disk_writeblocks);

static mp_obj_t disk_ioctl(mp_obj_t self, mp_obj_t operation, mp_obj_t argument) {
    (void)argument;
    const disk_t *disk = MP_OBJ_TO_PTR(self);
    switch (mp_obj_get_int(operation)) {
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return mp_obj_new_int_from_uint(disk->blocks);
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return MP_OBJ_NEW_SMALL_INT(BLOCK_BYTES);
        case MP_BLOCKDEV_IOCTL_INIT:
        case MP_BLOCKDEV_IOCTL_DEINIT:
        case MP_BLOCKDEV_IOCTL_SYNC:
        case MP_BLOCKDEV_IOCTL_BLOCK_ERASE:
            return MP_OBJ_NEW_SMALL_INT(0);
        default:
            return mp_const_none;
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(disk_ioctl_obj, disk_ioctl);

static const mp_rom_map_elem_t disk_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&disk_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&disk_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&disk_ioctl_obj) },
};
static MP_DEFINE_CONST_DICT(disk_locals, disk_locals_table);
static MP_DEFINE_CONST_OBJ_TYPE(disk_type, MP_QSTR_Disk, MP_TYPE_FLAG_NONE,
    make_new, disk_make_new, locals_dict, &disk_locals);

// ---- argument(name) -> str or None ----

static mp_obj_t emulated_argument(mp_obj_t name) {
    size_t n;
    const char *text = host_argument(mp_obj_str_get_str(name), &n);
    return text == NULL ? mp_const_none : mp_obj_new_str(text, n);
}
static MP_DEFINE_CONST_FUN_OBJ_1(emulated_argument_obj, emulated_argument);

// ---- instructions() -> executed so far, as QEMU counts them: take differences ----

// Virtual time advances by 2^shift ns per instruction, but is read in ticks of
// some 50 ns and jumps by any amount while the board sleeps. The time since the
// last call, rounded, is exact in spite of both, unless the board slept.
static uint64_t instructions(void) {
    static uint64_t last_ns, count;
    uint32_t shift = host_number("icount", 0);
    if (shift == 0) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("emulator was started without icount"));
    }
    uint64_t ns = soc_instruction_ns();
    count += (ns - last_ns + (1u << (shift - 1))) >> shift;
    last_ns = ns;
    return count;
}

static mp_obj_t emulated_instructions(void) {
    return mp_obj_new_int_from_ull(instructions());
}
static MP_DEFINE_CONST_FUN_OBJ_0(emulated_instructions_obj, emulated_instructions);

// ---- spin(n) -> instructions that a loop of 4 n instructions took: tests the counter ----

static mp_obj_t emulated_spin(mp_obj_t turns) {
    uint32_t n = (uint32_t)mp_obj_get_int(turns);
    uint64_t before = instructions();
    soc_spin(n);
    return mp_obj_new_int_from_ull(instructions() - before);
}
static MP_DEFINE_CONST_FUN_OBJ_1(emulated_spin_obj, emulated_spin);

static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_emulated) },
    { MP_ROM_QSTR(MP_QSTR_Disk), MP_ROM_PTR(&disk_type) },
    { MP_ROM_QSTR(MP_QSTR_argument), MP_ROM_PTR(&emulated_argument_obj) },
    { MP_ROM_QSTR(MP_QSTR_instructions), MP_ROM_PTR(&emulated_instructions_obj) },
    { MP_ROM_QSTR(MP_QSTR_spin), MP_ROM_PTR(&emulated_spin_obj) },
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t emulated_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals,
};
MP_REGISTER_MODULE(MP_QSTR_emulated, emulated_module);
